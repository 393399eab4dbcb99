//! As much of HTTP/1.1 as asking a server of one's own takes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::Result;

const PATIENCE: Duration = Duration::from_mins(2);

/// An answer with its headers, names in lower case.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| &**value)
    }

    pub(crate) fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let body = String::from_utf8_lossy(&self.body);
            format!("{} is not JSON: {error}: {body}", self.status).into()
        })
    }
}

/// A request as it goes over the wire.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let headers = headers
        .iter()
        .flat_map(|(name, value)| [name, ": ", value, "\r\n"]);
    let headers: String = headers.collect();
    let length = match body.len() {
        0 => String::new(),
        length => format!("content-type: application/json\r\ncontent-length: {length}\r\n"),
    };
    format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{headers}{length}\r\n{body}")
        .into_bytes()
}

/// Asks once, over a connection of its own.
pub(crate) fn ask(port: u16, request: &[u8]) -> Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        if let Some(head) = Head::read(&bytes).filter(|head| bytes.len() >= head.end()) {
            return Ok(Answer {
                status: head.status,
                headers: headers(&bytes[..head.length]),
                body: bytes[head.length..head.end()].to_vec(),
            });
        }
        match stream.read(&mut chunk)? {
            0 => return Err("the server closed the connection before it had answered".into()),
            count => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}

/// Whether a server says that it is ready.
pub(crate) fn is_ready(port: u16) -> bool {
    ask(port, &request("GET", "/health/ready", &[], "")).is_ok_and(|answer| answer.status == 200)
}

/// What the head of an answer says of its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// How long the head is.
    length: usize,
    /// How long the body is.
    body: usize,
}

impl Head {
    /// Reads a head; none where it has not all come.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let length = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let digits = std::str::from_utf8(bytes.get(9..12)?).ok()?;
        let lines = bytes[..length].split(|byte| *byte == b'\n');
        let body = lines
            .filter_map(|line| line.split_at_checked(NAME.len()))
            .find(|(name, _)| name.eq_ignore_ascii_case(NAME))
            .and_then(|(_, value)| std::str::from_utf8(value).ok()?.trim().parse().ok());
        Some(Self {
            status: digits.parse().ok()?,
            length,
            body: body.unwrap_or(0),
        })
    }

    /// Where the answer ends.
    pub(crate) fn end(self) -> usize {
        self.length + self.body
    }
}

const NAME: &[u8] = b"content-length:";

fn headers(head: &[u8]) -> Vec<(String, String)> {
    String::from_utf8_lossy(head)
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_where_its_answer_ends() {
        let head = |text: &str| Head::read(text.as_bytes()).map(|head| (head.status, head.end()));
        assert_eq!(
            head("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n[1,2,3]"),
            Some((200, 45))
        );
        assert_eq!(head("HTTP/1.1 304 Not Modified\r\n\r\n"), Some((304, 29)));
        assert_eq!(head("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n"), None);
    }
}
