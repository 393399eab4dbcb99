//! Throw-away databases on which two schemas are made and compared: SQLite in memory, and PostgreSQL where a server
//! was named.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr, SqlxPostgresConnector, Statement,
};
use sea_orm_migration::SchemaManager;
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::reading::Reading;
use crate::ddl::quote;
use crate::declared::Declared;
use crate::error::{Error, reason};
use crate::location::{Location, describe};
use crate::operation::Operation;
use crate::tape::Scratch;

/// What a throw-away database or schema is called: this, the time in seconds since 1970, and the process.
const PREFIX: &str = "revision_scratch_";

/// How old a throw-away database must be to be taken for one that a killed process has left behind.
const FORGOTTEN: Duration = Duration::from_hours(1);

/// An empty database of each kind.
pub struct Stage {
    sqlite: Scratch,
    postgres: Option<Server>,
}

/// A throw-away database on a PostgreSQL server, or a schema where no database may be created.
struct Server {
    connection: DatabaseConnection,
    /// Where it was created from.
    owner: DatabaseConnection,
    drop: String,
}

impl Stage {
    /// Makes them; the second on the server of this URL, if there is one. The database in the URL is not touched.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] when the server does not answer, [`Error::Refused`] when the URL is of no PostgreSQL,
    /// [`Error::Database`] when nothing may be created there.
    pub async fn new(postgres: Option<&str>) -> Result<Self, Error> {
        Ok(Self {
            sqlite: Scratch::new().await?,
            postgres: match postgres {
                Some(url) => Some(Server::new(url).await?),
                None => None,
            },
        })
    }

    /// Each of them.
    pub fn connections(&self) -> impl Iterator<Item = &DatabaseConnection> {
        let postgres = self.postgres.iter().map(|server| &server.connection);
        std::iter::once(self.sqlite.connection()).chain(postgres)
    }

    /// Which kinds there are.
    pub fn backends(&self) -> Vec<DbBackend> {
        let connections = self.connections();
        connections
            .map(sea_orm::ConnectionTrait::get_database_backend)
            .collect()
    }

    /// Executes the operations on each.
    ///
    /// # Errors
    ///
    /// Those of [`Operation::run`]; what was executed before stays.
    pub async fn run(&self, operations: &[Operation]) -> Result<(), DbErr> {
        for connection in self.connections() {
            let manager = SchemaManager::new(connection);
            for operation in operations {
                operation.run(&manager).await?;
            }
        }
        Ok(())
    }

    /// Creates on each what the entities declare.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] when an entity has a type that the database lacks, [`Error::Database`] when one cannot be
    /// created.
    pub async fn declare(&self, declared: &Declared) -> Result<(), Error> {
        for connection in self.connections() {
            declared.create_on(connection).await?;
        }
        Ok(())
    }

    /// Reads the schema of each, without the tables that `is_left_out`.
    pub(super) async fn read(&self, is_left_out: impl Fn(&str) -> bool) -> Result<Reading, DbErr> {
        let mut schemas = Vec::new();
        for connection in self.connections() {
            let mut schema = crate::schema::read(connection, &[]).await?;
            schema.tables.retain(|table, _| !is_left_out(table));
            schemas.push(schema);
        }
        Ok(Reading::new(schemas))
    }

    /// Removes what was created on a server.
    pub async fn close(self) {
        if let Some(server) = self.postgres {
            server.close().await;
        }
    }
}

impl Server {
    async fn new(url: &str) -> Result<Self, Error> {
        let Location::Postgres(at) = url.parse()? else {
            return Err(Error::Refused {
                reason: format!("{url} is no PostgreSQL server."),
                advice: "Name one, as in postgres://user@host/database; for SQLite none is needed."
                    .to_owned(),
            });
        };
        let owner = connect(&at).await?;
        let doing = Error::database("Creating a throw-away database");
        sweep(&owner).await;
        let name = name();
        let create = format!("CREATE DATABASE {}", quote(&name));
        let created = match owner.execute_unprepared(&create).await {
            Ok(_) => connect(&at.clone().database(&name))
                .await
                .map(|connection| {
                    let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote(&name));
                    (connection, drop)
                }),
            // A role may have a database of its own and be allowed no other.
            Err(error) if crate::error::database_code(&error).as_deref() == Some("42501") => {
                schema(&at, &name).await.map_err(doing)
            }
            Err(error) => Err(doing(error)),
        };
        match created {
            Ok((connection, drop)) => Ok(Self {
                connection,
                owner,
                drop,
            }),
            Err(error) => {
                close(owner).await;
                Err(error)
            }
        }
    }

    async fn close(self) {
        close(self.connection).await;
        if let Err(error) = self.owner.execute_unprepared(&self.drop).await {
            tracing::warn!(%error, sql = self.drop, "removing a throw-away database");
        }
        close(self.owner).await;
    }
}

async fn schema(at: &PgConnectOptions, name: &str) -> Result<(DatabaseConnection, String), DbErr> {
    let connection = connect(&at.clone().options([("search_path", name)]))
        .await
        .map_err(|error| DbErr::Custom(error.to_string()))?;
    let create = format!("CREATE SCHEMA {}", quote(name));
    connection.execute_unprepared(&create).await?;
    Ok((
        connection,
        format!("DROP SCHEMA IF EXISTS {} CASCADE", quote(name)),
    ))
}

/// One connection, so that what is created is seen by whoever looks.
async fn connect(at: &PgConnectOptions) -> Result<DatabaseConnection, Error> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(10));
    let options = at.clone().disable_statement_logging();
    let pool = pool.connect_with(options).await;
    let pool = pool.map_err(|error| Error::Connect {
        database: describe(at),
        reason: reason(&DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into()))),
    })?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

async fn close(connection: DatabaseConnection) {
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "closing a connection");
    }
}

/// Removes what killed processes have left behind.
async fn sweep(owner: &DatabaseConnection) {
    let query = "SELECT datname::text FROM pg_database WHERE starts_with(datname, $1) AND pg_has_role(datdba, 'USAGE')";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, query, [PREFIX.into()]);
    let rows = match owner.query_all_raw(statement).await {
        Ok(rows) => rows,
        Err(error) => return tracing::debug!(%error, "looking for throw-away databases"),
    };
    let oldest = now().saturating_sub(FORGOTTEN).as_secs();
    for row in rows {
        let Ok(name) = row.try_get_by_index::<String>(0) else {
            continue;
        };
        let time = name[PREFIX.len()..].split('_').next().unwrap_or_default();
        if time.parse().is_ok_and(|time: u64| time < oldest) {
            let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote(&name));
            if let Err(error) = owner.execute_unprepared(&drop).await {
                tracing::debug!(%error, name, "removing a forgotten throw-away database");
            }
        }
    }
}

fn name() -> String {
    let now = now();
    let process = std::process::id();
    format!("{PREFIX}{}_{process}_{}", now.as_secs(), now.subsec_nanos())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the name of a throw-away database says how old it is"
)]
fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage")
            .field("backends", &self.backends())
            .finish_non_exhaustive()
    }
}
