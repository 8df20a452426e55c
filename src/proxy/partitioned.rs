//! Partitions as a test says them: of one proxy, or of several at once.

use crate::base::{Error, Origin};
use crate::scope::Test;

use super::handle::{ActiveToxic, FaultProxy};
use super::toxic::{Partition, Toxic};

/// Several proxies that are partitioned together, see [`Test::partition`]. Dropping it does not heal them.
#[derive(Clone, Debug)]
pub struct ActivePartition {
    toxics: Vec<ActiveToxic>,
}

impl ActivePartition {
    /// Lets everything pass again, at all of the proxies.
    ///
    /// # Errors
    /// If the test is over.
    ///
    /// # Cancel safety
    /// Dropped before it returns, it may leave some of them partitioned; at the latest the end of the test heals them.
    pub async fn heal(&self) -> Result<(), Error> {
        for toxic in &self.toxics {
            toxic.remove().await?;
        }
        Ok(())
    }

    /// How many connections it has frozen.
    pub fn met(&self) -> u64 {
        self.toxics.iter().map(ActiveToxic::met).sum()
    }
}

impl FaultProxy {
    /// Freezes all connections, live and new ones, until the toxic is removed: short for adding a [`Partition`].
    ///
    /// # Errors
    /// As [`add`](Self::add).
    #[track_caller]
    pub fn partition(&self) -> impl Future<Output = Result<ActiveToxic, Error>> + Send + use<> {
        self.add(Partition::new())
    }
}

impl Test {
    /// Partitions several proxies, one after the other: a host behind which several servers are. Each must be met by a
    /// connection, like any toxic.
    ///
    /// # Errors
    /// If no proxy is given, or as [`FaultProxy::add`]; then none is left partitioned.
    ///
    /// # Cancel safety
    /// Dropped before it returns, it may leave some of them partitioned; at the latest the end of the test heals them.
    #[track_caller]
    pub fn partition(
        &self,
        proxies: &[&FaultProxy],
    ) -> impl Future<Output = Result<ActivePartition, Error>> + Send + use<> {
        let origin = Origin::caller();
        let proxies: Vec<FaultProxy> = proxies.iter().map(|proxy| (*proxy).clone()).collect();
        async move {
            if proxies.is_empty() {
                return Err(Error::invalid("a partition of no proxy at all does nothing: name at least one"));
            }
            let mut partition = ActivePartition { toxics: Vec::new() };
            for proxy in proxies {
                match proxy.add_at(Toxic::from(Partition::new()), origin).await {
                    Ok(toxic) => partition.toxics.push(toxic),
                    Err(error) => {
                        let _ = partition.heal().await;
                        return Err(error);
                    }
                }
            }
            Ok(partition)
        }
    }
}
