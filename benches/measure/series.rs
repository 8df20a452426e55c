//! Samples that belong together, and what can be said about them.

/// The samples of one subject, in the order of the rounds.
#[derive(Clone, Debug)]
pub(crate) struct Series(Vec<f64>);

/// A median, and the interval that holds the true one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Summary {
    /// The summary of the same samples with their signs changed.
    pub(crate) fn negated(self) -> Self {
        Self { median: -self.median, low: -self.high, high: -self.low }
    }
}

impl Series {
    /// What `figure` says about each sample.
    pub(crate) fn of<T>(samples: &[T], figure: impl Fn(&T) -> f64) -> Self {
        Self(samples.iter().map(figure).collect())
    }

    /// Round by round, how many times `peer` this is.
    pub(crate) fn ratio_to(&self, peer: &Self) -> Self {
        self.paired(peer, |own, peer| own / peer)
    }

    /// Round by round, how much more than `peer` this is.
    pub(crate) fn over(&self, peer: &Self) -> Self {
        self.paired(peer, |own, peer| own - peer)
    }

    fn paired(&self, peer: &Self, figure: impl Fn(f64, f64) -> f64) -> Self {
        assert_eq!(self.0.len(), peer.0.len(), "both were measured in the same rounds");
        Self(self.0.iter().zip(&peer.0).map(|(own, peer)| figure(*own, *peer)).collect())
    }

    /// The median and its 95 % interval by order statistics, which assumes nothing about the distribution; the whole
    /// range where there are too few samples for that.
    pub(crate) fn summary(&self) -> Summary {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len();
        let skip = skipped(count);
        Summary {
            median: f64::midpoint(sorted[(count - 1) / 2], sorted[count / 2]),
            low: sorted[skip],
            high: sorted[count - 1 - skip],
        }
    }
}

/// How many of the sorted samples at each end do not belong to the 95 % interval of the median: as many as leave at most
/// 2.5 % outside on either side, by the binomial distribution.
fn skipped(count: usize) -> usize {
    let mut term = 0.5_f64.powi(i32::try_from(count).expect("a bench takes few samples"));
    let (mut outside, mut skip) = (term, 0);
    while outside <= 0.025 {
        term *= (count - skip) as f64 / (skip + 1) as f64;
        outside += term;
        skip += 1;
    }
    skip.saturating_sub(1)
}

/// One sample of one subject.
pub(crate) type Sample<'a, T> = Box<dyn FnMut() -> T + 'a>;

/// Takes `rounds` samples of each subject. Each round measures all of them, beginning with another one each time, so that
/// whatever else the machine does meets all alike. Returns the samples of each subject by round.
pub(crate) fn interleaved<T>(rounds: usize, subjects: &mut [Sample<'_, T>]) -> Vec<Vec<T>> {
    let count = subjects.len();
    let mut samples: Vec<Vec<T>> = subjects.iter().map(|_| Vec::with_capacity(rounds)).collect();
    for round in 0..rounds {
        for step in 0..count {
            let turn = (round + step) % count;
            samples[turn].push(subjects[turn]());
        }
    }
    samples
}
