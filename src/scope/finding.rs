//! What the end of a test has to say beside the outcome of the body.

/// One thing that is said about a test in its report.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(super) weight: Weight,
    pub(super) text: String,
}

/// What a finding does to the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// Fails the test.
    Failure,
    /// Fails a test whose body passed; otherwise it is only said.
    FailureIfPassed,
    /// Only said, and only when the test fails for another reason.
    Note,
}

impl Finding {
    pub(crate) fn failure(text: impl Into<String>) -> Self {
        Self { weight: Weight::Failure, text: text.into() }
    }

    /// Something that was prepared and never happened: it fails a test that passed otherwise, because such a test has
    /// shown nothing; after another failure it is only said.
    pub(crate) fn vacuous(text: impl Into<String>) -> Self {
        Self { weight: Weight::FailureIfPassed, text: text.into() }
    }

    pub(crate) fn note(text: impl Into<String>) -> Self {
        Self { weight: Weight::Note, text: text.into() }
    }
}
