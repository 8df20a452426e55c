//! Runs the rounds and collects what they say.

use super::{
    ShutdownProperty, ShutdownSubject,
    drain::{Stopped, Watch},
    judge,
    round::{LOOK_AT_SOCKETS, Round, begin},
    second,
    service::Service,
};
use crate::base::Error;
use crate::harness::Verdict;
use crate::scope::Test;
use std::{fmt, sync::Arc, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

/// How often a round that shows nothing is tried.
const ATTEMPTS: usize = 3;

/// How long a service may take to accept and to read the endless request.
const SEEN_LIMIT: Duration = Duration::from_secs(10);

/// What a service is like when it is told to shut down: each property with its verdict. Printed, it is a table.
#[derive(Clone, Debug)]
#[must_use = "verdicts that nobody looks at hide a broken service"]
pub struct ShutdownConformance {
    rows: Vec<(ShutdownProperty, Verdict)>,
}

impl ShutdownConformance {
    /// All properties with their verdicts, in the order of [`ShutdownProperty::ALL`].
    pub fn rows(&self) -> &[(ShutdownProperty, Verdict)] {
        &self.rows
    }

    /// The verdict on one property.
    pub fn verdict(&self, property: ShutdownProperty) -> &Verdict {
        // There is a row for each.
        &self.rows[property as usize].1
    }

    /// The properties that the service was seen breaking.
    pub fn broken(&self) -> Vec<ShutdownProperty> {
        self.rows.iter().filter(|(_, verdict)| verdict.is_broken()).map(|(property, _)| *property).collect()
    }

    /// Fails the test for the first property that is broken, with what to do about it, and says loudly what was not
    /// shown. The journal has the whole table.
    ///
    /// # Panics
    /// If a property is broken; with `QTESTS_STRICT=1` also if one is inconclusive.
    #[track_caller]
    pub fn assert(&self, t: &Test) {
        for (property, verdict) in &self.rows {
            property.assert(t, verdict);
        }
    }
}

impl fmt::Display for ShutdownConformance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|(property, _)| property.name().len()).max().unwrap_or(0);
        for (property, verdict) in &self.rows {
            writeln!(f, "{:width$}  {verdict}", property.name())?;
        }
        Ok(())
    }
}

/// Judges a service by all properties. Takes as long as some shutdowns of the service do.
///
/// The service is started several times through [`Test::process`], so that nothing of it outlives the test: up to twelve
/// times, each at most 45 s and [`ShutdownSubject::limit`] long. With a service that starts at once and shuts down
/// rightly it takes three shutdowns.
///
/// # Errors
/// If the service cannot be started, tells no address within 30 s, or does not answer before it is asked to shut down;
/// if the test's clock is paused; without `/proc` as Linux has it.
///
/// # Cancel safety
/// If the future is dropped, the service is killed and nothing is shown.
pub async fn check_shutdown<S: ShutdownSubject>(t: &Test, subject: S) -> Result<ShutdownConformance, Error> {
    let subject = Arc::new(subject);
    let mut rows = first_signal(t, &subject, &ShutdownProperty::ALL).await?;
    rows.push((ShutdownProperty::EndsDespiteEndless, endless(t, &subject).await?));
    rows.push((ShutdownProperty::SecondSignalKills, second_signal(t, &subject).await?));
    let conformance = ShutdownConformance { rows };
    t.record("harness", conformance.to_string());
    Ok(conformance)
}

/// Judges a service by one property.
///
/// # Errors
/// As [`check_shutdown`].
///
/// # Cancel safety
/// If the future is dropped, the service is killed and nothing is shown.
pub async fn check_shutdown_property<S: ShutdownSubject>(
    t: &Test,
    subject: S,
    property: ShutdownProperty,
) -> Result<Verdict, Error> {
    let subject = Arc::new(subject);
    match property {
        ShutdownProperty::EndsDespiteEndless => endless(t, &subject).await,
        ShutdownProperty::SecondSignalKills => second_signal(t, &subject).await,
        _ => {
            let rows = first_signal(t, &subject, &[property]).await?;
            let found = rows.into_iter().find(|(of, _)| *of == property).map(|(_, verdict)| verdict);
            Ok(found.unwrap_or_else(|| Verdict::Inconclusive("no round speaks about it".to_owned())))
        }
    }
}

type Rows = Vec<(ShutdownProperty, Verdict)>;

/// What one SIGTERM shows. A round that shows too little about what is wanted is tried again.
async fn first_signal<S: ShutdownSubject>(
    t: &Test,
    subject: &Arc<S>,
    wanted: &[ShutdownProperty],
) -> Result<Rows, Error> {
    let mut rows = Rows::new();
    for _ in 0..ATTEMPTS {
        let (seen, final_word) = match begin(t, subject).await? {
            Ok(round) => {
                let seen = Watch::signal(subject, round)?.until_exit().await?;
                // To wait once more for the limit of a service that does not exit would show no more.
                (judge::judge(&seen, subject.exit_code(), subject.limit()), seen.exit.is_none())
            }
            Err(nothing) => (judge::nothing(&nothing), false),
        };
        rows = if rows.is_empty() { seen } else { merged(rows, seen) };
        let open = |(of, verdict): &(ShutdownProperty, Verdict)| wanted.contains(of) && verdict.is_inconclusive();
        if final_word || !rows.iter().any(open) {
            break;
        }
    }
    Ok(rows)
}

