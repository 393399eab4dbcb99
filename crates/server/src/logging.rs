//! Structured logs on standard output: no bodies, no names of people or drugs.

use std::fs::File;
use std::os::fd::AsFd as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format;

use crate::config::{LogConfig, LogFormat};

/// Sends every log of this process to standard output.
pub fn init(config: &LogConfig) {
    let filter = EnvFilter::try_new(&config.filter).expect("the configuration checked the filter");
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(output());
    match config.format {
        LogFormat::Text => builder.with_ansi(false).fmt_fields(fields()).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}

/// Standard output without the lock of its own: each line is one write, for which no thread need wait for another.
fn output() -> File {
    let output = std::io::stdout().as_fd().try_clone_to_owned();
    output.expect("standard output is open").into()
}

/// `name=value` after the message, without the looks for colours that the usual writer takes for each.
fn fields() -> impl for<'writer> FormatFields<'writer> + Send + Sync + 'static {
    format::debug_fn(|writer, field, value| match field.name() {
        "message" => write!(writer, "{value:?}"),
        name => write!(writer, "{name}={value:?}"),
    })
    .delimited(" ")
}
