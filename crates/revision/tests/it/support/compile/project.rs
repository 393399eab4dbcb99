//! The crate that the files are compiled in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::Failure;

/// A crate of migrations.
pub(super) struct Project {
    directory: PathBuf,
    name: String,
    modules: Vec<String>,
}

impl Project {
    pub(super) fn new(suite: &str, files: &[(String, String)], main: &str) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("rendered-{suite}"));
        let _ = fs::remove_dir_all(directory.join("src"));
        fs::create_dir_all(directory.join("src")).expect("the directory for tests is ours");
        let project = Self {
            directory,
            name: format!("rendered-{suite}"),
            modules: files.iter().map(|(module, _)| module.clone()).collect(),
        };
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for file in ["Cargo.lock", "clippy.toml"] {
            fs::copy(root.join(file), project.directory.join(file)).expect(file);
        }
        let workspace =
            fs::read_to_string(root.join("Cargo.toml")).expect("the workspace is there");
        project.write("Cargo.toml", &manifest(&project.name, &workspace));
        project.write("src/main.rs", main);
        for (module, text) in files {
            project.write(&format!("src/{module}.rs"), text);
        }
        project
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        fs::write(self.directory.join(path), text).expect(path);
    }

    /// The files that rustfmt does not leave as it has made them; all of them are formatted now.
    pub(super) fn unstable(&self) -> Vec<Failure> {
        let format = |check: &[&str]| {
            let paths = self
                .modules
                .iter()
                .map(|module| self.directory.join(format!("src/{module}.rs")));
            let mut command = Command::new("rustfmt");
            command.args(["--edition", "2024"]).args(check).args(paths);
            command.output().expect("rustfmt is there")
        };
        let mut failures = self.told(&format(&[]), "rustfmt");
        failures.extend(self.told(&format(&["--check"]), "rustfmt, the second time"));
        failures
    }

    pub(super) fn refused(&self) -> Vec<Failure> {
        let output = self.cargo(&["clippy", "--quiet", "--offline", "--", "-D", "warnings"]);
        self.told(&output, "clippy")
    }

    pub(super) fn build(&self) -> PathBuf {
        let output = self.cargo(&["build", "--quiet", "--offline"]);
        assert!(output.status.success(), "{}", said(&output));
        Self::target().join("debug").join(&self.name)
    }

    fn cargo(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO"));
        // Build scripts look at what cargo has told the test of itself, and would run again each time.
        let told = std::env::vars_os().map(|(name, _)| name);
        for name in told.filter(|name| name.to_string_lossy().starts_with("CARGO_")) {
            if name != "CARGO_HOME" {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .current_dir(&self.directory)
            .env("CARGO_TARGET_DIR", Self::target())
            .output()
            .expect("cargo is there")
    }

    /// Where the running test was built.
    fn target() -> PathBuf {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
        directory.expect("it is in the target directory").to_owned()
    }

    /// A failure for each file that is spoken of.
    fn told(&self, output: &Output, who: &str) -> Vec<Failure> {
        if output.status.success() {
            return Vec::new();
        }
        let said = said(output);
        let spoken = |module: &&String| said.contains(&format!("src/{module}.rs"));
        let modules = self.modules.iter().filter(spoken);
        let mut failures: Vec<Failure> = modules
            .map(|module| Failure {
                name: module.trim_start_matches("m1_").to_owned(),
                what: format!("{who}: {said}"),
            })
            .collect();
        if failures.is_empty() {
            failures.push(Failure {
                name: self.name.clone(),
                what: format!("{who}: {said}"),
            });
        }
        failures
    }
}

/// Everything that the workspace says of how a crate is built and linted.
fn manifest(name: &str, workspace: &str) -> String {
    let section = |from: &str, to: &str| {
        let (_, rest) = workspace.split_once(from).expect(from);
        let section = rest.split_once(to).map_or(rest, |(section, _)| section);
        format!("{from}{section}")
    };
    let lints =
        section("[workspace.lints.rust]", "[profile.").replace("[workspace.lints", "[lints");
    let profile = section("[profile.dev]", "[profile.release]");
    let dependencies: String = ["async-trait", "sea-orm", "sea-orm-migration", "tokio"]
        .map(|name| section(&format!("\n{name} = "), "\n"))
        .concat();
    let revision = env!("CARGO_MANIFEST_DIR");
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[workspace]\n\n\
         [dependencies]\nrevision = {{ path = \"{revision}\" }}{dependencies}\n\n{lints}\n{profile}"
    )
}

fn said(output: &Output) -> String {
    crate::support::text(output)
}
