//! File operations: nobody ever sees half of a write, whatever happens to the writer, and no path touches what is
//! outside.

use super::{
    files::{all_below, besieged, outside_of},
    support,
};
use proptest::prelude::*;
use qtests::{
    Test,
    files::{FileError, Files},
    prelude::*,
};
use std::{
    fs,
    future::poll_fn,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::Poll,
};

/// How many bytes the writes have that must not be mixed.
pub(crate) const LARGE: usize = 256 * 1024;

fn large(letter: u8) -> Vec<u8> {
    vec![letter; LARGE]
}

/// The letter that a whole write consists of.
fn whole(bytes: &[u8]) -> u8 {
    assert_eq!(bytes.len(), LARGE, "a part of a write");
    assert!(bytes.iter().all(|byte| *byte == bytes[0]), "a mix of writes");
    bytes[0]
}

#[qtest(workers = 2)]
async fn readers_never_see_a_mix_of_concurrent_writes(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    files.write("file", large(b'0')).await?;
    let done = Arc::new(AtomicBool::new(false));
    let readers = [(); 2].map(|()| {
        let (files, done) = (files.clone(), Arc::clone(&done));
        t.spawn(async move {
            while !done.load(SeqCst) {
                whole(&files.read("file").await.unwrap());
            }
        })
    });
    let writers = [b'a', b'b', b'c', b'd'].map(|letter| {
        let files = files.clone();
        t.spawn(async move {
            for _ in 0..15 {
                files.write("file", large(letter)).await.unwrap();
            }
        })
    });
    for writer in writers {
        writer.await?;
    }
    done.store(true, SeqCst);
    for reader in readers {
        reader.await?;
    }
    assert!(matches!(whole(&files.read("file").await?), b'a'..=b'd'));
    assert_eq!(all_below(t.dir()).len(), 1, "nothing is left beside the file");
    Ok(())
}

#[qtest(workers = 2)]
async fn concurrent_appends_lose_nothing(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    let writers = ["a", "b", "c"].map(|letter| {
        let files = files.clone();
        t.spawn(async move {
            for _ in 0..20 {
                files.append("log", format!("{letter}\n")).await.unwrap();
            }
        })
    });
    for writer in writers {
        writer.await?;
    }
    let log = files.read_to_string("log").await?;
    for letter in ["a", "b", "c"] {
        assert_eq!(log.lines().filter(|line| *line == letter).count(), 20, "{log}");
    }
    Ok(())
}

#[qtest]
async fn a_dropped_write_leaves_the_old_content_or_the_new_and_nothing_else(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    files.write("file", large(b'o')).await?;
    drop(files.write("file", large(b'x')));
    assert_eq!(whole(&files.read("file").await?), b'o', "a future that was never polled has done nothing");
    // A busy host may let a write end before it is looked at for the first time; that one is dropped too late.
    let mut dropped_in_the_middle = 0;
    for letter in (b'a'..=b'z').cycle().take(1_000) {
        let mut write = Box::pin(files.write("file", large(letter)));
        dropped_in_the_middle += poll_fn(|cx| Poll::Ready(u32::from(write.as_mut().poll(cx).is_pending()))).await;
        drop(write);
        // It goes to its end on its own thread.
        let dir = t.dir().to_owned();
        let settled = move || {
            support::until("the write has come to its end", || {
                whole(&fs::read(dir.join("file")).unwrap()) == letter && fs::read_dir(&dir).unwrap().count() == 1
            });
        };
        tokio::task::spawn_blocking(settled).await?;
        if dropped_in_the_middle == 10 {
            return Ok(());
        }
    }
    panic!("of 1,000 writes only {dropped_in_the_middle} were dropped in the middle");
}

/// How many descriptors of this process lead to a file.
fn opened(path: &Path) -> usize {
    let numbers = fs::read_dir("/proc/self/fd").unwrap();
    numbers.filter(|number| fs::read_link(number.as_ref().unwrap().path()).is_ok_and(|leads| leads == path)).count()
}

/// Whether this is no file of a write that is under way; a file in its place must be whole.
fn ended(path: &Path) -> bool {
    let ended = !path.to_string_lossy().ends_with(".qtests-write~");
    if ended {
        whole(&fs::read(path).unwrap());
    }
    ended
}

