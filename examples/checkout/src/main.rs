//! Runs the order service until SIGTERM or Ctrl-C.
//!
//! ```text
//! CHECKOUT_PAYMENTS=127.0.0.1:7001 CHECKOUT_INVENTORY=127.0.0.1:7002 CHECKOUT_DATABASE=orders.db checkout
//! ```

use checkout::{Checkout, Settings};
use qtests::shutdown::Shutdown;
use std::{error::Error, process::ExitCode};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(error) => {
            eprint!("checkout: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprint!(": {error}");
                cause = error.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<ExitCode, Box<dyn Error>> {
    let settings = Settings::from_env()?;
    if let Some(bug) = settings.bug {
        eprintln!("checkout: running without a protection: {bug}");
    }
    // Before anybody can learn that we are there: until then a signal kills.
    let shutdown = Shutdown::new().on_signals().drain_limit(settings.shutdown_grace).start()?;
    let mut running = Checkout::start(settings).await?;
    // On the standard output, where who starts us on port 0 reads the port.
    println!("checkout: listening on {}", running.addr());
    shutdown.requested().await;
    // Orders that take longer than the grace are cut off, and the report and the status say so.
    shutdown.drain(running.last_orders_out()).await;
    let report = shutdown.finish().await;
    eprintln!("checkout: {report}");
    Ok(report.exit_code())
}
