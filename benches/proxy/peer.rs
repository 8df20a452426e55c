//! The plainest proxy there is, in the same shape as that of qtests: one thread with a runtime of its own.

use super::ends::patient_listener;
use std::{
    io,
    net::SocketAddr,
    sync::mpsc,
    thread::{self, JoinHandle},
};
use tokio::{
    io::copy_bidirectional_with_sizes,
    net::{TcpListener, TcpStream},
    runtime,
    sync::oneshot,
};

/// A proxy made of `copy_bidirectional`; it stops when it is dropped.
pub(crate) struct Peer {
    addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Peer {
    /// Starts it on a thread of this name, with so many bytes of buffer for each direction of a connection.
    pub(crate) fn start(name: &str, server: SocketAddr, buffer: usize) -> Self {
        let (told, tell) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let run = move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
            runtime.block_on(async {
                let listener = patient_listener();
                let _ = told.send(listener.local_addr().expect("a bound socket has an address"));
                tokio::select! {
                    _ = stopped => {}
                    () = serve(listener, server, buffer) => {}
                }
            });
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run).expect("a thread can be started");
        let addr = tell.recv().expect("the proxy says where it listens");
        Self { addr, stop: Some(stop), thread: Some(thread) }
    }

    /// Where clients connect.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: TcpListener, server: SocketAddr, buffer: usize) {
    loop {
        let (client, _) = listener.accept().await.expect("a connection can be accepted");
        tokio::spawn(carry(client, server, buffer));
    }
}

async fn carry(mut client: TcpStream, server: SocketAddr, buffer: usize) -> io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    copy_bidirectional_with_sizes(&mut client, &mut server, buffer, buffer).await?;
    Ok(())
}
