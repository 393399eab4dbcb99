//! Where a command should take the database, as it was typed.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A point in the history: the argument of `upgrade` and `downgrade`.
///
/// It is read without knowing the history; what it stands for is found out under the lock.
///
/// ```
/// use revision::Target;
///
/// let target = |text: &str| text.parse::<Target>().unwrap();
/// assert_eq!(target("head"), Target::Head);
/// assert_eq!(target("+2"), Target::Steps(2));
/// assert_eq!(target("add_notes+1"), Target::Offset("add_notes".into(), 1));
/// assert_eq!(target("m20260102"), Target::Revision("m20260102".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The newest migration that the program knows.
    Head,
    /// Before the first migration.
    Base,
    /// The newest migration that is applied.
    Current,
    /// So many migrations up (positive) or down (negative) from where the database is.
    Steps(i64),
    /// One migration: by its name, or by a part of it that no other has.
    Revision(String),
    /// So many migrations after (positive) or before (negative) a named one, or `head`, `base`, `current`.
    Offset(String, i64),
}

impl Target {
    /// Whether what it stands for depends on where a database is.
    pub(crate) fn needs_database(&self) -> bool {
        match self {
            Self::Current | Self::Steps(_) => true,
            Self::Offset(from, _) => from == "current",
            Self::Head | Self::Base | Self::Revision(_) => false,
        }
    }
}

impl FromStr for Target {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let text = text.trim();
        Ok(match text {
            "head" | "heads" => Self::Head,
            "base" => Self::Base,
            "current" => Self::Current,
            _ => match split_offset(text) {
                Some(("", steps)) => Self::Steps(steps),
                Some((revision, steps)) => Self::Offset(revision.to_owned(), steps),
                None => Self::Revision(text.to_owned()),
            },
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => f.write_str("head"),
            Self::Base => f.write_str("base"),
            Self::Current => f.write_str("current"),
            Self::Steps(steps) => write!(f, "{steps:+}"),
            Self::Revision(revision) => f.write_str(revision),
            Self::Offset(revision, steps) => write!(f, "{revision}{steps:+}"),
        }
    }
}

fn split_offset(text: &str) -> Option<(&str, i64)> {
    let sign = text.rfind(['+', '-'])?;
    let (revision, steps) = text.split_at(sign);
    let digits = steps.get(1..)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((revision, steps.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn what_is_typed_is_what_is_shown() {
        for text in [
            "head",
            "base",
            "current",
            "+1",
            "-2",
            "add_notes",
            "add_notes+1",
            "head-1",
            "a-b",
        ] {
            let Ok(target) = text.parse::<Target>();
            assert_eq!(target.to_string(), text);
        }
    }

    #[test]
    fn a_sign_without_digits_is_part_of_the_name() {
        let Ok(target) = "add-notes".parse::<Target>();
        assert_eq!(target, Target::Revision("add-notes".into()));
        let Ok(target) = "+".parse::<Target>();
        assert_eq!(target, Target::Revision("+".into()));
    }
}