/// What two rounds say; both have a row for each property, in the same order.
fn merged(rows: Rows, later: Rows) -> Rows {
    rows.into_iter().zip(later).map(|((property, first), (_, later))| (property, first.and_later(later))).collect()
}

/// Whether a request that never ends keeps the service.
async fn endless<S: ShutdownSubject>(t: &Test, subject: &Arc<S>) -> Result<Verdict, Error> {
    let mut attempt = 1;
    loop {
        let verdict = endless_round(t, subject).await?;
        if attempt == ATTEMPTS || !verdict.is_inconclusive() {
            return Ok(verdict);
        }
        attempt += 1;
    }
}

async fn endless_round<S: ShutdownSubject>(t: &Test, subject: &Arc<S>) -> Result<Verdict, Error> {
    let service = Service::start(t, &**subject).await?;
    let Some(request) = subject.endless(service.address) else {
        return Ok(Verdict::NotApplicable("the subject declares no request that never ends".to_owned()));
    };
    let mut requests = JoinSet::new();
    requests.spawn(request);
    let until = Instant::now() + SEEN_LIMIT;
    // As with the other requests, only the second look says that the request was sent and read.
    let mut looks = 0;
    while looks < 2 {
        sleep(LOOK_AT_SOCKETS).await;
        if requests.try_join_next().is_some() {
            return Ok(Verdict::Inconclusive("the request that never ends has ended".to_owned()));
        }
        if Instant::now() >= until {
            let text = format!("the request that never ends was not accepted within {SEEN_LIMIT:?}");
            return Ok(Verdict::Inconclusive(text));
        }
        looks = if service.look()?.read >= 1 { looks + 1 } else { 0 };
    }
    let limit = subject.limit();
    service.terminate()?;
    Ok(match service.exits(Instant::now() + limit).await? {
        Some(_) => Verdict::Held,
        None => {
            Verdict::Broken(format!("with one endless request in flight it was still running {limit:?} after SIGTERM"))
        }
    })
}

/// What a second signal does while the service drains.
async fn second_signal<S: ShutdownSubject>(t: &Test, subject: &Arc<S>) -> Result<Verdict, Error> {
    let mut attempt = 1;
    loop {
        let (mut verdict, final_word, late_end) = match begin(t, subject).await? {
            Ok(round) => second_round(subject, round).await?,
            Err(nothing) => (Verdict::Inconclusive(nothing), false, None),
        };
        if verdict.is_held() && late_end.is_some() {
            verdict = second::second_or_by_itself(verdict, late_end, by_itself(t, subject).await?);
        }
        if attempt == ATTEMPTS || final_word || !verdict.is_inconclusive() {
            return Ok(verdict);
        }
        attempt += 1;
    }
}

/// When the service cuts its requests off after one signal, if it does.
async fn by_itself<S: ShutdownSubject>(t: &Test, subject: &Arc<S>) -> Result<Option<Duration>, Error> {
    Ok(match begin(t, subject).await? {
        Ok(round) => second::cut_off(&Watch::signal(subject, round)?.until_exit().await?),
        Err(_) => None,
    })
}

/// The verdict, whether another round would show no more, and when the service exited if the second signal came late.
async fn second_round<S: ShutdownSubject>(
    subject: &Arc<S>,
    round: Round,
) -> Result<(Verdict, bool, Option<Duration>), Error> {
    let nothing = |why: &str| Ok((Verdict::Inconclusive(why.to_owned()), false, None));
    let mut watch = Watch::signal(subject, round)?;
    // The service must have heard the first signal: two that come close together are one.
    while watch.has_stopped() == Stopped::NotYet {
        if watch.round.requests.pending() == 0 {
            return nothing("all requests had ended before it was seen to heed the first signal");
        }
        if !watch.may_probe() {
            let why = format!(
                "it was not seen to heed the first signal within {:.1?}: it took in {} more requests",
                watch.signalled.elapsed(),
                watch.taken
            );
            return Ok((Verdict::Inconclusive(why), true, None));
        }
        watch.probe().await?;
    }
    watch.probe().await?;
    if watch.round.service.exited()?.is_some() {
        return nothing("it exited after the first signal, before a second could be sent");
    }
    let requests = &watch.round.requests;
    if requests.ended.iter().any(|ended| ended.answer.is_err()) {
        return nothing("it cut its requests off after the first signal, so there was no drain to end");
    }
    let pending = requests.pending();
    if pending == 0 {
        return nothing("all requests had ended before a second signal could be sent");
    }
    let sure = watch.has_stopped() == Stopped::Surely;
    let signal = second::Second { after: watch.signalled.elapsed(), pending, sure };
    watch.round.service.terminate()?;
    let seen = watch.until_exit().await?;
    let late_end = seen.exit.as_ref().filter(|_| signal.is_late()).map(|exit| exit.after);
    Ok((second::second(&seen, signal, subject.limit()), seen.exit.is_none(), late_end))
}
