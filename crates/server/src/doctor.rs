//! `medicine-tracker doctor`: what the service says of itself, and what its files say of it.

use std::fmt::Write as _;

use serde_json::Value;

use crate::backup::sqlite_file;
use crate::config::{Config, DatabaseLocation};
use crate::healthcheck;
use crate::problem::Trouble;
use crate::volume::inspect::{check, inspect, with_offer, writable};
use crate::volume::{copies, notice};

/// Looks at everything and changes nothing.
///
/// # Errors
///
/// The worst that was found.
pub async fn examine(config: &Config, known: &[String]) -> Result<String, Trouble> {
    let mut text = String::new();
    let mut say = |line: &str| writeln!(text, "{line}").expect("a string takes everything");
    match healthcheck::answer(config).await {
        Ok((200, body)) => {
            say("The service answers and is ready.");
            let body: Value = serde_json::from_str(&body).unwrap_or_default();
            for found in body["notices"].as_array().into_iter().flatten() {
                let part = |name: &str| found[name].as_str().unwrap_or_default();
                say(&format!(
                    "{}  {}\n  {}",
                    part("code"),
                    part("title"),
                    part("detail")
                ));
            }
        }
        Ok((_, body)) => {
            let body: Value = serde_json::from_str(&body).unwrap_or_default();
            let part = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
            let kind = part("type");
            let code = kind.rsplit(':').next().unwrap_or_default().to_owned();
            return Err(Trouble {
                code: code.into(),
                title: part("title").into(),
                detail: part("detail"),
            });
        }
        Err(error) => say(&format!("The service does not answer: {error}.")),
    }
    let DatabaseLocation::Sqlite(_) = config.database else {
        return Ok(text);
    };
    let database = sqlite_file(config)?;
    writable(database)?;
    let finding = inspect(database);
    let sound = match finding {
        Ok(_) if !database.exists() => Ok(()),
        Ok(finding) if finding.is_mixed() => {
            say(
                "A log lies beside the database that does not belong to it; the next start of the service moves it aside.",
            );
            Ok(())
        }
        Ok(_) => check(database)
            .await
            .map_err(|reason| notice::damaged(database, &reason, "")),
        Err(trouble) => Err(trouble),
    };
    if let Err(trouble) = sound {
        return Err(with_offer(trouble, database, known).await);
    }
    if database.exists() {
        say(&format!("{} is whole.", database.display()));
    } else {
        say(&format!("There is no {} yet.", database.display()));
    }
    let copies = copies::of(database);
    let count = copies.list().map_or(0, |list| list.len());
    say(&format!(
        "Copies in {}: {count}. To see them: {}",
        copies.directory().display(),
        notice::command("snapshots")
    ));
    Ok(text.trim_end().to_owned())
}
