//! `#[faulty]` on traits and functions of many shapes.

use qtests::{FromFault, Injected, faulty, prelude::*};
use std::{
    fmt::Debug,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

/// Futures that borrow nothing, which are the only ones that mockall can give back.
#[faulty(point = "shapes.owned")]
#[mockall::automock]
trait Owned {
    fn boxed(&self, #[key] cents: u64) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;
    fn named(&mut self, text: String) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send + 'static>>;
}

#[qtest]
async fn a_mock_that_gives_futures_stands_behind_the_points(t: Test) {
    let mut mock = MockOwned::new();
    mock.expect_boxed().times(2).returning(|cents| Box::pin(async move { Ok(cents.to_string()) }));
    mock.expect_named().times(1).returning(|text| Box::pin(async move { Ok(text) }));
    let mut owned = FaultyOwned::new(mock);
    t.fault("shapes.owned.boxed").key("7").fail(io::ErrorKind::TimedOut).arm();
    t.fault("shapes.owned.named.after").fail_saying(io::ErrorKind::Other, "lost").arm();
    let (kept, failed) = (owned.boxed(6), owned.boxed(7));
    let named = owned.named("abc".to_owned());
    // They borrow nothing of the decorator.
    drop(owned);
    assert_eq!(kept.await, Ok("6".to_owned()));
    assert!(failed.await.is_err());
    assert!(named.await.unwrap_err().starts_with("lost"));
}

#[faulty(point = "shapes.opaque")]
trait Opaque {
    fn length(&self, #[key] text: &str) -> impl Future<Output = Result<usize, String>> + Send + 'static;
}

impl Opaque for u8 {
    fn length(&self, text: &str) -> impl Future<Output = Result<usize, String>> + Send + 'static {
        let length = text.len() + usize::from(*self);
        async move { Ok(length) }
    }
}

#[qtest]
async fn an_opaque_future_of_its_own_has_points(t: Test) {
    t.fault("shapes.opaque.length").key("abc").fail(io::ErrorKind::TimedOut).arm();
    let (failed, kept) = {
        let opaque = FaultyOpaque::new(1_u8);
        (opaque.length("abc"), opaque.length("ab"))
    };
    assert!(failed.await.is_err());
    assert_eq!(kept.await, Ok(3));
}

/// An error that the implementation chooses, and a parameter of the trait.
#[faulty(point = "shapes.store")]
trait Store<V> {
    type Error: Debug;
    fn get(&self, id: u64) -> Result<V, Self::Error>;
    fn put(&self, value: V) -> impl Future<Output = Result<(), Self::Error>> + Send;
    fn swap(&self, value: &V) -> impl Future<Output = Result<V, Self::Error>> + Send;
}

struct Memory(AtomicUsize);

impl Store<usize> for Memory {
    type Error = io::Error;
    fn get(&self, _id: u64) -> io::Result<usize> {
        Ok(self.0.load(SeqCst))
    }
    async fn put(&self, value: usize) -> io::Result<()> {
        self.0.store(value, SeqCst);
        Ok(())
    }
    async fn swap(&self, value: &usize) -> io::Result<usize> {
        Ok(self.0.swap(*value, SeqCst))
    }
}

#[qtest]
async fn an_error_of_the_implementations_choice_can_be_injected(t: Test) {
    let store = FaultyStore::new(Memory(AtomicUsize::new(1)));
    t.fault("shapes.store.put.after").fail(io::ErrorKind::TimedOut).arm();
    t.fault("shapes.store.get").nth(2).fail(io::ErrorKind::TimedOut).arm();
    assert_eq!(store.put(5).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(store.get(0).unwrap(), 5, "only the reply was lost");
    assert_eq!(store.get(0).unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(store.swap(&9).await.unwrap(), 5);
}

/// A trait's error as its parameter, demands on `Self`, and conditions that speak of associated types.
#[faulty(point = "shapes.feed")]
trait Feed<E>
where
    Self::Item: Debug,
{
    type Item;
    fn next(&mut self) -> Result<Self::Item, E>;
    fn fork(&self) -> Self
    where
        Self: Sized + Clone;
}

#[derive(Clone, Debug, PartialEq)]
struct Numbers(u32);

impl Feed<String> for Numbers {
    type Item = u32;
    fn next(&mut self) -> Result<u32, String> {
        self.0 += 1;
        Ok(self.0)
    }
    fn fork(&self) -> Self {
        self.clone()
    }
}

#[qtest]
fn what_a_trait_demands_is_demanded_of_what_is_decorated(t: Test) {
    let mut feed = FaultyFeed::new(Numbers(0));
    t.fault("shapes.feed.next").nth(2).fail(io::ErrorKind::TimedOut).arm();
    assert_eq!(feed.next(), Ok(1));
    assert!(feed.fork().next().is_err());
    assert_eq!(feed.into_inner(), Numbers(1));
}

/// Values that are looked at by reference while a point waits, and boxed ones of a type that nobody knows.
#[faulty(point = "shapes.shelf")]
trait Shelf<V> {
    type Label;
    fn all<'a>(&'a self, values: &'a [V]) -> Pin<Box<dyn Future<Output = Result<usize, String>> + Send + 'a>>;
    fn find(&self, label: &Self::Label) -> impl Future<Output = Result<usize, String>> + Send;
    fn label(&self, at: usize) -> Pin<Box<dyn Future<Output = Result<Self::Label, String>> + Send>>;
}

struct Books;

impl Shelf<u8> for Books {
    type Label = String;
    fn all<'a>(&'a self, values: &'a [u8]) -> Pin<Box<dyn Future<Output = Result<usize, String>> + Send + 'a>> {
        Box::pin(async move { Ok(values.len()) })
    }
    async fn find(&self, label: &String) -> Result<usize, String> {
        Ok(label.len())
    }
    fn label(&self, at: usize) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send>> {
        Box::pin(async move { Ok(at.to_string()) })
    }
}

#[qtest]
async fn what_waits_at_a_point_can_be_sent(t: Test) {
    let shelf = FaultyShelf::new(Books);
    t.fault("shapes.shelf.find").fail(io::ErrorKind::TimedOut).arm();
    t.fault("shapes.shelf.label.after").fail(io::ErrorKind::TimedOut).arm();
    assert_eq!(shelf.all(&[1, 2]).await, Ok(2));
    assert!(shelf.find(&"a".to_owned()).await.is_err());
    assert!(t.spawn(shelf.label(7)).await.unwrap().is_err());
}

/// A condition on a type of a supertrait, which is the decorator's own affair.
#[faulty(point = "shapes.source")]
trait Source: Iterator
where
    Self::Item: Debug,
{
    fn rest(&self) -> u64;
}

impl<T: Iterator> Iterator for FaultySource<T> {
    type Item = T::Item;
    fn next(&mut self) -> Option<T::Item> {
        None
    }
}

impl Source for std::ops::Range<u64> {
    fn rest(&self) -> u64 {
        self.end - self.start
    }
}

#[qtest]
fn a_condition_may_speak_of_a_supertraits_type(t: Test) {
    let point = t.fault("shapes.source.rest").delay(Duration::from_micros(1)).arm();
    assert_eq!((FaultySource::new(2..7).rest(), point.fired()), (5, 1));
}

// Written by a macro, whose `self` and whose variables are others than those of who calls it.
macro_rules! written {
    ($($tokens:tt)*) => { #[faulty(point = "shapes.made")] $($tokens)* };
}

macro_rules! named {
    ($name:ident, $error:ident, $held:ident) => {
        #[derive(Debug, FromFault)]
        enum $error {
            #[fault]
            Io($held),
        }
        #[faulty(point = "shapes.named")]
        fn $name(#[key] id: u64) -> Result<u64, $error> {
            Ok(id)
        }
    };
}

written! {
    trait Made {
        fn value(&self, #[field] r#type: u64) -> Result<u64, String>;
    }
}

type Held = io::Error;
named!(fetch, FetchError, Held);

struct Plain;

impl Made for Plain {
    fn value(&self, r#type: u64) -> Result<u64, String> {
        Ok(r#type)
    }
}

#[qtest]
fn what_macros_write_has_points_too(t: Test) {
    t.fault("shapes.made.value").when(|hit| hit.int("type") == Some(2)).fail(io::ErrorKind::TimedOut).arm();
    t.fault("shapes.named.after").key("8").fail(io::ErrorKind::TimedOut).arm();
    let made = FaultyMade::new(Plain);
    assert_eq!(made.value(1), Ok(1));
    assert!(made.value(2).is_err());
    assert_eq!(fetch(7).unwrap(), 7);
    assert!(matches!(fetch(8), Err(FetchError::Io(error)) if error.kind() == io::ErrorKind::TimedOut));
}

/// It begins its work before it is polled.
#[faulty(point = "shapes.begun", err = said)]
fn begun(count: &Arc<AtomicUsize>) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send>> {
    count.fetch_add(1, SeqCst);
    let count = Arc::clone(count);
    Box::pin(async move { Ok(count.load(SeqCst).to_string()) })
}

fn said(injected: Injected) -> String {
    injected.to_string()
}

#[faulty(point = "shapes.never")]
async fn never() -> ! {
    std::future::pending().await
}

#[qtest(paused)]
async fn a_function_that_gives_a_future_of_its_own_begins_at_once(t: Test) {
    let count = Arc::new(AtomicUsize::new(0));
    let (first, second) = (begun(&count), begun(&count));
    assert_eq!(count.load(SeqCst), 2);
    assert_eq!(first.await, Ok("2".to_owned()));
    t.fault("shapes.begun.after").fail_saying(io::ErrorKind::Other, "too late").arm();
    assert!(second.await.unwrap_err().contains("too late"));
    assert!(tokio::time::timeout(Duration::from_secs(1), never()).await.is_err());
}