/// One write is held in the middle by the lock on the file that its bytes go to; behind it another waits for a thread,
/// which it gets or not.
#[test]
fn a_runtime_that_stops_ends_the_write_that_began_and_does_the_next_as_a_whole_or_not_at_all() {
    let t = Test::scoped();
    let dir = t.dir().canonicalize().unwrap();
    let (file, staging) = (dir.join("file"), dir.join(".file.qtests-write~"));
    fs::write(&file, large(b'o')).unwrap();
    let held = fs::File::create(&staging).unwrap();
    held.lock().unwrap();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).max_blocking_threads(1).build().unwrap();
    let write = |name: &'static str| {
        let files = t.files();
        runtime.spawn(async move { files.write(name, large(b'n')).await })
    };
    write("file");
    support::until("the write is under way", || opened(&staging) > 1);
    write("other");
    runtime.shutdown_background();
    assert_eq!(whole(&fs::read(&file).unwrap()), b'o', "nothing is in its place before it is complete");
    drop(held);
    support::until("the write that began has ended", || whole(&fs::read(&file).unwrap()) == b'n');
    support::until("nothing is under way", || fs::read_dir(&dir).unwrap().all(|entry| ended(&entry.unwrap().path())));
    assert!(!staging.exists());
}

#[qtest]
async fn an_operation_on_a_stopped_runtime_is_an_error(t: Test) {
    let stopped = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let handle = stopped.handle().clone();
    stopped.shutdown_background();
    let files = t.files();
    let asked = std::thread::spawn(move || {
        let _inside = handle.enter();
        let mut read = Box::pin(files.read("file"));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        match read.as_mut().poll(&mut cx) {
            Poll::Ready(done) => done.unwrap_err().to_string(),
            Poll::Pending => "pending".to_owned(),
        }
    });
    let text = asked.join().unwrap();
    assert!(text.ends_with("the runtime stopped before it began"), "{text}");
}

#[qtest]
async fn what_a_killed_writer_left_is_used_up_by_the_next_write(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    for name in ["file".to_owned(), "n".repeat(255)] {
        files.write(&name, "old").await?;
        let left = format!(".{}.qtests-write~", &name[..name.len().min(240)]);
        fs::write(t.dir().join(&left), "half of something that is longer than the next")?;
        fs::set_permissions(t.dir().join(&left), fs::Permissions::from_mode(0o600))?;
        assert_eq!(files.read_to_string(&name).await?, "old");
        assert!(!files.list("").await?.iter().any(|entry| entry.name == *left), "it is not listed");
        files.write(&name, "new").await?;
        assert_eq!(files.read_to_string(&name).await?, "new");
        assert!(!t.dir().join(left).exists());
    }
    Ok(())
}

#[qtest]
async fn a_write_that_fails_leaves_the_old_content_and_nothing_else(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    files.ensure_dir("dir").await?;
    std::os::unix::fs::symlink("file", t.dir().join(".link.qtests-write~"))?;
    files.write("file", "old").await?;
    // Nobody is led through a link to where the bytes would go.
    assert!(files.write("link", "new").await.is_err());
    assert_eq!(files.read_to_string("file").await?, "old");
    assert!(files.write("dir", "new").await.is_err());
    // The link is no file of a write, and is listed.
    assert_eq!(files.list("").await?.len(), 3);
    Ok(())
}

/// Puts a directory and a link to the outside in the place of each other, over and over.
fn exchanges(root: &Path, stop: &AtomicBool) {
    let (one, two) = (root.join("place"), root.join("relative"));
    while !stop.load(SeqCst) {
        rustix::fs::renameat_with(rustix::fs::CWD, &one, rustix::fs::CWD, &two, rustix::fs::RenameFlags::EXCHANGE)
            .unwrap();
    }
}

#[test]
fn nobody_is_led_outside_by_an_exchange_of_a_directory_for_a_link() {
    let t = Test::scoped();
    let files = besieged(&t);
    let root = t.dir().join("root");
    fs::create_dir_all(root.join("place/tree")).unwrap();
    fs::create_dir_all(t.dir().join("outside/tree/below")).unwrap();
    fs::write(t.dir().join("outside/tree/below/precious"), "precious").unwrap();
    let before = outside_of(&t);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| exchanges(&root, &stop));
        let stops = scopeguard::guard(&stop, |stop| stop.store(true, SeqCst));
        let (mut inside, mut refused) = (0, 0);
        let began = std::time::Instant::now();
        while inside < 300 || refused < 300 {
            assert!(began.elapsed() < Duration::from_secs(60), "{inside} inside, {refused} refused: no race");
            for which in [0, 1, 3, 4, 5] {
                let (done, _) = runtime.block_on(raced(&files, which));
                match done {
                    Ok(()) => inside += 1,
                    Err(error) if error.is_outside() => refused += 1,
                    Err(_) => {}
                }
            }
            let (read, bytes) = runtime.block_on(raced(&files, 7));
            assert_ne!(bytes, b"secret");
            assert!(read.is_err() || bytes == b"inside", "it read {bytes:?}");
        }
        drop(stops);
    });
    assert_eq!(outside_of(&t), before);
}

