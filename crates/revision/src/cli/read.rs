//! The commands that only look.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::DateTime;
use serde_json::{Value, json};

use super::answer::{Answer, Failure, Paint};
use super::source::Source;
use super::{Program, exit};
use crate::report::Status;
use crate::target::Target;

impl Program {
    pub(super) async fn current(
        &self,
        check_heads: bool,
        verbose: bool,
    ) -> Result<Answer, Failure> {
        let status = self.engine.status(&self.url).await?;
        let times = if verbose {
            self.engine.applied_at(&self.url).await?
        } else {
            BTreeMap::new()
        };
        let paint = Paint::for_answers();
        let current = status.current().unwrap_or("base");
        let is_head = status.is_up_to_date();
        let mark = if is_head { " (head)" } else { "" };
        let mut text = format!("{}{mark}\n", paint.green(current));
        let mut line = |words: String| {
            writeln!(text, "{words}").expect("writing to a String does not fail");
        };
        if let Some(time) = times.get(current) {
            line(format!("  applied: {}", iso(*time)));
        }
        for name in &status.unknown {
            line(paint.red(format!("{name} (unknown to this program)")));
        }
        let is_behind = !status.pending.is_empty();
        if is_behind && check_heads {
            line(paint.yellow("Target database is not up to date."));
        }
        if is_behind && (check_heads || verbose) {
            for name in &status.pending {
                line(format!("  pending: {name}"));
            }
            line(format!("Run: {} upgrade head", self.name));
        }
        let json = json!({
            "current": status.current(),
            "head": self.engine.names().last(),
            "is_up_to_date": is_head,
            "pending": status.pending,
            "unknown": status.unknown,
        });
        let unknown = self.unknown(&status);
        if let (true, Some(error)) = (check_heads, &unknown) {
            writeln!(text, "{error}\n{}", error.next_step_for(&self.name))
                .expect("writing to a String");
        }
        let code = match unknown {
            _ if !check_heads => exit::FINE,
            Some(error) => exit::code(&error),
            None if is_behind => exit::PENDING,
            None => exit::FINE,
        };
        Ok(Answer { text, json, code })
    }

    /// Newest first, each with the revision before it, as Alembic lists them.
    pub(super) async fn history(
        &self,
        range: Option<&str>,
        indicate: bool,
        verbose: bool,
    ) -> Result<Answer, Failure> {
        let names = self.engine.names();
        let (first, last) = self.range(range).await?;
        let status = if indicate {
            Some(self.engine.status(&self.url).await?)
        } else {
            None
        };
        let source = Source::find(None).ok();
        let mut text = String::new();
        let mut entries = Vec::new();
        for (index, name) in names.iter().enumerate().take(last).skip(first).rev() {
            let before = index.checked_sub(1).map_or("base", |before| &names[before]);
            let marks = self.marks(name, status.as_ref());
            let words = if marks.is_empty() {
                String::new()
            } else {
                format!(" ({})", marks.join(") ("))
            };
            let coloured = if marks.contains(&"current") {
                Paint::for_answers().green(name)
            } else {
                name.clone()
            };
            writeln!(text, "{before} -> {coloured}{words}").expect("writing to a String");
            if verbose {
                writeln!(text, "  {}", title(name)).expect("writing to a String");
                if let Some(path) = source.as_ref().and_then(|source| source.file_of(name)) {
                    writeln!(text, "  {}", path.display()).expect("writing to a String");
                }
                text.push('\n');
            }
            entries.push(self.json(name, status.as_ref()));
        }
        Ok(Answer::fine(text, Value::Array(entries)))
    }

    pub(super) fn heads(&self) -> Answer {
        let head = self.engine.names().last();
        let text = head.map_or_else(String::new, |head| format!("{head} (head)\n"));
        Answer::fine(text, json!({"heads": head.into_iter().collect::<Vec<_>>()}))
    }

