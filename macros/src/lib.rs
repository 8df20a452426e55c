//! The attribute `#[qtest]` of the crate qtests. Use it through that crate: its expansion is a private agreement between
//! the two.
//!
//! The way through the code: `args` parses the attribute, `model` refuses what makes no sense, `expand` writes a call
//! into `qtests::rt`, where all logic lives.

mod args;
mod cases;
mod duration;
mod expand;
mod model;
mod value;

use args::Args;
use model::TestModel;
use proc_macro::TokenStream;
use quote::quote;
use syn::ItemFn;

/// Makes a function a test that is isolated, watched and torn down.
///
/// The function may be `async` or not and returns `()` or a `Result<(), E: Debug>`. It takes what it needs: `t: Test`,
/// and any type that implements `qtests::fixture::Fixture`, which is set up before the body and torn down after it. It
/// runs under `cargo test`, `cargo nextest run` and `qtests::main!()`. `#[ignore]` and `#[should_panic]` work as with
/// `#[test]`; `#[should_panic]` judges the body's panic only: a timeout, a leak, a fault that never fired or an unmet
/// mock fail the test all the same.
///
/// | key | meaning | default |
/// |---|---|---|
/// | `workers = 4` | a multi-threaded runtime with so many worker threads (alias `worker_threads`) | one thread |
/// | `timeout = "30s"` | how long set-up and body may take; `"off"` for no limit | `"60s"` |
/// | `teardown_timeout = "2s"` | how long each teardown may take | `"5s"` |
/// | `paused` | virtual time: the clock of tokio moves only when nothing else can (alias `start_paused`) | real time |
/// | `seed = 7` | where the test's randomness starts; `QTESTS_SEED` wins over it | from the name |
/// | `leaks = "strict"` | `"fail"`: what qtests started must end; `"strict"`: all that the test started; `"off"` | `"fail"` |
/// | `task_panics = "allow"` | `"fail"`: a panic in a task or thread fails the test; `"allow"`: it is a note | `"fail"` |
/// | `retries = 2` | a failing test is tried again so often; if it passes then, it is *flaky*, which is said aloud | 0 |
/// | `tags("slow", "db")` | what `QTESTS_TAGS` chooses by | none |
/// | `isolate = "process"` | the test runs alone in a process of its own: environment, directory, abort | in this one |
/// | `serial = "db"` | tests of one group run one at a time, also when each has a process of its own | in parallel |
/// | `cases(one("a", 1), ..)` | a test for each row, named after it; its values are the last arguments | one test |
/// | `crate = my::qtests` | where qtests is found | `::qtests` |
///
/// Durations are a number with a unit: `"500ms"`, `"1.5s"`, `"2m"`.
#[proc_macro_attribute]
pub fn qtest(args: TokenStream, item: TokenStream) -> TokenStream {
    let item: ItemFn = match syn::parse(item.clone()) {
        Ok(item) => item,
        Err(error) => {
            // What is not a function is left as it is, beside the error.
            let (error, item) = (error.to_compile_error(), proc_macro2::TokenStream::from(item));
            return quote!(#error #item).into();
        }
    };
    let expanded = syn::parse::<Args>(args).and_then(|args| TestModel::new(args, item.clone())).map(expand::test);
    expanded.unwrap_or_else(|error| expand::refused(&error, item)).into()
}
