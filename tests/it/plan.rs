//! Plans: what they break, when, and what is said when nothing comes of them.

use super::{support, wire::*};
use qtests::{fault_point, plan::FaultPlan, prelude::*, server::Ready};
use std::{io::ErrorKind, process::Command, thread, time::Instant};

fn step() -> io::Result<()> {
    fault_point!("plan.step")?;
    Ok(())
}

fn line(text: &str) -> FaultPlan {
    text.parse().unwrap()
}

#[qtest]
fn a_line_breaks_points(t: Test) {
    let active = t.arm(&line("plan.step#2:timeout, plan.step#4..5:EIO+delay=1ms"));
    let results: Vec<_> = (0..6).map(|_| step().map_err(|error| (error.kind(), error.raw_os_error()))).collect();
    let (timeout, eio) = (Err((ErrorKind::TimedOut, None)), Err((io::Error::from_raw_os_error(5).kind(), Some(5))));
    // The second one does not count the hit that the first one has ended.
    assert_eq!(results, [Ok(()), timeout, Ok(()), Ok(()), eio, eio]);
    assert_eq!(active.iter().map(|fault| fault.fired()).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn toxics_of_a_plan_are_in_force_before_the_first_client() {
    let t = Test::scoped();
    t.arm(&line("wire.orders#..2:reset"));
    let wire = wait(t.proxy(echo()).named("orders")).unwrap();
    for _ in 0..2 {
        assert_eq!(first_read(wire.addr()).unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
    ping(&mut connect(wire.addr())).unwrap();
    assert_eq!(wait(t.finish()).report(), None);
}

#[test]
fn times_of_a_plan_count_from_when_the_proxy_is_there() {
    let t = Test::scoped();
    t.arm(&line("wire.orders@..150ms:partition?,wire.orders@150ms..:reset=1h?"));
    thread::sleep(ms(20));
    let made = Instant::now();
    let wire = wait(t.proxy(echo()).named("orders")).unwrap();
    let addr = wire.addr();
    let told = |what: &str| t.journal().iter().any(|line| line.contains(what));
    eventually("the first one begins", || told(&format!("begin: `partition both ways` on {addr}, planned at 0ns")));
    eventually("it ends", || told(&format!("end: `partition both ways` on {addr}, planned at 150ms")));
    assert!(made.elapsed() >= ms(150), "{:?}", made.elapsed());
    eventually("the second one begins", || told(&format!("begin: `reset after 3600s` on {addr}, planned at 150ms")));
    ping(&mut connect(addr)).unwrap();
    assert_eq!(wait(t.finish()).report(), None);
}

#[test]
fn servers_of_a_plan_are_paused_and_killed_in_time() {
    let t = Test::scoped();
    t.arm(&line("server.slow@1ms:pause,server.weak@1ms..2ms:kill"));
    let start = |name: &str| {
        let script = |_| {
            let mut command = Command::new("sh");
            command.args(["-c", "echo up; exec sleep 600"]);
            command
        };
        wait(t.server(script).named(name).ready_when(Ready::line("up"))).unwrap()
    };
    let (slow, weak) = (start("slow"), start("weak"));
    eventually("it hangs", || slow.is_paused());
    eventually("it was killed and is back", || weak.last_lines().len() == 2);
    eventually("it is told", || t.journal().join("\n").contains("end: the server `weak` is dead"));
    assert_eq!(wait(t.finish()).report(), None);
}

#[test]
fn what_a_plan_had_for_nobody_fails_the_test_and_names_who_was_there() {
    let t = Test::scoped();
    t.arm(&line("wire.payment:down,server.redis@1s:pause,wire.other:reset?,wire.payments@1h:close"));
    let _wire = wait(t.proxy(echo()).named("payments")).unwrap();
    let verdict = wait(t.finish());
    let report = verdict.report().unwrap();
    for part in [
        "`down` was planned for the proxy `payment`, armed at tests/it/plan.rs",
        "the test made no proxy of this name, but `payments`",
        "`hangs` was planned for the server `redis` from 1s on",
        "the test made no server that has a name",
        "`close now` was planned for the proxy `payments` from 3600s on",
        "its time never came: the test ended before",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
    assert!(!report.contains("`reset now` was planned"), "{report}");
}

#[test]
fn a_plan_is_armed_before_what_it_breaks_and_whole_or_not_at_all() {
    let t = Test::scoped();
    let _wire = wait(t.proxy(echo()).named("orders")).unwrap();
    let mut late = line("plan.step:timeout,wire.orders:down");
    let error = t.try_arm(&late).unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("there is a proxy `orders` already"), "{error}");
    late.wires[0].proxy = "others".to_owned();
    late.wires[0].until = Some(Duration::ZERO);
    let error = t.try_arm(&late).unwrap_err();
    assert!(error.to_string().contains("for the proxy `others` makes no sense: it ends at 0ns"), "{error}");
    assert!(step().is_ok(), "nothing of it is in force");
    assert_eq!(wait(t.finish()).report(), None);
}

#[cfg(feature = "toml")]
#[test]
fn a_plan_of_everything_is_the_same_in_json_toml_and_one_line() {
    let plan = line(
        "db.query#3..5%10:delay=200ms+EIO?,wire.payments@1.5s..2s:latency=20ms+both,wire.payments#2:reset,\
         server.redis@1s..3s:pause",
    );
    let json = plan.to_json().unwrap();
    assert_eq!(FaultPlan::from_json(&json).unwrap().to_json().unwrap(), json);
    let toml = plan.to_toml().unwrap();
    assert_eq!(FaultPlan::from_toml(&toml).unwrap().to_json().unwrap(), json);
    let written = r#"
        [[wires]]
        proxy = "payments"
        toxic = { latency = { of = "20ms", direction = "both" } }
        from = "1.5s"
        until = "2s"
    "#;
    assert_eq!(FaultPlan::from_toml(written).unwrap().wires[..], plan.wires[..1]);
    assert!(FaultPlan::from_toml("wires = 3").unwrap_err().is_invalid());
}

#[test]
fn a_line_that_is_no_plan_is_quoted() {
    for (text, why) in [
        ("a:hang,b", "`b`: it does not say what happens"),
        ("wire.a:latancy=1s", "`wire.a:latancy=1s`: `latancy=1s`: `latancy` has no value"),
        ("wire.a:latancy", "unknown variant `latancy`"),
        ("server.a#2:kill", "`server.a#2:kill`: a server has times"),
        ("p:timeot", "did you mean timeout?"),
    ] {
        let error = FaultPlan::from_line(text).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(why), "{error}");
    }
}

/// Runs the test below with a plan from outside.
fn outside(plan: &str) -> (bool, String) {
    broken_from_outside("plan::what_others_break_from_outside", plan)
}

fn broken_from_outside(test: &str, plan: &str) -> (bool, String) {
    let mut command = support::clean(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", test]).env("QTESTS_FAULTS", plan);
    let output = command.output().unwrap();
    (output.status.success(), support::text(&output))
}

#[qtest]
#[ignore = "other tests run it with QTESTS_FAULTS"]
fn what_others_break_from_outside(t: Test) -> io::Result<()> {
    step()?;
    let wire = wait(t.proxy(echo()).named("outside")).map_err(io::Error::other)?;
    ping(&mut connect(wire.addr())).map(drop)
}

#[test]
fn a_plan_from_outside_is_in_force_in_a_test_and_part_of_the_line_that_repeats_it() {
    let (passed, text) = outside("");
    assert!(passed, "{text}");
    let (passed, text) = outside("plan.step:timeout");
    assert!(!passed && text.contains("happened: it returned Err("), "{text}");
    assert!(text.contains(" QTESTS_FAULTS=plan.step:timeout cargo test"), "{text}");
    let (passed, text) = outside("wire.outside:latency=1ms");
    assert!(passed, "{text}");
    let (passed, text) = outside("wire.outside:reset");
    assert!(!passed && text.contains("armed `reset now` by QTESTS_FAULTS"), "{text}");
}

/// A strict test has its runtime, whose clock stands still, before anything is armed.
#[qtest(paused, leaks = "strict")]
#[ignore = "another test runs it with QTESTS_FAULTS"]
async fn what_others_break_after_a_second(_t: Test) {
    let mut before = tokio::time::Instant::now();
    assert!(step().is_ok());
    for at in [999, 1_000] {
        let second = Duration::from_millis(at);
        tokio::time::advance(second - before.elapsed()).await;
        assert_eq!(step().is_err(), at == 1_000, "after {:?}", before.elapsed());
    }
    before += Duration::from_secs(2);
    tokio::time::sleep_until(before).await;
    assert!(step().is_ok());
}

#[test]
fn times_of_a_plan_from_outside_are_those_of_a_paused_clock() {
    let (passed, text) = broken_from_outside("plan::what_others_break_after_a_second", "plan.step@1s..2s:timeout");
    assert!(passed, "{text}");
}

#[test]
fn a_plan_from_outside_may_be_a_file() {
    let t = Test::scoped();
    let file = t.dir().join("storm.json");
    std::fs::write(&file, line("plan.step:timeout").to_json().unwrap()).unwrap();
    let (passed, text) = outside(&format!("@{}", file.display()));
    assert!(!passed && text.contains("happened: it returned Err("), "{text}");
    let (passed, text) = outside("@/nowhere/storm.json");
    assert!(
        !passed && text.contains("QTESTS_FAULTS cannot be armed: the plan /nowhere/storm.json cannot be re"),
        "{text}"
    );
}

#[test]
fn a_plan_from_outside_that_makes_no_sense_or_never_fires_fails_the_test() {
    for (plan, why) in [
        ("plan.step", "QTESTS_FAULTS cannot be armed: `plan.step`: it does not say what happens"),
        ("plan.stp:timeout", "QTESTS_FAULTS cannot be armed: there is no fault point `plan.stp`"),
        ("plan.step#2:timeout", "armed by QTESTS_FAULTS never fired"),
        ("wire.inside:reset", "armed by QTESTS_FAULTS, and never came about"),
    ] {
        let (passed, text) = outside(plan);
        assert!(!passed && text.contains(why), "{plan}: {text}");
    }
    for fine in ["plan.step#2:timeout?", "no.such.point:timeout?", "wire.inside:reset?"] {
        let (passed, text) = outside(fine);
        assert!(passed, "{fine}: {text}");
    }
}
