//! Faults in tower's middleware, beside other middleware and around services that insist on tower's contract.

use qtests::{
    Injected, Test,
    fault::{
        Value,
        layer::{FaultLayer, FaultService},
    },
    prelude::*,
};
use std::{
    convert::Infallible,
    future::{Ready, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
};
use tokio::{sync::Semaphore, time::Instant};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, retry::Policy, service_fn, timeout::error::Elapsed};

#[derive(Clone, Debug)]
struct Request {
    method: &'static str,
    path: String,
}

fn request(method: &'static str, path: &str) -> Request {
    Request { method, path: path.to_owned() }
}

/// A service that insists on tower's contract: each instance must be found ready before it is called, is ready for one
/// call, and holds one of a few permits from when it is found ready until it is called or dropped.
#[derive(Debug)]
struct Strict {
    permits: Arc<Semaphore>,
    reserved: Option<tokio::sync::OwnedSemaphorePermit>,
    polled: Arc<AtomicU32>,
    called: Arc<AtomicU32>,
}

impl Strict {
    fn new(permits: usize) -> Self {
        let permits = Arc::new(Semaphore::new(permits));
        Self { permits, reserved: None, polled: Arc::default(), called: Arc::default() }
    }

    fn called(&self) -> u32 {
        self.called.load(SeqCst)
    }

    fn free(&self) -> usize {
        self.permits.available_permits()
    }
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        let Self { permits, polled, called, .. } = self;
        Self { permits: permits.clone(), reserved: None, polled: polled.clone(), called: called.clone() }
    }
}

impl Service<u32> for Strict {
    type Response = u32;
    type Error = io::Error;
    type Future = Ready<io::Result<u32>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.polled.fetch_add(1, SeqCst);
        if self.reserved.is_none() {
            self.reserved = Some(Arc::clone(&self.permits).try_acquire_owned().map_err(io::Error::other)?);
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u32) -> Self::Future {
        drop(self.reserved.take().expect("this instance was called and not found ready"));
        self.called.fetch_add(1, SeqCst);
        ready(Ok(request))
    }
}

