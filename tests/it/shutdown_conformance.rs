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
    io::Write,
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
        let service = support::binary("service");
        let mut command = match self.0 {
            "ignores SIGTERM" => support::clean("sh"),
            _ => support::clean(&service),
        };
        if self.0 == "ignores SIGTERM" {
            command.args(["-c", "trap '' TERM; exec \"$0\""]).arg(service);
        }
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
        Duration::from_secs(if matches!(self.0, "never exits" | "waits for ever" | "ignores SIGTERM") { 2 } else { 10 })
    }

    fn endless(&self, address: SocketAddr) -> Option<EndlessRequest> {
        Some(Box::pin(async move { _ = ask(address, "wait\n").await }))
    }
}

qtests::shutdown_conformance!(the_right_service, Service("none"));

// With a time limit of its own.
qtests::shutdown_conformance!(the_plain_service, Service("plain"), timeout = "4m");

/// Judges some services, a few at the same time, and gives their tables in the same order. If this host is too busy to
/// show what is wanted, once more; what is shown is final.
async fn judged(t: &Test, services: &[(&'static str, &'static [ShutdownProperty])]) -> Vec<ShutdownConformance> {
    let at_once = Arc::new(Semaphore::new(3));
    let judge = |(sin, wanted): (&'static str, &'static [ShutdownProperty])| {
        let (t, at_once) = (t.clone(), Arc::clone(&at_once));
        tokio::spawn(async move {
            let _permit = at_once.acquire().await.unwrap();
            let mut attempts = 0;
            loop {
                let table = check_shutdown(&t, Service(sin)).await.unwrap();
                println!("{sin}:\n{table}");
                attempts += 1;
                if attempts == 10 || !wanted.iter().any(|property| table.verdict(*property).is_inconclusive()) {
                    return table;
                }
            }
        })
    };
    let mut tables = Vec::new();
    for task in services.iter().copied().map(judge).collect::<Vec<_>>() {
        tables.push(task.await.unwrap());
    }
    tables
}

/// What a judge that keeps to wall time may say on a host that is too busy for it. It is said aloud, and never counts as
/// what was to be shown.
fn inconclusive(what: &str, verdict: &Verdict) -> bool {
    if verdict.is_inconclusive() {
        let _ = writeln!(std::io::stderr(), "INCONCLUSIVE after all attempts: {what}: {verdict}");
    }
    verdict.is_inconclusive()
}

#[qtest(workers = 2, timeout = "180s")]
async fn services_that_shut_down_rightly_have_every_property(t: Test) {
    let names = ["none", "plain", "answers busy"];
    let services = names.map(|name| (name, &ShutdownProperty::ALL[..]));
    for (name, table) in names.into_iter().zip(judged(&t, &services).await) {
        assert!(table.rows().iter().all(|(_, verdict)| verdict.is_held() || inconclusive(name, verdict)), "{table}");
        table.assert(&t);
    }
}

/// It can never be seen that this one has heeded the first signal before the second comes.
#[qtest(timeout = "180s")]
async fn who_leaves_new_connections_in_the_queue_has_stopped_accepting(t: Test) {
    let table = &judged(&t, &[("leaves them in the queue", &[StopsAccepting])]).await[0];
    let stops = table.verdict(StopsAccepting);
    assert!(table.broken().is_empty() && (stops.is_held() || inconclusive("it leaves them", stops)), "{table}");
}

