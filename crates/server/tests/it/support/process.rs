//! The service as a process of its own: started, asked over HTTP, told to stop, killed.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Method, Request, header};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::net::TcpStream;

use super::Answer;

/// How long anything may take on a slow machine before the test gives up on it.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);
/// How often a condition is looked at that nobody announces.
const POLL: Duration = Duration::from_millis(10);

/// Rounds of a harness: few by default, `MEDICINE_ROUNDS=200` for the full form.
pub(crate) fn rounds(default: u32) -> u32 {
    std::env::var("MEDICINE_ROUNDS").map_or(default, |text| {
        text.parse().expect("MEDICINE_ROUNDS is a number")
    })
}

/// Says the figures of a harness on standard error, past the capture of a test that passes.
pub(crate) fn figures(text: &str) {
    // Where nobody reads there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Says something on standard output, past the capture.
pub(crate) fn say(text: &str) {
    // Where nobody reads there is nobody to tell. Before it stands what the test runner has begun to say.
    let _ = writeln!(std::io::stdout(), "\n{text}");
}

/// The service, to be started on a database.
pub(crate) fn service(database_url: &str) -> Command {
    configured(
        Command::new(env!("CARGO_BIN_EXE_medicine-tracker")),
        database_url,
    )
}

/// Gives a command the environment of the service, and nothing that the tests were started with.
pub(crate) fn configured(mut command: Command, database_url: &str) -> Command {
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOST", "127.0.0.1")
        .env("PORT", "0")
        // The engine says at this level when a migration begins.
        .env("RUST_LOG", "info,revision=debug")
        .env("DATABASE_URL", database_url);
    command
}

/// A child process whose output is collected; dropping it kills it.
pub(crate) struct Process {
    child: Child,
    log: Arc<Log>,
}

#[derive(Default)]
struct Log {
    state: Mutex<LogState>,
    grown: Condvar,
}

#[derive(Default)]
struct LogState {
    lines: Vec<(Instant, String)>,
    ended: u8,
}

impl Process {
    /// Starts the service on a database.
    pub(crate) fn start(database_url: &str) -> Self {
        Self::spawn(service(database_url))
    }

    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program is there");
        let log = Arc::new(Log::default());
        let stdout = child.stdout.take().expect("standard output is a pipe");
        let stderr = child.stderr.take().expect("standard error is a pipe");
        collect(stdout, Arc::clone(&log));
        collect(stderr, Arc::clone(&log));
        Self { child, log }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line to its standard input.
    pub(crate) fn tell(&mut self, line: &str) {
        assert!(self.try_tell(line), "it does not read:\n{}", self.output());
    }

    /// Writes a line to its standard input, unless it has ended.
    pub(crate) fn try_tell(&mut self, line: &str) -> bool {
        let input = self.child.stdin.as_mut();
        writeln!(input.expect("standard input is a pipe"), "{line}").is_ok()
    }

    /// Waits for the nth line, from 0, that holds a text: when it came, and what it says. `None` if the
    /// process ends without it.
    pub(crate) fn nth_line(&self, text: &str, n: usize) -> Option<(Instant, String)> {
        let deadline = Instant::now() + DEADLINE;
        let mut state = self.log.state.lock().expect("no thread panicked");
        loop {
            let found = state.lines.iter().filter(|(_, line)| line.contains(text));
            if let Some(line) = found.clone().nth(n) {
                return Some(line.clone());
            }
            if state.ended == 2 {
                return None;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(state);
                panic!("no line with `{text}` came:\n{}", self.output());
            }
            (state, _) = self
                .log
                .grown
                .wait_timeout(state, left)
                .expect("no thread panicked");
        }
    }

    /// Waits for a line that holds a text.
    pub(crate) fn line(&self, text: &str) -> (Instant, String) {
        self.nth_line(text, 0)
            .unwrap_or_else(|| panic!("it ended without saying `{text}`:\n{}", self.output()))
    }

    /// Everything that it has said so far.
    pub(crate) fn output(&self) -> String {
        let state = self.log.state.lock().expect("no thread panicked");
        let mut text = String::new();
        for (_, line) in &state.lines {
            writeln!(text, "{line}").expect("a string takes everything");
        }
        text
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        let (_, line) = self.line("listening address=");
        let (_, rest) = line.split_once("address=").expect("the line has it");
        let address = rest.split_whitespace().next().unwrap_or_default();
        address.parse().expect("an address")
    }

    /// A connection to it.
    pub(crate) async fn client(&self) -> Client {
        let address = self.address();
        Client::connect(address).await.expect("it accepts")
    }

    /// Waits until it can serve.
    pub(crate) async fn ready(&mut self) -> Client {
        let mut client = self.client().await;
        self.until(&mut client, "/health/ready", |answer| answer.status == 200)
            .await;
        client
    }

    /// Asks until the answer is as expected.
    pub(crate) async fn until(
        &mut self,
        client: &mut Client,
        path: &str,
        expected: impl Fn(&Answer) -> bool,
    ) -> Answer {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.ended() {
                panic!("it ended with {status}:\n{}", self.output());
            }
            let answer = client.get(path).await;
            if expected(&answer) {
                return answer;
            }
            assert!(
                Instant::now() < deadline,
                "{path} still answers {answer:?}:\n{}",
                self.output()
            );
            tokio::time::sleep(POLL).await;
        }
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is our child")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is our child");
    }

    /// Kills it without a warning, and collects what it still said.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.wait();
    }

    /// Tells it to stop, and says how long that took.
    pub(crate) fn stop(&mut self) -> (Duration, ExitStatus) {
        let told = Instant::now();
        self.signal(Signal::TERM);
        let status = self.wait();
        (told.elapsed(), status)
    }

    /// Waits for its end and for the end of its output.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        let status = loop {
            if let Some(status) = self.ended() {
                break status;
            }
            assert!(
                Instant::now() < deadline,
                "it does not end:\n{}",
                self.output()
            );
            std::thread::sleep(POLL / 10);
        };
        let mut state = self.log.state.lock().expect("no thread panicked");
        while state.ended < 2 {
            state = self.log.grown.wait(state).expect("no thread panicked");
        }
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(stream: impl Read + Send + 'static, log: Arc<Log>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { break };
            let mut state = log.state.lock().expect("no thread panicked");
            state.lines.push((Instant::now(), line));
            log.grown.notify_all();
        }
        log.state.lock().expect("no thread panicked").ended += 1;
        log.grown.notify_all();
    });
}

/// One connection to a service.
pub(crate) struct Client {
    address: SocketAddr,
    sender: SendRequest<Body>,
}

/// The connection broke before the answer was complete; whether the request was carried out is open.
#[derive(Debug)]
pub(crate) struct Broken;

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self, Broken> {
        let stream = TcpStream::connect(address).await.map_err(|_| Broken)?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|_| Broken)?;
        tokio::spawn(connection);
        Ok(Self { address, sender })
    }

    /// Sends a request with a JSON body, or without one for null.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<Answer, Broken> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.address.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Body::from(body.to_string())
        };
        let request = request.body(body).expect("a request");
        self.sender.ready().await.map_err(|_| Broken)?;
        let response = self.sender.send_request(request).await;
        let (parts, body) = response.map_err(|_| Broken)?.into_parts();
        let bytes = axum::body::to_bytes(Body::new(body), usize::MAX)
            .await
            .map_err(|_| Broken)?;
        Ok(Answer::new(parts, &bytes))
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], &Value::Null)
            .await
            .expect("the service answers")
    }

    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[], body)
            .await
            .expect("the service answers")
    }
}
