//! A redis server of a test's own.

use super::{Ready, Server, program::Program};
use crate::{base::Error, scope::Test};
use std::{
    ffi::OsString, fmt, io, net::SocketAddr, ops::Deref, panic::Location, path::Path, pin::Pin, process::Command,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const PROGRAM: Program =
    Program { name: "redis-server", versions: None, install: "redis, for instance by `apt-get install redis-server`" };

/// How long it may take to load what it had stored, on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// A redis server of one test, on a port of 127.0.0.1; made by [`Test::redis`].
///
/// It can be made to hang, killed and started again as any [`Server`], which it derefs to. Clones are the same server.
#[derive(Clone, Debug)]
pub struct Redis {
    server: Server,
}

/// A redis server that starts when this is awaited; made by [`Test::redis`].
#[must_use = "a server starts when its builder is awaited"]
pub struct RedisBuilder {
    test: Test,
    durable: bool,
    arguments: Vec<OsString>,
    place: &'static Location<'static>,
}

impl Test {
    /// A redis server of this test alone, empty, gone when the test ends. The program `redis-server` must be on PATH; if
    /// it is not, a `#[qtest]` that returns the error (or panics with it) is skipped, which is said aloud, and fails with
    /// `QTESTS_REQUIRE_SERVERS=1`.
    ///
    /// ```
    /// use qtests::prelude::*;
    ///
    /// #[qtest]
    /// async fn a_counter_survives_a_crash_of_redis(t: Test) -> Result<(), Box<dyn Error>> {
    ///     let redis = t.redis().durable().await?;
    ///     // .. connect to redis.url(), count ..
    ///     redis.restart().await?;
    ///     // .. and look at the counter.
    ///     Ok(())
    /// }
    /// ```
    #[track_caller]
    pub fn redis(&self) -> RedisBuilder {
        RedisBuilder { test: self.clone(), durable: false, arguments: Vec::new(), place: Location::caller() }
    }
}

impl RedisBuilder {
    /// Every write is in a file before it is answered (`appendonly yes`, `appendfsync always`), so that a
    /// [`restart`](Server::restart) brings all of it back. Defaults to nothing being stored: a restart brings back an
    /// empty server.
    pub fn durable(mut self) -> Self {
        self.durable = true;
        self
    }

    /// An argument of the command line, behind those of qtests, such as `--maxmemory`. Its value is an argument of its own.
    /// Defaults to none.
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Several arguments, as [`arg`](RedisBuilder::arg) takes them: `.args(["--maxmemory", "10mb"])`. Defaults to none.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    async fn start(self) -> Result<Redis, Error> {
        let Self { test, durable, arguments, place } = self;
        test.scope.still_open("a redis server")?;
        let program = PROGRAM.find()?;
        let made = tempfile::Builder::new().prefix("redis-").tempdir_in(test.dir());
        // It goes with the directory of the test, or stays with it.
        let folder = made.map_err(|error| Error::other("redis has no directory").with_source(error))?.keep();
        let command = move |port| {
            let mut command = command(&program, &folder, port, durable);
            command.args(&arguments);
            command
        };
        let ready = Ready::served(|address| async move { answers(address).await.unwrap_or(false) });
        let server = test.server(command).ready_when(ready).within(LIMIT).started_at(place).await?;
        Ok(Redis { server })
    }
}

fn command(program: &Path, folder: &Path, port: u16, durable: bool) -> Command {
    let mut command = Command::new(program);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--protected-mode", "yes"]);
    command.args(["--daemonize", "no", "--loglevel", "notice", "--save", "", "--dir"]).arg(folder);
    command.args(["--appendonly", if durable { "yes" } else { "no" }, "--appendfsync", "always"]);
    command.current_dir(folder);
    command
}

/// Whether it answers, and has loaded what it had stored. One that wants a password answers, too.
async fn answers(address: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).await?;
    Ok(matches!(&answer, b"+PONG\r\n" | b"-NOAUTH"))
}

impl Redis {
    /// Where it is, in the form that clients take: `redis://127.0.0.1:6379`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.addr())
    }
}

impl Deref for Redis {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl IntoFuture for RedisBuilder {
    type Output = Result<Redis, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    /// Starts it and waits until it answers, for 30 s at most. Cancel safe: a server that was started meanwhile is killed
    /// at the end of the test.
    ///
    /// # Errors
    /// [`is_missing_program`](Error::is_missing_program) if there is no `redis-server` on PATH; others as those of
    /// [`Test::server`], for instance for an argument that redis refuses.
    ///
    /// # Panics
    /// If the directory of the test cannot be made.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.start())
    }
}

impl fmt::Debug for RedisBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBuilder")
            .field("durable", &self.durable)
            .field("arguments", &self.arguments)
            .finish_non_exhaustive()
    }
}
