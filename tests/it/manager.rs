//! Faults in pools: what bb8 and deadpool make of them.

use deadpool::{
    Runtime,
    managed::{self, Metrics, PoolError, RecycleResult, TimeoutType},
};
use qtests::{Injected, Test, fault::manager::FaultManager, prelude::*};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering::SeqCst},
};
use tokio::time::Instant;

/// A server that is always up, and what happens to its connections.
#[derive(Clone, Debug, Default)]
struct Server {
    made: Arc<AtomicU32>,
    open: Arc<AtomicU32>,
    checked: Arc<AtomicU32>,
}

#[derive(Debug)]
struct Connection {
    number: u32,
    open: Arc<AtomicU32>,
}

impl Server {
    fn connection(&self) -> Connection {
        self.open.fetch_add(1, SeqCst);
        Connection { number: self.made.fetch_add(1, SeqCst) + 1, open: Arc::clone(&self.open) }
    }

    /// How many connections were made, are open, and were looked at.
    fn counts(&self) -> [u32; 3] {
        [&self.made, &self.open, &self.checked].map(|count| count.load(SeqCst))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.open.fetch_sub(1, SeqCst);
    }
}

impl bb8::ManageConnection for Server {
    type Connection = Connection;
    type Error = io::Error;

    async fn connect(&self) -> io::Result<Connection> {
        Ok(self.connection())
    }

    async fn is_valid(&self, _connection: &mut Connection) -> io::Result<()> {
        self.checked.fetch_add(1, SeqCst);
        Ok(())
    }

    fn has_broken(&self, _connection: &mut Connection) -> bool {
        false
    }
}

impl managed::Manager for Server {
    type Type = Connection;
    type Error = io::Error;

    async fn create(&self) -> io::Result<Connection> {
        Ok(self.connection())
    }

    async fn recycle(&self, _connection: &mut Connection, _metrics: &Metrics) -> RecycleResult<io::Error> {
        self.checked.fetch_add(1, SeqCst);
        Ok(())
    }
}

/// What bb8 tells nobody else.
#[derive(Clone, Debug, Default)]
struct Sink(Arc<Mutex<Vec<io::ErrorKind>>>);

impl bb8::ErrorSink<io::Error> for Sink {
    fn sink(&self, error: io::Error) {
        self.0.lock().unwrap().push(error.kind());
    }

    fn boxed_clone(&self) -> Box<dyn bb8::ErrorSink<io::Error>> {
        Box::new(self.clone())
    }
}

impl Sink {
    fn kinds(&self) -> Vec<io::ErrorKind> {
        self.0.lock().unwrap().clone()
    }
}

/// A pool of bb8 with one connection at most, which gives up after a minute; it tries again for a minute of real time.
fn bb8_pool(name: &str) -> (bb8::Pool<FaultManager<Server>>, Server, Sink) {
    let (server, sink) = (Server::default(), Sink::default());
    let builder = bb8::Pool::builder().max_size(1).connection_timeout(Duration::from_secs(60));
    let builder = builder.error_sink(Box::new(sink.clone()));
    (builder.build_unchecked(FaultManager::new(name, server.clone())), server, sink)
}

#[qtest(paused)]
async fn bb8_tries_again_when_it_cannot_connect(t: Test) {
    let (pool, server, sink) = bb8_pool("retried");
    let down = t.fault("pool.retried.connect").first(2).fail(io::ErrorKind::ConnectionRefused).arm();
    assert_eq!(pool.get().await.unwrap().number, 1);
    assert_eq!((down.hits(), server.counts()), (3, [1, 1, 1]));
    assert_eq!(sink.kinds(), [io::ErrorKind::ConnectionRefused; 2]);
}

#[qtest(paused)]
async fn bb8_that_can_never_connect_says_only_that_its_time_is_over(t: Test) {
    let (pool, server, sink) = bb8_pool("down");
    let down = t.fault("pool.down.connect").fail(io::ErrorKind::ConnectionRefused).arm();
    let began = Instant::now();
    assert!(matches!(pool.get().await.unwrap_err(), bb8::RunError::TimedOut));
    assert_eq!((began.elapsed().as_secs(), server.counts()), (60, [0, 0, 0]));
    assert!(down.fired() > 1 && !sink.kinds().is_empty());
    let error = pool.dedicated_connection().await.unwrap_err();
    assert_eq!(error.to_string(), "connection refused (injected at `pool.down.connect`)");
}

