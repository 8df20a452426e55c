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
//! mean nothing. Names that end in `.qtests-write~` belong to writes that are under way: a path with such a name, or
//! with a directory of such a name, is refused, and the files of writes are neither listed nor copied.
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
//!
//! # Faults
//!
//! With the feature `live` every operation of `Files` passes a point of its own, `Files` of services too, and a test
//! arms it by its name:
//!
//! ```
//! use qtests::Test;
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
//! # runtime.block_on(async {
//! let t = Test::scoped();
//! let files = t.files();
//! let full = t.fault("files.append").key("log").short(3).fail(std::io::ErrorKind::StorageFull).arm();
//! assert!(files.append("log", "record").await.is_err());
//! assert_eq!(files.read_to_string("log").await?, "rec");    // as a disk does that becomes full
//! full.disarm();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | point | operations |
//! |---|---|
//! | `files.open` | [`Files::rooted`]; it blocks its thread where a fault delays |
//! | `files.read` | [`read`](Files::read), [`read_to_string`](Files::read_to_string) |
//! | `files.write`, `files.append`, `files.rename`, `files.list` | those of that name |
//! | `files.remove` | [`remove`](Files::remove), [`remove_all`](Files::remove_all) |
//! | `files.look_at` | [`exists`](Files::exists), [`metadata`](Files::metadata) |
//! | `files.make_dir` | [`ensure_dir`](Files::ensure_dir) |
//! | `files.copy` | [`copy_tree`](Files::copy_tree) |
//! | `files.sync` | each sync in an append (directory of an empty file, file) or a write (file, directory) |
//!
//! Hits have the fields `path` and `key` (the path as given), `to` where there is a second path, `length` (in bytes) at
//! `files.write` and `files.append`, and `of` (`"file"` or `"directory"`) at `files.sync`.
//!
//! - What stands before the bytes (`.delay(..)`, `.hold()`, `.fail_os(..)`) happens on the task, in the time of the
//!   test, before anything is touched; a future that is dropped there has done nothing. An error is the
//!   [`source`](std::error::Error::source) of the [`FileError`], with the number of the system if it has one.
//! - `.short(n)`, at `read`, `write` and `append`: a read gives the first n bytes, as of a file that became shorter
//!   since its length was asked. An append puts n bytes into the file and fails: with what follows, or with
//!   [`WriteZero`](std::io::ErrorKind::WriteZero) if nothing does and bytes are left. A write puts n bytes into the
//!   file beside its target, fails, and takes that file away: the target has its old content.
//! - `.corrupt()`, there too: one bit of what is read, or of what comes into the file, is flipped. A text may be none
//!   then.
//! - What stands after the bytes happens on the task again, once they have passed. A write or an append that is to fail
//!   there stops after the bytes: they are not synced, and nothing is replaced.
//! - At `files.sync` the sync does not take place until the fault lets it: the bytes are in the file, and other
//!   processes see them. The fault acts on the other thread, in real time, and goes on when the future is dropped; a
//!   paused clock stands still meanwhile, so that no timeout fires. After an error an append has its bytes in the file
//!   (none yet, if the sync was that of the directory); a write has the old content in its place, or, after the sync of
//!   the directory, the new one.
//!
//! What is lost when the machine dies in the middle of all this, and whether the code under test recovers:
//! [`Test::disk`](crate::Test::disk).

#[cfg(feature = "live")]
mod disk;
mod entry;
mod error;
#[cfg(feature = "live")]
mod fault;
#[cfg(not(feature = "live"))]
mod inert;
#[cfg(feature = "live")]
mod kept;
#[cfg(feature = "live")]
mod loss;
mod read;
#[cfg(feature = "live")]
mod record;
mod remove;
mod rooted;
#[cfg(feature = "live")]
mod test;
mod tree;
mod write;

#[cfg(feature = "live")]
use fault::Faults;
#[cfg(not(feature = "live"))]
use inert::Faults;

#[cfg(feature = "live")]
pub use disk::{Disk, Lost};
pub use entry::{Entry, EntryKind, LIST_LIMIT, Metadata};
pub use error::FileError;
pub use read::READ_LIMIT;
pub use rooted::Files;
pub use tree::{COPY_LIMIT, Copied};
