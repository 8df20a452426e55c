//! A client that tries again, and a service whose replies get lost. Run it with `cargo run --example tower`.

use qtests::{Test, fault::layer::FaultLayer};
use std::{
    io,
    sync::atomic::{AtomicU32, Ordering::SeqCst},
    time::Duration,
};
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};

/// What the service has done so far.
static CHARGED: AtomicU32 = AtomicU32::new(0);

#[derive(Clone, Debug)]
struct Charge {
    customer: &'static str,
}

async fn charge(_request: Charge) -> Result<u32, BoxError> {
    Ok(CHARGED.fetch_add(1, SeqCst) + 1)
}

/// The code under test: tries three times.
async fn pay<S>(service: &mut S, request: Charge) -> Result<u32, BoxError>
where
    S: Service<Charge, Response = u32, Error = BoxError>,
{
    let mut tries = 1;
    loop {
        match service.ready().await?.call(request.clone()).await {
            Err(_) if tries < 3 => tries += 1,
            answer => return answer,
        }
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let t = Test::scoped();
    let mut service = ServiceBuilder::new()
        .timeout(Duration::from_secs(1))
        .layer(FaultLayer::new("payments").key(|request: &Charge| request.customer))
        .service(service_fn(charge));

    let refused = t.fault("tower.payments.before").first(2).fail(io::ErrorKind::ConnectionRefused).arm();
    println!(
        "refused twice:    {:?}, charged {} time(s)",
        pay(&mut service, Charge { customer: "a" }).await,
        charged()
    );
    refused.disarm();

    let lost = t.fault("tower.payments.after").first(1).fail(io::ErrorKind::ConnectionReset).arm();
    println!(
        "reply lost once:  {:?}, charged {} time(s)",
        pay(&mut service, Charge { customer: "a" }).await,
        charged()
    );
    lost.disarm();

    t.fault("tower.payments.before").key("b").hang().arm();
    println!(
        "hangs for one:    {:?}, charged {} time(s)",
        pay(&mut service, Charge { customer: "b" }).await,
        charged()
    );
    println!(
        "not for another:  {:?}, charged {} time(s)",
        pay(&mut service, Charge { customer: "a" }).await,
        charged()
    );
    t.finish().await.assert();
}

/// How often somebody was charged since it was asked last.
fn charged() -> u32 {
    CHARGED.swap(0, SeqCst)
}
