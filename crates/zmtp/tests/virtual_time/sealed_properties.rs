//! Sealed conversations of any content, cut anywhere, changed anywhere on their way.

use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use zmtp::SocketType;

use crate::pair::Pair;
use crate::support::{End, Heard, accept, command, curve, plain};

/// Frames with their flag for more.
fn frames() -> impl Strategy<Value = Vec<(bool, Vec<u8>)>> {
    let payload = prop_oneof![vec(any::<u8>(), 0..60), vec(any::<u8>(), 200..300)];
    vec((any::<bool>(), payload), 0..8)
}

fn heard(frames: &[(bool, Vec<u8>)]) -> Vec<Heard> {
    frames
        .iter()
        .map(|(more, payload)| Heard::Frame(*more, payload.clone()))
        .collect()
}

/// Two ends that are through with their handshake.
fn met() -> Pair {
    let (client, server) = curve(SocketType::Dealer, SocketType::Dealer);
    let mut pair = Pair::new(client, server);
    pair.ends[1].verdict = accept();
    pair.run(Duration::from_secs(1));
    for end in &mut pair.ends {
        assert_eq!(end.heard, [Heard::Ready]);
        end.heard.clear();
    }
    pair
}

fn encoded(end: &mut End, frames: &[(bool, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (more, payload) in frames {
        end.engine.encode_frame(payload, *more, &mut bytes);
    }
    bytes
}

/// A client and a server that have said so much to each other.
fn after(trips: usize, curved: bool) -> (End, End, Instant) {
    let now = Instant::now();
    let types = (SocketType::Dealer, SocketType::Router);
    let (client, server) = match curved {
        true => curve(types.0, types.1),
        false => plain(types.0, types.1),
    };
    let (mut client, mut server) = (End::new(client, now), End::new(server, now));
    server.verdict = accept();
    for _ in 0..trips {
        let bytes = client.transmit();
        server.receive(&bytes, now);
        let bytes = server.transmit();
        client.receive(&bytes, now);
    }
    (client, server, now)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn frames_arrive_as_they_were_however_they_are_cut(
        frames in frames(),
        from in 0..2usize,
        chunk in 1..400usize,
    ) {
        let mut pair = met();
        let bytes = encoded(&mut pair.ends[from], &frames);
        let now = pair.now;
        let end = &mut pair.ends[1 - from];
        for bytes in bytes.chunks(chunk) {
            end.receive(bytes, now);
        }
        prop_assert_eq!(&end.error, &None);
        prop_assert_eq!(&end.heard, &heard(&frames));
    }

    /// Row 9: what is delivered is what was sent, from the start, and nothing after
    /// the first byte that was changed.
    #[test]
    fn row_09_nothing_changed_is_delivered(
        frames in frames(),
        place in any::<prop::sample::Index>(),
        bit in 0..8u8,
        from in 0..2usize,
    ) {
        prop_assume!(!frames.is_empty());
        let mut pair = met();
        // The length of what comes before each frame.
        let mut starts = vec![0];
        let mut bytes = Vec::new();
        for frame in &frames {
            bytes.extend(encoded(&mut pair.ends[from], std::slice::from_ref(frame)));
            starts.push(bytes.len());
        }
        let index = place.index(bytes.len());
        bytes[index] ^= 1 << bit;
        let now = pair.now;
        let end = &mut pair.ends[1 - from];
        end.receive(&bytes, now);
        let before = starts.iter().filter(|start| **start <= index).count() - 1;
        // The flags of the frame around a box mean nothing, but for the size bit.
        let harmless = starts.contains(&index) && bit != 1;
        if harmless {
            prop_assert_eq!(&end.heard, &heard(&frames));
        } else {
            prop_assert_eq!(&end.heard, &heard(&frames[..before]));
            // With another size, the rest of the frame may still be waited for.
            let size = index - starts[before] < 9;
            prop_assert!(end.error.is_some() || size);
        }
    }

    #[test]
    fn any_bytes_in_the_handshake_are_understood_or_refused(
        curved in any::<bool>(),
        name in prop_oneof![Just("HELLO"), Just("INITIATE"), Just("WELCOME"), Just("READY"),
            Just("ERROR"), Just("MESSAGE"), Just("")],
        data in prop_oneof![vec(any::<u8>(), 0..40), vec(any::<u8>(), 150..300)],
        to_server in any::<bool>(),
        trips in 0..7usize,
    ) {
        let (mut client, mut server, now) = after(trips, curved);
        let end = if to_server { &mut server } else { &mut client };
        let before = end.heard.clone();
        end.receive(&command(name, &data), now);
        // Nobody without the keys gets in, or is heard among those who are.
        if curved {
            prop_assert_eq!(&end.heard, &before);
        }
        if before == [Heard::Ready] {
            prop_assert_eq!(end.error.is_some(), curved || matches!(name, "READY" | "ERROR"));
        }
    }
}
