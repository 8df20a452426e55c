//! TLS through the proxy, which takes no part in it: what passes, and what fails during the handshake. Client and server
//! are those of `openssl`.

use qtests::{
    prelude::*,
    proxy::{FaultProxy, Limit, Stall},
};
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Instant,
};

/// A server that speaks TLS with a certificate of its own, and a proxy before it; nothing where there is no `openssl`.
async fn behind(t: &Test) -> Result<Option<(FaultProxy, PathBuf)>, BoxError> {
    let (key, certificate) = (t.dir().join("key.pem"), t.dir().join("certificate.pem"));
    let mut make = Command::new("openssl");
    make.args(
        "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 1 -subj /CN=localhost".split(' '),
    );
    make.args([OsStr::new("-keyout"), key.as_os_str(), OsStr::new("-out"), certificate.as_os_str()]);
    match make.output() {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let is_required = std::env::var("QTESTS_REQUIRE_SERVERS").is_ok_and(|value| value == "1");
            assert!(!is_required, "`openssl` is not installed");
            // Past the capture of the harness, which shows nothing of a test that passes.
            let _ = io::Write::write_all(&mut io::stderr(), b"SKIPPED: `openssl` is not installed\n");
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    }
    let path = certificate.clone();
    let command = move |port: u16| {
        let mut command = Command::new("openssl");
        command.args(["s_server", "-quiet", "-www", "-accept", &format!("127.0.0.1:{port}")]);
        command.arg("-cert").arg(&path).arg("-key").arg(&key);
        command
    };
    let server = t.server(command).named("tls").await?;
    Ok(Some((t.proxy(server.addr()).named("tls").await?, certificate)))
}

/// What a client gets that verifies the certificate and asks for a page.
async fn page(wire: &FaultProxy, certificate: &Path) -> Result<Output, BoxError> {
    let (address, certificate) = (wire.addr().to_string(), certificate.to_owned());
    let client = move || {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-verify_return_error", "-servername", "localhost", "-connect", &address]);
        command.arg("-CAfile").arg(&certificate).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let mut input = child.stdin.take().expect("it is a pipe");
        let _ = io::Write::write_all(&mut input, b"GET / HTTP/1.0\r\n\r\n");
        child.wait_with_output()
    };
    Ok(tokio::task::spawn_blocking(client).await??)
}

fn has_page(output: &Output) -> bool {
    output.status.success() && String::from_utf8_lossy(&output.stdout).contains("HTTP/1.0 200")
}

#[qtest]
async fn tls_passes_and_a_stall_of_the_handshake_is_only_late(t: Test) -> Result<(), BoxError> {
    let Some((wire, certificate)) = behind(&t).await? else { return Ok(()) };
    let output = page(&wire, &certificate).await?;
    assert!(has_page(&output), "{output:?}");
    wire.add(Stall::of(Duration::from_millis(300))).await?;
    let began = Instant::now();
    let output = page(&wire, &certificate).await?;
    assert!(has_page(&output), "{output:?}");
    assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
    Ok(())
}

#[qtest]
async fn a_handshake_that_is_cut_fails_the_client_and_the_next_one_works(t: Test) -> Result<(), BoxError> {
    let Some((wire, certificate)) = behind(&t).await? else { return Ok(()) };
    // In the middle of the server's first flight; and at the client's hello, whose first byte says so (RFC 8446, 5.1).
    let at_hello = Reset::now().matching(|first| first.first() == Some(&0x16));
    for toxic in [Limit::bytes(100).optional(), Limit::bytes(100).reset().optional(), at_hello] {
        let cut = wire.add(toxic).await?;
        let output = page(&wire, &certificate).await?;
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
        assert!(cut.met() > 0);
        cut.remove().await?;
    }
    let output = page(&wire, &certificate).await?;
    assert!(has_page(&output), "{output:?}");
    Ok(())
}
