//! Faults of streams that never fire.

use qtests::{fault::FaultStream, prelude::*};
use tokio::io::AsyncReadExt;

#[qtest]
#[ignore = "must fail"]
async fn stream_has_a_wrong_name(t: Test) -> io::Result<()> {
    t.fault("stream.bd.first_read").fail(io::ErrorKind::ConnectionReset).arm();
    FaultStream::new("db", io::Cursor::new("a row")).read_exact(&mut [0; 5]).await?;
    Ok(())
}

#[qtest]
#[ignore = "must fail"]
async fn stream_is_read_only_once(t: Test) -> io::Result<()> {
    t.fault("stream.db.read").fail(io::ErrorKind::ConnectionReset).arm();
    FaultStream::new("db", io::Cursor::new("a row")).read_exact(&mut [0; 5]).await?;
    Ok(())
}
