//! Structured logs on standard output: no bodies, no names of people or drugs.

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Sends every log of this process to standard output.
pub fn init(config: &LogConfig) {
    let filter = EnvFilter::try_new(&config.filter).expect("the configuration checked the filter");
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    match config.format {
        LogFormat::Text => builder.with_ansi(false).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}
