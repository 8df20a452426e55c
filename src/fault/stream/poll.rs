//! Reads and writes of a wrapped stream.

use super::FaultStream;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

impl<S: AsyncRead + Unpin> AsyncRead for FaultStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let inner = Pin::new(&mut this.inner);
        let length = buf.remaining();
        if length == 0 {
            return inner.poll_read(cx, buf);
        }
        ready!(this.read.poll_owed(cx))?;
        if this.read.is_over {
            return Poll::Ready(Ok(()));
        }
        ready!(this.read.poll_until_passing(cx, &this.name, length))?;
        let before = buf.filled().len();
        let result = match this.read.damage() {
            None => ready!(inner.poll_read(cx, buf)),
            Some(damage) if damage.passing(length) == 0 => {
                this.read.is_over = true;
                Ok(())
            }
            Some(damage) => {
                let mut part = ReadBuf::new(buf.initialize_unfilled_to(damage.passing(length)));
                let result = ready!(inner.poll_read(cx, &mut part));
                damage.corrupt(part.filled_mut());
                let passed = part.filled().len();
                buf.advance(passed);
                result
            }
        };
        let passed = buf.filled().len() - before;
        Poll::Ready(this.read.end(result.map(|()| passed)).map(drop))
    }
}

impl<S: AsyncWrite + Unpin> FaultStream<S> {
    /// Writes these, by `pass` if nothing happens to them.
    fn poll_pass(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
        pass: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let inner = Pin::new(&mut self.inner);
        let length = bufs.iter().map(|buf| buf.len()).sum();
        if length == 0 {
            return pass(inner, cx);
        }
        ready!(self.write.poll_owed(cx))?;
        ready!(self.write.poll_until_passing(cx, &self.name, length))?;
        let result = match self.write.altered(bufs) {
            None => ready!(pass(inner, cx)),
            Some(bytes) if bytes.is_empty() => Ok(0),
            Some(bytes) => ready!(inner.poll_write(cx, &bytes)),
        };
        Poll::Ready(self.write.end(result))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for FaultStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_pass(cx, &[IoSlice::new(buf)], |inner, cx| inner.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_pass(cx, bufs, |inner, cx| inner.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.write.poll_owed(cx))?;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.write.poll_owed(cx))?;
        let (name, offset) = (&this.name, this.write.offset());
        ready!(this.close.poll_until_passing(cx, || name.decide(name.close, Some(offset), None)))?;
        let result = ready!(Pin::new(&mut this.inner).poll_shutdown(cx));
        this.close.end();
        Poll::Ready(result)
    }
}
