//! Which connections meet a toxic, judged by what clients see.

use super::wire::*;
use qtests::{
    Test,
    proxy::{AcceptDelay, Down, Latency, Partition, Reset, Toxic},
};
use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
};

/// Whether a new connection is served. It sends what it is given.
fn is_served(addr: SocketAddr, request: &[u8]) -> bool {
    let Ok(mut client) = TcpStream::connect(addr) else { return false };
    client.set_read_timeout(Some(LIMIT)).unwrap();
    let mut reply = vec![0; request.len()];
    client.write_all(request).and_then(|()| client.read_exact(&mut reply)).is_ok_and(|()| reply == request)
}

#[test]
fn the_first_ones_meet_it_and_then_all_is_well() {
    let (t, wire) = proxied(echo());
    let mut live = connect(wire.addr());
    ping(&mut live).unwrap();
    let reset = wait(wire.add(Reset::now().first(3))).unwrap();
    let served: Vec<_> = (0..5).map(|_| is_served(wire.addr(), b"ping")).collect();
    assert_eq!(served, [false, false, false, true, true]);
    ping(&mut live).expect("a live connection does not count");
    assert_eq!(reset.met(), 3);
    wait(t.finish()).assert();
}

#[test]
fn connections_are_chosen_by_their_number_live_or_new() {
    let (t, wire) = proxied(echo());
    let mut clients: Vec<_> = (0..2).map(|_| connect(wire.addr())).collect();
    for client in &mut clients {
        ping(client).unwrap();
    }
    let reset = wait(wire.add(Reset::now().connection(2).connection(4))).unwrap();
    ping(&mut clients[0]).unwrap();
    assert_eq!(clients[1].read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    let served: Vec<_> = (3..=5).map(|_| is_served(wire.addr(), b"ping")).collect();
    assert_eq!(served, [true, false, true]);
    assert_eq!(reset.met(), 2);
    wait(t.finish()).assert();
}

#[test]
fn a_draw_decides_once_for_each_connection_and_repeats_with_the_seed() {
    let rounds: Vec<Vec<bool>> = (0..2)
        .map(|_| {
            let (t, wire) = proxied(echo());
            wait(wire.add(Reset::after_bytes(6).toxicity(0.5))).unwrap();
            let served = (0..40).map(|_| is_served(wire.addr(), b"pingpong")).collect();
            wait(t.finish()).assert();
            served
        })
        .collect();
    assert_eq!(rounds[0], rounds[1]);
    let healthy = rounds[0].iter().filter(|served| **served).count();
    // With an even chance each, 40 draws stay within this in all but one of 2,000 seeds.
    assert!((9..=31).contains(&healthy), "{healthy} of 40");
}

#[test]
fn a_toxicity_of_0_has_no_effect_at_all_and_is_not_vacuous() {
    let (t, wire) = proxied(echo());
    let mut live = connect(wire.addr());
    ping(&mut live).unwrap();
    let reset = wait(wire.add(Reset::now().toxicity(0.0))).unwrap();
    ping(&mut live).unwrap();
    assert!(is_served(wire.addr(), b"ping"));
    live.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(live.read(&mut [0; 1]).unwrap(), 0, "an ordinary close must not be a reset");
    assert_eq!((reset.met(), reset.fired()), (0, true));
    wait(t.finish()).assert();
}

#[test]
fn a_draw_that_is_never_made_is_vacuous() {
    let (t, wire) = proxied(echo());
    wait(wire.add(Latency::of(ms(1)).toxicity(0.5))).unwrap();
    let report = wait(t.finish()).report().unwrap().to_owned();
    assert!(report.contains("`latency 1ms downstream, toxicity 0.5`, armed at tests/it/choice.rs"), "{report}");
    assert!(report.contains("never fired: no connection was one that it chooses"), "{report}");
}

#[test]
fn connections_are_chosen_by_what_their_client_says_first() {
    let (t, wire) = proxied(echo());
    let mut live: Vec<_> = (0..3).map(|_| connect(wire.addr())).collect();
    live[0].write_all(b"GET /").unwrap();
    live[0].read_exact(&mut [0; 5]).unwrap();
    live[1].write_all(b"PUT /").unwrap();
    live[1].read_exact(&mut [0; 5]).unwrap();
    eventually("all are accepted", || wire.connections() == 3);
    let reset = wait(wire.add(Reset::now().matching(|first| first.starts_with(b"GET")))).unwrap();
    assert_eq!(live[0].read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset, "live, remembered");
    ping(&mut live[1]).unwrap();
    let before = wire.stats().upstream_bytes;
    live[2].write_all(b"GET /").unwrap();
    assert_eq!(live[2].read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset, "live, silent until now");
    assert!(!is_served(wire.addr(), b"GET /new"));
    assert_eq!(wire.stats().upstream_bytes, before, "the server does not see what it is chosen by");
    assert!(is_served(wire.addr(), b"PUT /new"));
    assert_eq!(reset.met(), 3);
    wait(t.finish()).assert();
}

#[test]
fn the_chunk_by_which_a_connection_is_chosen_meets_the_toxic_and_so_does_its_reply() {
    let (t, wire) = proxied(echo());
    let slow = wait(wire.add(Latency::of(ms(40)).both().matching(|first| first == b"ping").first(1))).unwrap();
    let mut client = connect(wire.addr());
    assert!(ping(&mut client).unwrap() >= ms(80));
    let mut second = connect(wire.addr());
    ping(&mut second).unwrap();
    assert_eq!(slow.met(), 2, "the second connection is beyond the first one");
    wait(t.finish()).assert();
}

#[test]
fn a_predicate_that_panics_chooses_nobody_and_fails_the_test() {
    let (t, wire) = proxied(echo());
    wait(wire.add(Reset::now().matching(|_| panic!("what is this?")).optional())).unwrap();
    assert!(is_served(wire.addr(), b"ping"));
    let report = wait(t.finish()).report().unwrap().to_owned();
    assert!(report.contains("what is this?"), "{report}");
}

#[test]
fn a_predicate_may_hold_the_test() {
    let t = Test::scoped();
    let weak = {
        let wire = wait(t.proxy(echo())).unwrap();
        let (handle, alive) = (Test::clone(&t), std::sync::Arc::new(()));
        let weak = std::sync::Arc::downgrade(&alive);
        let choose = move |_: &[u8]| !handle.is_cancelled() && std::sync::Arc::strong_count(&alive) > 0;
        wait(wire.add(Latency::of(ms(1)).matching(choose).optional())).unwrap();
        weak
    };
    wait(t.finish()).assert();
    eventually("the closure is dropped", || weak.upgrade().is_none());
}

#[test]
fn what_acts_before_there_is_anything_to_choose_by_is_refused() {
    let (t, wire) = proxied(echo());
    let heard = |toxic: Toxic| toxic.matching(|_| true);
    for toxic in [
        Toxic::from(Down::new()).first(1),
        heard(Down::new().into()),
        heard(AcceptDelay::of(ms(1)).into()),
        heard(Partition::new().into()),
    ] {
        let error = wait(wire.add(toxic)).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(" cho"), "{error}");
    }
    assert!(is_served(wire.addr(), b"ping"));
    wait(t.finish()).assert();
}

#[test]
#[should_panic(expected = "`toxicity` must be from 0.0 to 1.0, but is NaN")]
fn a_toxicity_that_is_no_number_is_refused() {
    let _ = Reset::now().toxicity(f64::NAN);
}

#[test]
#[should_panic(expected = "`connection` counts from 1")]
fn a_connection_of_number_0_is_refused() {
    let _ = Reset::now().connection(0);
}

#[test]
#[should_panic(expected = "`first` must be above 0")]
fn the_first_0_connections_are_refused() {
    let _ = Reset::now().first(0);
}