/// What is broken, and how the table tells it.
const SINS: [(&str, &[ShutdownProperty], &str); 16] = [
    ("drops what is in flight", &[AcceptedIsAnswered], "accepted before SIGTERM 8 failed and 0 never ended"),
    ("keeps accepting", &[StopsAccepting], "were accepted while it drained"),
    // It does not exit with an endless request either, and what it leaves cannot be judged.
    ("never exits", &[ExitsInTime, EndsDespiteEndless], "INCONCLUSIVE: it did not exit"),
    ("exits with 1", &[ExitsWithItsCode], "it exited with status 1, declared is 0"),
    ("is killed", &[ExitsWithItsCode], "it was killed by signal 9"),
    ("leaves a child", &[LeavesNothing], "processes that it started still run: sleep"),
    ("leaves its port to a child", &[LeavesNothing], "its port still accepts connections"),
    ("waits for ever", &[EndsDespiteEndless], "still running 2s after SIGTERM"),
    ("ignores the second signal", &[SecondSignalKills], "until all were answered"),
    ("dies by the second signal in the end", &[SecondSignalKills], "until all were answered"),
    // What it cuts was accepted before the first signal too.
    ("cuts its drain by its own limit only", &[AcceptedIsAnswered, SecondSignalKills], "until it cut 8 of them off"),
    ("stops late", &[StopsAccepting], "and none was refused while it drained"),
    ("starts again", &[StopsAccepting], "were accepted again"),
    ("leaves a child that ignores SIGTERM", &[LeavesNothing], "processes that it started still run: sleep"),
    ("leaves its second listener to a child", &[LeavesNothing], "its port still accepts connections"),
    // It does not refuse anybody, so a second signal shows nothing, and that it does not answer within the limit is no
    // cut.
    (
        "ignores SIGTERM",
        &[StopsAccepting, ExitsInTime, EndsDespiteEndless],
        "INCONCLUSIVE: 8 of 8 requests that were accepted before SIGTERM were not answered within the limit",
    ),
];

#[qtest(workers = 2, timeout = "180s")]
async fn each_sin_is_caught_by_the_property_that_it_breaks_and_by_no_other(t: Test) {
    let tables = judged(&t, &SINS.map(|(sin, broken, _)| (sin, broken))).await;
    for ((sin, broken, told), table) in SINS.into_iter().zip(tables) {
        let shown = |property: &&ShutdownProperty| !inconclusive(sin, table.verdict(**property));
        let expected: Vec<ShutdownProperty> = broken.iter().filter(shown).copied().collect();
        assert_eq!(table.broken(), expected, "{sin}:\n{table}");
        assert!(expected.len() < broken.len() || table.to_string().contains(told), "{sin}:\n{table}");
    }
}

/// A round that shows too little about one property is followed by another, which must not make up for what was broken.
#[qtest(timeout = "180s")]
async fn what_was_broken_once_stays_broken(t: Test) {
    struct Once(std::path::PathBuf);
    impl ShutdownSubject for Once {
        fn command(&self) -> Command {
            let mut command = Service("drops what is in flight the first time").command();
            command.env("SERVICE_TIMES", &self.0);
            command
        }

        async fn request(&self, address: SocketAddr) -> Answer {
            Service("none").request(address).await
        }
    }
    let times = t.dir().join("times");
    let table = check_shutdown(&t, Once(times)).await.unwrap();
    assert!(table.verdict(AcceptedIsAnswered).is_broken(), "{table}");
    let again = table.verdict(StopsAccepting);
    assert!(again.is_held() || inconclusive("once", again), "the second round shows it: {table}");
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
    let error = check_shutdown(&t, Shell("echo 127.0.0.1:1; exit 7")).await.unwrap_err();
    let told = "ended before it listened on 127.0.0.1:1: exit status: 7 (the address is from its line: 127.0.0.1:1)";
    assert!(error.to_string().contains(told), "{error}");
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

#[qtest]
#[ignore = "what the next test runs"]
async fn shows_nothing(t: Test) {
    AcceptedIsAnswered.assert(&t, &Verdict::Inconclusive("too busy".to_owned()));
    EndsDespiteEndless.assert(&t, &Verdict::NotApplicable("no such request".to_owned()));
}

#[test]
fn what_was_not_shown_is_said_loudly_and_fails_when_strict() {
    let run = |strict: &str| {
        let mut command = support::clean(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "shutdown_conformance::shows_nothing"]).env("QTESTS_STRICT", strict);
        let output = command.output().unwrap();
        (output.status.success(), support::text(&output))
    };
    let (passed, text) = run("0");
    assert!(passed, "{text}");
    for part in ["INCONCLUSIVE, nothing was shown: too busy", "NOT APPLICABLE, nothing was shown: no such request"] {
        assert!(text.contains(part), "{text}");
    }
    let (passed, text) = run("1");
    assert!(!passed && text.contains("(a failure because of QTESTS_STRICT=1)"), "{text}");
}
