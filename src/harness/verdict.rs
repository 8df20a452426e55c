//! What is said about one property of one subject.

use crate::config::strict;
use crate::scope::{Test, say};
use std::fmt;

/// What is said about one property of one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a verdict that nobody looks at hides a broken subject"]
pub enum Verdict {
    /// The subject has it.
    Held,
    /// The subject was seen breaking it, in this way.
    Broken(String),
    /// Nothing was shown, for this reason. It is no pass.
    Inconclusive(String),
    /// The subject has no use for it, for this reason. It is no pass.
    NotApplicable(String),
}

impl Verdict {
    /// Whether the subject was seen to have the property.
    pub fn is_held(&self) -> bool {
        *self == Self::Held
    }

    /// Whether the subject was seen breaking the property.
    pub fn is_broken(&self) -> bool {
        matches!(self, Self::Broken(_))
    }

    /// What is to be said once more was seen of the same property: what was seen broken stays broken, and what was not
    /// shown is shown by what is seen later.
    pub(in crate::harness) fn and_later(self, later: Self) -> Self {
        match (&self, &later) {
            (Self::Broken(_), _) => self,
            (_, Self::Broken(_)) | (Self::Inconclusive(_), _) => later,
            _ => self,
        }
    }

    /// Whether nothing was shown.
    pub fn is_inconclusive(&self) -> bool {
        matches!(self, Self::Inconclusive(_))
    }

    /// Turns a broken property into the failure of the test, at the line of the caller; says the rest loudly.
    ///
    /// # Panics
    /// If the property is broken; with `QTESTS_STRICT=1` also if nothing was shown.
    #[track_caller]
    pub(super) fn assert(&self, t: &Test, property: &str, cure: &str) {
        t.record("harness", format!("`{property}`: {self}"));
        match self {
            Self::Held => {}
            Self::Broken(what) => panic!(
                "a property is broken\n  expected: {property}\n  happened: {what}\n            {cure}\n  where: in test `{test}`\n  \
                 repeat with: {repeat}",
                test = t.name(),
                repeat = t.repeat_line()
            ),
            Self::Inconclusive(why) => {
                assert!(!strict(), "`{property}` is inconclusive: {why} (a failure because of QTESTS_STRICT=1)");
                say(&format!("`{}`: INCONCLUSIVE, nothing was shown: {why}", t.name()));
            }
            Self::NotApplicable(why) => say(&format!("`{}`: NOT APPLICABLE, nothing was shown: {why}", t.name())),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held => f.write_str("held"),
            Self::Broken(what) => write!(f, "BROKEN: {what}"),
            Self::Inconclusive(why) => write!(f, "INCONCLUSIVE: {why}"),
            Self::NotApplicable(why) => write!(f, "not applicable: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_broken_stays_broken_and_what_was_shown_stays_shown() {
        let broken = |what: &str| Verdict::Broken(what.to_owned());
        let inconclusive = || Verdict::Inconclusive("too busy".to_owned());
        for (first, later, said) in [
            (broken("first"), Verdict::Held, broken("first")),
            (broken("first"), inconclusive(), broken("first")),
            (broken("first"), broken("later"), broken("first")),
            (Verdict::Held, broken("later"), broken("later")),
            (Verdict::Held, inconclusive(), Verdict::Held),
            (inconclusive(), Verdict::Held, Verdict::Held),
            (inconclusive(), broken("later"), broken("later")),
        ] {
            assert_eq!(first.clone().and_later(later.clone()), said, "{first}, then {later}");
        }
    }
}
