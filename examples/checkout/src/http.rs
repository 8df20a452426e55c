//! One HTTP call to another service.

use crate::error::CallError;
use axum::{
    body::Bytes,
    http::{HeaderMap, Request, StatusCode, header, request::Builder},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::{Serialize, de::DeserializeOwned};
use std::net::SocketAddr;

/// The longest answer that is read, in bytes: a peer gone mad must not fill our memory.
const LONGEST_ANSWER: usize = 64 * 1024;

/// A service to call. Connections are kept and used again.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    client: Client<HttpConnector, Full<Bytes>>,
    addr: SocketAddr,
}

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Bytes,
}

impl Peer {
    /// A service at an address. Nothing is connected yet.
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), addr }
    }

    /// Asks for something.
    pub(crate) async fn get(&self, path: &str) -> Result<Answer, CallError> {
        self.call(Request::get(self.uri(path)), Bytes::new()).await
    }

    /// Asks to take something away.
    pub(crate) async fn delete(&self, path: &str) -> Result<Answer, CallError> {
        self.call(Request::delete(self.uri(path)), Bytes::new()).await
    }

    /// Asks to do something; under a key, a service does it only once.
    pub(crate) async fn post(&self, path: &str, key: Option<&str>, body: &impl Serialize) -> Result<Answer, CallError> {
        let body = serde_json::to_vec(body).map_err(|error| CallError::Garbled(error.into()))?;
        let mut request = Request::post(self.uri(path)).header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        self.call(request, body.into()).await
    }

    /// Sends a request and reads the whole answer. It sets no time limit: the caller knows best.
    async fn call(&self, request: Builder, body: Bytes) -> Result<Answer, CallError> {
        let request = request.body(Full::new(body)).map_err(|error| CallError::Garbled(error.into()))?;
        let answer = self.client.request(request).await.map_err(|error| CallError::Broken(error.into()))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, LONGEST_ANSWER).collect().await.map_err(CallError::Broken)?;
        Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes() })
    }

    fn uri(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }
}

impl Answer {
    /// The body, understood.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_slice(&self.body).map_err(|error| CallError::Garbled(error.into()))
    }
}
