//! What a power cut leaves of a directory.
//!
//! Sure is what was synchronised: the bytes of a file by an fsync of it, a name by an fsync of its directory. Of every
//! other write each sector of 512 bytes may have come to the disk or not, in any order and over any other; of the
//! names that were made, changed and removed since, the first few have, because a file system keeps those in order. It
//! is harsher than the usual file systems are: with them an fsync of a new file makes its name sure as well.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::recorder::{Event, What, is_shared_memory, length};

const SECTOR: u64 = 512;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    Directory,
    /// By its place among the files.
    File(usize),
}

type Names = BTreeMap<PathBuf, Entry>;

/// A file: what is sure, and what was written since.
#[derive(Clone, Debug, Default)]
struct Content {
    sure: Vec<u8>,
    since: Vec<Written>,
}

#[derive(Clone, Debug)]
enum Written {
    Bytes { at: u64, bytes: Vec<u8> },
    Length(u64),
}

/// What happened to names.
#[derive(Clone, Debug)]
enum Named {
    Made(PathBuf, Entry),
    Moved(PathBuf, PathBuf),
    Linked(PathBuf, PathBuf),
    Gone(PathBuf),
}

/// The files of a directory, by path; nothing for a directory in it.
pub(super) type Files = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// A directory on a disk with a cache that forgets.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    names: Names,
    since: Vec<Named>,
    files: Vec<Content>,
    /// Which file an inode is at the moment.
    inodes: BTreeMap<u64, usize>,
    /// Whether the disk answers an fsync and does nothing.
    pub(super) lies: bool,
}

impl Disk {
    /// A directory all of which is sure.
    pub(super) fn of(directory: &Path) -> Self {
        let mut disk = Self::default();
        for (path, content) in read(directory) {
            let entry = match content {
                None => Entry::Directory,
                Some(sure) => {
                    let inode = fs::metadata(directory.join(&path)).expect("it was read");
                    disk.files.push(Content {
                        sure,
                        since: Vec::new(),
                    });
                    disk.inodes.insert(inode.ino(), disk.files.len() - 1);
                    Entry::File(disk.files.len() - 1)
                }
            };
            disk.names.insert(path, entry);
        }
        disk
    }

    pub(super) fn happens(&mut self, event: &Event) {
        let path = event.path.clone();
        match &event.what {
            What::MakeFile => {
                self.files.push(Content::default());
                let file = self.files.len() - 1;
                self.inodes.insert(event.inode, file);
                self.since.push(Named::Made(path, Entry::File(file)));
            }
            What::MakeDirectory => self.since.push(Named::Made(path, Entry::Directory)),
            What::Remove => self.since.push(Named::Gone(path)),
            What::Rename(to) => self.since.push(Named::Moved(path, to.clone())),
            What::Link(to) => self.since.push(Named::Linked(path, to.clone())),
            What::Write { at, bytes } => {
                let (at, bytes) = (*at, bytes.clone());
                self.file(event).since.push(Written::Bytes { at, bytes });
            }
            What::Resize(length) => self.file(event).since.push(Written::Length(*length)),
            What::Sync if !self.lies => self.file(event).settle(),
            What::SyncDirectory if !self.lies => self.settle(&path),
            What::Sync | What::SyncDirectory | What::Promise(_) => {}
        }
    }

    fn file(&mut self, event: &Event) -> &mut Content {
        let file = self.inodes.get(&event.inode);
        let file = file.unwrap_or_else(|| panic!("nobody was seen to make {event:?}"));
        &mut self.files[*file]
    }

    /// A directory is synchronised, and with it what happened before in any other.
    fn settle(&mut self, directory: &Path) {
        let last = self.since.iter().rposition(|named| named.is_in(directory));
        for named in self.since.drain(..last.map_or(0, |last| last + 1)) {
            named.apply(&mut self.names);
        }
    }

    /// What is there without a power cut.
    pub(super) fn whole(&self) -> Files {
        let mut disk = self.clone();
        for named in disk.since.drain(..) {
            named.apply(&mut disk.names);
        }
        disk.files.iter_mut().for_each(Content::settle);
        disk.sure()
    }

