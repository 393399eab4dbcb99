//! The tour of the README: each command is run and gives the answer that stands below it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use server::{listener, router};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::support::Service;

/// A command of a `console` block, and what it is said to print.
#[derive(Debug)]
struct Example {
    command: String,
    answer: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_of_the_tour_gives_the_answer_below_it() {
    let service = Service::sqlite().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(listener::serve(
        listener,
        router::service(service.app()),
        async {
            stopped.await.expect("the test tells when to stop");
        },
    ));

    let examples = examples(&fs::read_to_string(root().join("README.md")).unwrap());
    assert!(examples.len() >= 10, "{examples:?}");
    for Example { command, answer } in examples {
        let script = format!(
            "set -o pipefail; {}",
            command.replace("localhost:8000", &address)
        );
        let output =
            tokio::task::spawn_blocking(|| Command::new("bash").arg("-c").arg(script).output());
        let output = output.await.unwrap().expect("bash is there");
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(
            printed.trim(),
            answer,
            "{command}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.status.success(), "{command}: {}", output.status);
    }
    stop.send(()).unwrap();
    serving.await.unwrap();
}

/// What the README tells to type in Docker is a block of the guide, and `.ci/docker-test` runs those.
#[test]
fn every_docker_command_of_the_readme_is_in_the_guide() {
    let read = |document| fs::read_to_string(root().join(document)).unwrap();
    let (readme, guide) = (read("README.md"), read("docs/operations.md"));
    let commands = readme.lines().filter(|line| line.starts_with("docker"));
    let commands: Vec<_> = commands.collect();
    assert!(commands.len() >= 3, "{commands:?}");
    for command in commands {
        assert!(
            guide.lines().any(|line| line.starts_with(command)),
            "the guide has no `{command}`"
        );
    }
}

/// A map that names what is gone is worse than none.
#[test]
fn every_path_that_the_documents_name_is_there() {
    let mut seen = 0;
    for document in [
        "README.md",
        "ARCHITECTURE.md",
        "docs/api.md",
        "docs/operations.md",
        "docs/performance.md",
    ] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        for path in paths_in(&text) {
            let relative_to_document = root().join(document).with_file_name(path);
            assert!(
                root().join(path).exists() || relative_to_document.exists(),
                "{document} names {path}, which is not there"
            );
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} paths were found in the documents");
}

#[test]
fn the_check_of_paths_sees_one_that_is_missing() {
    let text = "see `crates/server/src/nowhere.rs`, [docs](docs/nowhere.md) and `cargo run`";
    let paths: Vec<_> = paths_in(text).collect();
    assert_eq!(paths, ["crates/server/src/nowhere.rs", "docs/nowhere.md"]);
    assert!(paths.iter().all(|path| !root().join(path).exists()));
}

/// What looks like a path: a link's target, or code that begins with a folder of ours.
fn paths_in(text: &str) -> impl Iterator<Item = &str> {
    let links = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(path, _)| path);
    let code = text.split('`').skip(1).step_by(2);
    let folders = [
        "bench/",
        "crates/",
        "migration/",
        "docs/",
        "scripts/",
        "testdata/",
        ".ci/",
        ".cargo/",
    ];
    let code = code.filter(move |code| folders.iter().any(|folder| code.starts_with(folder)));
    code.chain(links)
        .filter(|path| !path.contains("://") && !path.contains([' ', '*', '{', '<']))
        .map(|path| path.split('#').next().unwrap_or(path))
        .filter(|path| !path.is_empty())
}

fn examples(text: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for block in text.split("```console\n").skip(1) {
        let (block, _) = block.split_once("```").expect("a block ends");
        for part in format!("\n{block}").split("\n$ ").skip(1) {
            // A command goes on until its quotes are closed.
            let mut lines = part.lines();
            let mut command = String::new();
            for line in lines.by_ref() {
                command.push_str(line);
                command.push('\n');
                if command.matches('\'').count().is_multiple_of(2) {
                    break;
                }
            }
            let answer: Vec<_> = lines.collect();
            examples.push(Example {
                command: command.trim().to_owned(),
                answer: answer.join("\n").trim().to_owned(),
            });
        }
    }
    examples
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
