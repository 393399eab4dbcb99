//! What processes do to the files of a directory, recorded in the order in which they do it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};

use tempfile::TempDir;

use super::promise::Promise;

/// SQLite keeps this one in shared memory, and makes it anew after a power cut.
const SHARED_MEMORY: &str = "-shm";
/// Operation, inode, number, length of the path, length of the bytes.
const HEADER: usize = 1 + 8 + 8 + 4 + 8;

/// Something that was done.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) inode: u64,
    /// Within the directory that is recorded.
    pub(super) path: PathBuf,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    MakeFile,
    MakeDirectory,
    Write {
        at: u64,
        bytes: Vec<u8>,
    },
    Resize(u64),
    Remove,
    Rename(PathBuf),
    Link(PathBuf),
    Sync,
    SyncDirectory,
    /// From here on this is promised.
    Promise(Promise),
}

impl Event {
    /// What a failing test says of it.
    pub(super) fn in_short(&self) -> String {
        let what = format!("{:?}", self.what);
        let end = what.find(['{', '(']).unwrap_or(what.len());
        format!("{} {}", &what[..end], self.path.display())
    }
}

/// The record of a directory.
pub(super) struct Recorder {
    directory: PathBuf,
    log: PathBuf,
    promises: Mutex<Vec<Promise>>,
    _room: TempDir,
}

impl Recorder {
    pub(super) fn new(directory: &Path, promise: Promise) -> Self {
        let room = tempfile::tempdir().expect("a temporary directory");
        let log = room.path().join("log");
        File::create(&log).expect("it is new");
        Self {
            directory: directory.to_owned(),
            log,
            promises: Mutex::new(vec![promise]),
            _room: room,
        }
    }

    /// Lets a command be recorded.
    pub(super) fn records(&self, mut command: Command) -> Command {
        command
            .env("LD_PRELOAD", &*LIBRARY.1)
            .env("RECORD_DIR", &self.directory)
            .env("RECORD_LOG", &self.log);
        command
    }

    /// Notes that more is promised from now on: the log has all that was done before that was known.
    pub(super) fn promise(&self, change: impl FnOnce(&mut Promise)) {
        let mut promises = self.promises.lock().expect("no thread panicked");
        let mut promise = promises.last().expect("the first promises nothing").clone();
        change(&mut promise);
        let mut note = vec![0; HEADER];
        note[0] = b'p';
        note[9..17].copy_from_slice(&(promises.len() as u64).to_le_bytes());
        promises.push(promise);
        let mut log = File::options().append(true).open(&self.log);
        let log = log.as_mut().expect("it is there");
        log.write_all(&note).expect("there is room");
    }

    /// Everything in order.
    pub(super) fn events(&self) -> Vec<Event> {
        let log = fs::read(&self.log).expect("it is there");
        let promises = self.promises.lock().expect("no thread panicked");
        let mut rest = &log[..];
        let mut events = Vec::new();
        while !rest.is_empty() {
            let operation = rest[0];
            let (inode, number) = (word(&rest[1..]), word(&rest[9..]));
            let path = u32::from_le_bytes(rest[17..21].try_into().expect("four bytes")) as usize;
            let bytes = length(word(&rest[21..]));
            let (path, after) = rest[HEADER..].split_at(path);
            let (bytes, after) = after.split_at(bytes);
            rest = after;
            let what = match operation {
                b'c' => What::MakeFile,
                b'd' => What::MakeDirectory,
                b'w' => What::Write {
                    at: number,
                    bytes: bytes.to_owned(),
                },
                b't' => What::Resize(number),
                b'u' => What::Remove,
                b'r' => What::Rename(self.inside(bytes)),
                b'l' => What::Link(self.inside(bytes)),
                b's' => What::Sync,
                b'D' => What::SyncDirectory,
                b'p' => What::Promise(promises[length(number)].clone()),
                _ => panic!("the recorder does not write {operation}"),
            };
            let path = match what {
                What::Promise(_) => PathBuf::new(),
                _ => self.inside(path),
            };
            if !is_shared_memory(&path) {
                events.push(Event { inode, path, what });
            }
        }
        events
    }

    fn inside(&self, path: &[u8]) -> PathBuf {
        let path = std::str::from_utf8(path).expect("the tests name their files so");
        let path = Path::new(path).strip_prefix(&self.directory);
        path.expect("only this directory is recorded").to_owned()
    }
}

pub(super) fn is_shared_memory(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // The name of a removed file has a remark at its end.
    name.trim_end_matches(" (deleted)").ends_with(SHARED_MEMORY)
}

fn word(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"))
}

pub(super) fn length(number: u64) -> usize {
    usize::try_from(number).expect("it fits into memory")
}

/// The recorder, compiled once.
static LIBRARY: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/volume/power_cut/recorder.c");
    let room = tempfile::tempdir().expect("a temporary directory");
    let library = room.path().join("recorder.so");
    let mut compiler = Command::new("cc");
    compiler
        .args(["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"])
        .arg("-o")
        .args([&library, &source])
        .arg("-ldl")
        .arg("-pthread");
    let output = compiler
        .output()
        .expect("cc is there, as for the dependencies");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    (room, library)
});
