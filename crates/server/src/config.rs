//! The configuration: read from the environment in this file and nowhere else, every error at once.
//!
//! Each of [`VARIABLES`] stands, with its default and its sentence, in `.env.example`; a test keeps it so.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use chrono_tz::Tz;
use tracing_subscriber::EnvFilter;

/// A variable of the environment.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    pub name: &'static str,
    pub default: &'static str,
    /// What it is for, in one sentence.
    pub about: &'static str,
}

/// Every variable that is read.
pub const VARIABLES: [Variable; 7] = [
    DATABASE_URL,
    HOST,
    PORT,
    TIME_ZONE,
    LOG_FORMAT,
    LOG_FILTER,
    AUTO_MIGRATE,
];

const DATABASE_URL: Variable = Variable {
    name: "DATABASE_URL",
    default: "sqlite://medicine.db",
    about: "Where the data is: sqlite://FILE or postgres://USER:PASSWORD@HOST:5432/DATABASE; \
            or DATABASE_URL_FILE names a file with it.",
};
const HOST: Variable = Variable {
    name: "HOST",
    default: "127.0.0.1",
    about: "The IP address to listen on; 0.0.0.0 and :: are every one that the machine has.",
};
const PORT: Variable = Variable {
    name: "PORT",
    default: "8000",
    about: "The port to listen on.",
};
const TIME_ZONE: Variable = Variable {
    name: "TZ",
    default: "UTC",
    about: "The IANA time zone in which a day begins, as Europe/Berlin.",
};
const LOG_FORMAT: Variable = Variable {
    name: "LOG_FORMAT",
    default: "text",
    about: "The shape of a log line: text or json.",
};
const LOG_FILTER: Variable = Variable {
    name: "RUST_LOG",
    default: "info",
    about: "What is logged: error, warn, info, debug or trace, also by module as info,server=debug.",
};
const AUTO_MIGRATE: Variable = Variable {
    name: "AUTO_MIGRATE",
    default: "true",
    about: "Whether pending migrations are applied at boot; if false, the service waits until a \
            person has typed migration upgrade head.",
};

/// What the service was told.
#[derive(Clone, Debug)]
pub struct Config {
    pub database: DatabaseLocation,
    pub host: IpAddr,
    /// 0 lets the system choose a free one.
    pub port: u16,
    /// The zone in which a day begins.
    pub time_zone: Tz,
    pub log: LogConfig,
    /// Whether pending migrations are applied at boot.
    pub auto_migrate: bool,
}

/// How the service logs.
#[derive(Clone, Debug)]
pub struct LogConfig {
    pub format: LogFormat,
    /// A filter in the syntax of `tracing_subscriber::EnvFilter`.
    pub filter: String,
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// Where the data is.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseLocation {
    /// A file on this machine.
    Sqlite(PathBuf),
    /// The URL of a PostgreSQL database; it may hold a password and is never printed.
    Postgres(String),
}

impl std::str::FromStr for DatabaseLocation {
    type Err = String;

    /// The error says what is allowed.
    fn from_str(value: &str) -> Result<Self, String> {
        database_location(value)
    }
}

impl DatabaseLocation {
    /// The location as a URL, as the migration engine takes it.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
            Self::Postgres(url) => url.clone(),
        }
    }
}

impl fmt::Debug for DatabaseLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(_) => write!(f, "postgres://…"),
        }
    }
}

/// Everything that is wrong with the environment.
#[derive(Debug, thiserror::Error)]
#[error("the configuration has {n} error{s}; nothing was started:\n{list}", n = .0.len(), s = if .0.len() == 1 { "" } else { "s" }, list = .0.join("\n"))]
pub struct ConfigErrors(pub Vec<String>);

impl Config {
    /// Reads the configuration from this process's environment.
    pub fn from_env() -> Result<Self, ConfigErrors> {
        Self::read(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    /// Reads the configuration from any source of variables. An empty variable counts as not set.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let mut vars = Variables {
            variable,
            errors: Vec::new(),
        };
        let config = Self {
            database: vars.secret(&DATABASE_URL, database_location),
            host: vars.plain(&HOST, |v| {
                v.parse()
                    .map_err(|_| "an IP address to listen on, as 127.0.0.1, 0.0.0.0 or ::".into())
            }),
            port: vars.plain(&PORT, |v| {
                v.parse()
                    .map_err(|_| "a port from 1 to 65535, or 0 for any free one".into())
            }),
            time_zone: vars.plain(&TIME_ZONE, |v| {
                domain::parse_time_zone(v)
                    .map_err(|_| "the name of an IANA time zone, as Europe/Berlin".into())
            }),
            log: LogConfig {
                format: vars.plain(&LOG_FORMAT, |v| match v {
                    "text" => Ok(LogFormat::Text),
                    "json" => Ok(LogFormat::Json),
                    _ => Err("text or json".into()),
                }),
                filter: vars.plain(&LOG_FILTER, |v| {
                    EnvFilter::try_new(v)
                        .map(|_| v.to_owned())
                        .map_err(|_| "a log filter, as info or info,server=debug".into())
                }),
            },
            auto_migrate: vars.plain(&AUTO_MIGRATE, |v| match v {
                "true" => Ok(true),
                "false" => Ok(false),
                _ => Err("true or false".into()),
            }),
        };
        if vars.errors.is_empty() {
            Ok(config)
        } else {
            Err(ConfigErrors(vars.errors))
        }
    }
}

