//! Structured logs on standard output: no bodies, no names of people or drugs.

use std::fmt;
use std::fs::File;
use std::os::fd::AsFd as _;

use domain::{Clock as _, SystemClock};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::config::{LogConfig, LogFormat};
use crate::json::instant;

/// Sends every log of this process to standard output.
pub fn init(config: &LogConfig) {
    let filter = EnvFilter::try_new(&config.filter).expect("the configuration checked the filter");
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(output());
    match config.format {
        LogFormat::Text => builder.event_format(Plain).init(),
        LogFormat::Json => builder.json().flatten_event(true).with_timer(Digits).init(),
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

/// A line of text: time, level, target, message, and `name=value`. The usual writer looks for colours and for the spans
/// around each event, of which there are none, and writes every part through a formatter.
struct Plain;

/// The fields of one line.
struct Line<'w> {
    writer: Writer<'w>,
    written: fmt::Result,
    is_begun: bool,
}

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        Digits.format_time(&mut writer)?;
        writer.write_str(match *event.metadata().level() {
            Level::ERROR => " ERROR ",
            Level::WARN => "  WARN ",
            Level::INFO => "  INFO ",
            Level::DEBUG => " DEBUG ",
            Level::TRACE => " TRACE ",
        })?;
        writer.write_str(event.metadata().target())?;
        writer.write_str(": ")?;
        let mut line = Line {
            writer: writer.by_ref(),
            written: Ok(()),
            is_begun: false,
        };
        event.record(&mut line);
        line.written?;
        writer.write_char('\n')
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
