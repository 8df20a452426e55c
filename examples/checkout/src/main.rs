//! Runs the order service until SIGTERM or Ctrl-C.
//!
//! ```text
//! CHECKOUT_PAYMENTS=127.0.0.1:7001 CHECKOUT_INVENTORY=127.0.0.1:7002 CHECKOUT_DATABASE=orders.db checkout
//! ```

use checkout::{Checkout, Settings};
use qtests::shutdown::Shutdown;
use std::{error::Error, io, process::ExitCode, time::Duration};

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
    let grace = settings.shutdown_grace;
    let running = Checkout::start(settings).await?;
    // On the standard output, where who starts us on port 0 reads the port.
    println!("checkout: listening on {}", running.addr());
    let shutdown = Shutdown::new()
        .on_signals()
        .hook_limit(grace + Duration::from_secs(1)) // The orders have their own limit; this one is for the rest.
        .hook("let the last orders out", async move || {
            running.shutdown().await;
            Ok::<_, io::Error>(())
        })
        .start()?;
    shutdown.requested().await;
    let report = shutdown.finish().await;
    eprintln!("checkout: {report}");
    Ok(report.exit_code())
}