#[qtest]
async fn without_a_fault_the_layer_changes_nothing() {
    let strict = Strict::new(1);
    let mut service = FaultLayer::new("idle").layer(strict.clone());
    for number in 0..3 {
        assert_eq!(service.ready().await.unwrap().call(number).await.unwrap(), number);
    }
    assert_eq!((strict.called(), strict.polled.load(SeqCst)), (3, 3));
    let broken = service_fn(async |()| io::Result::<()>::Err(io::ErrorKind::BrokenPipe.into()));
    let error = FaultLayer::new("idle").layer(broken).oneshot(()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[qtest]
async fn before_a_fault_keeps_the_request_from_the_service_and_gives_back_what_was_reserved(t: Test) {
    let strict = Strict::new(1);
    let mut service = FaultLayer::new("before").layer(strict.clone());
    let fault = t.fault("tower.before.before").nth(2).fail(io::ErrorKind::ConnectionRefused).arm();
    assert!(service.ready().await.unwrap().call(1).await.is_ok());
    let mut kept = std::pin::pin!(service.ready().await.unwrap().call(2));
    let error = kept.as_mut().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!((strict.called(), fault.hits(), strict.free()), (1, 2, 1));
    assert!(service.ready().await.unwrap().call(3).await.is_ok());
}

#[qtest]
async fn after_a_fault_the_work_is_done_and_the_reply_is_lost(t: Test) {
    let strict = Strict::new(1);
    let mut service = FaultLayer::new("after").layer(strict.clone());
    t.fault("tower.after.after").fail(io::ErrorKind::ConnectionReset).arm();
    let error = service.ready().await.unwrap().call(1).await.unwrap_err();
    assert_eq!((error.kind(), strict.called()), (io::ErrorKind::ConnectionReset, 1));
}

#[derive(Debug, PartialEq)]
enum ShopError {
    Db(io::ErrorKind),
    SoldOut(u32),
}

fn shop_error(injected: Injected) -> ShopError {
    match injected.downcast::<ShopError>() {
        Ok(error) => error,
        Err(injected) => ShopError::Db(injected.kind()),
    }
}

#[qtest]
async fn errors_are_those_of_the_service(t: Test) {
    let layer = FaultLayer::new("shop").map_err(shop_error);
    let mut shop = layer.layer(service_fn(async |number: u32| Result::<u32, ShopError>::Ok(number)));
    t.fault("tower.shop.ready").nth(1).fail(io::ErrorKind::NotConnected).arm();
    t.fault("tower.shop.before").nth(1).fail_with(|| ShopError::SoldOut(7)).arm();
    t.fault("tower.shop.after").nth(1).fail_os(libc::EPIPE).arm();
    assert_eq!(shop.ready().await.map(drop).unwrap_err(), ShopError::Db(io::ErrorKind::NotConnected));
    assert_eq!(shop.ready().await.unwrap().call(1).await, Err(ShopError::SoldOut(7)));
    assert_eq!(shop.ready().await.unwrap().call(2).await, Err(ShopError::Db(io::ErrorKind::BrokenPipe)));
    assert_eq!(shop.ready().await.unwrap().call(3).await, Ok(3));
}

#[qtest]
async fn a_service_that_cannot_fail_gets_an_error_below_the_layer(t: Test) {
    let service = ServiceBuilder::new()
        .layer(FaultLayer::new("api"))
        .map_err(|never: Infallible| -> BoxError { match never {} })
        .service(service_fn(async |number: u32| Ok::<_, Infallible>(number)));
    t.fault("tower.api.before").first(1).fail(io::ErrorKind::Other).arm();
    let error = service.clone().oneshot(1).await.unwrap_err();
    assert_eq!(error.downcast::<Injected>().unwrap().point(), "tower.api.before");
    assert_eq!(service.oneshot(2).await.unwrap(), 2);
}

#[qtest]
async fn ready_is_asked_once_for_each_call(t: Test) {
    let fault = t.fault("tower.once.ready").call(|_| ()).arm();
    let mut service = FaultLayer::new("once").layer(Strict::new(2));
    for number in 0..3 {
        for _ in 0..4 {
            service.ready().await.unwrap();
        }
        service.call(number).await.unwrap();
    }
    assert_eq!(fault.hits(), 3);
    // A clone was not found ready, whatever its original is, and an error is no answer that lasts.
    service.ready().await.unwrap();
    service.clone().ready().await.unwrap();
    assert_eq!(fault.hits(), 5);
    let failing = t.fault("tower.once.ready").first(2).fail(io::ErrorKind::Other).arm();
    service.call(3).await.unwrap();
    for outcome in [false, false, true] {
        assert_eq!(service.ready().await.is_ok(), outcome);
    }
    assert_eq!(failing.fired(), 2);
}

#[qtest(paused)]
async fn a_service_is_not_ready_for_as_long_as_the_fault_says(t: Test) {
    let strict = Strict::new(1);
    let mut service = FaultLayer::new("slow").layer(strict.clone());
    let fault = t.fault("tower.slow.ready").nth(1).delay(Duration::from_secs(3)).arm();
    let began = Instant::now();
    // Who gives up and asks again waits for the rest of the time.
    let early = tokio::time::timeout(Duration::from_secs(2), service.ready()).await;
    assert!(early.is_err());
    assert_eq!(strict.polled.load(SeqCst), 0, "the inner service is not asked meanwhile");
    service.ready().await.unwrap();
    assert_eq!((began.elapsed().as_secs(), fault.hits()), (3, 1));
    assert_eq!(service.call(1).await.unwrap(), 1);
}

#[qtest]
async fn whoever_asked_last_is_woken_when_the_service_is_ready(t: Test) {
    let mut service = FaultLayer::new("woken").layer(Strict::new(1));
    let hold = t.fault("tower.woken.ready").hold().arm();
    // Asked for the first time with a waker that wakes nobody.
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_pending());
    let asked = t.spawn(async move { service.ready().await.unwrap().call(5).await });
    tokio::task::yield_now().await;
    assert!(!asked.is_finished());
    hold.release();
    assert_eq!(asked.await.unwrap().unwrap(), 5);
    assert_eq!(hold.fired(), 1);
}

#[qtest(paused)]
async fn a_timeout_above_the_layer_ends_a_hang(t: Test) {
    let strict = Strict::new(1);
    let mut service =
        ServiceBuilder::new().timeout(Duration::from_secs(5)).layer(FaultLayer::new("hang")).service(strict.clone());
    let fault = t.fault("tower.hang.before").nth(1).hang().arm();
    let began = Instant::now();
    let error = service.ready().await.unwrap().call(1).await.unwrap_err();
    assert!(error.is::<Elapsed>(), "{error}");
    assert_eq!((began.elapsed().as_secs(), strict.called(), fault.fired()), (5, 0, 1));
    assert_eq!(strict.free(), 1, "what was reserved is given back");
    t.fault("tower.hang.after").first(1).delay(Duration::from_secs(6)).arm();
    let error = service.ready().await.unwrap().call(2).await.unwrap_err();
    assert!(error.is::<Elapsed>(), "{error}");
    assert_eq!((began.elapsed().as_secs(), strict.called()), (10, 1));
}

#[qtest(paused)]
async fn delays_add_up_around_the_call_and_the_answer_comes_all_the_same(t: Test) {
    let strict = Strict::new(1);
    let mut service = FaultLayer::new("delays").layer(strict.clone());
    t.fault("tower.delays.before").delay(Duration::from_secs(1)).arm();
    t.fault("tower.delays.after").delay(Duration::from_secs(2)).arm();
    let began = Instant::now();
    let answer = service.ready().await.unwrap().call(9);
    tokio::pin!(answer);
    assert!(tokio::time::timeout(Duration::from_millis(500), &mut answer).await.is_err());
    assert_eq!(strict.called(), 0);
    assert!(tokio::time::timeout(Duration::from_secs(1), &mut answer).await.is_err());
    assert_eq!(strict.called(), 1);
    assert_eq!(answer.await.unwrap(), 9);
    assert_eq!(began.elapsed().as_secs(), 3);
}

/// Tries again after an error.
#[derive(Clone)]
struct Again(u32);

impl<Request: Clone, Response> Policy<Request, Response, io::Error> for Again {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request, result: &mut io::Result<Response>) -> Option<Self::Future> {
        (result.is_err() && self.0 > 0).then(|| {
            self.0 -= 1;
            ready(())
        })
    }

    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        Some(request.clone())
    }
}