    pub(super) async fn show(&self, target: &Target) -> Result<Answer, Failure> {
        let Some(name) = self.engine.locate(&self.url, target).await? else {
            return Ok(Answer::fine(
                "base: before the first migration\n".to_owned(),
                json!({"revision": null}),
            ));
        };
        let mut json = self.json(&name, None);
        let marks = self.marks(&name, None);
        let mark = if marks.is_empty() { "" } else { " (head)" };
        let mut text = format!("Rev: {}{mark}\n", Paint::for_answers().green(&name));
        let parent = json["parent"].as_str().unwrap_or("base").to_owned();
        writeln!(text, "Parent: {parent}").expect("writing to a String");
        let source = Source::find(None).ok();
        if let Some(path) = source.and_then(|source| source.file_of(&name)) {
            writeln!(text, "Path: {}", path.display()).expect("writing to a String");
            json["path"] = json!(path);
        }
        writeln!(text, "\n{}", title(&name)).expect("writing to a String");
        Ok(Answer::fine(text, json))
    }

    /// SeaORM's `status`: each migration, and whether it is applied.
    pub(super) async fn status(&self) -> Result<Answer, Failure> {
        let status = self.engine.status(&self.url).await?;
        let paint = Paint::for_answers();
        let mut text = String::new();
        for name in self.engine.names() {
            let state = if status.pending.contains(name) {
                paint.yellow("Pending")
            } else {
                paint.green("Applied")
            };
            writeln!(text, "{state}  {name}").expect("writing to a String");
        }
        for name in &status.unknown {
            let state = paint.red("Unknown");
            writeln!(text, "{state}  {name}").expect("writing to a String");
        }
        let json = json!({
            "applied": status.applied,
            "pending": status.pending,
            "unknown": status.unknown,
            "out_of_order": status.out_of_order,
        });
        Ok(Answer::fine(text, json))
    }

    /// The part of the history from the first to the last of a range, as indices; both ends belong to it.
    async fn range(&self, range: Option<&str>) -> Result<(usize, usize), Failure> {
        let names = self.engine.names();
        let Some(range) = range else {
            return Ok((0, names.len()));
        };
        let Some((from, to)) = range.split_once(':') else {
            return Err(Failure::Usage(format!(
                "{range} is not a range: from:to, from: or :to"
            )));
        };
        let mut ends = [0, names.len()];
        for (end, text) in ends.iter_mut().zip([from, to]) {
            if text.is_empty() {
                continue;
            }
            let Ok(target) = text.parse::<Target>();
            let name = self.engine.locate(&self.url, &target).await?;
            *end = name.map_or(0, |name| {
                let index = names.iter().position(|other| *other == name);
                index.map_or(0, |index| index + 1)
            });
        }
        Ok((ends[0].saturating_sub(1), ends[1]))
    }

    fn marks(&self, name: &str, status: Option<&Status>) -> Vec<&'static str> {
        let mut marks = Vec::new();
        if self.engine.names().last().map(String::as_str) == Some(name) {
            marks.push("head");
        }
        if let Some(status) = status {
            if status.current() == Some(name) {
                marks.push("current");
            }
            if status.pending.iter().any(|pending| pending == name) {
                marks.push("pending");
            }
        }
        marks
    }

    fn json(&self, name: &str, status: Option<&Status>) -> Value {
        let names = self.engine.names();
        let index = names.iter().position(|other| other == name);
        let parent = index.and_then(|index| index.checked_sub(1));
        let mut value = json!({
            "revision": name,
            "parent": parent.map(|parent| &names[parent]),
            "title": title(name),
            "is_head": names.last().map(String::as_str) == Some(name),
        });
        if let Some(status) = status {
            value["is_current"] = json!(status.current() == Some(name));
            value["is_applied"] = json!(status.applied.iter().any(|applied| applied == name));
        }
        value
    }
}

/// What a migration does, out of its name: `m20260102_030405_add_notes` is `Add notes`.
fn title(name: &str) -> String {
    let is_date = |part: &str| {
        let digits = part.strip_prefix('m').unwrap_or(part);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let words: Vec<&str> = name.split('_').skip_while(|part| is_date(part)).collect();
    let words = words.join(" ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => name.to_owned(),
    }
}

fn iso(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).map_or_else(
        || seconds.to_string(),
        |time| time.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::title;

    #[test]
    fn a_title_is_the_name_without_its_date() {
        assert_eq!(title("m20260102_030405_add_notes"), "Add notes");
        assert_eq!(title("initial"), "Initial");
        assert_eq!(title("m20260102_030405"), "m20260102_030405");
    }
}
