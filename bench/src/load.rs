//! The load: some connections in one thread, each with one request under way.
//!
//! It shares the machine with the server, so it does as little as it can: requests are bytes that were made before,
//! and of an answer only the status and the length are read.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fd::OwnedFd;

use crate::http::Head;
use crate::{Result, process};

/// How long a server may take for what is under way.
const PATIENCE: Duration = Duration::from_mins(3);
const TICK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 10_000_000,
};
/// Longer than any answer that is asked for.
const ANSWER_BYTES: usize = 512 * 1024;

/// What to ask of whom, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) port: u16,
    pub(crate) pid: u32,
    /// Sent in turns.
    pub(crate) requests: &'a [Vec<u8>],
    pub(crate) statuses: &'a [u16],
    pub(crate) connections: usize,
    pub(crate) warm_up: Duration,
    pub(crate) duration: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) answers: u64,
    /// Answers with another status than was expected.
    pub(crate) errors: u64,
    pub(crate) elapsed: Duration,
    pub(crate) cpu_seconds: f64,
    /// How long each answer took, in microseconds.
    pub(crate) latencies_us: Vec<u32>,
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
    sent: Instant,
    is_waiting: bool,
}

struct Generator<'a> {
    plan: Plan<'a>,
    epoll: OwnedFd,
    connections: Vec<Connection>,
    next: usize,
    is_sending: bool,
    load: Load,
}

/// Asks for as long as the plan says, and at least until every connection was answered once.
pub(crate) fn run(plan: Plan<'_>) -> Result<Load> {
    let mut generator = Generator::open(plan)?;
    for index in 0..plan.connections {
        generator.send(index)?;
    }
    generator.until(plan.warm_up, 0)?;
    generator.load = Load::new();
    let before = process::cpu_seconds(plan.pid)?;
    let begun = Instant::now();
    generator.until(plan.duration, plan.connections as u64)?;
    let (elapsed, after) = (begun.elapsed(), process::cpu_seconds(plan.pid)?);
    let load = std::mem::replace(&mut generator.load, Load::new());
    // What is still under way would fall on the server that is asked next.
    generator.drain()?;
    Ok(Load {
        elapsed,
        cpu_seconds: after - before,
        ..load
    })
}

impl Load {
    fn new() -> Self {
        Self {
            answers: 0,
            errors: 0,
            elapsed: Duration::ZERO,
            cpu_seconds: 0.0,
            latencies_us: Vec::with_capacity(1 << 18),
        }
    }
}

impl<'a> Generator<'a> {
    fn open(plan: Plan<'a>) -> Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let mut connections = Vec::new();
        for index in 0..plan.connections {
            let stream = TcpStream::connect(("127.0.0.1", plan.port))?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            epoll::add(
                &epoll,
                &stream,
                EventData::new_u64(index as u64),
                EventFlags::IN,
            )?;
            connections.push(Connection {
                stream,
                buffer: vec![0; ANSWER_BYTES],
                filled: 0,
                sent: Instant::now(),
                is_waiting: false,
            });
        }
        Ok(Self {
            plan,
            epoll,
            connections,
            next: 0,
            is_sending: true,
            load: Load::new(),
        })
    }

    fn send(&mut self, index: usize) -> Result<()> {
        let request = &self.plan.requests[self.next % self.plan.requests.len()];
        self.next += 1;
        let connection = &mut self.connections[index];
        connection.sent = Instant::now();
        connection.is_waiting = true;
        // A request is shorter than any socket's buffer.
        connection.stream.write_all(request)?;
        Ok(())
    }

    /// Goes on for a while, and until so many answers have come.
    fn until(&mut self, duration: Duration, answers: u64) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < duration || self.load.answers < answers {
            self.turn()?;
            self.check(begun)?;
        }
        Ok(())
    }

    fn drain(&mut self) -> Result<()> {
        self.is_sending = false;
        let begun = Instant::now();
        while self
            .connections
            .iter()
            .any(|connection| connection.is_waiting)
        {
            self.turn()?;
            self.check(begun)?;
        }
        Ok(())
    }

    fn check(&self, begun: Instant) -> Result<()> {
        if begun.elapsed() < PATIENCE {
            Ok(())
        } else {
            Err(format!(
                "the server on port {} did not answer in {PATIENCE:?}",
                self.plan.port
            )
            .into())
        }
    }

    fn turn(&mut self) -> Result<()> {
        let mut events = Vec::with_capacity(64);
        epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&TICK))?;
        for event in events {
            let index = usize::try_from(event.data.u64())?;
            if let Some(status) = self.connections[index].read()? {
                self.answered(index, status)?;
            }
        }
        Ok(())
    }

    fn answered(&mut self, index: usize, status: u16) -> Result<()> {
        let latency = self.connections[index].sent.elapsed().as_micros();
        self.load.answers += 1;
        self.load.errors += u64::from(!self.plan.statuses.contains(&status));
        self.load
            .latencies_us
            .push(u32::try_from(latency).unwrap_or(u32::MAX));
        self.connections[index].is_waiting = false;
        if self.is_sending {
            self.send(index)?;
        }
        Ok(())
    }
}

impl Connection {
    /// Takes what has come; the status where the answer is whole.
    fn read(&mut self) -> Result<Option<u16>> {
        match self.stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) => Err("the server closed a connection, or its answer is too long".into()),
            Ok(count) => {
                self.filled += count;
                let head = Head::read(&self.buffer[..self.filled]);
                Ok(head.filter(|head| self.filled >= head.end()).map(|head| {
                    self.filled = 0;
                    head.status
                }))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
