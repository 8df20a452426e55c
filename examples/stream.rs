//! A connection whose reads and writes go wrong, without a server and without a real clock. Run it with
//! `cargo run --example stream`.

use qtests::{Test, fault::FaultStream, prelude::*};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream},
    time::{Instant, timeout},
};

/// The code under test: sends a line and awaits one, for five seconds at most.
async fn ask(stream: impl AsyncRead + AsyncWrite + Unpin, question: &str) -> io::Result<String> {
    let mut stream = BufReader::new(stream);
    let talk = async {
        stream.write_all(format!("{question}\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_line(&mut answer).await?;
        match answer.strip_suffix('\n') {
            Some(answer) => Ok(answer.to_owned()),
            None => Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("only {answer:?} came back"))),
        }
    };
    timeout(Duration::from_secs(5), talk).await?
}

/// A server that answers everything with "pong", at the other end of a pipe.
async fn connect() -> io::Result<DuplexStream> {
    let (ours, mut theirs) = tokio::io::duplex(64);
    tokio::spawn(async move {
        theirs.read_exact(&mut [0; 5]).await?;
        theirs.write_all(b"pong\n").await
    });
    Ok(ours)
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let t = Test::scoped();
    say("healthy").await;

    let refused = t.fault("stream.db.connect").fail(io::ErrorKind::ConnectionRefused).arm();
    say("refused").await;
    refused.disarm();

    let slow = t.fault("stream.db.first_read").delay(Duration::from_secs(3)).arm();
    say("slow").await;
    slow.disarm();

    let stalled = t.fault("stream.db.first_write").hang().arm();
    say("stalled").await;
    stalled.disarm();

    let broken = t.fault("stream.db.first_read").short(2).fail(io::ErrorKind::ConnectionReset).arm();
    say("broken").await;
    broken.disarm();

    let cut = [t.fault("stream.db.first_read").short(2).arm(), t.fault("stream.db.read").short(0).arm()];
    say("cut off").await;
    cut.iter().for_each(|fault| fault.disarm());

    t.fault("stream.db.first_read").corrupt().arm();
    say("corrupt").await;
    t.finish().await.assert();
}

async fn say(what: &str) {
    let began = Instant::now();
    let talk = async { ask(FaultStream::connect("db", connect()).await?, "ping").await };
    let answer = talk.await.unwrap_or_else(|error| error.to_string());
    println!("{what:9} {answer} ({} s)", began.elapsed().as_secs());
}
