//! Servers made of a few lines of shell: when they are ready, what is told of those that are not, and their ports.

use qtests::{
    prelude::*,
    server::{Ready, Server},
};
use std::{
    net::TcpListener,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// This program as a server.
fn listening(port: u16) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "server::a_server_of_these_tests", "--ignored"]).env("LISTEN_ON", port.to_string());
    command
}

#[test]
#[ignore = "what other tests start as a server"]
fn a_server_of_these_tests() {
    let Ok(port) = std::env::var("LISTEN_ON") else { return };
    let _listener = TcpListener::bind(("127.0.0.1", port.parse().unwrap())).unwrap();
    loop {
        std::thread::park();
    }
}

#[qtest]
async fn a_server_is_ready_when_it_prints_a_line_and_what_it_prints_is_in_the_journal(
    t: Test,
) -> Result<(), Box<dyn Error>> {
    let script = "echo starting; echo 'ready, on stderr' >&2; exec sleep 600";
    let server = t.server(move |_| shell(script)).ready_when(Ready::line("ready")).await?;
    assert_eq!(server.last_lines(), ["starting", "ready, on stderr"]);
    server.restart().await?;
    assert_eq!(server.last_lines(), ["starting", "ready, on stderr", "starting", "ready, on stderr"]);
    let journal = t.journal().join("\n");
    assert_eq!(journal.matches("server   sh: ready, on stderr").count(), 2, "{journal}");
    Ok(())
}

#[qtest]
async fn a_server_that_ends_early_is_told_at_once_with_its_status_and_last_lines(t: Test) {
    let began = std::time::Instant::now();
    let script = "for i in $(seq 1 30); do echo line $i; done; echo no config >&2; exit 3";
    let error = t.server(move |_| shell(script)).within(Duration::from_secs(600)).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("the server `sh` ended before it was ready: exit status: 3; the last it printed:\n"),
        "{text}"
    );
    assert!(text.ends_with("\n    line 30\n    no config") && text.lines().count() == 21, "{text}");
    assert!(began.elapsed() < Duration::from_secs(300) && !error.is_timeout());
}

#[qtest]
async fn a_server_that_is_late_is_killed_and_told_what_did_not_happen(t: Test) {
    let limit = Duration::from_millis(100);
    for (ready, missing) in [
        (Ready::port(), "neither it nor a child of it listens on 127.0.0.1:"),
        (Ready::line("ready"), "no line of its output contains \"ready\""),
        (Ready::probe(|_| async { false }), "did not say that it is"),
        (Ready::probe(|_| std::future::pending()), "did not say that it is"),
    ] {
        let file = t.dir().join("id");
        let script = format!("echo $$ > {}; echo waiting; exec sleep 600", file.display());
        let error = t.server(move |_| shell(&script)).ready_when(ready).within(limit).await.unwrap_err();
        assert!(error.is_timeout(), "{error}");
        let text = error.to_string();
        assert!(text.starts_with("the server `sh` is not ready after 100ms: ") && text.contains(missing), "{text}");
        // On a busy machine it may not have come so far.
        if let Ok(id) = std::fs::read_to_string(file) {
            assert!(id.trim().is_empty() || !std::path::Path::new("/proc").join(id.trim()).exists(), "{id} lives");
        }
    }
}

async fn answers(server: &Server) -> bool {
    tokio::net::TcpStream::connect(server.addr()).await.is_ok()
}

#[qtest]
async fn the_port_of_a_server_is_refused_while_it_is_dead_and_is_its_own_again(t: Test) -> Result<(), Box<dyn Error>> {
    let server = t.server(listening).within(Duration::from_secs(50)).await?;
    assert!(answers(&server).await);
    for _ in 0..2 {
        server.kill()?;
        assert!(!answers(&server).await);
        // Others who ask for a free port do not get this one.
        let others: Vec<_> = (0..100).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
        assert!(others.iter().all(|other| other.local_addr().is_ok_and(|address| address != server.addr())));
        server.restart().await?;
        assert!(answers(&server).await);
    }
    Ok(())
}

/// The stranger listens on the port before the server does: it is not taken for it.
#[qtest]
async fn a_server_that_finds_its_port_taken_is_started_on_another(t: Test) -> Result<(), Box<dyn Error>> {
    let tried = Arc::new(AtomicUsize::new(0));
    let strangers = Arc::new(Mutex::new(Vec::new()));
    let (count, theirs) = (Arc::clone(&tried), Arc::clone(&strangers));
    let command = move |port| {
        if count.fetch_add(1, Ordering::Relaxed) < 2 {
            theirs.lock().unwrap().push(TcpListener::bind(("127.0.0.1", port)).expect("it can be taken"));
        }
        listening(port)
    };
    let server = t.server(command).within(Duration::from_secs(50)).await?;
    assert_eq!(tried.load(Ordering::Relaxed), 3);
    let taken = strangers.lock().unwrap();
    assert!(taken.iter().all(|stranger| stranger.local_addr().is_ok_and(|address| address != server.addr())));
    assert!(t.journal().join("\n").contains("is taken, trying another one"));
    Ok(())
}

#[qtest]
async fn a_server_that_never_finds_a_free_port_is_given_up(t: Test) {
    let script = "echo 'bind: Address already in use' >&2; exit 1";
    let error = t.server(move |_| shell(script)).await.unwrap_err().to_string();
    assert!(error.contains("Address already in use"), "{error}");
    assert_eq!(t.journal().join("\n").matches("is taken, trying another one").count(), 4);
}

#[qtest]
async fn a_chatty_server_leaves_room_in_the_journal(t: Test) -> Result<(), Box<dyn Error>> {
    let script = "seq 1 3000; printf '%2000s\\n' long; echo ready; exec sleep 600";
    let server = t.server(move |_| shell(script)).ready_when(Ready::line("ready")).await?;
    let told = t.journal().iter().filter(|line| line.contains(" sh: ")).count();
    assert_eq!(told, 1_000);
    assert!(server.last_lines().iter().all(|line| line.len() <= 400) && server.last_lines().len() == 20);
    Ok(())
}

#[qtest]
async fn nonsense_is_refused(t: Test) {
    let error = t.server(listening).within(Duration::ZERO).await.unwrap_err();
    assert!(error.is_invalid(), "{error}");
    let error = t.server(|_| Command::new("qtests-no-such-program")).await.unwrap_err();
    assert!(error.is_missing_program(), "{error}");
}

#[qtest(paused)]
async fn a_server_and_a_paused_clock_do_not_go_together(t: Test) {
    assert!(t.server(listening).await.unwrap_err().is_paused_clock());
}