#[qtest]
async fn a_retry_above_the_layer_does_the_work_of_a_lost_reply_twice(t: Test) {
    let strict = Strict::new(1);
    let mut service = ServiceBuilder::new().retry(Again(3)).layer(FaultLayer::new("retried")).service(strict.clone());
    let refused = t.fault("tower.retried.before").first(1).fail(io::ErrorKind::ConnectionRefused).arm();
    let lost = t.fault("tower.retried.after").first(1).fail(io::ErrorKind::ConnectionReset).arm();
    assert_eq!(service.ready().await.unwrap().call(4).await.unwrap(), 4);
    assert_eq!((refused.hits(), lost.hits(), strict.called()), (3, 2, 2));
}

#[qtest]
async fn faults_choose_requests_by_what_the_layer_reads_of_them(t: Test) {
    let layer = FaultLayer::new("cdn")
        .key(|request: &Request| request.path.clone())
        .field("method", |request| request.method)
        .field("length", |request| request.path.len());
    let service = layer.layer(service_fn(async |request: Request| match request.path.as_str() {
        "/broken" => Err(io::Error::from(io::ErrorKind::BrokenPipe)),
        path => Ok(path.len()),
    }));
    let kind =
        async |method, path| service.clone().oneshot(request(method, path)).await.err().map(|error| error.kind());
    let key = t.fault("tower.cdn.before").key("/logo").fail(io::ErrorKind::NotFound).arm();
    let post = t.fault("tower.cdn.before").when(|hit| hit.str("method") == Some("POST"));
    let post = post.fail(io::ErrorKind::PermissionDenied).arm();
    let long = t.fault("tower.cdn.after").when(|hit| hit.int("length") > Some(8)).fail(io::ErrorKind::TimedOut).arm();
    let answered = t.fault("tower.cdn.after").when(|hit| hit.get("ok") == Some(Value::Bool(false)));
    let answered = answered.fail(io::ErrorKind::UnexpectedEof).arm();
    assert_eq!(kind("GET", "/").await, None);
    assert_eq!(kind("GET", "/logo").await, Some(io::ErrorKind::NotFound));
    assert_eq!(kind("POST", "/").await, Some(io::ErrorKind::PermissionDenied));
    assert_eq!(kind("GET", "/long/path").await, Some(io::ErrorKind::TimedOut));
    assert_eq!(kind("GET", "/broken").await, Some(io::ErrorKind::UnexpectedEof));
    assert_eq!([&key, &post, &long, &answered].map(|fault| fault.fired()), [1; 4]);
}

#[test]
fn a_layer_reads_a_bounded_number_of_fields_and_has_a_name() {
    const NAMES: [&str; 17] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q"];
    let add = |layer: FaultLayer<_>, name: &&'static str| layer.field(name, |number: &u32| *number);
    let full = NAMES[1..16].iter().fold(FaultLayer::new("full").key(|number: &u32| *number), add);
    let text = panic_of(move || drop(full.field("q", |number: &u32| *number)));
    assert_eq!(text, "a layer reads at most 16 fields, and `q` would be one more");
    assert!(panic_of(|| drop(FaultLayer::new(""))).contains("a layer needs a name"));
}

