//! Who runs a postgres server: it refuses to run as root.

use crate::base::Error;
use rustix::process::geteuid;
use std::fs;

/// The numbers of a user and of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) user: u32,
    pub(super) group: u32,
}

/// The user that servers run as, if it cannot be the one of this process: `postgres`, or else `nobody`.
pub(super) fn owner() -> Result<Option<Owner>, Error> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = ["postgres", "nobody"].iter().find_map(|name| find(&users, name));
    let cure = "postgres does not run as root, and there is no user `postgres` or `nobody` to run it as: add one";
    found.map(Some).ok_or_else(|| Error::other(cure))
}

/// A user in the list of all users; pure. A line is name, password, number, number of the group, and more.
fn find(users: &str, name: &str) -> Option<Owner> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut numbers = line.split(':').skip(2).map(str::parse);
    Some(Owner { user: numbers.next()?.ok()?, group: numbers.next()?.ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users = "postgresql:x:7:7::/:/bin/sh\npostgres:x:101:104:PostgreSQL,,,:/var/lib:/bin/bash\nbroken:x\n";
        assert_eq!(find(users, "postgres"), Some(Owner { user: 101, group: 104 }));
        assert_eq!((find(users, "nobody"), find(users, "broken")), (None, None));
    }
}
