//! File operations: what each does, what it refuses, and that none leaves the root.

use qtests::{
    Test,
    files::{EntryKind, FileError, Files},
    prelude::*,
};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

pub(crate) fn names(files: &[qtests::files::Entry]) -> Vec<&str> {
    files.iter().map(|entry| entry.name.to_str().unwrap()).collect()
}

/// Everything below a directory, as `find` would print it, hidden files too.
pub(crate) fn all_below(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.symlink_metadata().unwrap().file_type();
        if kind.is_dir() {
            found.push(format!("{}/", path.display()));
            found.extend(all_below(&path));
        } else if kind.is_symlink() {
            found.push(format!("{} -> {}", path.display(), fs::read_link(&path).unwrap().display()));
        } else {
            found.push(format!("{}: {}", path.display(), fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[qtest]
async fn files_are_written_read_appended_and_renamed(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    files.ensure_dir("a/b").await?;
    files.ensure_dir("a/b/").await?;
    files.write("a/b/one", "first").await?;
    files.append("a/b/one", b", second").await?;
    files.append("a/two", "new").await?;
    assert_eq!(files.read("a/b/one").await?, b"first, second");
    files.write("a/b/one", "third").await?;
    files.rename("a/b/one", "one").await?;
    assert_eq!(files.read_to_string("./a/../one").await?, "third");
    assert!(!files.exists("a/b/one").await? && files.exists("one").await? && files.exists("").await?);
    let about = files.metadata("one").await?;
    assert_eq!((about.kind, about.len), (EntryKind::File, 5));
    assert!(about.modified.elapsed()? < Duration::from_secs(3_600));
    assert_eq!(fs::read_to_string(t.dir().join("a/two"))?, "new");
    assert_eq!(files.root(), t.dir());
    Ok(())
}

#[qtest]
async fn a_list_is_sorted_and_has_kinds_and_lengths(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    for name in ["b", "a", ".hidden"] {
        files.write(name, name).await?;
    }
    files.ensure_dir("dir/below").await?;
    symlink("/", t.dir().join("link"))?;
    let _socket = std::os::unix::net::UnixListener::bind(t.dir().join("socket"))?;
    let listed = files.list(".").await?;
    assert_eq!(names(&listed), [".hidden", "a", "b", "dir", "link", "socket"]);
    let kinds: Vec<_> = listed.iter().map(|entry| (entry.kind, entry.len)).collect();
    let file = |len| (EntryKind::File, len);
    let rest = [(EntryKind::Dir, 0), (EntryKind::Symlink, 0), (EntryKind::Other, 0)];
    assert_eq!(kinds, [[file(7), file(1), file(1)], rest].concat());
    assert!(files.list("a").await.is_err());
    Ok(())
}

#[qtest]
async fn removal_takes_whole_trees_and_links_but_not_what_they_lead_to(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    files.ensure_dir("tree/deep/er").await?;
    files.write("tree/deep/file", "x").await?;
    files.write("kept", "x").await?;
    symlink("kept", t.dir().join("link"))?;
    symlink(t.dir().join("kept"), t.dir().join("tree/deep/link"))?;
    files.remove("tree").await?;
    files.remove("link").await?;
    assert_eq!(names(&files.list("").await?), ["kept"]);
    assert!(files.remove("tree").await.unwrap_err().is_not_found());
    files.remove_all("tree").await?;
    files.remove_all("tree/deep/file").await?;
    files.remove_all("kept").await?;
    assert!(files.list("").await?.is_empty());
    Ok(())
}

#[qtest(workers = 2)]
async fn a_tree_that_several_remove_at_once_is_gone_and_nobody_minds(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    for _ in 0..20 {
        for dir in 0..4 {
            files.ensure_dir(format!("tree/{dir}/below")).await?;
        }
        let removals = [(); 4].map(|()| {
            let files = files.clone();
            t.spawn(async move { files.remove_all("tree").await })
        });
        for removal in removals {
            removal.await??;
        }
        assert!(!files.exists("tree").await?);
    }
    Ok(())
}

#[qtest]
async fn a_tree_is_copied_with_links_and_permissions(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    files.ensure_dir("from/closed").await?;
    files.ensure_dir("from/empty").await?;
    files.write("from/closed/file", "12345").await?;
    files.write("from/run", "67").await?;
    symlink("closed/file", t.dir().join("from/link"))?;
    symlink("nothing", t.dir().join("from/dangling"))?;
    for (name, mode) in [("from/closed", 0o555), ("from/run", 0o751)] {
        fs::set_permissions(t.dir().join(name), fs::Permissions::from_mode(mode))?;
    }
    let copied = files.copy_tree("from", "to").await?;
    assert_eq!((copied.files, copied.dirs, copied.symlinks, copied.bytes), (2, 3, 2, 7));
    assert_eq!(files.read_to_string("to/link").await?, "12345");
    assert_eq!(fs::read_link(t.dir().join("to/dangling"))?, Path::new("nothing"));
    for (name, mode) in [("to/closed", 0o555), ("to/run", 0o751)] {
        assert_eq!(fs::metadata(t.dir().join(name))?.permissions().mode() & 0o777, mode, "{name}");
        // So that the directory of the test can be removed by whoever is not root.
        fs::set_permissions(t.dir().join(name), fs::Permissions::from_mode(0o755))?;
    }
    fs::set_permissions(t.dir().join("from/closed"), fs::Permissions::from_mode(0o755))?;
    assert_eq!(files.copy_tree("to/run", "one").await?.files, 1);
    assert_eq!(files.read_to_string("one").await?, "67");
    Ok(())
}

#[qtest]
async fn a_copy_into_itself_or_onto_something_is_refused_and_changes_nothing(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    files.ensure_dir("tree/below").await?;
    files.write("tree/file", "x").await?;
    symlink("tree/below", t.dir().join("way"))?;
    let before = all_below(t.dir());
    for to in ["tree/copy", "tree/below/copy", "way/copy", "tree/../tree/copy"] {
        assert_eq!(files.copy_tree("tree", to).await.unwrap_err().kind(), io::ErrorKind::InvalidInput, "{to}");
    }
    assert_eq!(files.copy_tree("", "copy").await.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    assert_eq!(files.copy_tree("tree", "way").await.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(files.copy_tree("tree/file", "tree").await.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert!(files.copy_tree("nothing", "copy").await.unwrap_err().is_not_found());
    assert_eq!(all_below(t.dir()), before);
    Ok(())
}

#[qtest]
async fn a_copy_that_fails_half_way_leaves_nothing(t: Test) -> Result<(), Box<dyn Error>> {
    let files = t.files();
    files.ensure_dir("tree/deep/deeper").await?;
    files.write("tree/file", "x").await?;
    // The last one stays inside where it is, and would not where it goes.
    let links = [
        ("../../../..", "tree/deep/deeper/out", "tree"),
        ("/etc", "tree/deep/out", "tree"),
        ("../../x", "tree/deep/near", "tree/deep"),
    ];
    for (leads, link, from) in links {
        symlink(leads, t.dir().join(link))?;
        let error = files.copy_tree(from, "copy").await.unwrap_err();
        assert!(
            error.is_outside() && error.to_string().contains(&format!("the link `{link}` leads outside")),
            "{error}"
        );
        assert!(!files.exists("copy").await?, "{error}");
        fs::remove_file(t.dir().join(link))?;
    }
    let _socket = std::os::unix::net::UnixListener::bind(t.dir().join("tree/deep/socket"))?;
    let error = files.copy_tree("tree", "copy").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    assert!(error.to_string().ends_with(": `tree/deep/socket`: it is a pipe, a socket or a device"), "{error}");
    assert!(!files.exists("copy").await?);
    Ok(())
}

/// Every operation, with `path` wherever it takes one.
pub(crate) async fn every_operation(files: &Files, path: &str) -> Vec<(&'static str, Result<(), FileError>)> {
    vec![
        ("read", files.read(path).await.map(drop)),
        ("read_to_string", files.read_to_string(path).await.map(drop)),
        ("write", files.write(path, "x").await),
        ("append", files.append(path, "x").await),
        ("rename from", files.rename(path, "renamed").await),
        ("rename to", files.rename("own", path).await),
        ("remove", files.remove(path).await),
        ("remove_all", files.remove_all(path).await),
        ("exists", files.exists(path).await.map(drop)),
        ("metadata", files.metadata(path).await.map(drop)),
        ("ensure_dir", files.ensure_dir(path).await),
        ("list", files.list(path).await.map(drop)),
        ("copy_tree from", files.copy_tree(path, "copy").await.map(drop)),
        ("copy_tree to", files.copy_tree("own", path).await.map(drop)),
    ]
}

/// A root with a secret beside it, and links that lead there.
pub(crate) fn besieged(t: &Test) -> Files {
    let root = t.dir().join("root");
    fs::create_dir_all(root.join("d/e")).unwrap();
    fs::create_dir(t.dir().join("outside")).unwrap();
    fs::write(t.dir().join("outside/secret"), "secret").unwrap();
    fs::write(root.join("own"), "own").unwrap();
    symlink("../outside", root.join("relative")).unwrap();
    symlink(t.dir().join("outside"), root.join("absolute")).unwrap();
    symlink("../../..", root.join("d/e/up")).unwrap();
    symlink("..", root.join("d/back")).unwrap();
    symlink("../outside/secret", root.join("file")).unwrap();
    Files::rooted(root).unwrap()
}

pub(crate) fn outside_of(t: &Test) -> Vec<String> {
    let root = t.dir().join("root").display().to_string();
    all_below(t.dir()).into_iter().filter(|line| !line.starts_with(&root)).collect()
}

#[qtest]
async fn no_operation_leaves_the_root(t: Test) {
    let files = besieged(&t);
    let before = outside_of(&t);
    let absolute = t.dir().join("outside/secret").display().to_string();
    let paths = [
        "..",
        "../outside",
        "../outside/secret",
        "d/../../outside/secret",
        "/",
        &absolute,
        "relative/secret",
        "relative/new",
        "absolute/secret",
        "d/e/up/outside/secret",
        "d/back/../outside/secret",
    ];
    for path in paths {
        for (operation, done) in every_operation(&files, path).await {
            let error = done.expect_err(&format!("{operation} {path}"));
            assert!(error.is_outside(), "{operation} {path}: {error}");
        }
    }
    assert_eq!(outside_of(&t), before);
    assert_eq!(files.read_to_string("own").await.unwrap(), "own");
    assert_eq!(files.read_to_string("d/back/d/e/../../own").await.unwrap(), "own");
}

#[qtest]
async fn a_link_at_the_end_is_followed_by_readers_only_as_far_as_the_root(t: Test) -> Result<(), Box<dyn Error>> {
    let files = besieged(&t);
    let before = outside_of(&t);
    for done in [
        files.read("file").await.map(drop),
        files.append("file", "x").await,
        files.exists("file").await.map(drop),
        files.metadata("file").await.map(drop),
        files.list("relative").await.map(drop),
        files.copy_tree("file", "copy").await.map(drop),
        files.copy_tree("relative", "copy").await.map(drop),
    ] {
        assert!(done.unwrap_err().is_outside());
    }
    // These act on the link itself.
    files.write("file", "own").await?;
    assert_eq!(fs::read_to_string(t.dir().join("root/file"))?, "own");
    files.rename("absolute", "renamed").await?;
    files.remove("renamed").await?;
    files.remove_all("relative").await?;
    assert_eq!(outside_of(&t), before);
    Ok(())
}

#[qtest]
async fn errors_name_the_operation_the_path_the_root_and_the_cure(t: Test) -> Result<(), Box<dyn Error>> {
    let files = besieged(&t);
    let root = files.root().display().to_string();
    let text = |error: FileError| error.to_string().replace(&root, "ROOT");
    assert_eq!(
        text(files.read("/etc/passwd").await.unwrap_err()),
        "cannot read `/etc/passwd` below ROOT: it leads outside, and paths must stay below that directory"
    );
    let error = files.write("no/such/file", "x").await.unwrap_err();
    assert!(error.is_not_found() && !error.is_outside());
    assert_eq!((error.operation(), error.path(), error.to()), ("write", Path::new("no/such/file"), None));
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "No such file or directory (os error 2)");
    assert_eq!(
        text(error),
        "cannot write `no/such/file` below ROOT: no such file or directory; make its directory with ensure_dir"
    );
    let error = files.rename("own", "d/e/").await.unwrap_err();
    assert_eq!((error.kind(), error.to()), (io::ErrorKind::IsADirectory, Some(Path::new("d/e/"))));
    assert_eq!(text(error), "cannot rename `own` to `d/e/` below ROOT: is a directory");
    files.write("own", [b'a', 0xff]).await?;
    assert_eq!(
        text(files.read_to_string("own").await.unwrap_err()),
        "cannot read `own` below ROOT: it is no UTF-8 from byte 1 on: use read"
    );
    assert_eq!(
        text(files.remove("d/..").await.unwrap_err()),
        "cannot remove `d/..` below ROOT: it names no entry below the root: end it with a name"
    );
    assert!(text(files.write(".own.qtests-write~", "x").await.unwrap_err()).contains("choose another"));
    assert!(files.exists("own/x").await.is_err(), "a path through a file is no answer");
    let error = Files::rooted(t.dir().join("nowhere")).unwrap_err();
    assert!(error.to_string().ends_with("/nowhere: no such file or directory"), "{error}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
    Ok(())
}

#[qtest]
async fn what_is_no_file_is_refused_without_waiting_for_it(t: Test) {
    let files = t.files();
    rustix::fs::mkfifoat(rustix::fs::CWD, t.dir().join("pipe"), rustix::fs::Mode::from(0o600)).unwrap();
    files.ensure_dir("dir").await.unwrap();
    assert_eq!(files.read("pipe").await.unwrap_err().kind(), io::ErrorKind::Unsupported);
    assert!(files.append("pipe", "x").await.is_err());
    for done in [files.read("dir").await.map(drop), files.write("dir", "x").await, files.append("dir", "x").await] {
        assert_eq!(done.unwrap_err().kind(), io::ErrorKind::IsADirectory);
    }
    files.write("", "x").await.unwrap_err();
    assert_eq!(files.list("").await.unwrap().len(), 2);
}
