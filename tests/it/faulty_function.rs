//! `#[faulty]` on functions, and the errors that faults become.

use qtests::{FromFault, Injected, fault_point, faulty, prelude::*};
use std::{
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
};

#[derive(Debug, PartialEq, FromFault)]
struct Denied(String);

#[derive(Debug, PartialEq, FromFault)]
enum Shop {
    Closed,
    #[fault]
    Denied(Denied),
}

#[derive(Debug, PartialEq, FromFault)]
struct Gone;

/// How often the body of a function was entered; each test that counts has a counter of its own.
struct Entered(AtomicU64);

impl Entered {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    fn count(&self) -> u64 {
        self.0.load(SeqCst)
    }
}

#[faulty]
async fn placed(entered: &Entered, #[key] order: u64) -> Result<u64, Shop> {
    entered.0.fetch_add(1, SeqCst);
    if order == 0 {
        return Err(Shop::Closed);
    }
    tokio::task::yield_now().await;
    check(order)?;
    Ok(order)
}

fn check(order: u64) -> Result<(), Shop> {
    if order > 9 { Err(Shop::Closed) } else { Ok(()) }
}

#[faulty(point = "function.first")]
fn first<'a>(entered: &Entered, words: &'a mut [String]) -> io::Result<&'a mut String> {
    entered.0.fetch_add(1, SeqCst);
    let Some(word) = words.first_mut() else { return Err(io::ErrorKind::NotFound.into()) };
    Ok(word)
}

#[faulty(infallible)]
fn counted(mut from: u64) -> Result<u64, std::fmt::Error> {
    from += 1;
    Ok(from)
}

#[faulty(err = |injected| injected.kind())]
fn kind_of() -> Result<Box<dyn Fn() -> u64>, io::ErrorKind> {
    Ok(Box::new(|| 1))
}

#[faulty]
async fn coerced(deep: bool) -> Result<Box<dyn Fn() -> u64 + Send>, Gone> {
    if deep { Ok(Box::new(|| 2)) } else { Ok(Box::new(|| 1)) }
}

#[faulty]
fn opaque(word: &str) -> impl Future<Output = Result<usize, Shop>> {
    async move { Ok(word.len()) }
}

#[faulty]
fn boxed(word: &str) -> Pin<Box<dyn Future<Output = Result<usize, Gone>> + Send + '_>> {
    Box::pin(async move { Ok(word.len()) })
}

#[faulty]
fn listed(up_to: u64) -> Result<impl Iterator<Item = u64>, String> {
    fault_point!("function.inside", |injected| String::from_fault(injected))?;
    Ok(0..up_to)
}

#[faulty]
fn nothing() {}

#[derive(Default)]
struct Orders(Vec<u64>);

impl Orders {
    /// A method, with a generic parameter that is moved in.
    #[faulty]
    fn push<T: Into<u64>>(&mut self, #[field(size = std::mem::size_of::<T>())] order: T) -> Result<&u64, Denied> {
        self.0.push(order.into());
        self.0.last().ok_or_else(|| Denied("empty".to_owned()))
    }
}

#[qtest]
async fn without_a_fault_a_function_does_what_it_did() {
    let entered = Entered::new();
    assert_eq!(placed(&entered, 7).await, Ok(7));
    assert_eq!(placed(&entered, 0).await, Err(Shop::Closed), "return");
    assert_eq!(placed(&entered, 10).await, Err(Shop::Closed), "the question mark");
    let mut words = vec!["a".to_owned()];
    first(&entered, &mut words).unwrap().push('b');
    assert_eq!(words, ["ab"]);
    assert_eq!(first(&entered, &mut Vec::new()).unwrap_err().kind(), io::ErrorKind::NotFound);
    assert_eq!((counted(1).unwrap(), kind_of().unwrap()(), coerced(true).await.unwrap()()), (2, 1, 2));
    assert_eq!((opaque("ab").await, boxed("abc").await), (Ok(2), Ok(3)));
    assert_eq!(listed(3).unwrap().sum::<u64>(), 3);
    assert_eq!(Orders::default().push(7_u8), Ok(&7));
    nothing();
}

