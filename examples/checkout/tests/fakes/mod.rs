//! The two services behind the shop, in the test's own process: small, obedient, and with a ledger
//! that says what they really did.

#![allow(dead_code, unused_imports, reason = "each test binary uses a part of them")]

mod inventory;
mod payments;

pub(crate) use inventory::{Inventory, SOLD_OUT};
pub(crate) use payments::{BAD_CARD, Payments};

use axum::Router;
use std::{future::IntoFuture, net::SocketAddr};
use tokio::{net::TcpListener, task::JoinHandle};

/// A server on a free port of loopback; gone when dropped.
struct Server {
    addr: SocketAddr,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start(routes: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("the address of a listener");
        Self { addr, task: tokio::spawn(axum::serve(listener, routes).into_future()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
