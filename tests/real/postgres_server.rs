//! postgres and its client `tokio-postgres`.

use qtests::{prelude::*, server::Process};
use std::{
    collections::BTreeSet,
    sync::{Arc, Barrier},
};
use tokio_postgres::{Client, NoTls, error::SqlState};

/// How long is waited for an answer of a server that works, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client; its connection is driven by a task of the test and ends with it.
pub(crate) async fn connect(t: &Test, url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let (ended, cancelled) = (connection, t.cancelled());
    t.spawn(async move {
        tokio::select! {
            _ = ended => {}
            () = cancelled => {}
        }
    });
    Ok(client)
}

async fn count(client: &Client) -> Result<i64, tokio_postgres::Error> {
    Ok(client.query_one("SELECT count(*) FROM orders", &[]).await?.get(0))
}

async fn with_orders(client: &Client, orders: u32) -> Result<(), tokio_postgres::Error> {
    let insert = format!("INSERT INTO orders SELECT generate_series(1, {orders})");
    client.batch_execute(&format!("CREATE TABLE orders (id int PRIMARY KEY); {insert}")).await
}

#[qtest]
async fn each_database_is_empty_and_of_its_own(t: Test) -> Result<(), Box<dyn Error>> {
    let (one, other) = (t.postgres().await?, t.postgres().await?);
    assert_eq!(one.addr(), other.addr(), "the server is shared");
    assert_ne!(one.database(), other.database());
    let (first, second) = (connect(&t, &one.url()).await?, connect(&t, &other.url()).await?);
    with_orders(&first, 3).await?;
    assert_eq!(count(&first).await?, 3);
    let error = count(&second).await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::UNDEFINED_TABLE), "{error}");
    Ok(())
}