#[qtest(paused)]
async fn bb8_waits_for_a_connection_that_hangs_until_its_time_is_over(t: Test) {
    let (pool, _, sink) = bb8_pool("hangs");
    let hang = t.fault("pool.hangs.connect").hang().arm();
    assert!(matches!(pool.get().await.unwrap_err(), bb8::RunError::TimedOut));
    assert_eq!((hang.fired(), sink.kinds().len()), (1, 0));
}

#[qtest(paused)]
async fn bb8_drops_a_connection_that_fails_its_check_and_makes_another(t: Test) {
    let (pool, server, sink) = bb8_pool("checked");
    drop(pool.get().await.unwrap());
    let stale = t.fault("pool.checked.check").first(1).fail(io::ErrorKind::BrokenPipe).arm();
    assert_eq!(pool.get().await.unwrap().number, 2);
    assert_eq!((stale.hits(), server.counts(), sink.kinds()), (2, [2, 1, 2], vec![io::ErrorKind::BrokenPipe]));
    assert_eq!(pool.state().statistics.connections_closed_invalid, 1);
}

#[qtest(paused)]
async fn bb8_puts_a_connection_back_whose_check_hangs(t: Test) {
    let (pool, server, _) = bb8_pool("stalled");
    drop(pool.get().await.unwrap());
    t.fault("pool.stalled.check").first(1).hang().arm();
    let began = Instant::now();
    assert!(matches!(pool.get().await.unwrap_err(), bb8::RunError::TimedOut));
    assert_eq!((began.elapsed().as_secs(), pool.state().idle_connections), (60, 1));
    assert_eq!((pool.get().await.unwrap().number, server.counts()), (1, [1, 1, 2]));
}

#[qtest(paused)]
async fn bb8_drops_a_connection_that_comes_back_broken(t: Test) {
    let (pool, server, _) = bb8_pool("broken");
    let broken = t.fault("pool.broken.recycle").first(1).fail(io::ErrorKind::ConnectionReset).arm();
    drop(pool.get().await.unwrap());
    assert_eq!((server.counts()[1], pool.state().statistics.connections_closed_broken), (0, 1));
    drop(pool.get().await.unwrap());
    assert_eq!((broken.hits(), server.counts()), (2, [2, 1, 2]));
}

#[qtest(paused)]
async fn bb8_tells_nobody_when_it_closes_a_connection(t: Test) {
    let (pool, server, _) = bb8_pool("closed");
    let close = t.fault("pool.closed.close").call(|_| ()).optional().arm();
    drop(pool.get().await.unwrap());
    drop(pool);
    assert_eq!((server.counts()[1], close.hits()), (0, 0));
}

/// A pool of deadpool with one connection at most, which gives up after five seconds, whatever it waits for.
fn deadpool_pool(name: &str) -> (managed::Pool<FaultManager<Server>>, Server) {
    let server = Server::default();
    let builder = managed::Pool::builder(FaultManager::new(name, server.clone())).max_size(1).runtime(Runtime::Tokio1);
    let limit = Some(Duration::from_secs(5));
    (builder.wait_timeout(limit).create_timeout(limit).recycle_timeout(limit).build().unwrap(), server)
}

#[qtest]
async fn deadpool_returns_the_error_when_it_cannot_connect(t: Test) {
    let (pool, server) = deadpool_pool("refused");
    t.fault("pool.refused.connect").first(1).fail(io::ErrorKind::ConnectionRefused).arm();
    let Err(PoolError::Backend(error)) = pool.get().await else { panic!("it has no error of the server") };
    assert_eq!((error.kind(), server.counts()), (io::ErrorKind::ConnectionRefused, [0, 0, 0]));
    assert_eq!(pool.get().await.unwrap().number, 1);
}

#[qtest(paused)]
async fn deadpool_names_the_step_whose_time_is_over(t: Test) {
    let (pool, server) = deadpool_pool("slow");
    let hang = t.fault("pool.slow.connect").first(1).hang().arm();
    let began = Instant::now();
    assert!(matches!(pool.get().await.unwrap_err(), PoolError::Timeout(TimeoutType::Create)));
    assert_eq!((began.elapsed().as_secs(), hang.fired(), server.counts()[0]), (5, 1, 0));
    t.fault("pool.slow.connect").first(1).delay(Duration::from_secs(4)).arm();
    assert_eq!((pool.get().await.unwrap().number, began.elapsed().as_secs()), (1, 9));
}

