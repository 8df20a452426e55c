//! A process that hangs, goes on, dies and comes back, and a server that is ready when it says so. Run it with
//! `cargo run --example process`.

use qtests::{Test, prelude::*, server::Ready};
use std::process::Command;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let t = Test::scoped();

    // Any program. It is killed at the end with its children, whatever way the test ends.
    let mut sleep = Command::new("sleep");
    sleep.arg("60");
    let process = t.process(sleep)?;
    process.pause()?;
    println!("paused:    {}", process.is_paused());
    process.resume()?;
    println!("killed:    {}", process.kill()?);
    process.restart()?;
    println!("restarted: {}", process.try_wait()?.is_none());

    // A server has a port of its own, and its test waits until it is ready.
    let server = t
        .server(|port| {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("echo would listen on {port}; exec sleep 60")]);
            command
        })
        .ready_when(Ready::line("would listen"))
        .within(Duration::from_secs(30))
        .await?;
    println!("server:    {} line(s), on 127.0.0.1: {}", server.last_lines().len(), server.addr().ip().is_loopback());

    // One that ends early is told at once, with what it said.
    let broken = |_| {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no config file >&2; exit 3"]);
        command
    };
    let error = t.server(broken).await.unwrap_err();
    println!("broken:    {error}");
    t.finish().await.assert();
    Ok(())
}
