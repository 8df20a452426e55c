//! A service that stands still for a second, under load, in virtual time. Run it with `cargo run --example load`.

use qtests::{Test, prelude::*};
use std::sync::Arc;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, sleep_until},
};

/// Serves one request after the other, 2 ms each, and stands still from the second second to the third.
struct Service {
    worker: Mutex<()>,
    began: Instant,
}

impl Service {
    async fn call(&self) -> Result<(), io::Error> {
        let _worker = self.worker.lock().await;
        let second = Duration::from_secs(1);
        if (second..2 * second).contains(&self.began.elapsed()) {
            sleep_until(self.began + 2 * second).await;
        }
        sleep(Duration::from_millis(2)).await;
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    tokio::time::pause();
    let t = Test::scoped();
    let service = Arc::new(Service { worker: Mutex::new(()), began: Instant::now() });
    let run = t
        .load("standing still")
        .rate(Rate::per_sec(200))
        .hold(Duration::from_secs(10))
        .run(service, |service| async move { service.call().await })
        .await?;
    println!("{run}\n");
    println!("{}", run.check(&Slo::p99(Duration::from_millis(100)).error_rate(0.01)));
    Ok(())
}
