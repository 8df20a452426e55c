//! What a line says about servers.

use super::{OutageSpec, ServerSpec, line::Item};

/// The outages that an item stands for.
pub(super) fn outages(item: &Item, server: &str) -> Result<Vec<ServerSpec>, String> {
    if item.hits.is_some() || item.probability.is_some() {
        return Err("a server has times (`@1s..2s`), and neither hits nor probabilities".to_owned());
    }
    let (from, until) = item.time.unwrap_or_default();
    let outage = |name: &str| match name {
        "pause" => Ok(OutageSpec::Pause),
        "kill" => Ok(OutageSpec::Kill),
        other => Err(format!(
            "`{other}` does not happen to a server: say `pause` or `kill` (a point whose name begins with \
                          `server.` needs a file)"
        )),
    };
    let spec = |outage| ServerSpec { server: server.to_owned(), outage, from, until, optional: item.optional };
    item.what.iter().map(|word| outage(&word.to_string()).map(spec)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::line::read;

    #[test]
    fn servers_are_paused_and_killed_in_time() {
        let items = read("server.redis@1s..2s:pause?").unwrap();
        let made = outages(&items[0], "redis").unwrap();
        assert_eq!((made.len(), made[0].outage, made[0].optional), (1, OutageSpec::Pause, true));
        for (text, why) in [("server.a:reset", "`pause` or `kill`"), ("server.a#1:kill", "neither hits")] {
            let error = outages(&read(text).unwrap()[0], "a").unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
