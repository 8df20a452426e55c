//! Our recorder, and what is done when somebody else's is there.

use super::recorder::TestRecorder;
use crate::{
    base::Error,
    scope::{AtFirstTest, say},
};
use metrics::{Key, Level, Metadata};
use std::cell::Cell;

/// The name of a counter that is registered only to see whether we hear of it.
const PROBE: &str = "qtests.probe";

const CURE: &str = "install one before the first test that passes everything on to qtests::metrics::recorder() too, \
                    such as the Fanout of metrics-util";

thread_local! {
    /// Whether a counter was registered with us since it was last set to `false`.
    static HEARD: Cell<bool> = const { Cell::new(false) };
}

/// A recorder that hands each record to the test that it belongs to, to be one of several that a recorder of your own
/// passes everything on to.
///
/// Without a recorder of your own it is not needed: ours is installed when the first test starts.
///
/// ```
/// let t = qtests::Test::scoped();
/// metrics::with_local_recorder(&qtests::metrics::recorder(), || metrics::counter!("orders").increment(1));
/// t.metrics().counter("orders").assert_value(1);
/// ```
pub fn recorder() -> TestRecorder {
    TestRecorder::new()
}

inventory::submit! { AtFirstTest(install) }

fn install() {
    // An error means that there is one, and it may pass on to us.
    if metrics::set_global_recorder(recorder()).is_err() && !is_heard() {
        say(&format!(
            "warning: a recorder of metrics was installed before the first test: what tests record is not kept, and \
             t.metrics() refuses; {CURE}"
        ));
    }
}

/// Whether what the calling thread records comes to us.
pub(super) fn is_heard() -> bool {
    HEARD.set(false);
    let metadata = Metadata::new(module_path!(), Level::TRACE, Some(module_path!()));
    metrics::with_recorder(|recorder| drop(recorder.register_counter(&Key::from_static_name(PROBE), &metadata)));
    HEARD.get()
}

/// A counter is registered with us, which answers [`is_heard`] if it is asked on this thread. Whatever its name is: a
/// recorder that passes on to ours may have changed it.
pub(super) fn hear() {
    HEARD.set(true);
}

/// Why what the calling thread records does not come to us.
pub(super) fn unheard() -> Error {
    Error::other(format!(
        "nobody can know what this test records: the recorder of metrics was installed by somebody else; {CURE}"
    ))
}
