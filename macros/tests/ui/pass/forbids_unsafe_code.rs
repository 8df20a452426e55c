//! Whatever expands into the code of users compiles where unsafe code is forbidden.
#![forbid(unsafe_code)]
#![deny(warnings)]

mod renamed {
    pub use qtests;
}

#[qtests::qtest(workers = 2, timeout = "1.5s", teardown_timeout = "100ms", seed = 7, leaks = "strict")]
async fn with_keys(t: qtests::Test) -> Result<(), std::io::Error> {
    let _ = t.name();
    Ok(())
}

#[qtests::qtest(crate = crate::renamed::qtests, start_paused = true, task_panics = "allow", timeout = "off")]
#[should_panic(expected = "text")]
#[ignore = "reason"]
fn without_argument() {}

fn main() {}
