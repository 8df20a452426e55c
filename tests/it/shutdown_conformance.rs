//! Services that shut down rightly have every property, and each sin is caught by the property that it breaks.

use super::support;
use qtests::{
    Test,
    harness::{
        Verdict,
        shutdown::{Answer, EndlessRequest, ShutdownConformance, ShutdownProperty, ShutdownSubject, check_shutdown},
    },
    qtest,
};
use std::{
    net::SocketAddr,
    process::{Command, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The service of `tests/service.rs`, with its sin.
struct Service(&'static str);

async fn ask(address: SocketAddr, question: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(question.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

impl ShutdownSubject for Service {
    fn command(&self) -> Command {
        let mut command = support::clean(support::binary("service"));
        command.env("SERVICE_SIN", self.0).stderr(Stdio::null());
        command
    }

    async fn request(&self, address: SocketAddr) -> Answer {
        match ask(address, "work\n").await?.as_str() {
            "done\n" => Ok(()),
            other => Err(format!("the answer is {other:?}").into()),
        }
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn endless(&self, address: SocketAddr) -> Option<EndlessRequest> {
        Some(Box::pin(async move { _ = ask(address, "wait\n").await }))
    }
}

qtests::shutdown_conformance!(a_service_with_qtests, Service("none"));
qtests::shutdown_conformance!(a_service_with_tokio_alone, Service("plain"));

async fn judged(t: &Test, sin: &'static str) -> ShutdownConformance {
    let table = check_shutdown(t, Service(sin)).await.unwrap();
    println!("{sin}:\n{table}");
    table
}

/// The sin is caught by this property, and by no other.
async fn is_caught(t: Test, sin: &'static str, property: ShutdownProperty, with: &str) {
    let table = judged(&t, sin).await;
    assert_eq!(table.broken(), [property], "{sin}:\n{table}");
    assert!(table.to_string().contains(with), "{table}");
}

#[qtest]
async fn the_right_one_has_every_property(t: Test) {
    let table = judged(&t, "none").await;
    assert!(table.rows().iter().all(|(_, verdict)| verdict.is_held()), "{table}");
    table.assert(&t);
}

#[qtest]
async fn one_that_answers_busy_while_it_drains_has_every_property(t: Test) {
    let table = judged(&t, "answers busy").await;
    assert!(table.rows().iter().all(|(_, verdict)| verdict.is_held()), "{table}");
}

#[qtest]
async fn one_that_leaves_new_connections_in_the_queue_has_stopped_accepting(t: Test) {
    let table = judged(&t, "leaves them in the queue").await;
    assert!(table.verdict(ShutdownProperty::StopsAccepting).is_held(), "{table}");
    assert!(table.broken().is_empty(), "{table}");
}

#[qtest]
async fn one_that_drops_what_is_in_flight_is_caught(t: Test) {
    let with = "of 8 requests that were accepted before SIGTERM 8 failed and 0 never ended";
    is_caught(t, "drops what is in flight", ShutdownProperty::AcceptedIsAnswered, with).await;
}

#[qtest]
async fn one_that_keeps_accepting_is_caught(t: Test) {
    is_caught(t, "keeps accepting", ShutdownProperty::StopsAccepting, "were accepted while it drained").await;
}

#[qtest]
async fn one_that_never_exits_is_caught(t: Test) {
    let table = judged(&t, "never exits").await;
    assert!(table.verdict(ShutdownProperty::ExitsInTime).is_broken(), "{table}");
    // It does not exit with an endless request either.
    assert_eq!(table.broken(), [ShutdownProperty::ExitsInTime, ShutdownProperty::EndsDespiteEndless], "{table}");
    assert_eq!(table.verdict(ShutdownProperty::LeavesNothing), &Verdict::Inconclusive("it did not exit".to_owned()));
}

#[qtest]
async fn one_that_exits_with_another_status_is_caught(t: Test) {
    let with = "it exited with status 1, declared is 0";
    is_caught(t, "exits with 1", ShutdownProperty::ExitsWithItsCode, with).await;
}

#[qtest]
async fn one_that_is_killed_by_a_signal_is_caught(t: Test) {
    is_caught(t, "is killed", ShutdownProperty::ExitsWithItsCode, "it was killed by signal 9").await;
}

#[qtest]
async fn one_that_leaves_a_child_is_caught(t: Test) {
    is_caught(t, "leaves a child", ShutdownProperty::LeavesNothing, "still run: sleep").await;
}

#[qtest]
async fn one_that_waits_for_ever_is_caught(t: Test) {
    is_caught(t, "waits for ever", ShutdownProperty::EndsDespiteEndless, "still running 5s after SIGTERM").await;
}

#[qtest]
async fn one_that_ignores_the_second_signal_is_caught(t: Test) {
    let sin = "ignores the second signal";
    is_caught(t, sin, ShutdownProperty::SecondSignalKills, "with 8 requests in flight it went on").await;
}
