//! The commands that change a database.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Answer, Failure, Paint};
use super::args::{Command, Consent, DowngradeArgs, RunArgs, UpgradeArgs};
use super::watch::Watch;
use super::{Program, consent};
use crate::error::Error;
use crate::options::Options;
use crate::report::{Direction, Report};
use crate::target::Target;

impl Program {
    pub(super) async fn upgrade(&self, args: UpgradeArgs) -> Result<Answer, Failure> {
        let watch = Watch::default();
        let options = args.options(watch.observer(&self.observer));
        if args.script.sql {
            let (from, to) = range(&args.target, Some(Target::Base))?;
            return self.script(Direction::Up, &from, &to, &options).await;
        }
        let target = single(&args.target)?;
        let run = self.engine.upgrade(&self.url, &target, &options);
        let report = watch.run(run, args.grace()).await?;
        Ok(Self::report(&report, &watch, &options))
    }

    pub(super) async fn downgrade(&self, args: DowngradeArgs) -> Result<Answer, Failure> {
        let watch = Watch::default();
        let mut options = args.options(watch.observer(&self.observer));
        if args.script.sql {
            let (from, to) = range(&args.target, None)?;
            return self.script(Direction::Down, &from, &to, &options).await;
        }
        let target = single(&args.target)?;
        if !options.dry_run {
            options.allow_data_loss |= self.ask_before_base(&target, args.consent).await?;
        }
        let run = self.engine.downgrade(&self.url, &target, &options);
        let report = watch.run(run, args.grace()).await?;
        Ok(Self::report(&report, &watch, &options))
    }

    /// SeaORM's `up`: so many, or as many as there are.
    pub(super) async fn up(&self, num: Option<u32>, run: RunArgs) -> Result<Answer, Failure> {
        let target = match num {
            None => Target::Head,
            Some(num) => {
                let pending = self.engine.status(&self.url).await?.pending.len();
                steps(num, pending)
            }
        };
        let watch = Watch::default();
        let options = run.options(watch.observer(&self.observer));
        let command = self.engine.upgrade(&self.url, &target, &options);
        let report = watch.run(command, run.grace()).await?;
        Ok(Self::report(&report, &watch, &options))
    }

    /// SeaORM's `down`: so many, or as many as there are.
    pub(super) async fn down(
        &self,
        num: u32,
        run: RunArgs,
        consent: Consent,
    ) -> Result<Answer, Failure> {
        let applied = self.engine.status(&self.url).await?.applied.len();
        let target = match steps(num, applied) {
            Target::Steps(steps) => Target::Steps(-steps),
            other => other,
        };
        let all_may_go = self.ask_before_base(&target, consent).await?;
        let watch = Watch::default();
        let mut options = run.options(watch.observer(&self.observer));
        options.allow_data_loss |= all_may_go;
        let command = self.engine.downgrade(&self.url, &target, &options);
        let report = watch.run(command, run.grace()).await?;
        Ok(Self::report(&report, &watch, &options))
    }

    /// `fresh`, `refresh` and `reset`: whatever they do, no row stays.
    pub(super) async fn destroy(&self, command: Command) -> Result<Answer, Failure> {
        let (word, args) = match &command {
            Command::Fresh(args) => ("fresh", args),
            Command::Refresh(args) => ("refresh", args),
            Command::Reset(args) => ("reset", args),
            _ => return Err(Failure::Usage("There is no such command.".to_owned())),
        };
        if word != "fresh" {
            // What would be refused anyway is not asked for.
            let base = Target::Base;
            self.engine.plan(&self.url, Direction::Down, &base).await?;
        }
        consent::ask(&self.engine, &self.url, word, args.consent).await?;
        let watch = Watch::default();
        let options = Options {
            // Every row may go: that was the question.
            allow_data_loss: true,
            ..args.options(watch.observer(&self.observer))
        };
        let run = async {
            match word {
                "fresh" => self.engine.fresh(&self.url, &options).await,
                "refresh" => self.engine.refresh(&self.url, &options).await,
                _ => {
                    let base = Target::Base;
                    self.engine.downgrade(&self.url, &base, &options).await
                }
            }
        };
        let report = watch.run(run, args.grace()).await?;
        Ok(Self::report(&report, &watch, &options))
    }

