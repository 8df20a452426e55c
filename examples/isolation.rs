//! Tests that change their process have one of their own. Run it with `cargo run --example isolation --all-features`.

use qtests::prelude::*;
use std::env;

/// Code that reads the environment, as much code does.
fn endpoint() -> String {
    env::var("SHOP_ENDPOINT").unwrap_or_else(|_| "https://shop.example".to_owned())
}

// Two tests with contradicting environments, at the same time.
#[qtest(isolate = "process", cases(staging("https://staging.example"), local("http://localhost:8080")))]
async fn the_endpoint_comes_from_the_environment(t: Test, value: &str) {
    t.env("SHOP_ENDPOINT", value);
    assert_eq!(endpoint(), value);
    let in_a_task = tokio::spawn(async { endpoint() }).await;
    assert_eq!(in_a_task.ok().as_deref(), Some(value));
}

#[qtest]
fn other_tests_see_nothing_of_it() {
    assert_eq!(endpoint(), "https://shop.example");
}

#[qtest(isolate = "process")]
fn relative_paths_begin_in_a_directory_of_ones_own(t: Test) -> io::Result<()> {
    t.cwd(t.dir());
    std::fs::write("note.txt", "mine")?;
    assert_eq!(std::fs::read_to_string(t.dir().join("note.txt"))?, "mine");
    Ok(())
}

qtests::main!();
