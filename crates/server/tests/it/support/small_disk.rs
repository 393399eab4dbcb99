//! A real file system of a few megabytes, which a test can fill, free and make read-only.
//!
//! It is mounted in a namespace of its own, that a shell holds open, so that nothing of it is left when
//! the test ends however it does. An ordinary user gets the right to mount in a user namespace.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::process::{Process, configured};

pub(crate) struct SmallDisk {
    shell: Process,
    user_namespace: bool,
    directory: TempDir,
}

impl SmallDisk {
    pub(crate) fn new(megabytes: u32) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let at = directory.path().display();
        let mount = format!("mount -t tmpfs -o size={megabytes}m,mode=0777 tmpfs '{at}'");
        let mut said = String::new();
        for user_namespace in [false, true] {
            let mut command = Command::new("unshare");
            if user_namespace {
                command.args(["--user", "--map-root-user"]);
            }
            command.args(["--mount", "sh"]);
            let mut shell = Process::spawn(command);
            if shell.try_tell(&format!("{mount} && echo mounted || exit 1"))
                && shell.nth_line("mounted", 0).is_some()
            {
                return Self {
                    shell,
                    user_namespace,
                    directory,
                };
            }
            said.push_str(&shell.output());
        }
        panic!(
            "this test needs a file system of its own: run it as root, or allow user namespaces \
             (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0); \
             unshare said:\n{said}"
        );
    }

    /// A program that runs where the file system is mounted.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.shell.pid().to_string(), "--mount"]);
        if self.user_namespace {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.arg("--").arg(program);
        configured(command, &self.database_url())
    }

    /// The service on a database of this file system.
    pub(crate) fn service(&self) -> Command {
        self.command(Path::new(env!("CARGO_BIN_EXE_medicine-tracker")))
    }

    /// The database as the service sees it.
    pub(crate) fn database_url(&self) -> String {
        super::file::url(&self.directory.path().join("medicine.db"))
    }

    /// A file of this file system as the test sees it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        let inside = self.directory.path().join(name);
        let inside = inside.strip_prefix("/").expect("it is an absolute path");
        Path::new(&format!("/proc/{}/root", self.shell.pid())).join(inside)
    }

    /// Takes every byte that is free.
    pub(crate) fn fill(&self) {
        let mut filler = File::create(self.file("filler")).expect("a file can be made");
        let block = [0_u8; 4096];
        let error = loop {
            if let Err(error) = filler.write_all(&block) {
                break error;
            }
        };
        assert_eq!(
            error.kind(),
            std::io::ErrorKind::StorageFull,
            "it is full: {error}"
        );
    }

    /// Gives the bytes back.
    pub(crate) fn free(&self) {
        std::fs::remove_file(self.file("filler")).expect("the filler is there");
    }

    /// Lets nobody write, root included; `false` takes it back.
    pub(crate) fn set_read_only(&mut self, read_only: bool) {
        self.remount(if read_only { "ro" } else { "rw" });
    }

    /// Makes it larger, as who rents a larger disk does.
    pub(crate) fn grow_to(&mut self, megabytes: u32) {
        self.remount(&format!("size={megabytes}m"));
    }

    fn remount(&mut self, option: &str) {
        let at = self.directory.path().display();
        // Type and source are said again because in a user namespace mount(8) does not find them out.
        self.shell.tell(&format!(
            "mount -t tmpfs -o remount,{option} tmpfs '{at}' && echo mounted with {option}"
        ));
        self.shell.line(&format!("mounted with {option}"));
    }
}
