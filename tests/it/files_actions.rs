//! Every action at the point of every file operation.

use super::support::until;
use qtests::{
    Test,
    fault::{FaultBuilder, Injected},
    files::{FileError, Files},
    prelude::*,
};
use rustix::io::Errno;
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex},
};
use tokio::time::{Instant, timeout};

/// Every operation: what it is called here, its point, and whether it changes something.
const OPERATIONS: [(&str, &str, bool); 12] = [
    ("read", "files.read", false),
    ("read_to_string", "files.read", false),
    ("write", "files.write", true),
    ("append", "files.append", true),
    ("rename", "files.rename", true),
    ("remove", "files.remove", true),
    ("remove_all", "files.remove", true),
    ("exists", "files.look_at", false),
    ("metadata", "files.look_at", false),
    ("ensure_dir", "files.make_dir", true),
    ("copy_tree", "files.copy", true),
    ("list", "files.list", false),
];

/// Carries one of them out.
async fn carry_out(files: &Files, operation: &str) -> Result<(), FileError> {
    match operation {
        "read" => files.read("file").await.map(drop),
        "read_to_string" => files.read_to_string("file").await.map(drop),
        "write" => files.write("file", "new").await,
        "append" => files.append("file", "new").await,
        "rename" => files.rename("file", "renamed").await,
        "remove" => files.remove("file").await,
        "remove_all" => files.remove_all("file").await,
        "exists" => files.exists("file").await.map(drop),
        "metadata" => files.metadata("file").await.map(drop),
        "ensure_dir" => files.ensure_dir("dir").await,
        "copy_tree" => files.copy_tree("file", "copy").await.map(drop),
        "list" => files.list("").await.map(drop),
        other => panic!("there is no operation {other}"),
    }
}

/// A directory of its own with the one file that the operations work on.
fn prepared(t: &Test, operation: &str) -> Files {
    let root = t.dir().join(operation);
    fs::create_dir(&root).unwrap();
    fs::write(root.join("file"), "old").unwrap();
    Files::rooted(root).unwrap()
}

/// What is in a directory; of files with their bytes.
fn state(files: &Files) -> BTreeMap<String, Option<Vec<u8>>> {
    let entries = fs::read_dir(files.root()).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.display().to_string(), fs::read(&path).ok())).collect()
}

#[track_caller]
fn is_untouched(files: &Files, operation: &str) {
    let file = Path::new(files.root()).join("file").display().to_string();
    assert_eq!(state(files), BTreeMap::from([(file, Some(b"old".to_vec()))]), "{operation}");
}

#[track_caller]
fn is_done(files: &Files, operation: &str, changes: bool) {
    let file = Path::new(files.root()).join("file").display().to_string();
    let untouched = BTreeMap::from([(file, Some(b"old".to_vec()))]);
    assert_eq!(state(files) != untouched, changes, "{operation}");
}

fn below(error: &FileError) -> &io::Error {
    std::error::Error::source(error).unwrap().downcast_ref().unwrap()
}

#[qtest]
async fn errors_of_all_forms_come_through_and_nothing_is_touched(t: Test) {
    type Form = (fn(FaultBuilder) -> FaultBuilder, fn(&io::Error) -> bool);
    let forms: [Form; 5] = [
        (|fault| fault.fail_os(Errno::NOSPC.raw_os_error()), |error| error.raw_os_error() == Some(28)),
        (|fault| fault.fail_os(Errno::ACCESS.raw_os_error()), |error| error.raw_os_error() == Some(13)),
        (|fault| fault.fail(io::ErrorKind::StorageFull), |error| error.kind() == io::ErrorKind::StorageFull),
        (|fault| fault.fail_saying(io::ErrorKind::Other, "worn out"), |error| error.to_string().contains("worn out")),
        (|fault| fault.fail_with(|| 7_u8), |error| error.get_ref().is_some_and(|inner| inner.is::<Injected>())),
    ];
    for (operation, point, changes) in OPERATIONS {
        let files = prepared(&t, operation);
        for (number, (arm, is_right)) in forms.iter().enumerate() {
            let fault = arm(t.fault(point)).arm();
            let error = carry_out(&files, operation).await.unwrap_err();
            assert!(is_right(below(&error)) && !error.is_outside(), "{operation}, form {number}: {error}");
            fault.disarm();
            is_untouched(&files, operation);
        }
        carry_out(&files, operation).await.unwrap();
        is_done(&files, operation, changes);
    }
}

#[qtest(paused)]
async fn a_delay_takes_virtual_time_and_the_operation_goes_on(t: Test) -> Result<(), FileError> {
    for (operation, point, changes) in OPERATIONS {
        let files = prepared(&t, operation);
        let delay = t.fault(point).delay(Duration::from_secs(3)).arm();
        let began = Instant::now();
        assert!(timeout(Duration::from_secs(2), carry_out(&files, operation)).await.is_err(), "{operation}");
        is_untouched(&files, operation);
        carry_out(&files, operation).await?;
        assert_eq!(began.elapsed(), Duration::from_secs(5), "{operation}");
        is_done(&files, operation, changes);
        delay.disarm();
    }
    Ok(())
}

