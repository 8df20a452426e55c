//! The attributes `#[qtest]` and `#[faulty]` of the crate qtests. Use them through that crate: their expansion is a private
//! agreement between the two.
//!
//! The way through the code for `#[qtest]`: `args` parses the attribute, `model` refuses what makes no sense, `expand`
//! writes a call into `qtests::rt`, where all logic lives. `faulty` has `#[faulty]` and `#[derive(FromFault)]`.

mod args;
mod cases;
mod duration;
mod expand;
mod faulty;
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

/// Puts fault points around all methods of a trait, or around a function.
///
/// On a trait `Payments` it writes a decorator beside it, `FaultyPayments<T>`, with `new(inner)`, `inner()` and
/// `into_inner()`; it implements `Payments` where `T` does, and is `Debug` and `Clone` where `T` is. Each call of `charge`
/// comes by the point `Payments.charge`, where nothing is done yet, is passed on, and comes by the point
/// `Payments.charge.after`, where the work is done and its reply, whatever it is, can still be lost. A method of the trait
/// that is called like one of these three is hidden by it: `Payments::inner(&decorated)` calls it all the same.
///
/// On a function in `orders.rs` the points are `orders.place` and `orders.place.after`: the name of the file (of the
/// folder for `mod.rs`, of the crate for `lib.rs` and `main.rs`), a dot, and the name of the function. It may be a method
/// of an `impl`.
///
/// A method that gives a `Result` (or a future of one, or `io::Result<T>`: the name decides) can be made to fail: its
/// error implements `qtests::FromFault`. All else can be delayed, held and made to panic. A future is an `async fn`,
/// `impl Future`, `Pin<Box<dyn Future>>` or `BoxFuture`; a point of a future awaits, every other one blocks its thread. A
/// future behind an alias, or an associated type, is not seen as one: its points block, and `.after` comes when the future
/// has been made.
///
/// | key | on | meaning | default |
/// |---|---|---|---|
/// | `name = Flaky` | trait | the name of the decorator | `FaultyPayments` |
/// | `point = "db.query"` | trait, function | the name of the point; for a trait what stands before the method's | see above |
/// | `err = ShopError::injected` | trait, method, function | makes the error of a `qtests::Injected` | `FromFault` |
/// | `infallible` | trait, method, function | no error is injected, though it gives a `Result` | errors too |
/// | `skip` | method | the method is passed on without points | with them |
/// | `crate = my::qtests` | trait, function | where qtests is found | `::qtests` |
///
/// The keys of a method stand in a `#[faulty(..)]` on it. On a parameter `#[key]` makes it the field `key` of both points,
/// and `#[field]` a field of its own name; `#[key(order.id)]` and `#[field(cents = order.total())]` take an expression,
/// which is evaluated only while a fault is armed at the point. The point on the way out has the values that they had on
/// the way in, if it was armed by then.
///
/// In tests, what gives back a future is called when that future is first polled; one whose future is `'static` (a boxed one
/// that names no lifetime, as mockall needs it, or one `+ 'static`) is called at once, and only its future comes by the
/// points. A call that is dropped, or that panics, does not come by `.after`. A method with a default body is passed on as
/// well, so what it calls of the trait comes by no point. Points of two traits or functions of one name are the same points,
/// unless `point` tells them apart. `#[track_caller]` on a function names the function itself in tests.
///
/// Associated types and constants are the decorated type's. Functions without a receiver have points as methods have.
/// `Self` is wrapped and unwrapped where it is an argument (also by reference), and where it is given back alone, or in an
/// `Option` or a `Result`. Supertraits that are not derived or automatic are implemented for the decorator by hand.
/// An error that is an associated type or a parameter of the trait must implement `FromFault` where the decorator is used,
/// and what a method demands of `Self` (`where Self: Clone`) is demanded of the decorated type for the whole trait.
/// `#[async_trait]` stands below or above, mockall's `#[automock]` below: above, it copies this attribute to places where
/// none can be. While a fault holds the way out, the reply waits with it: what a spawned future gives must be `Send`, such
/// as `Box<dyn Error + Send + Sync>`.
///
/// Without the feature `live` the decorator only passes on, and a function is what was written.
#[proc_macro_attribute]
pub fn faulty(args: TokenStream, item: TokenStream) -> TokenStream {
    faulty::attribute(args.into(), item.into()).into()
}

/// Implements `FromFault` for an enum: an injected fault becomes the variant that is marked `#[fault]`.
///
/// The variant has no field, or one that itself implements `FromFault`. `#[fault(kind = TimedOut | WouldBlock)]` marks
/// variants that are made of faults of these kinds of `io::ErrorKind`; all others become the one that is marked `#[fault]`,
/// of which there is exactly one. A struct with one field, or none, needs no mark. `#[fault(crate = my::qtests)]` above the
/// type says where qtests is found. A value of this type that a test injects with `fail_with` is taken as it is.
#[proc_macro_derive(FromFault, attributes(fault))]
pub fn from_fault(item: TokenStream) -> TokenStream {
    faulty::derive(item.into()).into()
}
