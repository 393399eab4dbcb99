//! `medicine-tracker healthcheck`: asks the service beside it whether it is ready, for a container's health.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::config::Config;

const PATIENCE: Duration = Duration::from_secs(3);

/// Why a service is not ready.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    #[error("nothing answers at {address}: {cause}")]
    Silent { address: SocketAddr, cause: String },
    #[error("the service answers {status}: {detail}")]
    Troubled { status: u16, detail: String },
}

/// Asks the service that this configuration describes.
///
/// # Errors
///
/// It is not ready.
pub async fn check(config: &Config) -> Result<(), NotReady> {
    match answer(config).await? {
        (200, _) => Ok(()),
        (status, detail) => Err(NotReady::Troubled { status, detail }),
    }
}

/// What that service says of its health: a status and a document.
///
/// # Errors
///
/// It does not answer.
pub async fn answer(config: &Config) -> Result<(u16, String), NotReady> {
    let host = match config.host {
        IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        host => host,
    };
    let address = SocketAddr::new(host, config.port);
    let silent = |cause: String| NotReady::Silent { address, cause };
    match tokio::time::timeout(PATIENCE, ask(address)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(silent(error.to_string())),
        Err(_) => Err(silent(format!("no answer within {} s", PATIENCE.as_secs()))),
    }
}

async fn ask(
    address: SocketAddr,
) -> Result<(u16, String), Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get("/health/ready")
        .header(header::HOST, address.to_string())
        .body(Body::empty())?;
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(Body::new(response.into_body()), 64 * 1024).await?;
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}
