//! Set-ups that fail.

use qtests::prelude::*;
use std::future::pending;

struct ReturnsAnError;

impl Fixture for ReturnsAnError {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        t.defer(|| println!("what was made before is undone"));
        Err(io::Error::new(io::ErrorKind::NotFound, "no database at 127.0.0.1").into())
    }
}

struct NeedsOneThatFails;

impl Fixture for NeedsOneThatFails {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        t.fixture::<ReturnsAnError>().await?;
        Ok(Self)
    }
}

struct Panics;

impl Fixture for Panics {
    async fn set_up(_: &Test) -> Result<Self, BoxError> {
        panic!("the port is taken");
    }
}

struct Hangs;

impl Fixture for Hangs {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        t.defer(|| println!("what was made before is undone"));
        pending().await
    }
}

struct NeedsItself;

impl Fixture for NeedsItself {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        Box::pin(t.fixture::<NeedsItselfToo>()).await.map(|_| Self).map_err(Into::into)
    }
}

struct NeedsItselfToo;

impl Fixture for NeedsItselfToo {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        t.fixture::<NeedsItself>().await.map(|_| Self).map_err(Into::into)
    }
}

#[qtest]
#[ignore = "must fail"]
async fn fixture_returns_an_error(_fixture: NeedsOneThatFails) {
    println!("the body must not run");
}

#[qtest]
#[ignore = "must fail"]
#[should_panic]
async fn fixture_panics(_fixture: Panics) {
    println!("the body must not run");
}

#[qtest(timeout = "100ms")]
#[ignore = "must fail"]
fn fixture_hangs(_fixture: Hangs) {
    println!("the body must not run");
}

#[qtest]
#[ignore = "must fail"]
async fn fixture_needs_itself(_fixture: NeedsItself) {}

#[qtest]
#[ignore = "must fail"]
async fn shared_fixture_panics(_fixture: Shared<Panics>) {}

#[qtest]
#[ignore = "must fail"]
async fn shared_fixture_needs_itself(_fixture: Shared<NeedsItsOwnShare>) {}

struct NeedsItsOwnShare;

impl Fixture for NeedsItsOwnShare {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        Box::pin(t.fixture::<Shared<Self>>()).await.map(|_| Self).map_err(Into::into)
    }
}
