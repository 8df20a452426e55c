//! Databases of a postgres server that the tests of a process share, and servers of a test's own.

mod cluster;
mod user;
mod wire;

use super::{Server, program::Program};
use crate::{
    base::Error,
    fixture::{Fixture, Shared},
    scope::{Test, Undo},
};
use cluster::Cluster;
use std::{
    fmt,
    net::SocketAddr,
    ops::Deref,
    panic::Location,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

const PROGRAM: Program = Program {
    name: "postgres",
    versions: Some(("/usr/lib/postgresql", "bin")),
    install: "postgresql 13 or newer, for instance by `apt-get install postgresql`",
};

/// The user that owns everything in a server, and the database that every server has.
const USER: &str = "postgres";

/// A database of one test, empty at first and dropped when the test ends; made by [`Test::postgres`].
///
/// Its server belongs to all tests of the process, so it cannot be made to hang or be killed: that is what
/// [`own_server`](PostgresBuilder::own_server) and [`Test::proxy`] are for. Clones are the same database.
#[derive(Clone, Debug)]
pub struct Postgres {
    address: SocketAddr,
    name: Arc<str>,
}

/// A postgres server of one test; made by [`PostgresBuilder::own_server`].
///
/// It can be made to hang, killed and started again as any [`Server`], which it derefs to. What was committed survives a
/// kill. Clones are the same server.
#[derive(Clone, Debug)]
pub struct PostgresServer {
    server: Server,
}

/// A database that is made when this is awaited; made by [`Test::postgres`].
#[must_use = "a database is made when its builder is awaited"]
pub struct PostgresBuilder {
    test: Test,
    place: &'static Location<'static>,
}

/// A server that starts when this is awaited; made by [`PostgresBuilder::own_server`].
#[must_use = "a server starts when its builder is awaited"]
pub struct PostgresServerBuilder {
    test: Test,
    settings: Vec<(String, String)>,
    place: &'static Location<'static>,
}

impl Test {
    /// A postgres database of this test alone.
    ///
    /// The first test that asks starts a server for all tests of the process, on files of its own in the folder for
    /// temporary files and on a port of 127.0.0.1. It waits for no disk (`fsync=off`), takes 300 connections, asks for no
    /// password, and ends with the process, whatever way that is. Under nextest each test has a process, and so a server.
    ///
    /// The program `postgres` is looked for on PATH and in `/usr/lib/postgresql`, where the newest version is taken. If it
    /// is not there, a `#[qtest]` that returns the error (or panics with it) is skipped, which is said aloud, and fails
    /// with `QTESTS_REQUIRE_SERVERS=1`. A process of root runs it as the user `postgres`, or else `nobody`.
    ///
    /// ```
    /// use qtests::prelude::*;
    ///
    /// #[qtest]
    /// async fn an_order_is_stored(t: Test) -> Result<(), Box<dyn Error>> {
    ///     let database = t.postgres().await?;
    ///     // .. connect to database.url() ..
    ///     let server = t.postgres().own_server().await?; // one that may be killed
    ///     server.restart().await?;
    ///     Ok(())
    /// }
    /// ```
    #[track_caller]
    pub fn postgres(&self) -> PostgresBuilder {
        PostgresBuilder { test: self.clone(), place: Location::caller() }
    }
}

impl PostgresBuilder {
    /// A whole server of this test alone, from a copy of the files that all others start from, too: one that may be made to
    /// hang, killed and started again. It takes about a second.
    pub fn own_server(self) -> PostgresServerBuilder {
        PostgresServerBuilder { test: self.test, settings: Vec::new(), place: self.place }
    }

    async fn make(self) -> Result<Postgres, Error> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let Self { test, .. } = self;
        ready_for_servers(&test)?;
        let shared = Shared::<Cluster>::set_up(&test).await;
        let failed =
            |error| Error::other("there is no postgres server for the tests of this process").with_source(error);
        let server = shared.map_err(failed)?.server.clone();
        let name: Arc<str> = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed)).into();
        let address = server.addr();
        // Registered before it is made: whoever is cancelled meanwhile leaves nothing.
        let (dropped, ours) = (Arc::clone(&name), test.downgrade());
        let drop_it = async move {
            let made = format!("DROP DATABASE IF EXISTS {dropped} WITH (FORCE)");
            // If the server is gone, so is the database.
            if let (Err(error), Some(scope)) = (wire::execute(address, &made).await, ours.upgrade()) {
                scope.record("server", format!("the database {dropped} is not dropped: {error:?}"));
            }
        };
        test.scope.undo_at_end(Undo::later(format!("the drop of the database {name}"), drop_it))?;
        wire::execute(address, &format!("CREATE DATABASE {name} TEMPLATE template0")).await.map_err(|error| {
            let last = server.last_lines().join("\n    ");
            Error::other(format!("the database is not made; the last that postgres printed:\n    {last}"))
                .with_source(error)
        })?;
        test.record("server", format!("the database {name} is ready on {address}"));
        Ok(Postgres { address, name })
    }
}

/// Refuses what cannot be, and tells of a missing program before anything is shared.
fn ready_for_servers(test: &Test) -> Result<(), Error> {
    test.scope.still_open("a postgres server")?;
    if test.clock_is_paused() {
        return Err(Error::paused_clock("a postgres server"));
    }
    PROGRAM.find().map(drop)
}

impl PostgresServerBuilder {
    /// A setting of the server, such as `max_connections` and `5`; the last one of a name counts. Defaults to those of
    /// qtests.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    async fn start(self) -> Result<PostgresServer, Error> {
        ready_for_servers(&self.test)?;
        let server = cluster::start(&self.test, &self.settings, self.place).await?;
        Ok(PostgresServer { server })
    }
}

impl Postgres {
    /// Where its server listens, on 127.0.0.1.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The name of the database.
    pub fn database(&self) -> &str {
        &self.name
    }

    /// Where it is, in the form that clients take: `postgres://postgres@127.0.0.1:5432/test_1`.
    pub fn url(&self) -> String {
        url(self.address, &self.name)
    }
}

impl PostgresServer {
    /// The name of the database that it comes with.
    pub fn database(&self) -> &str {
        USER
    }

    /// Where that database is, in the form that clients take: `postgres://postgres@127.0.0.1:5432/postgres`.
    pub fn url(&self) -> String {
        url(self.addr(), USER)
    }
}

fn url(address: SocketAddr, database: &str) -> String {
    format!("postgres://{USER}@{address}/{database}")
}

impl Deref for PostgresServer {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl IntoFuture for PostgresBuilder {
    type Output = Result<Postgres, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    /// Makes the database. Cancel safe: what was made meanwhile is dropped at the end of the test.
    ///
    /// # Errors
    /// [`is_missing_program`](Error::is_missing_program) if postgres is not installed;
    /// [`is_paused_clock`](Error::is_paused_clock) if the clock of the test is paused; others if the server did not start
    /// or does not answer.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.make())
    }
}

impl IntoFuture for PostgresServerBuilder {
    type Output = Result<PostgresServer, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    /// Starts the server and waits until it takes connections, for 45 s at most. Cancel safe: what was started meanwhile
    /// ends with the test.
    ///
    /// # Errors
    /// As those of [`PostgresBuilder`], and for a setting that postgres refuses.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.start())
    }
}

impl fmt::Debug for PostgresBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBuilder").finish_non_exhaustive()
    }
}

impl fmt::Debug for PostgresServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresServerBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}
