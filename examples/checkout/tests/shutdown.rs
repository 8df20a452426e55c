//! The program itself, told to stop while it has orders in work.

use axum::{Json, Router, http::StatusCode, routing::post};
use checkout::Shop;
use qtests::{
    harness::shutdown::{Answer, ShutdownSubject, check_shutdown},
    prelude::*,
};
use serde_json::json;
use std::{future::IntoFuture, net::SocketAddr, path::PathBuf, process::Command};

/// The order service, with a payment service that takes its time and an inventory that is down.
struct Program {
    payments: SocketAddr,
    nobody: SocketAddr,
    database: PathBuf,
}

impl ShutdownSubject for Program {
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_checkout"));
        command
            .env("CHECKOUT_PAYMENTS", self.payments.to_string())
            .env("CHECKOUT_INVENTORY", self.nobody.to_string())
            .env("CHECKOUT_DATABASE", &self.database);
        command
    }

    async fn request(&self, address: SocketAddr) -> Answer {
        Shop::at(address).order("teapot", 1).await?;
        Ok(())
    }
}

#[qtest(timeout = "3m")]
async fn orders_in_work_are_finished_when_the_program_is_told_to_stop(t: Test) -> Result<(), Box<dyn Error>> {
    let charge = async || {
        tokio::time::sleep(Duration::from_millis(300)).await;
        (StatusCode::CREATED, Json(json!({ "charge_id": "a charge" })))
    };
    let (listener, nobody) = (t.listener()?, t.listener()?.local_addr()?);
    let payments = listener.local_addr()?;
    tokio::spawn(axum::serve(listener, Router::new().route("/charges", post(charge))).into_future());

    let table = check_shutdown(&t, Program { payments, nobody, database: t.dir().join("orders.db") }).await?;

    println!("{table}");
    table.assert(&t);
    Ok(())
}
