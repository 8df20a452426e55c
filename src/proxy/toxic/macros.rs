//! What every toxic can be told, written once.

/// Lets a toxic be turned into [`Toxic`](super::Toxic), and choose its connections in the same breath:
/// `Latency::of(..).first(3)`.
macro_rules! chooses_connections {
    ($($toxic:ty),* $(,)?) => {$(
        /// Which connections meet it; see [`Toxic`] for what these mean.
        impl $toxic {
            /// Only the first `n` connections that are accepted after the arming; see [`Toxic::first`].
            ///
            /// # Panics
            /// If `n` is 0.
            #[track_caller]
            pub fn first(self, n: u64) -> Toxic {
                Toxic::from(self).first(n)
            }

            /// Only the connection of this number, from 1; see [`Toxic::connection`].
            ///
            /// # Panics
            /// If `number` is 0.
            #[track_caller]
            pub fn connection(self, number: u64) -> Toxic {
                Toxic::from(self).connection(number)
            }

            /// Each connection with this probability; see [`Toxic::toxicity`].
            ///
            /// # Panics
            /// Unless `p` is from 0.0 to 1.0.
            #[track_caller]
            pub fn toxicity(self, p: f64) -> Toxic {
                Toxic::from(self).toxicity(p)
            }

            /// Only connections whose client begins with what the closure wants; see [`Toxic::matching`].
            pub fn matching(self, wanted: impl Fn(&[u8]) -> bool + Send + Sync + 'static) -> Toxic {
                Toxic::from(self).matching(wanted)
            }
        }
    )*};
}

/// Lets a toxic go unmet.
macro_rules! may_go_unmet {
    ($($toxic:ty),* $(,)?) => {$(
        impl $toxic {
            /// Lets the test pass even if nothing meets this toxic. Defaults to failing such a test.
            pub fn optional(self) -> Toxic {
                Toxic::from(self).optional()
            }
        }

        impl From<$toxic> for Toxic {
            fn from(toxic: $toxic) -> Toxic {
                Toxic::new(toxic)
            }
        }
    )*};
}

/// The directions of a toxic that keeps them in its field `ways`. It stands in the file of the toxic, whose field it is.
macro_rules! has_ways {
    ($toxic:ty, downstream by default) => {
        has_ways!(
            $toxic,
            "Acts on what the server sends. This is the default.",
            "Acts on both directions, each by itself."
        );
    };
    ($toxic:ty, both by default) => {
        has_ways!(
            $toxic,
            "Acts on what the server sends.",
            "Acts on both directions, each by itself. This is the default."
        );
    };
    ($toxic:ty, $downstream:literal, $both:literal) => {
        impl $toxic {
            /// Acts on what the client sends.
            pub fn upstream(mut self) -> Self {
                self.ways = Ways::One(Direction::Upstream);
                self
            }

            #[doc = $downstream]
            pub fn downstream(mut self) -> Self {
                self.ways = Ways::One(Direction::Downstream);
                self
            }

            #[doc = $both]
            pub fn both(mut self) -> Self {
                self.ways = Ways::Both;
                self
            }
        }
    };
}
