//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Parser, ValueEnum};
use serde::Serialize;

use crate::case::CASES;

/// Measures the service beside the limit and beside a service in Python.
#[derive(Clone, Debug, Parser)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch that is typed"
)]
pub(crate) struct Options {
    /// How often every run is repeated
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// How long one run takes
    #[arg(long, default_value_t = 1.5)]
    pub(crate) seconds: f64,
    /// How many drugs there are
    #[arg(long, value_delimiter = ',', default_value = "1000,100000,1000000")]
    pub(crate) sizes: Vec<u64>,
    /// Only these cases, by their names in the table
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(CASES.map(|case| case.name)))]
    pub(crate) only: Vec<String>,
    /// Which servers; the first is the one that the others are compared with
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "ours,limit,original,fixed"
    )]
    pub(crate) servers: Vec<Kind>,
    /// How many connections at once; reads are not measured over one
    #[arg(long, value_delimiter = ',', default_value = "1,8,32")]
    pub(crate) connections: Vec<usize>,
    /// The small form: 1,000 drugs, two short rounds
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only compares the answers of the servers
    #[arg(long)]
    pub(crate) verify: bool,
    /// Leaves out how long the servers take to start
    #[arg(long)]
    pub(crate) no_start: bool,
    /// Writes every figure into a file as well
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Another binary of the service as the server `peer`
    #[arg(long, value_name = "PATH")]
    pub(crate) peer_binary: Option<PathBuf>,
    /// A variable of the environment of the server `peer`
    #[arg(long, value_name = "KEY=VALUE", value_parser = variable)]
    pub(crate) peer_env: Vec<(String, String)>,
    /// The Python that makes the virtual environment of the original
    #[arg(long, default_value = "python3")]
    pub(crate) python: PathBuf,
    /// Uses the binaries that are there instead of building them
    #[arg(long)]
    pub(crate) no_build: bool,
}

/// A server that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// The service.
    Ours,
    /// The service again, with another binary or another environment.
    Peer,
    /// The same answers, as fast as they go.
    Limit,
    /// The limit, with a commit for every write.
    LimitPlain,
    /// The answers of the original's kind, in Python.
    Original,
    /// Bodies of the same size from memory.
    Fixed,
}

impl Kind {
    /// The name in tables and on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Peer => "peer",
            Self::Limit => "limit",
            Self::LimitPlain => "limit-plain",
            Self::Original => "original",
            Self::Fixed => "fixed",
        }
    }

    /// Whether it keeps drugs.
    pub(crate) fn stores(self) -> bool {
        self != Self::Fixed
    }
}

impl Options {
    /// The options with what follows from others.
    pub(crate) fn settled(mut self) -> Self {
        if self.quick {
            self.sizes = vec![1000];
            self.rounds = self.rounds.min(2);
            self.seconds = self.seconds.min(0.3);
        }
        let has_peer = self.peer_binary.is_some() || !self.peer_env.is_empty();
        if has_peer && !self.servers.contains(&Kind::Peer) {
            self.servers.insert(1.min(self.servers.len()), Kind::Peer);
        }
        self
    }

    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    pub(crate) fn warm_up(&self) -> Duration {
        self.duration() / 5
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "must be KEY=VALUE".to_owned())
}
