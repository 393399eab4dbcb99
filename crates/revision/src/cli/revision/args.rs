//! What can be typed behind `revision`.

use crate::autogenerate::Decisions;
use crate::cli::answer::Failure;
use crate::cli::args::DirectoryArg;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RevisionArgs {
    /// What it does, in a few words
    #[arg(short, long)]
    pub(super) message: String,
    /// What its name begins with, in place of the time
    #[arg(long)]
    pub(super) rev_id: Option<String>,
    /// Find out what the entities declare and the migrations lack; `--database-url postgres://…` proves it there too
    #[arg(long)]
    pub(super) autogenerate: bool,
    /// Write a migration that does nothing yet; so it is without --autogenerate
    #[arg(long, conflicts_with = "autogenerate")]
    empty: bool,
    #[command(flatten)]
    decided: DecidedArgs,
    #[command(flatten)]
    pub(super) instead: InsteadArgs,
    /// Run this on the new file, behind rustfmt; the file is its last argument
    #[arg(
        long,
        value_name = "COMMAND",
        env = "REVISION_HOOKS",
        value_delimiter = '\n'
    )]
    pub(super) hook: Vec<String>,
    #[command(flatten)]
    pub(super) directory: DirectoryArg,
}

/// What is printed in place of a file.
#[derive(Debug, clap::Args)]
pub(super) struct InsteadArgs {
    /// Print the SQL that an upgrade would run, and write no file
    #[arg(long, requires = "autogenerate")]
    pub(super) sql: bool,
    /// Print the file, and write none
    #[arg(long, conflicts_with = "sql")]
    pub(super) dry_run: bool,
}

/// What no schema tells.
#[derive(Debug, clap::Args)]
struct DecidedArgs {
    /// A table, column or enum value that has another name now: `drug.title:name`
    #[arg(long, value_name = "OLD:NEW", requires = "autogenerate")]
    rename: Vec<String>,
    /// A table, column or enum value that is really dropped, though something else is new
    #[arg(long, value_name = "PLACE", requires = "autogenerate")]
    drop: Vec<String>,
    /// What goes into a column of the rows that are there, as SQL: `drug.unit='tablet'`
    #[arg(long, value_name = "COLUMN=SQL", requires = "autogenerate")]
    default: Vec<String>,
    /// A table that is somebody else's; `*` stands for any letters
    #[arg(long, value_name = "PATTERN", requires = "autogenerate")]
    exclude_table: Vec<String>,
}

impl RevisionArgs {
    /// What was decided, taken apart.
    pub(super) fn decisions(&self) -> Result<Decisions, Failure> {
        let decided = &self.decided;
        let pairs = |flag: &str, between: char, texts: &[String]| {
            let pair = |text: &String| match text.split_once(between) {
                Some((place, rest)) if !place.is_empty() && !rest.trim().is_empty() => {
                    Ok((place.trim().to_owned(), rest.trim().to_owned()))
                }
                _ => Err(Failure::Usage(format!(
                    "--{flag} {text} is not clear: it must have a {between} between two parts."
                ))),
            };
            texts.iter().map(pair).collect::<Result<Vec<_>, _>>()
        };
        Ok(Decisions {
            renames: pairs("rename", ':', &decided.rename)?,
            drops: decided.drop.clone(),
            fills: pairs("default", '=', &decided.default)?,
            left_out: decided.exclude_table.clone(),
        })
    }
}
