//! Who else has the files open: a backup that reads them one after the other.
//!
//! inotify tells each opening and closing in the directory, also by another container. Both tar programs keep the
//! directory itself open for as long as they run; what opens file after file is given a moment after each. Equal events
//! in a row that nobody has read yet are told as one, so a thread reads them as they come; and the directory that this
//! one is in is watched as well, which tells of each opening and closing between two of the same.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

use super::files::{Written, beside, directory, size};
use super::twin::{self, Names};

/// How long after the last thing that a visitor did he is still taken to be there.
const SETTLE: Duration = Duration::from_secs(1);
/// A visitor whose going was not seen, or who sleeps over what he has opened, is not waited for longer than this: over
/// the directory, as an archiver of much else may, or over a file, of which a process may close several at once.
const FORGET_DIRECTORY: Duration = Duration::from_mins(10);
const FORGET_FILE: Duration = Duration::from_mins(1);
/// Who unpacks an archive writes; when the files have not changed for so long, he has gone unseen.
const UNCHANGED: Duration = Duration::from_secs(5);
/// How often the thread looks whether it is still wanted.
const CHECK: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

const WHAT: WatchFlags = WatchFlags::OPEN
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::CLOSE_NOWRITE);

/// The openings and closings by others, since the last [`forget`](Self::forget).
#[derive(Debug)]
pub struct Visitors(Arc<Watch>);

#[derive(Debug)]
struct Watch {
    events: OwnedFd,
    /// The files that count.
    files: [PathBuf; 2],
    directory: i32,
    /// Where the directory is; what happens there counts for nothing.
    outside: Option<i32>,
    seen: Mutex<Seen>,
    /// Is told when somebody has left the directory.
    names: OnceLock<Arc<Names>>,
}

#[derive(Debug, Default)]
struct Seen {
    open: BTreeMap<(i32, OsString), usize>,
    last: Option<Instant>,
    /// How often this process itself had each file open when the counting began.
    own: [usize; 2],
}

impl Visitors {
    /// Begins to watch the directory of a database, and its copies where they are.
    ///
    /// # Errors
    ///
    /// The directory is not there, or the system watches nothing more.
    pub fn watch(database: &Path, snapshots: &Path) -> rustix::io::Result<Self> {
        let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let outside = fs::canonicalize(directory(database)).ok();
        let outside = outside.as_deref().and_then(Path::parent);
        let outside = outside.and_then(|outside| inotify::add_watch(&events, outside, WHAT).ok());
        let directory = inotify::add_watch(&events, directory(database), WHAT)?;
        if snapshots.is_dir() {
            inotify::add_watch(&events, snapshots, WHAT)?;
        }
        let watch = Arc::new(Watch {
            events,
            files: [database.to_owned(), beside(database, "-wal")],
            directory,
            outside,
            seen: Mutex::default(),
            names: OnceLock::new(),
        });
        let reader = Arc::downgrade(&watch);
        std::thread::spawn(move || follow(&reader));
        Ok(Self(watch))
    }

    /// Whether somebody has the directory, the database or its log open, or had a moment ago.
    pub(super) fn present(&self) -> bool {
        let mut seen = self.0.seen.lock().expect("no thread panicked");
        self.0.read(&mut seen);
        let Some(last) = seen.last.map(|last| last.elapsed()) else {
            return false;
        };
        last < SETTLE || self.0.is_open(&seen, last)
    }

    /// Waits until nobody is, or until nobody writes.
    pub async fn settled(&self) {
        // Who unpacks is there as well; the service itself does nothing there now.
        let twin = twin::directory(&self.0.files[0]);
        if let Err(error) = inotify::add_watch(&self.0.events, twin, WHAT) {
            tracing::debug!(%error, "the second copy is not watched");
        }
        let mut found = self.0.written();
        let mut since = Instant::now();
        while self.present() && since.elapsed() < UNCHANGED {
            tokio::time::sleep(SETTLE / 10).await;
            let now = self.0.written();
            if now != found {
                (found, since) = (now, Instant::now());
            }
        }
    }

    /// Lets the log have another name as soon as somebody who may have read the one that it has is gone.
    pub(super) fn tell_of_leaving(&self, names: &Arc<Names>) {
        if self.0.names.set(Arc::clone(names)).is_err() {
            unreachable!("a log is named by one");
        }
    }

    /// Takes what has happened until now for the service's own doing.
    pub(super) fn forget(&self) {
        let mut seen = self.0.seen.lock().expect("no thread panicked");
        self.0.read(&mut seen);
        *seen = Seen {
            own: self.0.files.each_ref().map(|file| opened_here(file)),
            ..Seen::default()
        };
    }
}

/// Reads the events as they come, for as long as anybody wants to know.
fn follow(watch: &Weak<Watch>) {
    while let Some(watch) = watch.upgrade() {
        let mut events = [PollFd::new(&watch.events, PollFlags::IN)];
        // A poll that is interrupted finds the same events again.
        if poll(&mut events, Some(&CHECK)).is_ok_and(|ready| ready > 0) {
            let mut seen = watch.seen.lock().expect("no thread panicked");
            watch.read(&mut seen);
        }
    }
}

