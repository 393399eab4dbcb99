//! How long the servers take from the start of their process to the first answer that they are ready.

use std::path::Path;

use crate::database::Databases;
use crate::options::{Kind, Options};
use crate::program::Programs;
use crate::report::{Results, Start};
use crate::server::Server;
use crate::{Result, say};

/// Starts every server again and again: on a migrated database, and where none is.
pub(crate) fn measure(
    options: &Options,
    programs: &Programs,
    databases: &Databases,
    results: &mut Results,
) -> Result<()> {
    if options.no_start {
        return Ok(());
    }
    say(&format!("{} drugs: starts", databases.size));
    let kinds = options.servers.iter().copied();
    let kinds: Vec<_> = kinds
        .filter(|kind| kind.stores() && *kind != Kind::LimitPlain)
        .collect();
    let mut copies = Vec::new();
    for kind in &kinds {
        let copy = databases.copy(&format!("start-{}", kind.name()))?;
        // The first start after a copy is not like those after it.
        once(*kind, programs, &copy)?;
        copies.push(copy);
    }
    for _ in 0..options.rounds {
        for (kind, copy) in kinds.iter().zip(&copies) {
            let seconds = once(*kind, programs, copy)?;
            results.started(Start::of(Some(databases.size), *kind, seconds));
            // The limit migrates nothing; an empty database is as empty beside any other.
            if *kind != Kind::Limit && databases.size == options.sizes[0] {
                let seconds = once(*kind, programs, &databases.nowhere()?)?;
                results.started(Start::of(None, *kind, seconds));
            }
        }
    }
    Ok(())
}

fn once(kind: Kind, programs: &Programs, database: &Path) -> Result<f64> {
    let server = Server::start(kind, programs, database, &[])?;
    let seconds = server.started_in.as_secs_f64();
    server.stop()?;
    Ok(seconds)
}
