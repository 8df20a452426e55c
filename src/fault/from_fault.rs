//! How an injected fault becomes an error of the code under test.

use super::Injected;

/// An error that an injected fault can become: what a method or function under `#[faulty]` returns when its point fails.
///
/// Whatever implements `From<Injected>` has it: [`io::Error`](std::io::Error), `Box<dyn Error>`,
/// `Box<dyn Error + Send + Sync>`, [`Injected`] itself, and error types that hold any error, such as those of anyhow and
/// eyre. `String` says what was injected and where; `&'static str` is the name of the point, the only text that lives so
/// long. For enums of your own derive it.
///
/// A value that the test injected with `fail_with` is taken as it is where it has the type of the error.
///
/// ```
/// use qtests::{FromFault, fault_point};
///
/// fn read() -> Result<(), String> {
///     fault_point!("rates.read", |injected| String::from_fault(injected))
/// }
/// # assert_eq!(read(), Ok(()));
/// ```
///
/// Of an enum, `#[fault]` marks the variant that faults become, and kinds choose others. Where the variant has a field, the
/// fault becomes that in its turn:
///
/// ```
/// use qtests::{FromFault, Test, fault_point};
/// use std::io;
///
/// #[derive(Debug, FromFault)]
/// enum StoreError {
///     #[fault(kind = TimedOut | WouldBlock)]
///     Busy,
///     #[fault]
///     Io(io::Error),
///     Unknown(u64),                       // no fault becomes this, unless `fail_with` gives one
/// }
///
/// fn read(order: u64) -> Result<u64, StoreError> {
///     fault_point!("store.read", |injected| StoreError::from_fault(injected))?;
///     if order == 0 { Err(StoreError::Unknown(order)) } else { Ok(order) }
/// }
///
/// let t = Test::scoped();
/// t.fault("store.read").nth(1).fail(io::ErrorKind::TimedOut).arm();
/// t.fault("store.read").nth(1).fail(io::ErrorKind::StorageFull).arm();
/// assert!(matches!(read(7), Err(StoreError::Busy)));
/// assert!(matches!(read(7), Err(StoreError::Io(error)) if error.kind() == io::ErrorKind::StorageFull));
/// assert!(matches!(read(0), Err(StoreError::Unknown(0))));
/// ```
#[diagnostic::on_unimplemented(
    message = "an injected fault cannot become `{Self}`",
    label = "this error does not implement `FromFault`",
    note = "derive it where the error is yours: `#[derive(qtests::FromFault)]`, with `#[fault]` on the variant that a fault \
            becomes",
    note = "where it is not: `#[faulty(err = path::to::function)]` names a function that makes it of `qtests::Injected`; \
            `#[faulty(infallible)]` leaves the error out and allows delays, holds and panics"
)]
pub trait FromFault: Sized {
    /// The error that the fault becomes.
    fn from_fault(injected: Injected) -> Self;
}

// Not recommended, so that the compiler tells of `FromFault` and its cures, and not of `From`.
#[diagnostic::do_not_recommend]
impl<E: From<Injected> + 'static> FromFault for E {
    fn from_fault(injected: Injected) -> Self {
        injected.downcast::<Self>().unwrap_or_else(Self::from)
    }
}

impl FromFault for String {
    fn from_fault(injected: Injected) -> Self {
        injected.downcast::<Self>().unwrap_or_else(|injected| injected.to_string())
    }
}

impl FromFault for &'static str {
    fn from_fault(injected: Injected) -> Self {
        injected.downcast::<Self>().unwrap_or_else(|injected| injected.point())
    }
}
