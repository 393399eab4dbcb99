//! A real file system of a few megabytes, which a test can fill, free and make read-only: in memory, or with
//! `MEDICINE_SMALL_DISK=ext4` ext4 in a file on a loop device, for which one has to be root.
//!
//! It is mounted in a namespace of its own, that a shell holds open, so that nothing of it is left when
//! the test ends however it does. An ordinary user gets the right to mount in a user namespace.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::{NamedTempFile, TempDir};

use super::process::{Process, configured};

pub(crate) struct SmallDisk {
    shell: Process,
    user_namespace: bool,
    kind: Kind,
    directory: TempDir,
    /// How many commands the shell was given since.
    told: u32,
}

enum Kind {
    Memory,
    /// The file that holds it: larger than asked for, with something in it that leaves no more free.
    Ext4(NamedTempFile),
}

const EXT4_MEGABYTES: u32 = 256;
const BALLAST: &str = "ballast";

impl Kind {
    fn chosen() -> Self {
        match std::env::var("MEDICINE_SMALL_DISK").as_deref() {
            Err(_) => Self::Memory,
            Ok("ext4") => Self::Ext4(NamedTempFile::new().expect("a temporary file")),
            Ok(other) => panic!("MEDICINE_SMALL_DISK is `{other}`; it is ext4 or nothing"),
        }
    }

    fn mount(&self, megabytes: u32, at: &Path) -> String {
        let at = at.display();
        match self {
            Self::Memory => format!("mount -t tmpfs -o size={megabytes}m,mode=0777 tmpfs '{at}'"),
            Self::Ext4(image) => {
                let image = image.path().display();
                format!(
                    "truncate -s {EXT4_MEGABYTES}M '{image}' && mkfs.ext4 -q -F -m 0 '{image}' && \
                     mount -o loop '{image}' '{at}' && chmod 777 '{at}' && \
                     free=$(df --output=avail -k '{at}' | tail -1) && \
                     fallocate -l $((free - {megabytes} * 1024))K '{at}/{BALLAST}'"
                )
            }
        }
    }

    fn grow(&self, megabytes: u32, at: &Path) -> String {
        match self {
            Self::Memory => self.remount(&format!("size={megabytes}m"), at),
            Self::Ext4(_) => {
                assert!(megabytes < EXT4_MEGABYTES, "it is no larger");
                format!("rm '{}/{BALLAST}'", at.display())
            }
        }
    }

    fn remount(&self, option: &str, at: &Path) -> String {
        let at = at.display();
        match self {
            // Type and source are said again because in a user namespace mount(8) does not find them out.
            Self::Memory => format!("mount -t tmpfs -o remount,{option} tmpfs '{at}'"),
            Self::Ext4(_) => format!("mount -o remount,{option} '{at}'"),
        }
    }
}

impl SmallDisk {
    pub(crate) fn new(megabytes: u32) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let kind = Kind::chosen();
        let mount = kind.mount(megabytes, directory.path());
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
                    kind,
                    directory,
                    told: 0,
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
        let option = if read_only { "ro" } else { "rw" };
        self.tell(&self.kind.remount(option, self.directory.path()));
    }

    /// Makes it larger, as who rents a larger disk does.
    pub(crate) fn grow_to(&mut self, megabytes: u32) {
        self.tell(&self.kind.grow(megabytes, self.directory.path()));
    }

    fn tell(&mut self, command: &str) {
        self.told += 1;
        let done = format!("done {}", self.told);
        self.shell.tell(&format!("{command} && echo {done}"));
        self.shell.line(&done);
    }
}
