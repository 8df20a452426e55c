//! What is wanted of a log, or not wanted.

use qtests::prelude::*;

mod logged {
    use qtests::logs::Level;
    use tracing::{debug, error, info, info_span, trace, warn};

    pub(super) fn shop() {
        info_span!("checkout", order = 7).in_scope(|| {
            info!(target: "shop::cart", items = 2, "placed");
            warn!(target: "shop::payment", by = "card", "the gateway answered late");
        });
        trace!(target: "shop::cart", "polled");
        debug!(target: "shop::mail", "sent\nto two people");
    }

    pub(super) fn on_a_thread_of_no_test() {
        let log = || error!(target: "shop::payment", "declined");
        let worker = std::thread::Builder::new().name("pool-7".to_owned()).spawn(log);
        worker.expect("a thread").join().expect("it returns");
    }

    pub(super) fn secret() {
        trace!(target: "shop::mail", "the secret");
    }

    pub(super) const ERROR: Level = Level::ERROR;
    pub(super) const INFO: Level = Level::INFO;
    pub(super) const TRACE: Level = Level::TRACE;
}

#[qtest]
#[ignore = "must fail"]
fn log_holds_what_is_wanted_and_what_is_not() {
    logged::shop();
    (0..3).for_each(|_| tracing::info!(target: "shop::cart", "asked again"));
    panic!("look at the log");
}

#[qtest]
#[ignore = "must fail"]
fn log_has_no_such_line(t: Test) {
    logged::shop();
    (0..10).for_each(|number| tracing::info!(target: "shop::stock", number, "counted"));
    t.logs().level(logged::ERROR).target("shop::payment").field("order", 7).assert_any();
}

#[qtest]
#[ignore = "must fail"]
fn log_has_such_a_line_on_a_thread_of_no_test(t: Test) {
    logged::on_a_thread_of_no_test();
    t.logs().level(logged::ERROR).containing("declined").assert_any();
}

#[qtest]
#[ignore = "must fail"]
fn log_has_lines_that_must_not_be(t: Test) {
    logged::shop();
    (0..10).for_each(|number| tracing::error!(target: "shop::stock", number, "sold out"));
    t.logs().level(logged::INFO).assert_none();
}

#[qtest]
#[ignore = "must fail"]
fn log_does_not_keep_what_must_not_be(t: Test) {
    logged::secret();
    t.logs().target("shop").containing("secret").assert_none();
    t.logs().containing("secret").assert_none();
    t.logs().level(logged::TRACE).target("shop").containing("secret").assert_none();
}

#[qtest]
#[ignore = "must fail"]
fn log_of_no_test_is_longer_than_what_is_held() {
    let log = || (0..5_000).for_each(|number| tracing::info!(target: "shop::stock", number, "counted"));
    std::thread::spawn(log).join().expect("it returns");
    panic!("look at the log");
}

#[qtest]
#[ignore = "must fail"]
fn log_is_too_long_to_be_sure(t: Test) {
    (0..10_017).for_each(|number| tracing::info!(target: "shop::stock", number, "counted"));
    t.logs().level(logged::ERROR).assert_none();
}

#[qtest(timeout = "100ms")]
#[ignore = "must fail"]
async fn log_never_has_the_line_that_is_awaited(t: Test) {
    t.logs().target("shop").level(logged::ERROR).wait().await;
}