/// One operation on a place that is a directory at one moment and a link to the outside at the next.
async fn raced(files: &Files, which: u8) -> (Result<(), FileError>, Vec<u8>) {
    let done = match which {
        0 => files.write("place/secret", "inside").await,
        1 => files.append("place/log", "inside").await,
        3 => files.remove_all("place/tree").await,
        4 => files.ensure_dir("place/tree/below").await,
        5 => {
            let copied = files.copy_tree("place/tree", "copy").await.map(drop);
            files.remove_all("copy").await.expect("nobody else touches the copy");
            copied
        }
        _ => match files.read("place/secret").await {
            Ok(bytes) => return (Ok(()), bytes),
            Err(error) => Err(error),
        },
    };
    (done, Vec::new())
}

/// A process that writes one file over and over is killed in the middle of it, several times.
#[test]
fn a_killed_process_leaves_the_old_content_or_the_new() {
    let t = Test::scoped();
    let file = t.dir().join("file");
    for round in 0..5 {
        let mut command = support::clean(support::binary("dying"));
        command.args(["--ignored", "--exact", "writes_over_and_over"]).env("DYING_MARKS", t.dir());
        let child = t.process(command).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        support::until("the process writes", || {
            if let Ok(bytes) = fs::read(&file) {
                seen.insert(whole(&bytes));
            }
            seen.len() > 2 + round
        });
        child.kill().unwrap();
        whole(&fs::read(&file).unwrap());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(t.files().write("file", large(b'!'))).unwrap();
    let left: Vec<_> = fs::read_dir(t.dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["file"]);
}

/// A process that may not write files so large finds out in the middle of one.
#[test]
fn a_write_that_fails_in_the_middle_leaves_the_old_content_and_nothing_else() {
    let t = Test::scoped();
    let mut command = support::clean("sh");
    // Signals that are ignored stay so in the program that takes the shell's place.
    command.args(["-c", r#"trap "" XFSZ; ulimit -f 128; exec "$0" "$@""#]).arg(support::binary("dying"));
    command.args(["--ignored", "--exact", "writes_more_than_it_may"]).env("DYING_MARKS", t.dir());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", support::text(&output));
    assert_eq!(fs::read_to_string(t.dir().join("file")).unwrap(), "old");
    assert_eq!(all_below(t.dir()).len(), 1);
}

#[qtest(paused)]
async fn a_paused_clock_stands_still_while_files_are_written(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    let began = tokio::time::Instant::now();
    for round in 0..20 {
        let write = files.write(format!("file {round}"), large(b'x'));
        tokio::time::timeout(Duration::from_nanos(1), write).await.expect("no timeout fires because of it")?;
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(began.elapsed(), Duration::from_secs(3_600));
    Ok(())
}

#[test]
fn what_a_test_wrote_is_gone_when_it_ends() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let t = Test::scoped();
    let files = t.files();
    runtime.block_on(files.write("file", "x")).unwrap();
    let file = files.root().join("file");
    assert!(file.exists());
    drop(t);
    assert!(!file.exists());
    assert!(runtime.block_on(files.read("file")).unwrap_err().is_not_found());
}

/// Paths of the pieces that lead anywhere in a besieged root, and out of it.
fn paths() -> impl Strategy<Value = String> {
    let pieces =
        ["..", ".", "", "d", "e", "up", "back", "relative", "absolute", "file", "own", "outside", "secret", "new"];
    let piece = prop::sample::select(pieces.to_vec());
    let path = prop::collection::vec(piece, 1..8).prop_map(|pieces| pieces.join("/"));
    (any::<bool>(), 0_u8..8, path).prop_map(|(slash, absolute, path)| match (slash, absolute) {
        (true, 0) => format!("ABSOLUTE/{path}"),
        (true, 1) => format!("/{path}"),
        _ => path,
    })
}

async fn one_operation(files: &Files, which: u8, one: &str, two: &str) -> Vec<u8> {
    match which {
        0 => drop(files.write(one, "written").await),
        1 => drop(files.append(one, "appended").await),
        2 => drop(files.rename(one, two).await),
        3 => drop(files.remove_all(one).await),
        4 => drop(files.ensure_dir(one).await),
        5 => drop(files.copy_tree(one, two).await),
        6 => drop(files.list(one).await),
        _ => return files.read(one).await.unwrap_or_default(),
    }
    Vec::new()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]
    #[test]
    fn no_sequence_of_operations_touches_what_is_outside(
        steps in prop::collection::vec((0_u8..8, paths(), paths()), 1..12),
    ) {
        let t = Test::scoped();
        let files = besieged(&t);
        let before = outside_of(&t);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for (which, one, two) in steps {
            let outside = t.dir().display().to_string();
            let (one, two) = (one.replace("ABSOLUTE", &outside), two.replace("ABSOLUTE", &outside));
            let read = runtime.block_on(one_operation(&files, which, &one, &two));
            prop_assert_ne!(read, b"secret", "{} was read", one);
            prop_assert_eq!(outside_of(&t), before.clone(), "by operation {} on {} and {}", which, one, two);
        }
    }
}