fn panic_of(does: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(does)).unwrap_err();
    panic.downcast_ref().map_or_else(|| (*panic.downcast_ref::<&str>().unwrap()).to_owned(), String::clone)
}

#[qtest]
async fn the_instance_that_was_found_ready_is_the_one_that_is_called(t: Test) {
    let strict = Strict::new(1);
    let mut service = FaultLayer::new("idiom").layer(strict.clone());
    let hold = t.fault("tower.idiom.before").hold().arm();
    service.ready().await.unwrap();
    let clone = service.clone();
    let mut found_ready = std::mem::replace(&mut service, clone);
    let answer = t.spawn(async move { found_ready.call(1).await });
    hold.wait_reached().await;
    assert_eq!((strict.called(), strict.free()), (0, 0));
    hold.release();
    assert_eq!(answer.await.unwrap().unwrap(), 1);
    assert_eq!(service.ready().await.unwrap().call(2).await.unwrap(), 2);
}

#[qtest]
async fn a_request_that_is_dropped_while_it_is_held_up_never_gets_there(t: Test) {
    let strict = Strict::new(1);
    let mut service = FaultLayer::new("dropped").layer(strict.clone());
    let hold = t.fault("tower.dropped.before").first(1).hold().arm();
    let given_up = tokio::spawn(service.ready().await.unwrap().call(1));
    hold.wait_reached().await;
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    hold.release();
    assert_eq!((strict.called(), strict.free()), (0, 1));
    assert_eq!(service.ready().await.unwrap().call(2).await.unwrap(), 2);
}

#[qtest]
async fn a_request_that_hangs_ends_with_its_test(t: Test) {
    let service = FaultLayer::new("ends").layer(Strict::new(1));
    let hang = t.fault("tower.ends.after").hang().arm();
    let answer = t.spawn(service.oneshot(1));
    hang.wait_reached().await;
    t.defer_async(async move {
        assert_eq!(answer.await.unwrap().unwrap_err().kind(), io::ErrorKind::Interrupted);
    });
}

#[qtest]
fn a_panic_while_asked_for_readiness_leaves_the_service_usable(t: Test) {
    let fault = t.fault("tower.panics.ready").first(1).panic("no more memory").arm();
    let mut service = FaultLayer::new("panics").layer(Strict::new(1));
    let mut context = Context::from_waker(Waker::noop());
    assert!(catch_unwind(AssertUnwindSafe(|| service.poll_ready(&mut context))).is_err());
    assert!(service.poll_ready(&mut context).is_ready());
    assert_eq!((fault.hits(), fault.fired()), (2, 1));
}

#[qtest]
async fn a_service_that_tests_share_has_for_each_its_own_faults(t: Test) {
    let service = FaultLayer::new("shared").layer(Strict::new(9));
    t.fault("tower.shared.before").fail(io::ErrorKind::Other).arm();
    let other = Test::scoped();
    let theirs = other.fault("tower.shared.after").fail(io::ErrorKind::TimedOut).arm();
    let of_other = service.clone().oneshot(2).await.unwrap_err().kind();
    drop(other);
    let of_mine = service.oneshot(1).await.unwrap_err().kind();
    assert_eq!((of_mine, of_other, theirs.hits()), (io::ErrorKind::Other, io::ErrorKind::TimedOut, 1));
}

#[tokio::test]
async fn a_fault_of_a_layer_that_nobody_made_is_told_with_the_names_that_there_are() {
    let t = Test::scoped();
    let _layer = FaultLayer::new("accounts");
    t.fault("tower.acounts.before").fail(io::ErrorKind::Other).arm();
    let verdict = t.finish().await;
    let report = verdict.report().unwrap();
    assert!(report.contains("nothing in this process is called so: did you mean tower.accounts.before"), "{report}");
    let error = Test::scoped().fault("tower.accounts.behind").hang().try_arm().unwrap_err();
    assert!(error.to_string().contains("its names read tower.NAME.{ready|before|after}"), "{error}");
}

/// What servers want of their services.
#[test]
fn services_go_to_other_threads_and_are_shared_among_them() {
    fn shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    fn sent<T: Send + 'static>(_: T) {}
    let mut service: FaultService<_, _, _> = FaultLayer::new("threads").map_err(io::Error::from).layer(Strict::new(1));
    shared(&service);
    let _ = service.poll_ready(&mut Context::from_waker(Waker::noop()));
    sent(service.call(1));
}
