//! What is begun and ended again: faults and toxics, driven by whoever knows neither.

use super::wire::*;
use qtests::{
    Test,
    fault::Disturbance,
    fault_point,
    proxy::{Down, Latency},
};
use std::{io, net::TcpStream, sync::Arc};

fn save() -> io::Result<()> {
    fault_point!("disturbance.save")?;
    Ok(())
}

#[test]
fn a_fault_begins_anew_each_time() {
    let t = Test::scoped();
    let fault = t.fault("disturbance.save").first(2).fail(io::ErrorKind::TimedOut);
    let anything: Arc<dyn Disturbance> = Arc::new(fault);
    assert!(save().is_ok());
    for _ in 0..2 {
        wait(anything.begin()).unwrap();
        assert_eq!([save(), save(), save()].map(|saved| saved.is_ok()), [false, false, true]);
        wait(anything.end()).unwrap();
        wait(anything.end()).unwrap();
        assert!(save().is_ok());
    }
    assert_eq!(anything.describe(), "the fault at `disturbance.save`");
    wait(t.finish()).assert();
}

#[test]
fn a_toxic_begins_anew_each_time() {
    let (t, wire) = proxied(echo());
    let down = wire.toxic(Down::new());
    for _ in 0..3 {
        ping(&mut connect(wire.addr())).unwrap();
        wait(down.begin()).unwrap();
        TcpStream::connect(wire.addr()).unwrap_err();
        wait(down.end()).unwrap();
        wait(down.end()).unwrap();
    }
    assert_eq!(down.describe(), format!("`down` on {}", wire.addr()));
    wait(t.finish()).assert();
}

#[test]
fn what_is_begun_already_is_refused() {
    let (t, wire) = proxied(echo());
    let fault: Box<dyn Disturbance> = Box::new(t.fault("disturbance.save").fail(io::ErrorKind::TimedOut).optional());
    let toxic: Box<dyn Disturbance> = Box::new(wire.toxic(Latency::of(ms(1)).optional()));
    for anything in [fault, toxic] {
        wait(anything.begin()).unwrap();
        let error = wait(anything.begin()).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains("has been begun already: end it first"), "{error}");
        wait(anything.end()).unwrap();
        wait(anything.begin()).unwrap();
    }
    wait(t.finish()).assert();
}

#[test]
fn all_beginnings_are_judged_as_one() {
    for meets in [None, Some(0), Some(1), Some(2)] {
        let (t, wire) = proxied(echo());
        let fault = t.fault("disturbance.save").fail(io::ErrorKind::TimedOut);
        let toxic = wire.toxic(Latency::of(ms(1)));
        let mut client = connect(wire.addr());
        for round in 0..3 {
            wait(async { fault.begin().await.and(toxic.begin().await) }).unwrap();
            if meets == Some(round) {
                save().unwrap_err();
                ping(&mut client).unwrap();
            }
            wait(async { fault.end().await.and(toxic.end().await) }).unwrap();
        }
        let verdict = wait(t.finish());
        let unmet = verdict.report().map_or(0, |report| report.matches("never fired").count());
        assert_eq!(unmet, if meets.is_none() { 2 } else { 0 }, "met in round {meets:?}: {:?}", verdict.report());
    }
}

#[test]
fn what_nobody_can_arm_cannot_begin() {
    let t = Test::scoped();
    let unknown = t.fault("disturbance.sav").fail(io::ErrorKind::TimedOut);
    assert!(wait(unknown.begin()).unwrap_err().is_unknown_name());
    wait(unknown.end()).unwrap();
    let fault = t.fault("disturbance.save").fail(io::ErrorKind::TimedOut);
    wait(t.finish()).assert();
    assert!(wait(fault.begin()).unwrap_err().is_ended());
}
