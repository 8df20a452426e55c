//! The points that are not written in the sources: those of wrapped streams, middleware, pools and files. What they are
//! called is a rule, so that a fault can be armed before the thing is made.

use super::Point;

/// A kind of thing that has points: `stream.NAME.read`, or `files.read` where there is only one.
#[derive(Debug)]
pub(super) struct Family {
    prefix: &'static str,
    /// Whether each thing of the family has a name.
    is_named: bool,
    points: &'static [&'static str],
    /// The points among them where bytes pass.
    bytes: &'static [&'static str],
    /// The points among them where nothing can fail.
    pauses: &'static [&'static str],
}

pub(super) const FAMILIES: &[Family] = &[
    Family {
        prefix: "stream",
        is_named: true,
        points: &["connect", "first_write", "write", "first_read", "read", "close"],
        bytes: &["first_write", "write", "first_read", "read"],
        pauses: &[],
    },
    Family { prefix: "tower", is_named: true, points: &["ready", "before", "after"], bytes: &[], pauses: &[] },
    Family {
        prefix: "pool",
        is_named: true,
        points: &["connect", "check", "recycle", "close"],
        bytes: &[],
        // A pool that lets go of a connection has no use for an error.
        pauses: &["close"],
    },
    Family {
        prefix: "files",
        is_named: false,
        points: &["open", "read", "write", "append", "rename", "remove", "look_at", "make_dir", "copy", "list", "sync"],
        bytes: &["read", "write", "append"],
        pauses: &[],
    },
];

/// What a name says by the rules of the families.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// It is no name of a family.
    Foreign,
    /// A point, and what can happen there.
    Point(Point),
    /// It begins like a family, and its last part is no point of it: how the names of the family read.
    Wrong(String),
}

/// Reads a name.
pub(super) fn read(name: &str) -> Named {
    let Some((prefix, rest)) = name.split_once('.') else { return Named::Foreign };
    let Some(family) = FAMILIES.iter().find(|family| family.prefix == prefix) else { return Named::Foreign };
    let (thing, point) = match rest.rsplit_once('.') {
        Some((thing, point)) => (Some(thing), point),
        None => (None, rest),
    };
    let is_whole = thing.is_some_and(|thing| !thing.is_empty()) == family.is_named;
    match family.points.iter().find(|known| **known == point) {
        Some(point) if is_whole => Named::Point(family.what(point)),
        _ => Named::Wrong(family.form()),
    }
}

/// The point that a first call comes by in the place of this one.
pub(super) fn first_of(name: &str) -> Option<String> {
    let (stream, point) = name.strip_prefix("stream.")?.rsplit_once('.')?;
    matches!(point, "read" | "write").then(|| format!("stream.{stream}.first_{point}"))
}

impl Family {
    /// What can happen at a point of it.
    fn what(&self, point: &str) -> Point {
        match point {
            point if self.bytes.contains(&point) => Point::Bytes,
            point if self.pauses.contains(&point) => Point::Pause,
            _ => Point::Fallible,
        }
    }

    /// How the names of its points read.
    fn form(&self) -> String {
        let name = if self.is_named { ".NAME" } else { "" };
        format!("{}{name}.{{{}}}", self.prefix, self.points.join("|"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_by_the_rules_of_their_family() {
        for (name, expected) in [
            ("stream.db.read", Named::Point(Point::Bytes)),
            ("stream.db.primary.read", Named::Point(Point::Bytes)),
            ("stream.db.connect", Named::Point(Point::Fallible)),
            ("tower.payments.after", Named::Point(Point::Fallible)),
            ("pool.db.recycle", Named::Point(Point::Fallible)),
            ("pool.db.close", Named::Point(Point::Pause)),
            ("files.append", Named::Point(Point::Bytes)),
            ("db.query", Named::Foreign),
            ("files", Named::Foreign),
        ] {
            assert_eq!(read(name), expected, "{name}");
        }
        for (name, form) in [
            ("stream.read", "stream.NAME.{connect|first_write|write|first_read|read|close}"),
            ("stream..read", "stream.NAME.{connect|first_write|write|first_read|read|close}"),
            ("tower.payments.afer", "tower.NAME.{ready|before|after}"),
            ("files.x.read", "files.{open|read|write|append|rename|remove|look_at|make_dir|copy|list|sync}"),
        ] {
            assert_eq!(read(name), Named::Wrong(form.to_owned()), "{name}");
        }
    }
}