/// Names of databases on the server of this process.
async fn databases(client: &Client) -> Result<BTreeSet<String>, tokio_postgres::Error> {
    let rows = client.query("SELECT datname FROM pg_database", &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

#[qtest]
async fn a_database_is_dropped_with_its_test_although_somebody_is_connected(t: Test) -> Result<(), Box<dyn Error>> {
    let looker = t.postgres().await?;
    let client = connect(&t, &looker.url()).await?;
    let inner = Test::scoped();
    let database = inner.postgres().await?;
    let _connected = connect(&t, &database.url()).await?;
    assert!(databases(&client).await?.contains(database.database()));
    inner.finish().await.assert();
    let left = databases(&client).await?;
    assert!(!left.contains(database.database()) && left.contains(looker.database()), "{left:?}");
    Ok(())
}

/// Twenty at once, each with the same table and other numbers of rows in it.
#[qtest(timeout = "120s")]
async fn twenty_tests_at_once_have_twenty_databases(t: Test) -> Result<(), Box<dyn Error>> {
    t.postgres().await?;
    let all = Arc::new(Barrier::new(20));
    let run = |number: u32| {
        let all = Arc::clone(&all);
        std::thread::spawn(move || {
            let t = Test::scoped();
            let opened = t.block_on(async {
                let database = t.postgres().await?;
                let client = connect(&t, &database.url()).await?;
                with_orders(&client, number).await?;
                Ok::<_, BoxError>((database, client))
            });
            // Nobody looks before all have written; nor does anybody wait for one that has failed.
            all.wait();
            let (database, client) = opened.expect("a database of its own");
            (number, t.block_on(count(&client)).expect("its table"), database.database().to_owned())
        })
    };
    let threads: Vec<_> = (1..=20).map(run).collect();
    let mut names = BTreeSet::new();
    for thread in threads {
        let (number, rows, name) = thread.join().expect("it passes");
        assert_eq!(rows, i64::from(number));
        names.insert(name);
    }
    assert_eq!(names.len(), 20, "{names:?}");
    Ok(())
}

#[qtest(timeout = "120s")]
async fn a_client_waits_while_postgres_is_paused_and_goes_on_when_it_is_resumed(t: Test) -> Result<(), Box<dyn Error>> {
    let server = t.postgres().own_server().await?;
    let client = connect(&t, &server.url()).await?;
    with_orders(&client, 3).await?;

    server.pause()?;
    // The process of the session has left the group of the server, and stands still all the same.
    let late = tokio::time::timeout(Duration::from_millis(100), count(&client)).await;
    assert!(late.is_err(), "{late:?}");
    server.resume()?;
    assert_eq!(tokio::time::timeout(PATIENCE, count(&client)).await??, 3);
    Ok(())
}

#[qtest(timeout = "120s")]
async fn a_client_of_a_killed_postgres_is_told_and_what_was_committed_comes_back(
    t: Test,
) -> Result<(), Box<dyn Error>> {
    let server = t.postgres().own_server().await?;
    let client = connect(&t, &server.url()).await?;
    with_orders(&client, 3).await?;
    // A query under way is cut, not finished.
    let under_way = connect(&t, &server.url()).await?;
    let under_way = t.spawn(async move { under_way.batch_execute("SELECT pg_sleep(600)").await });
    while client
        .query("SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)' AND pid <> pg_backend_pid()", &[])
        .await?
        .is_empty()
    {}

    server.kill()?;
    let error = tokio::time::timeout(PATIENCE, under_way).await??.unwrap_err();
    assert!(error.code().is_none(), "the connection broke: {error:?}");
    assert!(count(&client).await.is_err() && client.is_closed());
    let error = connect(&t, &server.url()).await.map(drop).expect_err("nobody listens");
    let refused = Error::source(&error).and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind);
    assert_eq!(refused, Some(io::ErrorKind::ConnectionRefused), "{error:?}");

    let before = server.addr();
    server.restart().await?;
    assert_eq!(server.addr(), before);
    assert_eq!(count(&connect(&t, &server.url()).await?).await?, 3);
    Ok(())
}

#[qtest(timeout = "120s")]
async fn a_server_takes_settings_and_tells_what_it_says_of_wrong_ones(t: Test) -> Result<(), Box<dyn Error>> {
    let server = t.postgres().own_server().setting("max_connections", "7").await?;
    let client = connect(&t, &server.url()).await?;
    let limit: String = client.query_one("SHOW max_connections", &[]).await?.get(0);
    assert_eq!(limit, "7");
    let error = t.postgres().own_server().setting("max_connections", "many").await.unwrap_err().to_string();
    assert!(error.starts_with("the server `postgres` ended before it was ready: exit status: 1"), "{error}");
    assert!(error.contains("max_connections"), "{error}");
    Ok(())
}

/// All that a server started, by the parents of the processes.
fn descendants(process: &Process) -> Vec<u32> {
    let mut found = vec![process.id()];
    let mut looked = 0;
    while let Some(id) = found.get(looked).copied() {
        let tasks = std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
        for task in tasks {
            let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
        looked += 1;
    }
    found
}

#[qtest(timeout = "120s")]
async fn nothing_is_left_of_a_server_at_the_end_not_even_of_a_paused_one(t: Test) -> Result<(), Box<dyn Error>> {
    let inner = Test::scoped();
    let server = inner.postgres().own_server().await?;
    let _session = connect(&t, &server.url()).await?;
    let all = descendants(server.process());
    assert!(all.len() > 3, "the server, its helpers and a session: {all:?}");
    server.pause()?;
    inner.finish().await.assert();
    let lives = |id: &&u32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    };
    let left: Vec<&u32> = all.iter().filter(lives).collect();
    assert!(left.is_empty(), "{left:?} of {all:?}");
    Ok(())
}

#[qtest]
#[ignore = "what the next test starts and kills"]
async fn holds_a_database_until_its_process_dies(t: Test) -> Result<(), Box<dyn Error>> {
    let Ok(mark) = std::env::var("SERVER_MARK") else { return Ok(()) };
    let database = t.postgres().await?;
    let client = connect(&t, &database.url()).await?;
    let folder: String = client.query_one("SHOW data_directory", &[]).await?.get(0);
    // Its first line is the number of the server.
    std::fs::copy(format!("{folder}/postmaster.pid"), format!("{mark}.new"))?;
    std::fs::rename(format!("{mark}.new"), mark)?;
    std::future::pending().await
}

#[qtest(timeout = "120s")]
async fn the_shared_server_dies_with_its_process_whatever_way_that_dies(t: Test) -> Result<(), Box<dyn Error>> {
    t.postgres().await?;
    // What a killed process leaves goes with it. The user that the server runs as must come in.
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    for signal in ["KILL", "TERM"] {
        let mark = folder.path().join(signal);
        let mut command = std::process::Command::new("env");
        command.arg("--default-signal=TERM").arg(std::env::current_exe()?).env("SERVER_MARK", &mark);
        command.env("TMPDIR", folder.path());
        command.args(["--exact", "postgres_server::holds_a_database_until_its_process_dies", "--ignored"]);
        let mut child = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn()?;
        while !mark.exists() {
            assert_eq!(child.try_wait()?, None, "it ended early");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let server = std::fs::read_to_string(&mark)?.lines().next().unwrap_or_default().to_owned();
        let alive = || {
            let stat = std::fs::read_to_string(format!("/proc/{server}/stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
        };
        assert!(alive(), "{server}");
        let killed = std::process::Command::new("kill").args(["-s", signal, &child.id().to_string()]).status()?;
        assert!(killed.success() && !child.wait()?.success());
        // After SIGKILL a shell of qtests does it; the time limit of this test is the limit for it.
        while alive() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    Ok(())
}
