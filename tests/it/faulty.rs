//! `#[faulty]` on traits: every call can be made to fail before it is done, and after it.

use qtests::{FromFault, Injected, fault, faulty, prelude::*};
use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

#[derive(Debug, PartialEq, FromFault)]
enum ShopError {
    #[fault(kind = TimedOut | WouldBlock)]
    Slow,
    #[fault(kind = StorageFull)]
    Full {
        what: String,
    },
    Declined(u64),
    #[fault]
    Broken(String),
}

/// Methods of every form that a trait can have.
#[faulty]
trait Payments {
    type Receipt: PartialEq + fmt::Debug;
    type Page<'a>
    where
        Self: 'a;
    const LIMIT: u64;

    async fn charge(&self, #[key] order: u64, #[field] currency: &str) -> Result<Self::Receipt, ShopError>;
    fn refund(&mut self, #[key(order.to_string())] order: u64) -> io::Result<u64>;
    fn pages<'a>(&'a self) -> Self::Page<'a>;
    fn find<K, const N: usize>(&self) -> Result<[u64; N], Box<dyn Error + Send + Sync>>
    where
        Self: Sized,
        K: Into<u64> + Default;
    fn close(self) -> Result<u64, String>;
    fn take_all(self: Box<Self>) -> u64;
    fn stream(&self, r#type: u64) -> impl Future<Output = Result<u64, &'static str>> + Send;
    fn boxed<'a>(&'a self, text: &'a str) -> Pin<Box<dyn Future<Output = Result<&'a str, ShopError>> + Send + 'a>>;
    fn limit() -> u64 {
        Self::LIMIT
    }
    fn doubled(&self, (a, b): (u64, u64)) -> u64 {
        2 * (a + b)
    }
    #[faulty(infallible)]
    fn audit(&self, #[field(length = text.len())] text: String) -> Result<usize, fmt::Error>;
    #[faulty(skip)]
    fn label(&self) -> String;
    #[faulty(err = Told::into_error)]
    fn print(&self) -> Result<(), fmt::Error>;
    fn merged(&self, other: &Self, with: Self) -> Self;
    fn opened(count: u64) -> Result<Self, ShopError>
    where
        Self: Sized;
}

struct Told;

impl Told {
    fn into_error(injected: Injected) -> fmt::Error {
        assert_eq!(injected.point(), "Payments.print");
        fmt::Error
    }
}

/// How much was done, whatever the caller was told.
#[derive(Clone, Debug, Default)]
struct Bank(Arc<AtomicU64>);

impl Bank {
    fn work(&self) -> u64 {
        self.0.fetch_add(1, SeqCst) + 1
    }

    fn done(&self) -> u64 {
        self.0.load(SeqCst)
    }
}

impl Payments for Bank {
    type Receipt = u64;
    type Page<'a> = &'a Bank;
    const LIMIT: u64 = 9;

    async fn charge(&self, order: u64, _currency: &str) -> Result<u64, ShopError> {
        self.work();
        if order > Self::LIMIT { Err(ShopError::Declined(order)) } else { Ok(order) }
    }
    fn refund(&mut self, _order: u64) -> io::Result<u64> {
        Ok(self.work())
    }
    fn pages(&self) -> &Bank {
        self
    }
    fn find<K: Into<u64> + Default, const N: usize>(&self) -> Result<[u64; N], Box<dyn Error + Send + Sync>> {
        Ok([K::default().into() + self.work(); N])
    }
    fn close(self) -> Result<u64, String> {
        Ok(self.work())
    }
    fn take_all(self: Box<Self>) -> u64 {
        self.work()
    }
    async fn stream(&self, r#type: u64) -> Result<u64, &'static str> {
        self.work();
        Ok(r#type)
    }
    fn boxed<'a>(&'a self, text: &'a str) -> Pin<Box<dyn Future<Output = Result<&'a str, ShopError>> + Send + 'a>> {
        Box::pin(async move {
            self.work();
            Ok(text)
        })
    }
    fn audit(&self, text: String) -> Result<usize, fmt::Error> {
        self.work();
        Ok(text.len())
    }
    fn label(&self) -> String {
        "bank".to_owned()
    }
    fn print(&self) -> Result<(), fmt::Error> {
        Ok(())
    }
    fn merged(&self, other: &Self, with: Self) -> Self {
        Self(Arc::new((self.done() + other.done() + with.done()).into()))
    }
    fn opened(count: u64) -> Result<Self, ShopError> {
        Ok(Self(Arc::new(count.into())))
    }
}

type Faulty = FaultyPayments<Bank>;

#[qtest]
async fn without_a_fault_every_method_is_passed_on() -> Result<(), Box<dyn Error>> {
    let mut payments = FaultyPayments::new(Bank::default());
    assert_eq!(payments.charge(7, "EUR").await, Ok(7));
    assert_eq!(payments.charge(70, "EUR").await, Err(ShopError::Declined(70)));
    assert_eq!((payments.refund(7)?, payments.pages().done()), (3, 3));
    assert_eq!(payments.find::<u8, 2>().map_err(|error| error.to_string())?, [4, 4]);
    assert_eq!((payments.stream(1).await?, payments.boxed("a").await), (1, Ok("a")));
    assert_eq!(
        (Faulty::LIMIT, Faulty::limit(), payments.doubled((1, 2)), payments.audit("abc".to_owned())?),
        (9, 9, 6, 3)
    );
    payments.print()?;
    assert_eq!(payments.label(), "bank");
    assert_eq!(payments.merged(&payments, payments.clone()).inner().done(), 21);
    assert_eq!(Box::new(payments.clone()).take_all(), 8);
    assert_eq!(payments.clone().close()?, 9);
    assert_eq!(payments.into_inner().done(), 9);
    assert_eq!(Faulty::opened(4).unwrap().inner().done(), 4);
    Ok(())
}

#[qtest]
async fn a_call_fails_before_it_is_done_or_after_it(t: Test) {
    let payments = FaultyPayments::new(Bank::default());
    let lost = t.fault("Payments.charge.after").first(1).fail(io::ErrorKind::TimedOut).arm();
    let refused = t.fault("Payments.charge").nth(2).fail(io::ErrorKind::TimedOut).arm();
    assert_eq!(payments.charge(1, "EUR").await, Err(ShopError::Slow));
    assert_eq!(payments.inner().done(), 1, "the work was done, only its reply was lost");
    assert_eq!(payments.charge(2, "EUR").await, Err(ShopError::Slow));
    assert_eq!(payments.inner().done(), 1, "nothing was done");
    assert_eq!(payments.charge(3, "EUR").await, Ok(3));
    assert_eq!((lost.hits(), lost.fired(), refused.hits(), refused.fired()), (2, 1, 3, 1));
}

#[qtest]
async fn every_form_of_method_can_fail_on_both_ways(t: Test) {
    let fails = |point: &&str| {
        for point in [(*point).to_owned(), format!("{point}.after")] {
            t.fault(point).first(1).fail_saying(io::ErrorKind::Other, "broken").arm();
        }
    };
    ["Payments.charge", "Payments.refund", "Payments.find", "Payments.stream", "Payments.boxed"].iter().for_each(fails);
    ["Payments.close", "Payments.opened"].iter().for_each(fails);
    let mut payments = FaultyPayments::new(Bank::default());
    for (way, done) in [("", 0), (".after", 1)] {
        let says = |method: &str| format!("broken (injected at `Payments.{method}{way}`)");
        let at = payments.inner().done();
        assert_eq!(payments.charge(1, "EUR").await, Err(ShopError::Broken(says("charge"))));
        assert_eq!(payments.refund(1).unwrap_err().to_string(), says("refund"));
        assert_eq!(payments.find::<u8, 1>().unwrap_err().to_string(), says("find"));
        assert_eq!(
            payments.stream(1).await,
            Err(if way.is_empty() { "Payments.stream" } else { "Payments.stream.after" })
        );
        assert_eq!(payments.boxed("a").await, Err(ShopError::Broken(says("boxed"))));
        assert_eq!(payments.clone().close(), Err(says("close")));
        assert_eq!(payments.inner().done() - at, 6 * done);
        assert_eq!(Faulty::opened(1).err(), Some(ShopError::Broken(says("opened"))));
    }
}

#[qtest]
async fn parameters_are_fields_on_both_ways(t: Test) {
    let mut payments = FaultyPayments::new(Bank::default());
    for point in ["Payments.charge", "Payments.charge.after"] {
        let mine = t
            .fault(point)
            .key("7")
            .when(|hit| hit.str("currency") == Some("CHF") && hit.int("key") == Some(7))
            .fail(io::ErrorKind::TimedOut)
            .arm();
        assert_eq!(payments.charge(7, "EUR").await, Ok(7));
        assert_eq!(payments.charge(8, "CHF").await, Ok(8));
        assert_eq!(payments.charge(7, "CHF").await, Err(ShopError::Slow));
        mine.disarm();
        assert_eq!(mine.fired(), 1);
    }
    let text = t.fault("Payments.audit.after").when(|hit| hit.int("length") == Some(3)).call(|_| {}).arm();
    for argument in ["ab", "abc"] {
        payments.audit(argument.to_owned()).unwrap();
    }
    t.fault("Payments.refund.after").key("5").fail(io::ErrorKind::TimedOut).arm();
    assert_eq!((text.fired(), payments.refund(5).is_err(), payments.refund(6).is_ok()), (1, true, true));
}

#[qtest]
async fn a_call_that_is_held_on_its_way_in_has_the_fields_of_a_fault_that_is_armed_meanwhile(t: Test) {
    let payments = Arc::new(FaultyPayments::new(Bank::default()));
    let hold = t.fault("Payments.charge").hold().arm();
    let call = t.spawn({
        let payments = Arc::clone(&payments);
        async move { payments.charge(7, "EUR").await }
    });
    hold.wait_reached().await;
    let known = t.fault("Payments.charge.after").key("7").call(|_| {}).arm();
    hold.release();
    assert_eq!((call.await.unwrap(), known.fired()), (Ok(7), 1));
}

#[qtest]
fn what_cannot_fail_can_be_delayed_and_held_and_made_to_panic(t: Test) {
    let payments = FaultyPayments::new(Bank::default());
    for point in ["Payments.audit", "Payments.audit.after", "Payments.doubled", "Payments.limit"] {
        let refused = t.fault(point).fail(io::ErrorKind::Other).try_arm().unwrap_err();
        assert!(refused.is_invalid() && refused.to_string().contains("tests/it/faulty.rs"), "{refused}");
    }
    let delayed = t.fault("Payments.doubled").delay(Duration::from_millis(1)).arm();
    assert_eq!((payments.doubled((1, 1)), delayed.fired()), (4, 1));
    t.fault("Payments.limit.after").panic("power cut").arm();
    assert!(std::panic::catch_unwind(Faulty::limit).is_err());
}

#[qtest(paused)]
async fn the_points_of_a_future_await(t: Test) {
    let payments = FaultyPayments::new(Bank::default());
    for point in ["Payments.charge", "Payments.stream.after", "Payments.boxed"] {
        t.fault(point).delay(Duration::from_secs(2)).arm();
    }
    let began = tokio::time::Instant::now();
    let all = (payments.charge(1, "EUR"), payments.stream(1), payments.boxed("a"));
    let (charged, streamed, boxed) = tokio::join!(all.0, all.1, all.2);
    assert!(charged.is_ok() && streamed.is_ok() && boxed.is_ok());
    assert_eq!(began.elapsed().as_secs(), 2, "the three wait beside each other");
}

#[qtest]
async fn a_fault_becomes_the_variant_for_its_kind_or_the_value_that_was_given(t: Test) {
    let payments = FaultyPayments::new(Bank::default());
    let fault = || t.fault("Payments.charge").first(1);
    for (kind, error) in [
        (io::ErrorKind::TimedOut, ShopError::Slow),
        (io::ErrorKind::WouldBlock, ShopError::Slow),
        (io::ErrorKind::StorageFull, ShopError::Full { what: "full (injected at `Payments.charge`)".to_owned() }),
        (io::ErrorKind::NotFound, ShopError::Broken("full (injected at `Payments.charge`)".to_owned())),
    ] {
        fault().fail_saying(kind, "full").arm();
        assert_eq!(payments.charge(1, "EUR").await, Err(error), "{kind}");
    }
    fault().fail_with(|| ShopError::Declined(5)).arm();
    assert_eq!(payments.charge(1, "EUR").await, Err(ShopError::Declined(5)));
    t.fault("Payments.close").fail_with(|| "closed already".to_owned()).arm();
    assert_eq!(payments.clone().close(), Err("closed already".to_owned()));
    t.fault("Payments.print").fail(io::ErrorKind::Other).arm();
    assert_eq!(payments.print(), Err(fmt::Error));
}

#[qtest]
fn points_are_said_to_be_where_the_method_is() {
    let points = fault::points();
    let at = |name: &str| {
        let point = points.iter().find(|point| point.name() == name).unwrap_or_else(|| panic!("no point {name}"));
        (point.file(), point.line())
    };
    let source = include_str!("faulty.rs");
    let line = |text: &str| source.lines().position(|line| line.contains(text)).unwrap() as u32 + 1;
    assert_eq!(at("Payments.charge"), ("tests/it/faulty.rs", line("async fn charge(")));
    assert_eq!(at("Payments.charge.after"), at("Payments.charge"));
    assert_eq!(at("Payments.audit.after"), ("tests/it/faulty.rs", line("fn audit(")));
    assert!(!points.iter().any(|point| point.name().starts_with("Payments.label")), "it is skipped");
}

/// A trait with parameters, a name of its own for the decorator and for its points.
#[faulty(name = Shaky, point = "stock", err = Into::into)]
trait Stock<'a, K: Clone = u64, const N: usize = 1>: Send + fmt::Debug
where
    K: Into<u64>,
{
    fn reserve(&mut self, from: &'a K) -> Result<u64, Box<dyn Error>>;
    fn sell(&mut self, what: impl Into<u64>) -> Result<u64, Injected>;
    fn left(&self) -> impl Iterator<Item = usize>;
}

#[derive(Debug)]
struct Shelf(u64);

impl<'a, K: Clone + Into<u64>, const N: usize> Stock<'a, K, N> for Shelf {
    fn reserve(&mut self, from: &'a K) -> Result<u64, Box<dyn Error>> {
        self.0 += from.clone().into();
        Ok(self.0)
    }
    fn sell(&mut self, what: impl Into<u64>) -> Result<u64, Injected> {
        Ok(what.into())
    }
    fn left(&self) -> impl Iterator<Item = usize> {
        0..N
    }
}

#[qtest]
fn a_generic_trait_is_decorated_under_another_name(t: Test) {
    let mut shelf = Shaky::new(Shelf(1));
    let sold = t.fault("stock.sell").first(1).fail(io::ErrorKind::Other).arm();
    t.fault("stock.reserve.after").first(1).fail(io::ErrorKind::TimedOut).arm();
    assert_eq!(Stock::<u8, 3>::sell(&mut shelf, 1_u8).unwrap_err().point(), "stock.sell");
    assert!(Stock::<u8, 3>::reserve(&mut shelf, &2).unwrap_err().is::<Injected>());
    assert_eq!((Stock::<u8, 3>::reserve(&mut shelf, &2).unwrap(), sold.fired()), (5, 1));
    assert_eq!(Stock::<u8, 3>::left(&shelf).count(), 3);
    assert_eq!(format!("{shelf:?}"), "Shaky { inner: Shelf(5) }");
}