    pub(super) async fn stamp(
        &self,
        target: &Target,
        purge: bool,
        lock_timeout: u64,
    ) -> Result<Answer, Failure> {
        let watch = Watch::default();
        let options = Options {
            lock_timeout: Duration::from_secs(lock_timeout),
            observer: watch.observer(&self.observer),
            ..Options::default()
        };
        let run = self.engine.stamp(&self.url, target, purge, &options);
        let report = watch.run(run, Duration::from_secs(5)).await?;
        let mut answer = Self::report(&report, &watch, &options);
        if report.steps.is_empty() {
            answer.text = format!("The database is at {}.\n", place(report.to.as_ref()));
        }
        Ok(answer)
    }

    /// Nothing is left of the rows when nothing is left applied. Says whether that was asked, and every row may go.
    async fn ask_before_base(&self, target: &Target, consent: Consent) -> Result<bool, Error> {
        let undone = self.engine.plan(&self.url, Direction::Down, target).await?;
        let applied = self.engine.status(&self.url).await?.applied;
        if undone.is_empty() || undone.len() < applied.len() {
            return Ok(false);
        }
        consent::ask(&self.engine, &self.url, "downgrade to base", consent).await?;
        Ok(true)
    }

    async fn script(
        &self,
        direction: Direction,
        from: &Target,
        to: &Target,
        options: &Options,
    ) -> Result<Answer, Failure> {
        let script = self
            .engine
            .script(&self.url, direction, from, to, options)
            .await?;
        let json = json!({"script": script});
        Ok(Answer::fine(script, json))
    }

    fn report(report: &Report, watch: &Watch, options: &Options) -> Answer {
        let paint = Paint::for_answers();
        let mut text = String::new();
        let mut line = |words: &str| {
            writeln!(text, "{words}").expect("writing to a String does not fail");
        };
        if let Some(path) = &report.snapshot {
            line(&format!("Snapshot: {}", path.display()));
        }
        let statements = watch.script();
        if options.dry_run {
            for statement in &statements {
                line(statement);
            }
        }
        for step in &report.steps {
            let sign = match step.direction {
                Direction::Up => paint.green("+"),
                Direction::Down => paint.yellow("-"),
            };
            let elapsed = if step.elapsed.is_zero() {
                "only written down".to_owned()
            } else {
                format!("{:.1?}", step.elapsed)
            };
            line(&format!("{sign} {} ({elapsed})", step.name));
        }
        if report.steps.is_empty() {
            line(&format!(
                "Nothing to do: the database is at {}.",
                place(report.to.as_ref())
            ));
        } else if options.dry_run {
            line("A dry run: everything was rolled back. Nothing was changed.");
        } else {
            line(&format!(
                "{} -> {}",
                place(report.from.as_ref()),
                place(report.to.as_ref())
            ));
        }
        Answer::fine(text, json(report, options, &statements))
    }
}

fn json(report: &Report, options: &Options, statements: &[String]) -> Value {
    let steps: Vec<Value> = report
        .steps
        .iter()
        .map(|step| {
            json!({
                "revision": step.name,
                "direction": step.direction.to_string(),
                "elapsed_ms": u64::try_from(step.elapsed.as_millis()).unwrap_or(u64::MAX),
            })
        })
        .collect();
    let mut value = json!({
        "from": report.from,
        "to": report.to,
        "steps": steps,
        "snapshot": report.snapshot,
        "dry_run": options.dry_run,
    });
    if options.dry_run {
        value["statements"] = json!(statements);
    }
    value
}

fn place(revision: Option<&String>) -> &str {
    revision.map_or("base", String::as_str)
}

fn steps(asked: u32, available: usize) -> Target {
    let available = i64::try_from(available).unwrap_or(i64::MAX);
    Target::Steps(i64::from(asked).min(available))
}

fn single(text: &str) -> Result<Target, Failure> {
    if text.contains(':') {
        return Err(Failure::Usage(format!(
            "{text} is a range, and a range needs --sql."
        )));
    }
    let Ok(target) = text.parse();
    Ok(target)
}

fn range(text: &str, from: Option<Target>) -> Result<(Target, Target), Failure> {
    let (from, to) = match (text.split_once(':'), from) {
        (Some((from, to)), _) => (from.parse(), to.parse()),
        (None, Some(from)) => (Ok(from), text.parse()),
        (None, None) => {
            return Err(Failure::Usage(
                "downgrade --sql needs a range, because no database says where it begins: from:to"
                    .to_owned(),
            ));
        }
    };
    let (Ok(from), Ok(to)) = (from, to);
    if let Some(relative) = [&from, &to].into_iter().find(|end| end.needs_database()) {
        return Err(Failure::Usage(format!(
            "--sql reads no database, so nobody knows where {relative} is: name the revision."
        )));
    }
    Ok((from, to))
}
