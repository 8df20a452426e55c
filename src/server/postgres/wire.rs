//! As much of the protocol of postgres as it takes to make a database and to drop it: a simple query, and its error.
//!
//! A client of our own of one file and not the program `psql`, which is a package of its own, takes a hundred times as
//! long to start, and tells errors in the language of the machine.

use super::USER;
use crate::base::Error;
use std::{io, net::SocketAddr};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// How long a message may be that is understood. What the server says here has some hundred bytes.
const MESSAGE: usize = 1 << 20;

/// Version 3.0 of the protocol.
const VERSION: i32 = 3 << 16;

/// Runs one statement on a connection of its own, to the database that every server has.
pub(super) async fn execute(address: SocketAddr, statement: &str) -> Result<(), Error> {
    let failed = |error: io::Error| Error::other(format!("postgres on {address} does not answer")).with_source(error);
    let mut stream = TcpStream::connect(address).await.map_err(failed)?;
    stream.write_all(&startup()).await.map_err(failed)?;
    until_ready(&mut stream).await.map_err(failed)?.map_or(Ok(()), |said| refused("the connection", &said))?;
    stream.write_all(&query(statement)).await.map_err(failed)?;
    until_ready(&mut stream).await.map_err(failed)?.map_or(Ok(()), |said| refused(statement, &said))
}

fn refused(what: &str, said: &str) -> Result<(), Error> {
    Err(Error::other(format!("postgres refuses {what}: {said}")))
}

/// The first message of a connection; it has no letter.
fn startup() -> Vec<u8> {
    let mut body = VERSION.to_be_bytes().to_vec();
    for text in ["user", USER, "database", USER, "application_name", "qtests", ""] {
        body.extend(text.as_bytes());
        body.push(0);
    }
    with_length(Vec::new(), &body)
}

fn query(statement: &str) -> Vec<u8> {
    with_length(vec![b'Q'], &[statement.as_bytes(), &[0]].concat())
}

/// A message: its length counts itself, not the letter.
fn with_length(mut message: Vec<u8>, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    message.extend(length.to_be_bytes());
    message.extend(body);
    message
}

/// Reads until the server waits for the next query, or closes the connection after an error. The error that it told.
async fn until_ready(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let mut told = None;
    loop {
        let kind = match stream.read_u8().await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && told.is_some() => return Ok(told),
            kind => kind?,
        };
        let length = stream.read_u32().await?;
        let length = usize::try_from(length).ok().and_then(|length| length.checked_sub(4));
        let invalid = |text| io::Error::new(io::ErrorKind::InvalidData, text);
        let length =
            length.filter(|length| *length <= MESSAGE).ok_or_else(|| invalid("a message of no sane length"))?;
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        match kind {
            b'E' => told = told.or_else(|| Some(error_text(&body))),
            // 0 is AuthenticationOk; everything else asks for something.
            b'R' if body.get(..4) != Some(&[0; 4]) => return Err(invalid("it asks for a password")),
            b'Z' => return Ok(told),
            _ => {}
        }
    }
}

/// The message and the code of an error; pure. Its fields are a letter and a text that ends with a zero.
fn error_text(body: &[u8]) -> String {
    let field = |letter: u8| {
        let found = body.split(|byte| *byte == 0).find(|field| field.first() == Some(&letter))?;
        Some(String::from_utf8_lossy(&found[1..]).into_owned())
    };
    let message = field(b'M').unwrap_or_else(|| "an error without a message".to_owned());
    field(b'C').map_or(message.clone(), |code| format!("{message} (SQLSTATE {code})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_a_letter_their_length_and_zeros_behind_texts() {
        assert_eq!(query("ab"), [b'Q', 0, 0, 0, 7, b'a', b'b', 0]);
        let startup = startup();
        assert_eq!(startup[..8], [0, 0, 0, u8::try_from(startup.len()).unwrap(), 0, 3, 0, 0]);
        assert!(startup.ends_with(&[0, 0]), "the end of the last text, and of the list");
    }

    #[test]
    fn an_error_is_told_by_its_message_and_code() {
        let body = b"SERROR\0VERROR\0C42P04\0Mdatabase \"a\" already exists\0Fdbcommands.c\0\0";
        assert_eq!(error_text(body), "database \"a\" already exists (SQLSTATE 42P04)");
        assert_eq!(error_text(b"\0"), "an error without a message");
    }
}
