//! What product code sees: a static that gives the real thing, or what the current test put in its place.

#[cfg(feature = "live")]
use super::stack::MockStack;
#[cfg(feature = "live")]
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use std::{fmt, ops::Deref, sync::LazyLock};

/// A place where a test can put something else; [`seam!`](crate::seam) declares it.
pub struct Seam<T: ?Sized + 'static> {
    name: &'static str,
    /// Made at the first use.
    real: LazyLock<Box<T>, fn() -> Box<T>>,
    /// How many entries of all mock stacks of the process stand in for this seam.
    #[cfg(feature = "live")]
    overrides: AtomicUsize,
}

impl<T: ?Sized + Send + Sync + 'static> Seam<T> {
    /// For [`seam!`](crate::seam).
    #[doc(hidden)]
    pub const fn new(name: &'static str, real: fn() -> Box<T>) -> Self {
        Self {
            name,
            real: LazyLock::new(real),
            #[cfg(feature = "live")]
            overrides: AtomicUsize::new(0),
        }
    }

    /// The name of the static.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The latest mock of the current test, or the real thing.
    #[inline]
    pub fn get(&'static self) -> SeamRef<T> {
        #[cfg(feature = "live")]
        if self.overrides.load(Ordering::Relaxed) != 0
            && let Some(mock) = self.mocked()
        {
            return SeamRef { target: Target::Mock(mock) };
        }
        SeamRef { target: Target::Real(&**self.real) }
    }

    #[cfg(feature = "live")]
    #[cold]
    fn mocked(&self) -> Option<Arc<T>> {
        let scope = crate::scope::current()?;
        scope.part::<MockStack>()?.top(self.address())
    }

    /// What tells this seam from others.
    #[cfg(feature = "live")]
    pub(super) fn address(&self) -> usize {
        std::ptr::from_ref(self).cast::<()>().addr()
    }

    #[cfg(feature = "live")]
    pub(super) fn overrides(&self) -> &AtomicUsize {
        &self.overrides
    }
}

impl<T: ?Sized> fmt::Debug for Seam<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seam({})", self.name)
    }
}

/// What a seam gave: the real thing or a mock. Keep it for one operation; who keeps it longer keeps the mock.
pub struct SeamRef<T: ?Sized + 'static> {
    target: Target<T>,
}

enum Target<T: ?Sized + 'static> {
    Real(&'static T),
    #[cfg(feature = "live")]
    Mock(Arc<T>),
}

impl<T: ?Sized> Deref for SeamRef<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match &self.target {
            Target::Real(real) => real,
            #[cfg(feature = "live")]
            Target::Mock(mock) => mock,
        }
    }
}

impl<T: ?Sized> fmt::Debug for SeamRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.target {
            Target::Real(_) => "SeamRef(real)",
            #[cfg(feature = "live")]
            Target::Mock(_) => "SeamRef(mock)",
        })
    }
}
