//! Fixtures: their order, who shares them, and what is undone when.

use qtests::{current_test, fixture::Shared, prelude::*};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread::ThreadId,
};

/// What happened, in order, in one test.
type Log = Arc<Mutex<Vec<&'static str>>>;

/// The log of the test: one for all that ask.
struct Recorder(Log);

impl Fixture for Recorder {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        let log = Log::default();
        let ours = Arc::clone(&log);
        // Registered first, so it sees what all others did.
        t.defer(move || {
            let expected = ["first up", "second up", "inner up", "body", "inner down", "second down", "first down"];
            assert_eq!(*ours.lock().unwrap(), expected);
        });
        Ok(Self(log))
    }
}

async fn up_and_down(t: &Test, up: &'static str, down: &'static str) -> Result<(), BoxError> {
    let log = t.fixture::<Arc<Recorder>>().await?.0.clone();
    tokio::task::yield_now().await;
    log.lock().unwrap().push(up);
    t.defer_async(async move {
        tokio::task::yield_now().await;
        log.lock().unwrap().push(down);
    });
    Ok(())
}

struct First;

impl Fixture for First {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        up_and_down(t, "first up", "first down").await.map(|()| Self)
    }
}

struct Second {
    _inner: Inner,
}

impl Fixture for Second {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        up_and_down(t, "second up", "second down").await?;
        Ok(Self { _inner: t.fixture().await? })
    }
}

struct Inner;

impl Fixture for Inner {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        up_and_down(t, "inner up", "inner down").await.map(|()| Self)
    }
}

#[qtest]
async fn arguments_are_set_up_in_order_and_torn_down_in_reverse(log: Arc<Recorder>, _first: First, _second: Second) {
    log.0.lock().unwrap().push("body");
}

#[qtest(workers = 2)]
async fn the_same_holds_on_several_threads(log: Arc<Recorder>, _first: First, _second: Second) {
    log.0.lock().unwrap().push("body");
}

#[qtest]
fn the_same_holds_for_a_test_that_is_not_async(_first: First, _second: Second, t: Test, log: Arc<Recorder>) {
    assert!(t.name().starts_with("fixture::"));
    log.0.lock().unwrap().push("body");
}

/// A fixture by value is set up for each argument.
struct Counted(usize);

static COUNT: AtomicUsize = AtomicUsize::new(0);

impl Fixture for Counted {
    async fn set_up(_: &Test) -> Result<Self, BoxError> {
        Ok(Self(COUNT.fetch_add(1, SeqCst)))
    }
}

#[qtest]
async fn a_fixture_by_value_is_ones_own_and_one_in_an_arc_is_the_tests(
    a: Counted,
    b: Counted,
    c: Arc<Counted>,
    d: Arc<Counted>,
    t: Test,
) {
    assert_ne!(a.0, b.0);
    assert!(c.0 != a.0 && c.0 != b.0 && Arc::ptr_eq(&c, &d));
    let concurrently = tokio::join!(t.fixture::<Arc<Counted>>(), t.fixture::<Arc<Counted>>());
    assert!(Arc::ptr_eq(&concurrently.0.unwrap(), &c) && Arc::ptr_eq(&concurrently.1.unwrap(), &c));
}

/// A fixture whose set-up may fail and is asked for by the body: that is the body's affair.
struct Optional;

impl Fixture for Optional {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        t.fixture::<Absent>().await.map(|_| Self).map_err(Into::into)
    }
}

struct Absent;

impl Fixture for Absent {
    async fn set_up(_: &Test) -> Result<Self, BoxError> {
        Err(io::Error::new(io::ErrorKind::NotFound, "not here").into())
    }
}

#[qtest]
async fn a_body_that_asks_for_a_fixture_may_do_without(t: Test) {
    let error = t.fixture::<Optional>().await.err().expect("it is absent");
    assert_eq!(error.to_string(), "the set-up of Optional -> Absent failed: not here");
}

/// One for the process. It remembers the thread that set it up and keeps a task running on its own runtime.
struct Service {
    set_up_on: ThreadId,
    asked: tokio::sync::mpsc::UnboundedSender<tokio::sync::oneshot::Sender<usize>>,
}

static SET_UPS: AtomicUsize = AtomicUsize::new(0);

impl Fixture for Service {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        SET_UPS.fetch_add(1, SeqCst);
        assert_eq!(t.name(), "the shared fixture Service");
        let (asked, mut questions) = tokio::sync::mpsc::unbounded_channel::<tokio::sync::oneshot::Sender<usize>>();
        let ended = t.cancelled();
        t.spawn(async move {
            let mut count = 0;
            tokio::pin!(ended);
            loop {
                tokio::select! {
                    Some(answer) = questions.recv() => {
                        count += 1;
                        let _ = answer.send(count);
                    }
                    () = &mut ended => return,
                }
            }
        });
        Ok(Self { set_up_on: std::thread::current().id(), asked })
    }
}

async fn ask(service: &Service) -> usize {
    let (answer, answered) = tokio::sync::oneshot::channel();
    service.asked.send(answer).unwrap();
    answered.await.unwrap()
}

macro_rules! users_of_the_service {
    ($($name:ident)*) => {$(
        #[qtest]
        async fn $name(t: Test, service: Shared<Service>) {
            // It outlives each of the tests, and the runtime of the test that asked for it first.
            assert!(ask(&service).await > 0);
            assert_eq!(SET_UPS.load(SeqCst), 1);
            assert_ne!(service.set_up_on, std::thread::current().id());
            assert_eq!(current_test().map(|test| test.name().to_owned()).as_deref(), Some(t.name()));
        }
    )*};
}

users_of_the_service!(user_a user_b user_c user_d user_e user_f user_g user_h);

/// Two shared fixtures that need each other, asked for at the same time from both ends.
struct Ping;
struct Pong;

static BOTH: std::sync::Barrier = std::sync::Barrier::new(2);

impl Fixture for Ping {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        BOTH.wait();
        t.fixture::<Shared<Pong>>().await.map(|_| Self).map_err(Into::into)
    }
}

impl Fixture for Pong {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        BOTH.wait();
        Box::pin(t.fixture::<Shared<Ping>>()).await.map(|_| Self).map_err(Into::into)
    }
}

#[qtest(timeout = "20s")]
async fn shared_fixtures_that_wait_for_each_other_are_told_so(t: Test) {
    let (ping, pong) = tokio::join!(t.fixture::<Shared<Ping>>(), t.fixture::<Shared<Pong>>());
    let texts = [ping.err().expect("it needs itself").to_string(), pong.err().expect("it needs itself").to_string()];
    assert!(texts.iter().all(|text| text.contains("break the circle")), "{texts:?}");
}
