//! The program itself, told to stop while it has orders in work.

use axum::{Json, Router, http::StatusCode, routing::post};
use checkout::Shop;
use qtests::{
    harness::shutdown::{Answer, ShutdownSubject, check_shutdown},
    prelude::*,
    server::Process,
};
use serde_json::json;
use std::{
    future::IntoFuture,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Command, Stdio},
};

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

/// The program, started and at its address.
fn started(t: &Test, name: &str) -> Result<(Process, String), Box<dyn Error>> {
    let nobody = t.listener()?.local_addr()?;
    let program = Program { payments: nobody, nobody, database: t.dir().join(name) };
    let mut command = program.command();
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let process = t.process(command)?;
    let mut line = String::new();
    BufReader::new(process.take_stdout().ok_or("it has a standard output")?).read_line(&mut line)?;
    let address = line.trim().rsplit_once(' ').ok_or("it tells its address")?.1.to_owned();
    Ok((process, address))
}

#[qtest(timeout = "3m")]
async fn who_tells_the_program_to_stop_as_soon_as_it_is_there_does_not_kill_it(t: Test) -> Result<(), Box<dyn Error>> {
    for number in 0..20 {
        let (process, _) = started(&t, &format!("{number}.db"))?;
        process.terminate()?;
        let status = process.wait().await?;
        assert_eq!(status.code(), Some(0), "{status}");
    }
    Ok(())
}

fn health(address: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n")?;
    io::read_to_string(stream)
}

#[qtest(timeout = "3m")]
async fn an_order_that_is_cut_off_is_told_by_the_status(t: Test) -> Result<(), Box<dyn Error>> {
    let (process, address) = started(&t, "orders.db")?;
    // It is in work from its first line on, and never ends as the rest is never sent.
    let mut customer = TcpStream::connect(&address)?;
    customer.write_all(b"POST /orders HTTP/1.1\r\nhost: shop\r\ncontent-length: 9\r\n")?;
    customer.write_all(b"content-type: application/json\r\n\r\n")?;
    // The program is another process, so it does not matter if this one blocks.
    while !health(&address)?.contains("\"in_work\":1") {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    process.terminate()?;
    let status = process.wait().await?;
    assert_eq!(status.code(), Some(1), "{status}");
    Ok(())
}
