//! `revision`: a new migration, written and registered; with `--autogenerate` by what the entities declare.

mod args;
mod ask;
mod file;
mod name;
mod register;

use std::fmt::Write as _;
use std::path::Path;

use sea_orm::DbBackend;
use serde_json::{Value, json};

use super::Program;
use super::answer::{Answer, Failure, Paint};
use super::source::Source;
use crate::autogenerate::Proposal;
use crate::error::Error;
use crate::location::Location;
use crate::operation::Operation;
use crate::render::{self, Migration};
pub(super) use args::RevisionArgs;

impl Program {
    pub(super) async fn revision(&self, args: &RevisionArgs) -> Result<Answer, Failure> {
        let decisions = args.decisions()?;
        let message = args
            .message
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        // What cannot be a name is told before anything is asked.
        let names = self.engine.names();
        let name = match &args.rev_id {
            Some(id) => name::with_id(id, &message, names)?,
            None => name::with_time(now(), &message, names)?,
        };
        let mut proposal = Proposal::default();
        if args.autogenerate {
            let is_server = matches!(self.url.parse()?, Location::Postgres(_));
            let server = is_server.then_some(&*self.url);
            let found = ask::until_decided(&self.engine, server, decisions, !self.json).await?;
            let Some(found) = found else {
                return Ok(nothing());
            };
            proposal = found;
            if args.instead.sql {
                let backend = if is_server {
                    DbBackend::Postgres
                } else {
                    DbBackend::Sqlite
                };
                return self.sql(backend, &proposal).await;
            }
        }
        let text = render::migration(&Migration {
            message: &message,
            revises: names.last().map(String::as_str),
            up: &proposal.up,
            down: &proposal.down,
            notes: &proposal.notes(),
        });
        let refuse = |reason: String| {
            Failure::Engine(Error::Refused {
                reason,
                advice: "Put that right and run the command again.".to_owned(),
            })
        };
        let (path, rest) = if args.instead.dry_run {
            (None, file::formatted(&text).map_err(refuse)?)
        } else {
            let source = Source::find(args.directory.migration_dir.as_deref())?;
            let written = file::write(&source, &name, &text, &args.hook).map_err(refuse)?;
            let (path, lib) = (from_here(&written.path), from_here(&written.lib));
            let rest = format!("{path}\nRegistered in {lib}.\n");
            (Some((written.path.clone(), written.lib.clone())), rest)
        };
        let mut answer = found(&proposal);
        answer.text.push_str(&rest);
        let (path, lib) = path.unzip();
        answer.json["revision"] = json!(name);
        answer.json["path"] = json!(path);
        answer.json["registered_in"] = json!(lib);
        if args.instead.dry_run {
            answer.json["text"] = json!(rest);
        }
        Ok(answer)
    }

    async fn sql(&self, backend: DbBackend, proposal: &Proposal) -> Result<Answer, Failure> {
        let statements = self.engine.sql_of(backend, &proposal.up).await?;
        let mut text = String::new();
        for statement in &statements {
            writeln!(text, "{statement};").expect("writing to a String");
        }
        let mut answer = found(proposal);
        answer.json["sql"] = json!(statements);
        answer.text = text;
        Ok(answer)
    }
}

fn nothing() -> Answer {
    let Answer { mut json, code, .. } = found(&Proposal::default());
    json["revision"] = Value::Null;
    Answer {
        text: "The entities and the migrations belong together: there is nothing to write.
"
        .to_owned(),
        json,
        code,
    }
}

/// What was found, what to look at, and how sure it is; nothing for an empty migration.
fn found(proposal: &Proposal) -> Answer {
    let paint = Paint::for_answers();
    let lines = |operations: &[Operation]| -> Vec<String> {
        operations.iter().flat_map(Operation::lines).collect()
    };
    let (up, down) = (lines(&proposal.up), lines(&proposal.down));
    let remarks = render::remarks(&proposal.up, &proposal.down);
    let mut text = String::new();
    let mut list = |title: String, lines: &[String]| {
        if !lines.is_empty() {
            writeln!(text, "{title}").expect("writing to a String");
            for line in lines {
                writeln!(text, "  {line}").expect("writing to a String");
            }
        }
    };
    list(paint.green("Found:"), &up);
    list(paint.yellow("Look at:"), &remarks);
    list(paint.yellow("Not sure:"), &proposal.guesses);
    let proved: Vec<&str> = proposal
        .proved_on
        .iter()
        .map(|backend| database(*backend))
        .collect();
    if !proved.is_empty() {
        let more = if proposal.is_proved_by_sqlite_alone() {
            " With --url postgres://… it is proved there as well."
        } else {
            ""
        };
        writeln!(
            text,
            "Proved on {}: up leads to what the entities declare, down to what was there.{more}",
            proved.join(" and ")
        )
        .expect("writing to a String");
    }
    let json = json!({
        "up": up,
        "down": down,
        "review": remarks,
        "notes": proposal.notes(),
        "proved_on": proved,
    });
    Answer::fine(text, json)
}

/// As it is seen from where the command was typed.
fn from_here(path: &Path) -> std::path::Display<'_> {
    let here = std::env::current_dir();
    let inner = here.ok().and_then(|here| path.strip_prefix(here).ok());
    inner.unwrap_or(path).display()
}

fn database(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "PostgreSQL",
        _ => "SQLite",
    }
}

/// In seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the name of a new migration is the one thing here that is about today"
)]
fn now() -> i64 {
    chrono::Utc::now().timestamp()
}
