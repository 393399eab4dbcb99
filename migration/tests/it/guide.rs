//! The guide on migrations tells the truth: every command in it is run, and answers what is printed there.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn every_answer_in_the_guide_is_the_real_one() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/migrations.md");
    let guide = fs::read_to_string(guide).expect("the guide is there");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut commands = 0;
    for block in blocks(&guide) {
        for (command, answer) in exchanges(&block) {
            let real = run(directory.path(), &command);
            assert_eq!(timeless(&real), timeless(&answer), "$ {command}");
            commands += 1;
        }
    }
    assert!(commands > 10, "the guide has lost its examples");
}

/// The text of each block that is marked `console`.
fn blocks(guide: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = guide.lines();
    while lines.by_ref().any(|line| line == "```console") {
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        blocks.push(block.join("\n") + "\n");
    }
    blocks
}

/// Each command of a block with the lines that follow it.
fn exchanges(block: &str) -> Vec<(String, String)> {
    let mut exchanges: Vec<(String, String)> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), exchanges.last_mut()) {
            (Some(command), _) => exchanges.push((command.to_owned(), String::new())),
            (None, Some((_, answer))) => answer.extend([line, "\n"]),
            (None, None) => panic!("a block begins with its answer: {line}"),
        }
    }
    exchanges
}

fn run(directory: &Path, command: &str) -> String {
    let programs = Path::new(env!("CARGO_BIN_EXE_migration"))
        .parent()
        .expect("it is in a directory");
    let path = std::env::var("PATH").expect("there is a PATH");
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(directory)
        .env("PATH", format!("{}:{path}", programs.display()))
        .env_remove("DATABASE_URL")
        .env_remove("MIGRATION_DIR")
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("REVISION_PROGRAM")
        .output()
        .expect("sh is there");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text + &String::from_utf8_lossy(&output.stderr)
}

/// Without the time in brackets at the end of a line.
fn timeless(text: &str) -> String {
    let lines = text.lines().map(|line| match line.rfind(" (") {
        Some(at) if line.ends_with("s)") => &line[..at],
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}
