//! A server that is about to be started.

use super::{
    handle::Server,
    output::Output,
    port::{self, Reservation},
    process::Process,
    ready::{NotReady, Ready},
};
use crate::{
    base::{Error, Kind},
    scope::{Test, Undo, lock},
};
use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    panic::Location,
    pin::Pin,
    process::{Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

/// How long a server may take until it is ready, unless its builder says otherwise.
const LIMIT: Duration = Duration::from_secs(10);

/// How many ports are tried when servers find theirs taken.
const PORTS: usize = 5;

/// What is done each time before the process starts.
pub(super) type BeforeStart = Arc<dyn Fn() + Send + Sync>;

/// A server that starts when this is awaited; made by [`Test::server`].
#[must_use = "a server starts when its builder is awaited"]
pub struct ServerBuilder {
    test: Test,
    command: Box<dyn FnMut(u16) -> Command + Send>,
    ready: Ready,
    limit: Duration,
    before: Option<BeforeStart>,
    place: &'static Location<'static>,
}

impl Test {
    /// A server in a process of its own, as [`process`](Test::process) starts it, on a port of 127.0.0.1 that is kept for
    /// it until the test ends. The closure makes its command from the port.
    ///
    /// Its standard input is empty. What it prints, on standard output and error, goes into the journal of the test (the
    /// first 1,000 lines of each server), and its last 20 lines into each error.
    ///
    /// ```
    /// use qtests::{Test, server::Ready};
    /// use std::process::Command;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let t = Test::scoped();
    /// let server = t
    ///     .server(|port| {
    ///         let mut command = Command::new("sh");
    ///         command.args(["-c", &format!("echo would listen on {port}; exec sleep 60")]);
    ///         command
    ///     })
    ///     .ready_when(Ready::line("would listen"))
    ///     .await?;
    /// server.pause()?; // it hangs
    /// server.resume()?;
    /// server.restart().await?; // dead, and back on the same port
    /// # t.finish().await.assert();
    /// # Ok::<(), qtests::Error>(())
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn server(&self, command: impl FnMut(u16) -> Command + Send + 'static) -> ServerBuilder {
        ServerBuilder {
            test: self.clone(),
            command: Box::new(command),
            ready: Ready::port(),
            limit: LIMIT,
            before: None,
            place: Location::caller(),
        }
    }
}

impl ServerBuilder {
    /// When it is ready. Defaults to [`Ready::port`].
    pub fn ready_when(mut self, ready: Ready) -> Self {
        self.ready = ready;
        self
    }

    /// How long it may take until it is ready, at each start. Defaults to 10 s.
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Done before each start of the process, restarts too.
    pub(super) fn before_start(mut self, before: impl Fn() + Send + Sync + 'static) -> Self {
        self.before = Some(Arc::new(before));
        self
    }

    /// Where the caller of the caller stands.
    pub(super) fn started_at(mut self, place: &'static Location<'static>) -> Self {
        self.place = place;
        self
    }

    async fn start(mut self) -> Result<Server, Error> {
        self.test.scope.still_open("a server")?;
        if self.limit.is_zero() {
            return Err(Error::invalid("the server has no time to get ready: `within` is zero"));
        }
        if self.test.clock_is_paused() {
            return Err(Error::paused_clock("a server"));
        }
        for number in 1.. {
            let reserved = Reservation::new()?;
            let port = reserved.port();
            // A server without SO_REUSEADDR finds a port that is kept for it taken. The next one is only chosen, and
            // somebody else may be faster; then there are others.
            let kept = if number == 1 { Some(reserved) } else { None };
            match self.try_port(port, kept).await {
                Err((error, Port::Taken)) if number < PORTS => {
                    self.test.record("server", format!("port {port} is taken, trying another one: {error}"));
                }
                Err((error, _)) => return Err(error),
                Ok(server) => return Ok(server),
            }
        }
        unreachable!("the last port returns")
    }

    async fn try_port(&mut self, port: u16, kept: Option<Reservation>) -> Result<Server, (Error, Port)> {
        let sound = |error| (error, Port::Sound);
        let mut command = (self.command)(port);
        command.stdin(Stdio::null());
        let name = name_of(&command);
        let kept = Arc::new(Mutex::new(kept));
        let ours = Arc::clone(&kept);
        let what = format!("the port of `{name}`");
        // Registered before the process is, so that it happens after its end.
        self.test.scope.undo_at_end(Undo::now(what, move || drop(lock(&ours).take()))).map_err(sound)?;
        let output = Output::new(self.test.downgrade(), name.clone(), self.ready.awaited());
        if let Some(before) = &self.before {
            before();
        }
        let process = Process::start(&self.test, command, Some(output.clone()), self.place).map_err(sound)?;
        let server = Server {
            test: self.test.clone(),
            name,
            process,
            output,
            ready: self.ready.clone(),
            limit: self.limit,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            before: self.before.clone(),
            turn: Arc::default(),
        };
        match server.get_ready().await {
            Ok(()) => Ok(server),
            Err(not_ready) => {
                let _ = server.process.kill();
                drop(lock(&kept).take());
                let ended = matches!(not_ready, NotReady::Ended(_));
                let taken = ended && (says_taken(&server.output.last()) || port::is_taken(port));
                Err((server.not_ready(not_ready), if taken { Port::Taken } else { Port::Sound }))
            }
        }
    }
}

/// Whether a server may have failed for its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    Taken,
    Sound,
}