#[qtest(paused)]
async fn who_hangs_has_done_nothing_and_ends_with_the_fault(t: Test) -> Result<(), Box<dyn Error>> {
    for (operation, point, _) in OPERATIONS {
        let files = prepared(&t, operation);
        let hang = t.fault(point).hang().arm();
        assert!(timeout(Duration::from_secs(3_600), carry_out(&files, operation)).await.is_err(), "{operation}");
        let task = t.spawn({
            let files = files.clone();
            async move { carry_out(&files, operation).await }
        });
        hang.wait_fired(2).await;
        hang.disarm();
        let error = task.await?.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Interrupted, "{error}");
        is_untouched(&files, operation);
    }
    Ok(())
}

#[qtest]
async fn who_is_held_begins_when_it_is_let_go(t: Test) -> Result<(), Box<dyn Error>> {
    for (operation, point, changes) in OPERATIONS {
        let files = prepared(&t, operation);
        let hold = t.fault(point).hold().arm();
        let task = t.spawn({
            let files = files.clone();
            async move { carry_out(&files, operation).await }
        });
        hold.wait_reached().await;
        is_untouched(&files, operation);
        hold.release();
        task.await??;
        is_done(&files, operation, changes);
        hold.disarm();
    }
    Ok(())
}

#[qtest]
async fn a_panic_comes_before_the_operation(t: Test) {
    for (operation, point, _) in OPERATIONS {
        let files = prepared(&t, operation);
        let panic = t.fault(point).panic("boom").arm();
        let task = tokio::spawn({
            let files = files.clone();
            async move { carry_out(&files, operation).await }
        });
        assert!(task.await.unwrap_err().is_panic(), "{operation}");
        is_untouched(&files, operation);
        panic.disarm();
    }
}

#[qtest]
async fn every_hit_has_the_fields_of_its_operation(t: Test) -> Result<(), FileError> {
    for (operation, point, changes) in OPERATIONS {
        let files = prepared(&t, operation);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        let called = t.fault(point).call(move |hit| {
            let field = |name| hit.get(name).map(|value| value.to_string());
            noted.lock().unwrap().push((field("path"), field("key"), field("to"), field("length")));
        });
        let called = called.arm();
        carry_out(&files, operation).await?;
        is_done(&files, operation, changes);
        let path = match operation {
            "ensure_dir" => "dir",
            "list" => "",
            _ => "file",
        };
        let to = match operation {
            "rename" => Some("renamed"),
            "copy_tree" => Some("copy"),
            _ => None,
        };
        let length = matches!(operation, "write" | "append").then_some("3");
        let expected = [Some(path), Some(path), to, length].map(|field| field.map(str::to_owned));
        let [path, key, to, length] = expected;
        assert_eq!(*seen.lock().unwrap(), [(path, key, to, length)], "{operation}");
        called.disarm();
    }
    Ok(())
}

#[qtest]
async fn bytes_are_damaged_where_bytes_pass_and_nowhere_else(t: Test) -> Result<(), Box<dyn Error>> {
    for (operation, point, changes) in OPERATIONS {
        for arm in [|fault: FaultBuilder| fault.short(1), |fault: FaultBuilder| fault.corrupt()] {
            let armed = arm(t.fault(point)).optional().try_arm();
            let takes_bytes = matches!(point, "files.read" | "files.write" | "files.append");
            assert_eq!(armed.is_ok(), takes_bytes, "{operation}");
            armed.iter().for_each(|fault| fault.disarm());
        }
        if changes && matches!(point, "files.write" | "files.append") {
            let files = prepared(&t, operation);
            let ones = |bytes: &[u8]| bytes.iter().map(|byte| byte.count_ones()).sum::<u32>();
            let flipped = t.fault(point).corrupt().arm();
            let bytes = vec![0; 100];
            match operation {
                "write" => files.write("file", bytes).await?,
                _ => files.append("file", bytes).await?,
            }
            flipped.disarm();
            let left = files.read("file").await?;
            assert_eq!(ones(&left[left.len() - 100..]), 1, "{operation}");
        }
    }
    Ok(())
}

#[qtest]
fn the_opening_of_a_root_fails_waits_and_panics_on_its_thread(t: Test) {
    let open = || Files::rooted(t.dir());
    let broken = t.fault("files.open").fail_os(Errno::ACCESS.raw_os_error()).arm();
    let error = open().unwrap_err();
    assert_eq!(below(&error).raw_os_error(), Some(13));
    assert!(error.to_string().starts_with("cannot work below "), "{error}");
    broken.disarm();
    let slow = t.fault("files.open").delay(Duration::from_millis(20)).arm();
    let began = std::time::Instant::now();
    assert!(open().is_ok() && began.elapsed() >= Duration::from_millis(20));
    slow.disarm();
    let hold = t.fault("files.open").hold().arm();
    let opening = qtests::thread::spawn({
        let root = t.dir().to_owned();
        move || Files::rooted(root).is_ok()
    });
    until("the thread is held", || hold.fired() == 1);
    assert!(!opening.is_finished());
    hold.release();
    assert!(opening.join().unwrap());
    hold.disarm();
    t.fault("files.open").panic("boom").arm();
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(open)).is_err());
}
