//! The macros of product code, in a build that has the feature `live`.

/// A place where a test can inject a fault. Gives `Result<(), Injected>`.
///
/// ```
/// # use qtests::fault_point;
/// # use std::io;
/// # enum ShopError { Db(io::Error) }
/// fn append(record: &str) -> io::Result<()> {
///     fault_point!("wal.append")?;                               // `Injected` converts to io::Error and boxed errors
///     fault_point!("wal.sync", key = record, length = record.len())?;   // arguments that predicates see
///     Ok(())
/// }
///
/// async fn query() -> Result<(), ShopError> {
///     fault_point!(async "db.query", |injected| ShopError::Db(injected.into()))?;   // awaits where a fault delays
///     Ok(())
/// }
/// ```
///
/// The forms are `fault_point!([async] "name" [, field = value]* [, |injected| error])`. The plain form blocks its
/// thread where a fault delays, hangs or holds; the `async` form awaits and belongs into async functions. The field
/// `key` pins the random draws of a fault to a caller, so that racing callers do not exchange theirs. Fields are
/// evaluated only while some test has armed the name. Without the feature `live` all this is nothing.
#[macro_export]
macro_rules! fault_point {
    (async $name:literal $(, $field:ident = $value:expr)* $(,)?) => {{
        $crate::__site!(Fallible, $name);
        if __QTESTS_SITE.is_armed() {
            let decision = $crate::fault::decide(
                &__QTESTS_SITE,
                &[$((::core::stringify!($field), $crate::fault::ToValue::to_value(&$value))),*],
            );
            decision.run().await
        } else {
            ::core::result::Result::Ok::<(), $crate::fault::Injected>(())
        }
    }};
    (async $name:literal $(, $field:ident = $value:expr)*, |$injected:pat_param| $map:expr $(,)?) => {
        ::core::result::Result::map_err(
            $crate::fault_point!(async $name $(, $field = $value)*),
            |$injected: $crate::fault::Injected| $map,
        )
    };
    ($name:literal $(, $field:ident = $value:expr)* $(,)?) => {{
        $crate::__site!(Fallible, $name);
        if __QTESTS_SITE.is_armed() {
            // Two statements: what the fields borrow, such as a lock, is let go before the point waits.
            let decision = $crate::fault::decide(
                &__QTESTS_SITE,
                &[$((::core::stringify!($field), $crate::fault::ToValue::to_value(&$value))),*],
            );
            decision.run_blocking()
        } else {
            ::core::result::Result::Ok::<(), $crate::fault::Injected>(())
        }
    }};
    ($name:literal $(, $field:ident = $value:expr)*, |$injected:pat_param| $map:expr $(,)?) => {
        ::core::result::Result::map_err(
            $crate::fault_point!($name $(, $field = $value)*),
            |$injected: $crate::fault::Injected| $map,
        )
    };
}

/// A place where nothing can fail, but where a test can delay, hold or panic. Gives `()`.
///
/// The forms are `pause_point!([async] "name" [, field = value]*)`, as for [`fault_point!`](crate::fault_point). Arming
/// an error or a hang here is refused.
///
/// ```
/// # use qtests::pause_point;
/// fn rotate() {
///     pause_point!("wal.between_rename_and_sync");
/// }
/// ```
#[macro_export]
macro_rules! pause_point {
    (async $name:literal $(, $field:ident = $value:expr)* $(,)?) => {{
        $crate::__site!(Pause, $name);
        if __QTESTS_SITE.is_armed() {
            let decision = $crate::fault::decide(
                &__QTESTS_SITE,
                &[$((::core::stringify!($field), $crate::fault::ToValue::to_value(&$value))),*],
            );
            ::core::mem::drop(decision.run().await);
        }
    }};
    ($name:literal $(, $field:ident = $value:expr)* $(,)?) => {{
        $crate::__site!(Pause, $name);
        if __QTESTS_SITE.is_armed() {
            let decision = $crate::fault::decide(
                &__QTESTS_SITE,
                &[$((::core::stringify!($field), $crate::fault::ToValue::to_value(&$value))),*],
            );
            ::core::mem::drop(decision.run_blocking());
        }
    }};
}

/// The static of one point, and its entry in the list of all points.
#[doc(hidden)]
#[macro_export]
macro_rules! __site {
    ($kind:ident, $name:literal) => {
        static __QTESTS_SITE: $crate::fault::Site =
            $crate::fault::Site::new($name, $crate::fault::Point::$kind, ::core::file!(), ::core::line!());
        $crate::rt::inventory::submit! { $crate::fault::SiteEntry(&__QTESTS_SITE) }
    };
}

/// For `#[faulty]`: a point on the way out, whose fields are read now, since the call may use up what they are read from.
#[doc(hidden)]
#[macro_export]
macro_rules! __way_out {
    ($kind:ident, $name:literal $(, $field:ident = $value:expr)* $(,)?) => {{
        $crate::__site!($kind, $name);
        let mut way_out = $crate::fault::WayOut::new(&__QTESTS_SITE);
        if __QTESTS_SITE.is_armed() {
            way_out.keep(&[$((::core::stringify!($field), $crate::fault::ToValue::to_value(&$value))),*]);
        }
        way_out
    }};
}

/// For `#[faulty]`: comes by the point on the way out.
#[doc(hidden)]
#[macro_export]
macro_rules! __leave {
    (async $way_out:ident) => {
        if $way_out.is_armed() {
            let decision = $way_out.decide();
            decision.run().await
        } else {
            ::core::result::Result::Ok::<(), $crate::fault::Injected>(())
        }
    };
    ($way_out:ident) => {
        if $way_out.is_armed() {
            $way_out.decide().run_blocking()
        } else {
            ::core::result::Result::Ok::<(), $crate::fault::Injected>(())
        }
    };
}

/// For `#[faulty]` on functions: the form with points; a product build has the other one.
#[doc(hidden)]
#[macro_export]
macro_rules! __if_live {
    ({ $($live:tt)* } { $($inert:tt)* }) => { $($live)* };
}
