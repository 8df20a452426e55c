//! File operations on trees: their errors name what failed, any depth is removed, and nothing is passed over.

use super::{
    files::{every_operation, names},
    support,
};
use qtests::{files::FileError, prelude::*};
use std::{fs, os::unix::fs::symlink, path::Path};

#[qtest]
async fn errors_in_a_tree_name_what_failed_and_of_two_paths_the_missing_one(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    let root = files.root().display().to_string();
    let text = |error: FileError| error.to_string().replace(&root, "ROOT");
    files.ensure_dir("src/a/b").await?;
    rustix::fs::mkfifoat(rustix::fs::CWD, t.dir().join("src/a/b/pipe"), rustix::fs::Mode::from(0o600))?;
    let error = files.copy_tree("src", "dst").await.unwrap_err();
    assert_eq!((error.path(), error.failed_at()), (Path::new("src"), Path::new("src/a/b/pipe")));
    assert_eq!(
        text(error),
        "cannot copy `src` to `dst` below ROOT: `src/a/b/pipe`: it is a pipe, a socket or a device"
    );
    let makes = "`nodir`: no such file or directory; make it with ensure_dir";
    for error in [files.rename("src", "nodir/x").await, files.copy_tree("src", "nodir/x").await.map(drop)] {
        let error = error.unwrap_err();
        assert!(error.is_not_found() && !error.is_outside());
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "No such file or directory (os error 2)");
        assert!(text(error).ends_with(makes));
    }
    let error = files.rename("nothing", "nodir/x").await.unwrap_err();
    assert_eq!(text(error), "cannot rename `nothing` to `nodir/x` below ROOT: no such file or directory");
    let error = files.copy_tree("nothing", "x").await.unwrap_err();
    assert_eq!(text(error), "cannot copy `nothing` to `x` below ROOT: no such file or directory");
    Ok(())
}

/// A path of many directories, one in the other.
fn deep(levels: usize) -> String {
    vec!["d"; levels].join("/")
}

/// The levels are more than the process may have descriptors, and the path is longer than the system takes.
#[qtest]
async fn a_tree_of_any_depth_is_removed_with_few_descriptors(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    for round in 0..3 {
        files.ensure_dir(deep(1_900)).await?;
        files.write(format!("{}/file", deep(1_900)), "x").await?;
        symlink("/", t.dir().join(deep(1_000)).join("link"))?;
        files.ensure_dir(format!("{}/beside/below", deep(1_000))).await?;
        if round > 0 {
            // What was made before goes to the deepest place of what is made now.
            files.rename("tree", format!("{}/tree", deep(1_900))).await?;
        }
        files.rename("d", "tree").await?;
    }
    let mut command = support::clean("sh");
    command.args(["-c", r#"ulimit -n 256; exec "$0" "$@""#]).arg(support::binary("dying"));
    command.args(["--ignored", "--exact", "removes_a_tree"]).env("DYING_MARKS", t.dir());
    let output = command.output()?;
    assert!(output.status.success(), "{}", support::text(&output));
    assert!(files.list("").await?.is_empty());
    Ok(())
}

#[qtest]
async fn a_directory_with_more_directories_than_are_noted_at_once_is_removed(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    for number in 0..1_100 {
        fs::create_dir_all(t.dir().join(format!("tree/{number}/below")))?;
        fs::write(t.dir().join(format!("tree/{number}/file")), "")?;
    }
    files.remove("tree").await?;
    assert!(files.list("").await?.is_empty());
    Ok(())
}

#[qtest]
async fn names_of_writes_are_refused_anywhere_in_a_path_and_nothing_else_is_passed_over(
    t: Test,
) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    for path in ["a.qtests-write~", "a.qtests-write~/b", ".a.qtests-write~/b/c", "x/../a.qtests-write~/b"] {
        for (operation, done) in every_operation(&files, path).await {
            let error = done.expect_err(&format!("{operation} {path}"));
            assert!(error.to_string().contains("choose another"), "{operation} {path}: {error}");
        }
    }
    // Somebody else made these; only the last is what a write leaves.
    fs::create_dir_all(t.dir().join("src/.a.qtests-write~"))?;
    fs::write(t.dir().join("src/.a.qtests-write~/precious"), "x")?;
    fs::write(t.dir().join("src/b.qtests-write~"), "x")?;
    symlink("nothing", t.dir().join("src/.c.qtests-write~"))?;
    fs::write(t.dir().join("src/.d.qtests-write~"), "half")?;
    let seen = [".a.qtests-write~", ".c.qtests-write~", "b.qtests-write~"];
    assert_eq!(names(&files.list("src").await?), seen);
    let copied = files.copy_tree("src", "dst").await?;
    assert_eq!((copied.files, copied.dirs, copied.symlinks), (2, 2, 1));
    assert_eq!(names(&files.list("dst").await?), seen);
    assert_eq!(fs::read_to_string(t.dir().join("dst/.a.qtests-write~/precious"))?, "x");
    Ok(())
}
