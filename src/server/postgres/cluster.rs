//! The files of a postgres server, and the server on them: made once in the process, copied for each server.

use super::{PROGRAM, USER, user};
use crate::{
    base::Error,
    fixture::{BoxError, Fixture, Shared},
    scope::{Test, Undo},
    server::{Ready, Server, output::Output, process::Process, program},
};
use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt},
    panic::Location,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// How long a server may take until it is ready, also after a crash, on a busy machine.
const LIMIT: Duration = Duration::from_secs(45);

/// What every server is told. Nothing must survive a crash of the machine, so nothing waits for a disk; but what is
/// committed survives a kill of the server, as the system has it then.
const SETTINGS: [(&str, &str); 6] = [
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("max_connections", "300"),
    // Its workers keep databases from being made from a template, and dropped.
    ("autovacuum", "off"),
];

/// The files that `initdb` made, from which all servers of the process start.
#[derive(Debug)]
pub(super) struct Template {
    data: PathBuf,
}

/// The server that the tests of the process share. It ends with the process.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) server: Server,
}

impl Fixture for Template {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        let data = data_folder(t)?;
        let mut command = program_of_postgres("initdb")?;
        command.args(["--username", USER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"]);
        command.arg("--pgdata").arg(&data);
        as_owner(&mut command, &data)?;
        run(t, command).await?;
        Ok(Self { data })
    }
}

impl Fixture for Cluster {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        Ok(Self { server: start(t, &[], Location::caller()).await? })
    }
}

/// A server on files of its own.
pub(super) async fn start(
    t: &Test,
    settings: &[(String, String)],
    place: &'static Location<'static>,
) -> Result<Server, Error> {
    let template = Shared::<Template>::set_up(t).await;
    let template = template.map_err(|error| Error::other("postgres has no files to start from").with_source(error))?;
    let data = data_folder(t)?;
    let mut copy = Command::new("/bin/cp");
    copy.arg("-Rp").arg(&template.data).arg(&data);
    run(t, copy).await?;
    let program = program_of_postgres("postgres")?.get_program().to_owned();
    let owner = user::owner()?;
    let settings: Vec<String> = SETTINGS
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .chain(settings.iter().map(|(name, value)| format!("{name}={value}")))
        .collect();
    let (folder, lock_file) = (data.clone(), data.join("postmaster.pid"));
    let command = move |port: u16| {
        let mut command = Command::new(&program);
        command.arg("-D").arg(&folder).arg("-c").arg(format!("port={port}"));
        settings.iter().for_each(|setting| _ = command.arg("-c").arg(setting));
        command.current_dir(&folder);
        if let Some(owner) = owner {
            command.uid(owner.user).gid(owner.group);
        }
        command
    };
    let (killed, written) = (lock_file.clone(), lock_file);
    t.server(command)
        // A killed server leaves it, and the number in it may be a stranger's by now.
        .before_start(move || _ = fs::remove_file(&killed))
        .ready_when(Ready::served(move |_| {
            let written = written.clone();
            async move { fs::read_to_string(written).is_ok_and(|text| says_ready(&text)) }
        }))
        .within(LIMIT)
        .started_at(place)
        .await
}

/// Whether a server says that it takes connections; pure. The eighth line of its lock file is its state.
fn says_ready(lock_file: &str) -> bool {
    lock_file.lines().nth(7).is_some_and(|state| state.trim() == "ready")
}

/// A program of postgres, of the same version as the server.
fn program_of_postgres(name: &str) -> Result<Command, Error> {
    let server = PROGRAM.find()?;
    // It may be a link, and its neighbours are where it leads.
    let folders = [fs::canonicalize(&server).unwrap_or_default(), server];
    let mut all = folders.iter().filter_map(|server| Some(server.parent()?.join(name)));
    let missing = || Error::other(format!("`{name}` is not beside the server in {}", folders[0].display()));
    all.find(|path| program::is_program(path)).map(Command::new).ok_or_else(missing)
}

/// A path for the files of a server, in a folder of its own, removed with it at the end. The directory of the test would
/// not do: it is closed to the user that the server runs as.
fn data_folder(t: &Test) -> Result<PathBuf, Error> {
    let failed = |error| Error::other("postgres has no directory").with_source(error);
    let made: TempDir = tempfile::Builder::new().prefix("qtests-postgres-").tempdir().map_err(failed)?;
    if let Some(owner) = user::owner()? {
        chown(made.path(), Some(owner.user), Some(owner.group)).map_err(failed)?;
    }
    let data = made.path().join("data");
    t.scope.undo_at_end(Undo::now("the files of postgres", move || _ = made.close()))?;
    Ok(data)
}

/// The user that owns the files runs the program.
fn as_owner(command: &mut Command, data: &Path) -> Result<(), Error> {
    if let Some(owner) = user::owner()? {
        command.uid(owner.user).gid(owner.group);
    }
    // Where this process stands may be closed to that user.
    command.current_dir(data.parent().unwrap_or(data));
    Ok(())
}

/// Runs a program to its end.
async fn run(t: &Test, mut command: Command) -> Result<(), Error> {
    let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let output = Output::new(t.downgrade(), name.clone(), None);
    command.stdin(Stdio::null());
    let process = Process::start(t, command, Some(output.clone()), Location::caller())?;
    let status = process.wait().await?;
    if status.success() {
        return Ok(());
    }
    output.settle().await;
    let last = output.last().join("\n    ");
    Err(Error::other(format!("`{name}` failed ({status}); the last it printed:\n    {last}")))
}

#[cfg(test)]
mod tests {
    use super::says_ready;

    #[test]
    fn only_a_complete_lock_file_says_that_the_server_is_ready() {
        let lines = "41\n/data\n1700000000\n5432\n\n127.0.0.1\n  1234  5\n";
        assert!(says_ready(&format!("{lines}ready   \n")));
        assert!(!says_ready(&format!("{lines}starting\n")) && !says_ready(lines) && !says_ready(""));
    }
}
