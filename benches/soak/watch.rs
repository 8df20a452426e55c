//! Looks after the process meanwhile: memory, descriptors, threads; prints a line now and then, and judges in the end.

use super::{
    book::Book,
    measure::{descriptors, resident, threads},
};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How often a line is printed.
const LINE: Duration = Duration::from_secs(10);

/// How much more memory the last half may take than the first.
const ALLOWED: f64 = 0.1;

/// How long descriptors may take to be closed after the last connection.
const LIMIT: Duration = Duration::from_secs(5);

/// What is known of the process so far.
pub(crate) struct Watch {
    began: Instant,
    length: Duration,
    book: Arc<Book>,
    descriptors: usize,
    /// The most memory in the first half and in the last.
    most: [u64; 2],
}

impl Watch {
    /// Begins now, while no connection is open.
    pub(crate) fn start(length: Duration, book: Arc<Book>) -> Self {
        Self { began: Instant::now(), length, book, descriptors: descriptors(), most: [0; 2] }
    }

    /// Looks and prints, without end.
    pub(crate) async fn keep(&mut self) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next = LINE;
        loop {
            looks.tick().await;
            let (now, memory) = (self.began.elapsed(), resident());
            let half = usize::from(now >= self.length / 2);
            self.most[half] = self.most[half].max(memory);
            if now >= next {
                next += LINE;
                self.line(now, memory);
            }
        }
    }

    fn line(&self, now: Duration, memory: u64) {
        let counts = self.book.counts();
        println!(
            "{:>6.0} s  {} connections ({} cut)  {:.2} GB  {} toggles  {:.1} MB resident  {} descriptors  {} threads",
            now.as_secs_f64(),
            counts.connections,
            counts.cut,
            counts.bytes as f64 / 1e9,
            counts.toggles,
            memory as f64 / 1e6,
            descriptors(),
            threads()
        );
    }

    /// Prints what held and returns what did not.
    pub(crate) async fn verdict(&self) -> Vec<String> {
        let mut failures = Vec::new();
        let counts = self.book.counts();
        if self.book.failures().is_empty() {
            println!(
                "bytes: none lost, changed or reordered in {:.2} GB on {} connections, {} of them cut on purpose; {} \
                 toggles",
                counts.bytes as f64 / 1e9,
                counts.connections,
                counts.cut,
                counts.toggles
            );
        }
        let [first, last] = self.most.map(|bytes| bytes as f64 / 1e6);
        let more = (last / first - 1.0) * 100.0;
        let memory = format!("at most {first:.1} MB in the first half, {last:.1} MB in the last ({more:+.1} %)");
        if more <= ALLOWED * 100.0 {
            println!("memory: flat, {memory}");
        } else {
            failures.push(format!("memory: not flat, {memory}; {:.0} % are allowed", ALLOWED * 100.0));
        }
        let left = self.descriptors_left().await;
        let all = format!("{} before the first connection, {left} after the last", self.descriptors);
        if left <= self.descriptors {
            println!("descriptors: {all}");
        } else {
            failures.push(format!("descriptors: {all}"));
        }
        failures
    }

    /// How many are open once the last connections are closed.
    async fn descriptors_left(&self) -> usize {
        let since = Instant::now();
        while descriptors() > self.descriptors && since.elapsed() < LIMIT {
            sleep(LOOK).await;
        }
        descriptors()
    }
}