fn database_location(value: &str) -> Result<DatabaseLocation, String> {
    let allowed = "sqlite://medicine.db, sqlite:///data/medicine.db or \
                   postgres://user:password@host:5432/database";
    if let Some(rest) = value.strip_prefix("sqlite:") {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path.is_empty() || path.contains(['?', '#']) || path == ":memory:" {
            return Err(format!("{allowed}; a file, without parameters"));
        }
        return Ok(DatabaseLocation::Sqlite(path.into()));
    }
    if value.starts_with("postgres://") || value.starts_with("postgresql://") {
        return value
            .parse::<sqlx::postgres::PgConnectOptions>()
            .map(|_| DatabaseLocation::Postgres(value.to_owned()))
            .map_err(|_| allowed.to_owned());
    }
    Err(allowed.to_owned())
}

/// Reads one variable after the other and remembers what is wrong.
struct Variables<F> {
    variable: F,
    errors: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    fn plain<T>(&mut self, variable: &Variable, parse: impl Fn(&str) -> Result<T, String>) -> T {
        let value = self.value(variable.name);
        self.parsed(variable, value.as_deref(), false, parse)
    }

    /// Reads a variable that may hold a secret: `NAME`, or the file named by `NAME_FILE`.
    fn secret<T>(&mut self, variable: &Variable, parse: impl Fn(&str) -> Result<T, String>) -> T {
        let name = variable.name;
        let file_name = format!("{name}_FILE");
        let value = match (self.value(name), self.value(&file_name)) {
            (Some(_), Some(_)) => {
                self.errors.push(format!(
                    "  {name} and {file_name} are both set; set one of them"
                ));
                None
            }
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(text) => Some(text.trim().to_owned()),
                Err(error) => {
                    self.errors
                        .push(format!("  {file_name}=`{path}` cannot be read: {error}"));
                    None
                }
            },
            (value, None) => value,
        };
        self.parsed(variable, value.as_deref(), true, parse)
    }

    fn value(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    fn parsed<T>(
        &mut self,
        &Variable { name, default, .. }: &Variable,
        value: Option<&str>,
        secret: bool,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        match parse(value.unwrap_or(default)) {
            Ok(parsed) => parsed,
            Err(allowed) => {
                let value = value.unwrap_or(default);
                let shown = if secret {
                    without_password(value)
                } else {
                    value.to_owned()
                };
                self.errors.push(format!(
                    "  {name}=`{shown}` is not allowed; it takes {allowed}"
                ));
                parse(default).unwrap_or_else(|_| unreachable!("the default of {name} is valid"))
            }
        }
    }
}

/// The value with everything between the scheme and the host hidden.
fn without_password(value: &str) -> String {
    match (value.split_once("://"), value.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
        Config::read(|name| {
            vars.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_empty_environment_gives_the_defaults() {
        let config = read(&[("PORT", "")]).unwrap();
        assert_eq!(
            config.database,
            DatabaseLocation::Sqlite("medicine.db".into())
        );
        assert_eq!(
            (config.host.to_string().as_str(), config.port),
            ("127.0.0.1", 8000)
        );
        assert_eq!(config.time_zone, Tz::UTC);
        assert!(config.auto_migrate);
    }

    #[test]
    fn every_error_is_named_at_once_with_variable_value_and_what_is_allowed() {
        let error = read(&[
            ("DATABASE_URL", "mysql://carer:secret@db/medicine"),
            ("HOST", "localhost"),
            ("PORT", "80000"),
            ("TZ", "Europe/Berln"),
            ("LOG_FORMAT", "xml"),
            ("RUST_LOG", "server=loud"),
            ("AUTO_MIGRATE", "yes"),
        ])
        .unwrap_err()
        .to_string();
        assert!(
            error.starts_with("the configuration has 7 errors; nothing was started:"),
            "{error}"
        );
        for part in [
            "DATABASE_URL=`mysql://…@db/medicine`",
            "HOST=`localhost`",
            "PORT=`80000` is not allowed; it takes a port from 1 to 65535",
            "TZ=`Europe/Berln`",
            "LOG_FORMAT=`xml` is not allowed; it takes text or json",
            "RUST_LOG=`server=loud`",
            "AUTO_MIGRATE=`yes` is not allowed; it takes true or false",
        ] {
            assert!(error.contains(part), "{part} is missing in {error}");
        }
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn a_secret_comes_from_a_file_as_well() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("url");
        std::fs::write(&file, "postgres://carer:secret@db/medicine\n").unwrap();
        let file = file.to_str().unwrap();
        let config = read(&[("DATABASE_URL_FILE", file)]).unwrap();
        assert_eq!(config.database.url(), "postgres://carer:secret@db/medicine");
        assert!(!format!("{config:?}").contains("secret"));

        let both = read(&[
            ("DATABASE_URL_FILE", file),
            ("DATABASE_URL", "sqlite://a.db"),
        ]);
        assert!(both.unwrap_err().to_string().contains("both set"));
        let missing = read(&[("DATABASE_URL_FILE", "/nowhere/url")])
            .unwrap_err()
            .to_string();
        assert!(
            missing.contains("DATABASE_URL_FILE=`/nowhere/url` cannot be read"),
            "{missing}"
        );
    }
}
