//! A recorded time in the life of a directory, and the power cuts that might have ended it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::disk::{Chance, Disk, Files, read};
use super::promise::Promise;
use super::recorder::{Event, Recorder, What};
use crate::support::file::url;
use crate::support::process::{Process, service};

/// A directory in which everything that the service and its commands do is recorded.
pub(super) struct Session {
    pub(super) directory: TempDir,
    pub(super) recorder: Recorder,
    before: Disk,
    promise: Promise,
}

/// What was recorded.
pub(super) struct Recording {
    before: Disk,
    promise: Promise,
    events: Vec<Event>,
    /// What is there at the end.
    there: Files,
}

/// A moment in a recording, and what is on the disk if the power fails then.
pub(super) struct Cut {
    /// Tells it from others in what a failing test says.
    pub(super) name: String,
    pub(super) promise: Promise,
    pub(super) files: Files,
}

impl Session {
    pub(super) fn on(directory: TempDir, promise: Promise) -> Self {
        Self {
            recorder: Recorder::new(directory.path(), promise.clone()),
            promise,
            before: Disk::of(directory.path()),
            directory,
        }
    }

    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        Self::on(directory, Promise::default())
    }

    pub(super) fn file(&self) -> PathBuf {
        self.directory.path().join("medicine.db")
    }

    pub(super) fn start(&self) -> Process {
        Process::spawn(self.recorder.records(service(&url(&self.file()))))
    }

    /// Runs a subcommand.
    pub(super) fn run(&self, arguments: &[&str]) {
        succeeds(
            self.recorder.records(service(&url(&self.file()))),
            arguments,
        );
    }

    pub(super) fn end(self) -> Recording {
        Recording {
            before: self.before,
            promise: self.promise,
            events: self.recorder.events(),
            there: read(self.directory.path()),
        }
    }
}

pub(super) fn succeeds(mut command: Command, arguments: &[&str]) -> Output {
    let output = command.args(arguments).output().expect("it is there");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    output
}

impl Recording {
    /// Files that came to be in another way than was recorded.
    pub(super) fn missed(&self) -> Vec<PathBuf> {
        let mut disk = self.before.clone();
        for event in &self.events {
            disk.happens(event);
        }
        let whole = disk.whole();
        let paths = whole.keys().chain(self.there.keys());
        paths
            .filter(|&path| whole.get(path) != self.there.get(path))
            .cloned()
            .collect()
    }

    /// How much was done.
    pub(super) fn events(&self) -> u64 {
        self.events.len() as u64
    }

    /// So many moments by chance, in order: one half anywhere, one where something else than the log is changed, which
    /// is rare. A disk that lies answers every fsync and does nothing.
    pub(super) fn cuts(&self, count: u32, seed: u64, lies: bool) -> impl Iterator<Item = Cut> {
        let mut chance = Chance(seed);
        let is_log = |event: &Event| event.path == Path::new("medicine.db-wal");
        let rare = (0..self.events.len()).filter(|&at| !is_log(&self.events[at]));
        let rare: Vec<_> = rare.collect();
        let moments = (0..count).map(|number| match number % 2 {
            0 => chance.below(self.events.len() + 1),
            _ => rare[chance.below(rare.len())],
        });
        let mut moments: Vec<_> = moments.collect();
        moments.sort_unstable();
        let mut disk = self.before.clone();
        disk.lies = lies;
        let (mut promise, mut done) = (self.promise.clone(), 0);
        moments.into_iter().map(move |moment| {
            for event in &self.events[done..moment] {
                disk.happens(event);
                if let What::Promise(now) = &event.what {
                    promise = now.clone();
                }
            }
            done = moment;
            let last = moment
                .checked_sub(1)
                .map(|last| self.events[last].in_short());
            Cut {
                name: format!(
                    "seed {seed}, after event {moment}, {}",
                    last.unwrap_or_default()
                ),
                promise: promise.clone(),
                files: disk.cut(&mut chance),
            }
        })
    }
}
