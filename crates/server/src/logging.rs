//! Structured logs on standard output: no bodies, no names of people or drugs.

use std::fmt;
use std::fs::File;
use std::os::fd::AsFd as _;

use domain::{Clock as _, SystemClock};
use tracing::field::{Field, Visit};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use crate::config::{LogConfig, LogFormat};
use crate::json::instant;

/// Sends every log of this process to standard output.
pub fn init(config: &LogConfig) {
    let filter = EnvFilter::try_new(&config.filter).expect("the configuration checked the filter");
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_timer(Digits)
        .with_writer(output());
    match config.format {
        LogFormat::Text => builder.with_ansi(false).fmt_fields(Plain).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}

/// Standard output without the lock of its own: each line is one write, for which no thread need wait for another.
fn output() -> File {
    let output = std::io::stdout().as_fd().try_clone_to_owned();
    output.expect("standard output is open").into()
}

/// The time to the microsecond, which the usual timer writes through a formatter number by number.
struct Digits;

impl FormatTime for Digits {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let text = instant(SystemClock.now());
        writer.write_str(str::from_utf8(&text).expect("digits are plain ASCII"))
    }
}

/// `name=value` after the message, without the looks for colours that the usual writer takes for each, and without a
/// formatter for what needs none.
struct Plain;

/// The fields of one line.
struct Line<'w> {
    writer: Writer<'w>,
    written: fmt::Result,
    is_begun: bool,
}

impl<'w> FormatFields<'w> for Plain {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut line = Line {
            writer,
            written: Ok(()),
            is_begun: false,
        };
        fields.record(&mut line);
        line.written
    }
}

impl Line<'_> {
    fn field(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        let space = if self.is_begun { " " } else { "" };
        self.is_begun = true;
        let writer = &mut self.writer;
        self.written = self.written.and_then(|()| {
            writer.write_str(space)?;
            if field.name() != "message" {
                writer.write_str(field.name())?;
                writer.write_char('=')?;
            }
            value(writer)
        });
    }
}

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.field(field, |writer| write!(writer, "{value:?}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, |writer| write!(writer, "{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
        self.field(field, |writer| {
            if !value.bytes().all(is_plain) {
                return write!(writer, "{value:?}");
            }
            writer.write_char('"')?;
            writer.write_str(value)?;
            writer.write_char('"')
        });
    }
}
