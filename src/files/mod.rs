//! File operations that stay below one directory and off the threads of the runtime.
//!
//! ```
//! use qtests::Test;
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let t = Test::scoped();
//! let files = t.files();                                    // below t.dir(), and gone with it
//! files.ensure_dir("orders").await?;
//! files.write("orders/7.json", r#"{"cents":1999}"#).await?; // the old content or the new one, never a mix
//! assert_eq!(files.read_to_string("orders/7.json").await?, r#"{"cents":1999}"#);
//! files.copy_tree("orders", "backup").await?;
//! files.remove("orders").await?;
//! assert!(!files.exists("orders/7.json").await?);
//! assert!(files.read("../../etc/passwd").await.unwrap_err().is_outside());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Tests get [`Files`] from `t.files()`; services make one with [`Files::rooted`], without the feature `live` too.
//!
//! # Where paths lead
//!
//! All paths are relative to the root, and none leads out of it: not by `..`, not as an absolute path, not through a
//! symbolic link, not by a race with somebody who exchanges a directory for a link. An attempt is an error of its own
//! ([`FileError::is_outside`]). That is the work of [cap-std](https://docs.rs/cap-std), which resolves every path below
//! an open directory. `..` and links that stay inside are followed. `""` and `"."` are the root, and slashes at the end
//! mean nothing. Names that end in `.qtests-write~` belong to writes that are under way: a path with such a name, or with
//! a directory of such a name, is refused, and the files of writes are neither listed nor copied.
//!
//! # Which thread, which clock
//!
//! Every operation runs by [`spawn_blocking`](tokio::task::spawn_blocking), so it never blocks a worker, and it works
//! on runtimes with one thread and with many. It takes real time. Under a paused clock (`#[qtest(paused)]`) tokio does
//! not advance the clock while a blocking task runs, so that an operation takes no virtual time, and a timeout around
//! it does not fire because of it.
//!
//! Polled outside a tokio runtime every operation panics.
//!
//! # When a future is dropped
//!
//! An operation that has begun goes to its end on its thread, and nobody hears the result: it is not half done, it is
//! done or on its way. One whose future was never polled does nothing; one that waits for a thread may be lost
//! if the runtime stops first. Each operation says what that means for it.

mod entry;
mod error;
mod read;
mod remove;
mod rooted;
#[cfg(feature = "live")]
mod test;
mod tree;
mod write;

pub use entry::{Entry, EntryKind, LIST_LIMIT, Metadata};
pub use error::FileError;
pub use read::READ_LIMIT;
pub use rooted::Files;
pub use tree::{COPY_LIMIT, Copied};