#[qtest]
async fn a_function_fails_before_its_body_or_after_it(t: Test) {
    let entered = Entered::new();
    t.fault("faulty_function.placed").key("7").first(1).fail(io::ErrorKind::TimedOut).arm();
    t.fault("faulty_function.placed.after").key("7").first(1).fail(io::ErrorKind::TimedOut).arm();
    let failed = |at: &str| Err(Shop::Denied(Denied(format!("timed out (injected at `faulty_function.placed{at}`)"))));
    assert_eq!((placed(&entered, 7).await, entered.count()), (failed(""), 0));
    assert_eq!((placed(&entered, 7).await, entered.count()), (failed(".after"), 1));
    assert_eq!((placed(&entered, 7).await, entered.count()), (Ok(7), 2));
}

#[qtest]
fn a_body_that_has_left_its_function_by_return_comes_by_the_way_out_too(t: Test) {
    let entered = Entered::new();
    let lost = t.fault("function.first.after").fail(io::ErrorKind::TimedOut).arm();
    assert_eq!(first(&entered, &mut Vec::new()).unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!((entered.count(), lost.fired()), (1, 1));
}

#[qtest]
async fn every_form_of_function_has_two_points(t: Test) {
    let mut orders = Orders::default();
    for (at, length) in [("", 0), (".after", 1)] {
        let arm = |name: &str| t.fault(format!("faulty_function.{name}{at}")).fail(io::ErrorKind::NotFound).arm();
        let all = ["kind_of", "coerced", "opaque", "boxed", "listed", "push"].map(arm);
        assert_eq!(kind_of().err(), Some(io::ErrorKind::NotFound));
        assert!(matches!(coerced(false).await, Err(Gone)));
        assert!(matches!(opaque("ab").await, Err(Shop::Denied(_))));
        assert_eq!(boxed("ab").await, Err(Gone));
        assert_eq!(listed(1).err(), Some(format!("entity not found (injected at `faulty_function.listed{at}`)")));
        assert!(orders.push(1_u32).is_err());
        assert_eq!(orders.0.len(), length);
        all.iter().for_each(qtests::fault::ActiveFault::disarm);
    }
    let small = t.fault("faulty_function.push.after").when(|hit| hit.int("size") == Some(1)).call(|_| {}).arm();
    assert_eq!((orders.push(1_u32), small.fired()), (Ok(&1), 0));
    assert_eq!((orders.push(2_u8), small.fired()), (Ok(&2), 1));
}

#[qtest]
fn a_function_without_a_result_can_be_held_and_nothing_more(t: Test) {
    for name in ["nothing", "nothing.after", "counted", "counted.after"] {
        let refused = t.fault(format!("faulty_function.{name}")).fail(io::ErrorKind::Other).try_arm().unwrap_err();
        assert!(refused.is_invalid(), "{refused}");
    }
    let hold = t.fault("faulty_function.nothing.after").hold().arm();
    let held = qtests::thread::spawn(nothing);
    t.block_on(hold.wait_reached());
    hold.release();
    held.join().unwrap();
}

#[qtest]
fn whatever_is_made_of_an_injected_error_is_made_of_a_fault(t: Test) {
    fn point<E: FromFault>() -> Result<(), E> {
        fault_point!("function.generic", |injected| E::from_fault(injected))
    }
    t.fault("function.generic").nth(7).fail_with(|| io::Error::from_raw_os_error(28)).arm();
    t.fault("function.generic").fail_saying(io::ErrorKind::TimedOut, "slow").arm();
    let text = "slow (injected at `function.generic`)";
    assert_eq!(point::<io::Error>().unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(point::<Box<dyn Error>>().unwrap_err().to_string(), text);
    assert_eq!(point::<Box<dyn Error + Send + Sync>>().unwrap_err().to_string(), text);
    assert_eq!(point::<Injected>().unwrap_err().point(), "function.generic");
    assert_eq!(point::<String>().unwrap_err(), text);
    assert_eq!(point::<&'static str>().unwrap_err(), "function.generic");
    assert_eq!(point::<io::Error>().unwrap_err().raw_os_error(), Some(28), "the value that was given");
}
