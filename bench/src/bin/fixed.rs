//! Answers from memory: the least that any server behind this HTTP stack can cost.
//!
//! `/fixed/N` answers N bytes, whatever the method; a body that is sent is read.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::serve::ListenerExt;
use clap::Parser;
use tokio::net::TcpListener;

/// Answers bodies of given sizes from memory.
#[derive(Debug, Parser)]
struct Arguments {
    #[arg(long)]
    port: u16,
    /// The sizes of the bodies, in bytes.
    #[arg(long, value_delimiter = ',')]
    sizes: Vec<usize>,
}

type Bodies = Arc<HashMap<usize, Bytes>>;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let bodies = arguments.sizes.iter().map(|size| (*size, body(*size)));
    let router = Router::new()
        .route("/health/ready", get(|| async { "ready" }))
        .route("/fixed/{size}", any(fixed))
        .with_state(Arc::new(bodies.collect()));
    let listener = TcpListener::bind(("127.0.0.1", arguments.port)).await?;
    let listener = listener.tap_io(|stream| {
        // A connection that keeps its delay is slower and not wrong.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await
}

async fn fixed(State(bodies): State<Bodies>, Path(size): Path<usize>, _sent: Bytes) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    match bodies.get(&size) {
        Some(body) => (json, body.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn body(size: usize) -> Bytes {
    let mut text = vec![b'x'; size];
    if let [first, .., last] = &mut text[..] {
        (*first, *last) = (b'"', b'"');
    }
    text.into()
}