/// The name of the program without its folders.
fn name_of(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    program.file_name().unwrap_or(command.get_program()).to_string_lossy().into_owned()
}

/// Whether a server that has ended says that its port is taken; pure. The system has one text for it, and libraries
/// have the name of the error.
fn says_taken(lines: &[String]) -> bool {
    let says = |line: &String| {
        let line = line.to_lowercase();
        line.contains("in use") || line.contains("eaddrinuse")
    };
    lines.iter().any(says)
}

/// Why a server is not there, with what it printed last; pure.
pub(super) fn failure(name: &str, why: &str, last: &[String]) -> String {
    let said: String = last.iter().map(|line| format!("\n    {line}")).collect();
    let said =
        if said.is_empty() { "; it printed nothing".to_owned() } else { format!("; the last it printed:{said}") };
    format!("the server `{name}` {why}{said}")
}

/// Why a server that ended early did, and what to do about it; pure.
pub(super) fn ended_early(status: ExitStatus) -> String {
    let cure = if status.success() { " (run it in the foreground: a daemon leaves its test)" } else { "" };
    format!("ended before it was ready: {status}{cure}")
}

/// A server that is late.
pub(super) fn late(text: String) -> Error {
    Error::new(Kind::Timeout, text)
}

impl IntoFuture for ServerBuilder {
    type Output = Result<Server, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    /// Starts it and waits until it is ready. If it ends before, that is told at once. If its port is taken it is started
    /// on another, on 5 at most.
    ///
    /// Cancel safe: a server that was started meanwhile is killed at the end of the test.
    ///
    /// # Errors
    /// [`is_timeout`](Error::is_timeout) if it was not ready in time, and is killed then;
    /// [`is_missing_program`](Error::is_missing_program) if there is no such program;
    /// [`is_paused_clock`](Error::is_paused_clock) if the clock of the test is paused; others if it ended early, or the
    /// system refuses.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.start())
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder").field("ready", &self.ready).field("limit", &self.limit).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_of_a_taken_port_is_understood() {
        for line in ["bind: Address already in use", "Error: listen EADDRINUSE: address", "port 80 is IN USE"] {
            assert!(says_taken(&["ready soon".to_owned(), line.to_owned()]), "{line}");
        }
        assert!(!says_taken(&["permission denied".to_owned()]) && !says_taken(&[]));
    }
}