impl Watch {
    /// Whether anything is open that this process has not opened: its pools open connections when they need them.
    fn is_open(&self, seen: &Seen, last: Duration) -> bool {
        seen.open.iter().any(|((watch, name), count)| {
            let file = self.files.iter().position(|file| {
                *watch == self.directory && file.file_name() == Some(name.as_os_str())
            });
            let own = file.map_or(0, |file| {
                opened_here(&self.files[file]).saturating_sub(seen.own[file])
            });
            let forget = if name.is_empty() {
                FORGET_DIRECTORY
            } else {
                FORGET_FILE
            };
            *count > own && last < forget
        })
    }

    /// The files as they are now.
    fn written(&self) -> [(Option<Written>, u64); 2] {
        self.files
            .each_ref()
            .map(|file| (Written::of(file), size(file)))
    }

    fn read(&self, seen: &mut Seen) {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.events, &mut buffer);
        let mut has_left = false;
        // Anything but an event means that there is none.
        while let Ok(event) = reader.next() {
            if Some(event.wd()) == self.outside {
                continue;
            }
            let flags = event.events();
            let name = event.file_name().map_or_else(OsString::new, |name| {
                OsStr::from_bytes(name.to_bytes()).to_owned()
            });
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                seen.open.clear();
            } else if event.wd() == self.directory
                && !name.is_empty()
                && !self
                    .files
                    .iter()
                    .any(|file| file.file_name() == Some(&name))
            {
                continue;
            }
            has_left |= name.is_empty() && !flags.contains(ReadFlags::OPEN);
            let open = seen.open.entry((event.wd(), name)).or_default();
            if flags.contains(ReadFlags::OPEN) {
                *open += 1;
            } else if *open > 0 {
                *open -= 1;
            } else {
                // It was opened before the counting began.
                continue;
            }
            seen.last = Some(Instant::now());
        }
        if has_left && let Some(names) = self.names.get() {
            names.add();
        }
    }
}

/// How many descriptors of a file this process has; found without opening it.
fn opened_here(file: &Path) -> usize {
    let key = |path: &Path| {
        fs::metadata(path)
            .ok()
            .map(|found| (found.dev(), found.ino()))
    };
    let Some(wanted) = key(file) else { return 0 };
    let Ok(descriptors) = fs::read_dir("/proc/self/fd") else {
        return 0;
    };
    let paths = descriptors.flatten().map(|entry| entry.path());
    paths.filter(|path| key(path) == Some(wanted)).count()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// Somebody else who has a file or a directory open.
    fn visit(path: &Path) -> Child {
        let mut child = Command::new("sh")
            .args(["-c", "exec 3<\"$0\"; echo open; read end"])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = [0; 5];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
        child
    }

    fn later(visitors: &Visitors) {
        let mut seen = visitors.0.seen.lock().unwrap();
        visitors.0.read(&mut seen);
        seen.last = Instant::now().checked_sub(2 * SETTLE);
    }

    #[test]
    fn who_has_the_directory_or_a_file_open_is_present_until_he_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("medicine.db");
        fs::write(&database, "").unwrap();
        let visitors = Visitors::watch(&database, &directory.path().join("snapshots")).unwrap();
        assert!(!visitors.present());
        fs::write(directory.path().join("notes"), "").unwrap();
        assert!(!visitors.present(), "another file is nobody's concern");
        for path in [directory.path(), &database] {
            let mut visitor = visit(path);
            assert!(visitors.present());
            later(&visitors);
            assert!(visitors.present(), "he has it open");
            drop(visitor.stdin.take());
            visitor.wait().unwrap();
            assert!(visitors.present(), "he may open the next");
            later(&visitors);
            assert!(!visitors.present());
        }
    }

    /// Nobody reads the events meanwhile, and two equal ones in a row would be told as one.
    #[test]
    fn who_opens_the_directory_twice_and_closes_it_at_once_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("medicine.db");
        fs::write(&database, "").unwrap();
        let visitors = Visitors::watch(&database, &directory.path().join("snapshots")).unwrap();
        let mut seen = visitors.0.seen.lock().unwrap();
        let first = File::open(directory.path()).unwrap();
        visitors.0.read(&mut seen);
        let second = File::open(directory.path()).unwrap();
        visitors.0.read(&mut seen);
        drop((first, second));
        drop(seen);
        later(&visitors);
        assert!(!visitors.present());
    }

    #[test]
    fn what_the_service_itself_opens_is_no_visitor() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("medicine.db");
        fs::write(&database, "").unwrap();
        let visitors = Visitors::watch(&database, &directory.path().join("snapshots")).unwrap();
        let _before = File::open(&database).unwrap();
        visitors.forget();
        assert!(!visitors.present());
        let _after = File::open(&database).unwrap();
        later(&visitors);
        assert!(!visitors.present());
        let mut visitor = visit(&database);
        later(&visitors);
        assert!(visitors.present());
        drop(visitor.stdin.take());
        visitor.wait().unwrap();
    }
}