#[qtest(paused)]
async fn deadpool_drops_a_connection_that_cannot_be_recycled_and_makes_another(t: Test) {
    let (pool, server) = deadpool_pool("recycled");
    drop(pool.get().await.unwrap());
    let stale = t.fault("pool.recycled.recycle").first(1).fail(io::ErrorKind::BrokenPipe).arm();
    let closed = t.fault("pool.recycled.close").call(|_| ()).arm();
    assert_eq!(pool.get().await.unwrap().number, 2);
    assert_eq!((stale.fired(), closed.hits(), server.counts()), (1, 1, [2, 1, 0]));
    let hang = t.fault("pool.recycled.recycle").first(1).hang().arm();
    let began = Instant::now();
    assert_eq!((pool.get().await.unwrap().number, began.elapsed().as_secs()), (3, 5));
    assert_eq!((hang.fired(), closed.hits(), server.counts()), (1, 2, [3, 1, 0]));
    drop(pool);
    assert_eq!((closed.hits(), server.counts()[1]), (2, 0), "the end of the pool is told to nobody");
}

#[qtest]
async fn deadpool_says_how_often_a_connection_was_recycled(t: Test) {
    let (pool, _) = deadpool_pool("worn");
    let worn = t.fault("pool.worn.recycle").when(|hit| hit.int("recycled") >= Some(2));
    let worn = worn.fail(io::ErrorKind::Other).arm();
    let mut numbers = Vec::new();
    for _ in 0..5 {
        numbers.push(pool.get().await.unwrap().number);
    }
    assert_eq!((numbers, worn.fired()), (vec![1, 1, 1, 2, 2], 1));
}

#[qtest(workers = 2)]
async fn deadpool_is_held_up_where_it_lets_go_of_a_connection(t: Test) {
    let (pool, server) = deadpool_pool("let_go");
    let hold = t.fault("pool.let_go.close").hold().arm();
    let taken = pool.get().await.unwrap();
    let taking = tokio::task::spawn_blocking(move || managed::Object::take(taken).number);
    hold.wait_reached().await;
    assert_eq!((taking.is_finished(), server.counts()[1]), (false, 1));
    hold.release();
    assert_eq!(taking.await.unwrap(), 1);
}

#[test]
fn an_error_where_nothing_can_fail_is_refused() {
    let t = Test::scoped();
    for builder in [t.fault("pool.any.close").fail(io::ErrorKind::Other), t.fault("pool.any.close").hang()] {
        let error = builder.try_arm().unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains("nothing can fail at `pool.any.close`"), "{error}");
    }
    t.fault("pool.any.close").delay(Duration::ZERO).optional().arm();
}

#[derive(Debug)]
struct Down(io::ErrorKind);

#[derive(Clone, Debug)]
struct Mapped;

impl managed::Manager for Mapped {
    type Type = u32;
    type Error = Down;

    async fn create(&self) -> Result<u32, Down> {
        Ok(1)
    }

    async fn recycle(&self, _: &mut u32, _: &Metrics) -> RecycleResult<Down> {
        Ok(())
    }
}

impl bb8::ManageConnection for Mapped {
    type Connection = u32;
    type Error = Down;

    async fn connect(&self) -> Result<u32, Down> {
        Ok(1)
    }

    async fn is_valid(&self, _: &mut u32) -> Result<(), Down> {
        Ok(())
    }

    fn has_broken(&self, _: &mut u32) -> bool {
        false
    }
}

#[qtest]
async fn errors_are_those_of_the_manager(t: Test) {
    t.fault("pool.mapped.connect").fail(io::ErrorKind::TimedOut).arm();
    let manager = FaultManager::new("mapped", Mapped).map_err(|injected: Injected| Down(injected.kind()));
    let pool: managed::Pool<_> = managed::Pool::builder(manager.clone()).build().unwrap();
    assert!(matches!(pool.get().await, Err(PoolError::Backend(Down(io::ErrorKind::TimedOut)))));
    let pool = bb8::Pool::builder().build_unchecked(manager);
    assert!(matches!(pool.dedicated_connection().await, Err(Down(io::ErrorKind::TimedOut))));
}
