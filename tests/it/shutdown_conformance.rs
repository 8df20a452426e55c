//! Services that shut down rightly have every property, and each sin is caught by the property that it breaks.

use super::support;
use qtests::{
    Test,
    harness::{
        Verdict,
        shutdown::{
            Answer, EndlessRequest, ShutdownConformance,
            ShutdownProperty::{self, *},
            ShutdownSubject, check_shutdown,
        },
    },
    qtest,
};
use std::{
    net::SocketAddr,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
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
        // Those that would need all of it are not waited for so long.
        Duration::from_secs(if matches!(self.0, "never exits" | "waits for ever") { 2 } else { 10 })
    }

    fn endless(&self, address: SocketAddr) -> Option<EndlessRequest> {
        Some(Box::pin(async move { _ = ask(address, "wait\n").await }))
    }
}

qtests::shutdown_conformance!(the_right_service, Service("none"));

/// Judges some services at the same time, and gives their tables in the same order.
async fn judged(t: &Test, sins: &[&'static str]) -> Vec<ShutdownConformance> {
    let at_once = Arc::new(Semaphore::new(3));
    let judge = |sin: &'static str| {
        let (t, at_once) = (t.clone(), Arc::clone(&at_once));
        tokio::spawn(async move {
            let _permit = at_once.acquire().await.unwrap();
            let table = check_shutdown(&t, Service(sin)).await.unwrap();
            println!("{sin}:\n{table}");
            table
        })
    };
    let mut tables = Vec::new();
    for task in sins.iter().map(|sin| judge(sin)).collect::<Vec<_>>() {
        tables.push(task.await.unwrap());
    }
    tables
}

#[qtest(workers = 2)]
async fn services_that_shut_down_rightly_have_every_property(t: Test) {
    for table in judged(&t, &["none", "plain", "answers busy"]).await {
        assert!(table.rows().iter().all(|(_, verdict)| verdict.is_held()), "{table}");
        table.assert(&t);
    }
    // It can never be seen that this one has heeded the first signal before the second comes.
    let queue = &judged(&t, &["leaves them in the queue"]).await[0];
    assert!(queue.broken().is_empty() && queue.verdict(StopsAccepting).is_held(), "{queue}");
}

/// What is broken, and how the table tells it.
const SINS: [(&str, &[ShutdownProperty], &str); 9] = [
    ("drops what is in flight", &[AcceptedIsAnswered], "accepted before SIGTERM 8 failed and 0 never ended"),
    ("keeps accepting", &[StopsAccepting], "were accepted while it drained"),
    // It does not exit with an endless request either, and what it leaves cannot be judged.
    ("never exits", &[ExitsInTime, EndsDespiteEndless], "INCONCLUSIVE: it did not exit"),
    ("exits with 1", &[ExitsWithItsCode], "it exited with status 1, declared is 0"),
    ("is killed", &[ExitsWithItsCode], "it was killed by signal 9"),
    ("leaves a child", &[LeavesNothing], "processes that it started still run: sleep"),
    ("leaves its port to a child", &[LeavesNothing], "its port still accepts connections"),
    ("waits for ever", &[EndsDespiteEndless], "still running 2s after SIGTERM"),
    ("ignores the second signal", &[SecondSignalKills], "with 8 requests in flight it went on for"),
];

#[qtest(workers = 2)]
async fn each_sin_is_caught_by_the_property_that_it_breaks_and_by_no_other(t: Test) {
    let tables = judged(&t, &SINS.map(|(sin, ..)| sin)).await;
    for ((sin, broken, told), table) in SINS.into_iter().zip(tables) {
        assert_eq!(table.broken(), broken, "{sin}:\n{table}");
        assert!(table.to_string().contains(told), "{sin}:\n{table}");
    }
}

/// What is said when nothing can be shown: never that the service is right.
#[qtest]
async fn requests_that_are_too_short_show_nothing(t: Test) {
    struct Short;
    impl ShutdownSubject for Short {
        fn command(&self) -> Command {
            Service("none").command()
        }

        async fn request(&self, address: SocketAddr) -> Answer {
            TcpStream::connect(address).await?;
            Ok(())
        }
    }
    let table = check_shutdown(&t, Short).await.unwrap();
    assert!(table.rows().iter().all(|(_, verdict)| !verdict.is_held() && !verdict.is_broken()), "{table}");
    let told = table.verdict(AcceptedIsAnswered).to_string();
    assert!(told.contains("let requests take 300 ms or more"), "{told}");
    assert!(matches!(table.verdict(EndsDespiteEndless), Verdict::NotApplicable(_)), "{table}");
}

#[qtest]
async fn a_program_that_tells_no_address_or_does_not_answer_is_an_error(t: Test) {
    struct Shell(&'static str);
    impl ShutdownSubject for Shell {
        fn command(&self) -> Command {
            let mut command = Command::new("sh");
            command.args(["-c", self.0]);
            command
        }

        async fn request(&self, address: SocketAddr) -> Answer {
            Service("none").request(address).await
        }
    }
    let error = check_shutdown(&t, Shell("echo hello")).await.unwrap_err();
    assert!(error.to_string().contains("tells no address on its standard output (its last line is: hello)"), "{error}");
    // It listens, and is no service.
    let listener = t.listener().unwrap();
    let address = listener.local_addr().unwrap();
    let command: &'static str = format!("echo {address}; exec sleep 60").leak();
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let error = check_shutdown(&t, Shell(command)).await.unwrap_err();
    assert!(error.to_string().contains("a request to the healthy service failed"), "{error}");
}

#[qtest(paused)]
async fn a_paused_clock_is_refused(t: Test) {
    assert!(check_shutdown(&t, Service("none")).await.unwrap_err().is_paused_clock());
}
