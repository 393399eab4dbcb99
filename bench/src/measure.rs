//! The runs: one server after the other, again and again, in an order that turns.

use crate::case::{CASES, Case, Material};
use crate::database::Databases;
use crate::load::{self, Load, Plan};
use crate::options::{Kind, Options};
use crate::program::Programs;
use crate::report::{Memory, Results, Run};
use crate::rows::Generator;
use crate::server::Server;
use crate::{Result, http, process, say};

/// All servers over one size, started.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    pub(crate) servers: Vec<Server>,
    pub(crate) material: Material,
    databases: &'a Databases,
    /// How long the answer of each case is.
    bytes: Vec<usize>,
    memory: Vec<Memory>,
}

impl<'a> Stage<'a> {
    pub(crate) fn open(
        options: &Options,
        programs: &Programs,
        databases: &'a Databases,
        rows: &Generator,
    ) -> Result<Self> {
        let material = Material::new(databases, rows)?;
        let mut servers = Vec::new();
        for kind in options.servers.iter().copied().filter(|kind| kind.stores()) {
            servers.push(Server::start(
                kind,
                programs,
                &databases.copy_for(kind)?,
                &[],
            )?);
        }
        let idle = |server: &Server| -> Result<Memory> {
            Ok(Memory {
                size: databases.size,
                kind: server.kind,
                idle_mib: process::resident_mib(server.pid())?,
                loaded_mib: 0.0,
            })
        };
        // Before anybody has asked anything.
        let mut memory = servers.iter().map(idle).collect::<Result<Vec<_>>>()?;
        let first = servers
            .first()
            .ok_or("--servers needs one that stores drugs")?;
        let bytes = CASES
            .iter()
            .map(|case| answer_bytes(case, first, &material))
            .collect::<Result<Vec<_>>>()?;
        if options.servers.contains(&Kind::Fixed) {
            let fixed = Server::start(Kind::Fixed, programs, &databases.master, &bytes)?;
            memory.push(idle(&fixed)?);
            servers.push(fixed);
        }
        Ok(Self {
            servers,
            material,
            databases,
            bytes,
            memory,
        })
    }

    pub(crate) fn measure(&mut self, options: &Options, results: &mut Results) -> Result<()> {
        let size = self.databases.size;
        for (case, bytes) in CASES.iter().zip(self.bytes.clone()) {
            if !options.only.is_empty() && !options.only.iter().any(|name| name == case.name) {
                continue;
            }
            // One connection tells how long a lone writer waits; reads are measured under load.
            let counts = options.connections.iter().copied();
            for connections in counts.filter(|count| case.writes() || *count > 1) {
                let Case { name, about, .. } = case;
                say(&format!(
                    "{size} drugs: {name} ({about}) over {connections}"
                ));
                for round in 0..options.rounds {
                    for place in 0..self.servers.len() {
                        let place = (place + round) % self.servers.len();
                        if case.is_for(self.servers[place].kind, size) {
                            let load = self.load(options, case, bytes, connections, place)?;
                            let at = (size, case.name, connections, round);
                            results.runs.push(run(at, self.servers[place].kind, load));
                        }
                    }
                }
            }
        }
        results.memory.append(&mut self.memory);
        Ok(())
    }

    /// One run on the server at a place.
    fn load(
        &mut self,
        options: &Options,
        case: &Case,
        bytes: usize,
        connections: usize,
        place: usize,
    ) -> Result<Load> {
        let server = &self.servers[place];
        let requests = case.requests(server.kind, server.port, &self.material, bytes)?;
        let load = load::run(Plan {
            port: server.port,
            pid: server.pid(),
            requests: &requests,
            statuses: case.statuses(),
            connections,
            warm_up: options.warm_up(),
            duration: options.duration(),
        })?;
        let memory = &mut self.memory[place];
        memory.loaded_mib = memory.loaded_mib.max(process::resident_mib(server.pid())?);
        Ok(load)
    }

    /// Ends every server; the databases are thrown away.
    pub(crate) fn close(self) {
        drop(self.servers);
    }
}

fn run(at: (u64, &'static str, usize, usize), kind: Kind, mut load: Load) -> Run {
    let (size, case, connections, round) = at;
    load.latencies_us.sort_unstable();
    let quantile = |part: usize| {
        let place = load.latencies_us.len() * part / 100;
        load.latencies_us.get(place).copied().unwrap_or_default()
    };
    #[expect(clippy::cast_precision_loss, reason = "no run has that many answers")]
    let answers = load.answers as f64;
    Run {
        size,
        case,
        connections,
        round,
        kind,
        per_second: answers / load.elapsed.as_secs_f64(),
        cpu_us: load.cpu_seconds * 1e6 / answers,
        median_us: quantile(50),
        p99_us: quantile(99),
        errors: load.errors,
    }
}

/// How long a server's answer to a case is; a write is answered with one drug.
fn answer_bytes(case: &Case, server: &Server, material: &Material) -> Result<usize> {
    let case = if case.writes() { &CASES[0] } else { case };
    let requests = case.requests(server.kind, server.port, material, 0)?;
    let request = requests.first().ok_or("a case asks nothing")?;
    Ok(http::ask(server.port, request)?.body.len())
}
