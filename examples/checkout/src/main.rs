//! Runs the order service until Ctrl-C.
//!
//! ```text
//! CHECKOUT_PAYMENTS=127.0.0.1:7001 CHECKOUT_INVENTORY=127.0.0.1:7002 CHECKOUT_DATABASE=orders.db checkout
//! ```

use checkout::{Checkout, Settings};
use std::{error::Error, process::ExitCode};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
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

async fn run() -> Result<(), Box<dyn Error>> {
    let settings = Settings::from_env()?;
    if let Some(bug) = settings.bug {
        eprintln!("checkout: running without a protection: {bug}");
    }
    let running = Checkout::start(settings).await?;
    eprintln!("checkout: listening on {}", running.addr());
    tokio::signal::ctrl_c().await?;
    running.shutdown().await;
    Ok(())
}