    /// What is there after one, as chance has it.
    pub(super) fn cut(&self, chance: &mut Chance) -> Files {
        let mut disk = Self {
            names: self.names.clone(),
            files: self.files.iter().map(|file| file.cut(chance)).collect(),
            ..Self::default()
        };
        let came = chance.below(self.since.len() + 1);
        for named in &self.since[..came] {
            named.clone().apply(&mut disk.names);
        }
        disk.sure()
    }

    fn sure(&self) -> Files {
        let content = |entry: &Entry| match entry {
            Entry::Directory => None,
            Entry::File(file) => Some(self.files[*file].sure.clone()),
        };
        let names = self.names.iter();
        names
            .map(|(path, entry)| (path.clone(), content(entry)))
            .collect()
    }
}

impl Content {
    fn settle(&mut self) {
        for written in self.since.drain(..) {
            written.apply(&mut self.sure);
        }
    }

    /// Nothing that is not sure, all of it, or some of its sectors.
    fn cut(&self, chance: &mut Chance) -> Self {
        let mut sure = self.sure.clone();
        let style = chance.below(4);
        for written in &self.since {
            match (style, written) {
                (0, _) => {}
                (1, _) => written.apply(&mut sure),
                (_, Written::Length(_)) => {
                    if chance.below(2) == 0 {
                        written.apply(&mut sure);
                    }
                }
                (_, Written::Bytes { at, bytes }) => match chance.below(4) {
                    0 => {}
                    1 => written.apply(&mut sure),
                    _ => {
                        for sector in sectors(*at, bytes.len()) {
                            if chance.below(2) == 0 {
                                put(&mut sure, at + sector.start as u64, &bytes[sector]);
                            }
                        }
                    }
                },
            }
        }
        Self {
            sure,
            since: Vec::new(),
        }
    }
}

/// The parts of a write that lie in one sector each.
fn sectors(at: u64, count: usize) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let left = length(SECTOR - (at + from as u64) % SECTOR);
        let range = from..count.min(from + left);
        from = range.end;
        (!range.is_empty()).then_some(range)
    })
}

impl Written {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Bytes { at, bytes } => put(content, *at, bytes),
            Self::Length(count) => content.resize(length(*count), 0),
        }
    }
}

fn put(content: &mut Vec<u8>, at: u64, bytes: &[u8]) {
    let at = length(at);
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    content[at..at + bytes.len()].copy_from_slice(bytes);
}

impl Named {
    fn is_in(&self, directory: &Path) -> bool {
        let is_in = |path: &PathBuf| path.parent() == Some(directory);
        match self {
            Self::Made(path, _) | Self::Gone(path) => is_in(path),
            Self::Moved(from, to) => is_in(from) || is_in(to),
            Self::Linked(_, to) => is_in(to),
        }
    }

    fn apply(self, names: &mut Names) {
        match self {
            Self::Made(path, entry) => {
                names.insert(path, entry);
            }
            Self::Gone(path) => {
                names.remove(&path).expect("it was there");
            }
            Self::Moved(from, to) => {
                let entry = names.remove(&from).expect("it was there");
                assert!(entry != Entry::Directory, "no directory is ever renamed");
                names.insert(to, entry);
            }
            Self::Linked(from, to) => {
                names.insert(to, names[&from]);
            }
        }
    }
}

/// Everything in a directory but SQLite's shared memory.
pub(super) fn read(directory: &Path) -> Files {
    let mut files = Files::new();
    let mut open = vec![PathBuf::new()];
    while let Some(inside) = open.pop() {
        for entry in fs::read_dir(directory.join(&inside)).expect("it can be read") {
            let path = inside.join(entry.expect("it can be read").file_name());
            let at = directory.join(&path);
            if at.is_dir() {
                open.push(path.clone());
                files.insert(path, None);
            } else if !is_shared_memory(&path) {
                let content = fs::read(at).expect("it can be read");
                files.insert(path, Some(content));
            }
        }
    }
    files
}

/// Makes files in an empty directory.
pub(super) fn write(files: &Files, directory: &Path) {
    for (path, content) in files {
        let at = directory.join(path);
        match content {
            None => fs::create_dir(at),
            Some(content) => fs::write(at, content),
        }
        .expect("it can be made");
    }
}

/// Numbers as by chance, and the same for the same seed (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    /// From 0 on, and below a number.
    pub(super) fn below(&mut self, number: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        length(mixed % number as u64)
    }
}
