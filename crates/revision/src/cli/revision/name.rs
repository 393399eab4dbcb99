//! What a new migration is called: `m20260102_030405_add_notes`, so that names sort as the history runs.

use chrono::{DateTime, NaiveDateTime};

use crate::cli::answer::Failure;
use crate::error::Error;

const TIME: &str = "m%Y%m%d_%H%M%S";

/// How much of the message goes into the name.
const SLUG: usize = 40;

/// A name out of the time, in seconds since 1970; later than the newest migration, whatever the clock says.
pub(super) fn with_time(now: i64, message: &str, names: &[String]) -> Result<String, Failure> {
    let slug = slug(message)?;
    let newest = names.iter().filter_map(|name| time_of(name)).max();
    let time = newest.map_or(now, |newest| now.max(newest + 1));
    let time = DateTime::from_timestamp(time, 0)
        .ok_or_else(|| refuse("The clock of this machine is wrong.".to_owned()))?;
    accept(format!("{}_{slug}", time.format(TIME)), names)
}

/// A name out of an id that somebody chose.
pub(super) fn with_id(id: &str, message: &str, names: &[String]) -> Result<String, Failure> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if id.is_empty() || !id.bytes().all(fits) {
        return Err(Failure::Usage(format!(
            "{id} cannot begin the name of a module: use a-z, 0-9 and _."
        )));
    }
    let id = if id.as_bytes()[0].is_ascii_digit() {
        format!("m{id}")
    } else {
        id.to_owned()
    };
    let taken = names.iter().find(|name| {
        name.strip_prefix(&*id)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    });
    if let Some(taken) = taken {
        return Err(refuse(format!("Revision {id} is already there: {taken}.")));
    }
    accept(format!("{id}_{}", slug(message)?), names)
}

fn accept(name: String, names: &[String]) -> Result<String, Failure> {
    match names.iter().max() {
        Some(newest) if *newest >= name => Err(refuse(format!(
            "{name} would sort before {newest}, which it builds on."
        ))),
        _ => Ok(name),
    }
}

fn refuse(reason: String) -> Failure {
    Failure::Engine(Error::Refused {
        reason,
        advice: "Choose another --rev-id, or none.".to_owned(),
    })
}

fn time_of(name: &str) -> Option<i64> {
    let time = NaiveDateTime::parse_from_str(name.get(..16)?, TIME).ok()?;
    Some(time.and_utc().timestamp())
}

/// The message as a part of a name.
fn slug(message: &str) -> Result<String, Failure> {
    let mut slug = String::new();
    for letter in message.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.ends_with('_') {
            slug.push('_');
        }
    }
    let mut slug = slug.trim_matches('_').to_owned();
    if slug.len() > SLUG {
        // Whole words, if the first is not longer than that.
        let end = slug[..=SLUG].rfind('_').unwrap_or(SLUG);
        slug.truncate(end);
    }
    if slug.is_empty() {
        return Err(Failure::Usage(
            "The message needs a letter or a digit that can be in the name of a file.".to_owned(),
        ));
    }
    Ok(slug)
}

#[cfg(test)]
mod tests {
    use super::{with_id, with_time};
    use crate::cli::answer::Failure;

    /// 2026-01-02 03:04:05 UTC.
    const NOW: i64 = 1_767_323_045;

    fn text(result: Result<String, Failure>) -> String {
        match result {
            Ok(name) => name,
            Err(Failure::Engine(error)) => error.to_string(),
            Err(Failure::Usage(text)) => text,
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_name_is_the_time_and_the_message() {
        let name = |message| text(with_time(NOW, message, &[]));
        assert_eq!(
            name("Add instructions field to Drug"),
            "m20260102_030405_add_instructions_field_to_drug"
        );
        assert_eq!(name(" --Ünicode & more! "), "m20260102_030405_nicode_more");
        assert_eq!(
            name("a message that is longer than the name of a file should be"),
            "m20260102_030405_a_message_that_is_longer_than_the_name"
        );
        assert_eq!(
            name("日本"),
            "The message needs a letter or a digit that can be in the name of a file."
        );
    }

    #[test]
    fn a_clock_that_goes_back_does_not_break_the_order() {
        let later = names(&["m20260102_030405_first", "m20270101_000000_second"]);
        assert_eq!(
            text(with_time(NOW, "third", &later)),
            "m20270101_000001_third"
        );
    }

    #[test]
    fn an_id_is_taken_once_and_after_the_newest() {
        let there = names(&["m20260102_030405_first"]);
        let id = |id| text(with_id(id, "second", &there));
        assert_eq!(id("20260103"), "m20260103_second");
        assert_eq!(
            id("20260102_030405"),
            "Revision m20260102_030405 is already there: m20260102_030405_first."
        );
        assert_eq!(
            id("ae10"),
            "ae10_second would sort before m20260102_030405_first, which it builds on."
        );
        assert_eq!(
            id("Äh"),
            "Äh cannot begin the name of a module: use a-z, 0-9 and _."
        );
    }
}
