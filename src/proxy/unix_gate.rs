//! The same door on a Unix socket: a path that nobody listens on refuses, and stays taken.

use std::fs;
use std::io;
use std::os::unix::net::UnixListener as Listener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::net::{UnixListener, UnixStream};

use super::gate::Visitor;
use super::stream::Stream;
use super::toxic::Door;

/// Tells the sockets that are about to take their path from each other.
static NEXT: AtomicU64 = AtomicU64::new(1);

pub(super) struct UnixGate {
    /// It is this gate's until the gate is dropped, which removes it.
    path: PathBuf,
    open: Option<(Listener, UnixListener)>,
}

impl UnixGate {
    pub(super) fn shut(path: &Path) -> io::Result<UnixGate> {
        // What is bound and closed leaves its path behind.
        drop(Listener::bind(path)?);
        Ok(UnixGate { path: path.to_owned(), open: None })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn set(&mut self, door: Door, visitors: &mut Vec<Visitor>) -> io::Result<()> {
        match door {
            Door::Open if self.open.is_none() => self.open = Some(listen(&self.path)?),
            Door::Open => {}
            Door::Stalled => {
                let text = "a Unix socket cannot leave a connect without an answer";
                return Err(io::Error::new(io::ErrorKind::Unsupported, text));
            }
            Door::Refusing => {
                let Some((listener, _)) = self.open.take() else { return Ok(()) };
                let waiting = std::iter::from_fn(|| listener.accept().ok());
                visitors.extend(waiting.filter_map(|(stream, _)| visitor(stream).ok()));
            }
        }
        Ok(())
    }

    pub(super) async fn accept(&self) -> io::Result<Visitor> {
        match &self.open {
            Some((_, listener)) => {
                listener.accept().await.map(|(stream, _)| (Stream::Unix(stream), "a local client".to_owned()))
            }
            None => std::future::pending().await,
        }
    }
}

impl Drop for UnixGate {
    fn drop(&mut self) {
        // Whoever removed it before has saved us the work.
        let _ = fs::remove_file(&self.path);
    }
}

/// A listener in the place of the one before. It is bound beside the path and moved there, so that the path is never
/// free.
fn listen(path: &Path) -> io::Result<(Listener, UnixListener)> {
    let beside = path.with_file_name(format!(".{}", NEXT.fetch_add(1, Relaxed)));
    let listener = Listener::bind(&beside)?;
    fs::rename(&beside, path).inspect_err(|_| drop(fs::remove_file(&beside)))?;
    listener.set_nonblocking(true)?;
    let registered = UnixListener::from_std(listener.try_clone()?)?;
    Ok((listener, registered))
}

fn visitor(stream: std::os::unix::net::UnixStream) -> io::Result<Visitor> {
    stream.set_nonblocking(true)?;
    Ok((Stream::Unix(UnixStream::from_std(stream)?), "a local client".to_owned()))
}
