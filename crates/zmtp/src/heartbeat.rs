//! Heartbeats (RFC 37): when to ping, and when silence means death.

use std::time::{Duration, Instant};

use crate::Error;

/// How to keep watch over a peer. Any traffic counts as life, not only a PONG.
/// Peers older than 3.0 know no heartbeat; they are neither pinged nor timed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// How often to send a PING; zero for never.
    pub interval: Duration,
    /// How long a PING may go without any traffic after it; zero for ever.
    pub timeout: Duration,
    /// How long the peer should wait for traffic of ours before it gives up, zero for
    /// ever; sent in tenths of a second, at most 6553.5 s.
    pub ttl: Duration,
}

impl Heartbeat {
    /// The time to live as a PING carries it.
    fn wire_ttl(self) -> u16 {
        u16::try_from(self.ttl.as_millis() / 100).unwrap_or(u16::MAX)
    }
}

/// The watch over one peer.
#[derive(Debug)]
pub(crate) struct Pulse {
    heartbeat: Option<Heartbeat>,
    /// Whether any deadline depends on traffic; keeps unwatched traffic free of cost.
    watching: bool,
    last_traffic: Instant,
    next_ping: Option<Instant>,
    /// When the oldest PING went out that no traffic has followed.
    unanswered: Option<Instant>,
    /// What the peer's latest PING asked for.
    peer_ttl: Option<Duration>,
}

impl Pulse {
    /// A watch that has not begun.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            heartbeat: None,
            watching: false,
            last_traffic: now,
            next_ping: None,
            unanswered: None,
            peer_ttl: None,
        }
    }

    /// Begins the watch.
    pub(crate) fn start(&mut self, heartbeat: Option<Heartbeat>, now: Instant) {
        self.last_traffic = now;
        self.heartbeat = heartbeat.filter(|each| !each.interval.is_zero());
        self.watching = self.heartbeat.is_some();
        self.next_ping = self
            .heartbeat
            .and_then(|heartbeat| now.checked_add(heartbeat.interval));
    }

    /// Something came from the peer.
    #[inline]
    pub(crate) fn note(&mut self, now: Instant) {
        if self.watching {
            self.last_traffic = now;
            self.unanswered = None;
        }
    }

    /// A PING came; `ttl` is in tenths of a second.
    pub(crate) fn pinged(&mut self, ttl: u16, now: Instant) {
        self.peer_ttl = (ttl > 0).then(|| Duration::from_millis(u64::from(ttl) * 100));
        self.watching = self.heartbeat.is_some() || self.peer_ttl.is_some();
        self.note(now);
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        [
            self.next_ping,
            self.pong_deadline().map(|(at, _)| at),
            self.ttl_deadline().map(|(at, _)| at),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Does what is due: the time to live for a PING to send, or the end.
    pub(crate) fn fire(&mut self, now: Instant) -> Result<Option<u16>, Error> {
        for (at, limit) in [self.pong_deadline(), self.ttl_deadline()]
            .into_iter()
            .flatten()
        {
            if at <= now {
                return Err(Error::HeartbeatTimeout { limit });
            }
        }
        match (self.heartbeat, self.next_ping) {
            (Some(heartbeat), Some(at)) if at <= now => {
                // Counted from now, so that a late caller does not send a burst.
                self.next_ping = now.checked_add(heartbeat.interval);
                self.unanswered.get_or_insert(now);
                Ok(Some(heartbeat.wire_ttl()))
            }
            _ => Ok(None),
        }
    }

    fn pong_deadline(&self) -> Option<(Instant, Duration)> {
        let limit = self.heartbeat?.timeout;
        if limit.is_zero() {
            return None;
        }
        Some((self.unanswered?.checked_add(limit)?, limit))
    }

    fn ttl_deadline(&self) -> Option<(Instant, Duration)> {
        let limit = self.peer_ttl?;
        Some((self.last_traffic.checked_add(limit)?, limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn every_second() -> Heartbeat {
        Heartbeat {
            interval: SECOND,
            timeout: SECOND * 3,
            ttl: SECOND * 10,
        }
    }

    fn watch(heartbeat: Heartbeat) -> (Pulse, Instant) {
        let now = Instant::now();
        let mut pulse = Pulse::new(now);
        pulse.start(Some(heartbeat), now);
        (pulse, now)
    }

    #[test]
    fn pings_are_regular_and_a_late_caller_sends_one() {
        let (mut pulse, start) = watch(every_second());
        assert_eq!(pulse.deadline(), Some(start + SECOND));
        assert_eq!(pulse.fire(start), Ok(None));
        assert_eq!(pulse.fire(start + SECOND), Ok(Some(100)));
        pulse.note(start + SECOND);
        let late = start + SECOND * 100;
        assert_eq!(pulse.fire(late), Ok(Some(100)));
        assert_eq!(pulse.fire(late), Ok(None));
        assert_eq!(pulse.deadline(), Some(late + SECOND));
    }

    #[test]
    fn the_timeout_runs_from_the_first_unanswered_ping() {
        let (mut pulse, start) = watch(every_second());
        for second in 1..4 {
            assert_eq!(pulse.fire(start + SECOND * second), Ok(Some(100)));
        }
        assert_eq!(
            pulse.fire(start + SECOND * 4),
            Err(Error::HeartbeatTimeout { limit: SECOND * 3 })
        );
    }

    #[test]
    fn any_traffic_stops_the_timeout() {
        let (mut pulse, start) = watch(every_second());
        for second in 1..50 {
            let now = start + SECOND * second;
            assert_eq!(pulse.fire(now), Ok(Some(100)));
            pulse.note(now);
        }
    }

    #[test]
    fn row_15_the_peers_ttl_neither_wraps_nor_outlives_its_ping() {
        let now = Instant::now();
        let mut pulse = Pulse::new(now);
        pulse.start(None, now);
        assert_eq!(pulse.deadline(), None);
        pulse.pinged(656, now);
        assert_eq!(pulse.deadline(), Some(now + Duration::from_millis(65_600)));
        pulse.pinged(u16::MAX, now);
        let limit = Duration::from_millis(6_553_500);
        assert_eq!(pulse.deadline(), Some(now + limit));
        pulse.note(now + SECOND);
        assert_eq!(pulse.fire(now + limit), Ok(None));
        assert_eq!(
            pulse.fire(now + SECOND + limit),
            Err(Error::HeartbeatTimeout { limit })
        );
        pulse.pinged(0, now);
        assert_eq!(pulse.deadline(), None);
    }

    #[test]
    fn zero_means_never_and_the_huge_does_not_overflow() {
        let (pulse, _) = watch(Heartbeat {
            interval: Duration::ZERO,
            ..every_second()
        });
        assert_eq!(pulse.deadline(), None);
        let (mut pulse, start) = watch(Heartbeat {
            interval: SECOND,
            timeout: Duration::ZERO,
            ttl: Duration::MAX,
        });
        assert_eq!(pulse.fire(start + SECOND), Ok(Some(u16::MAX)));
        assert_eq!(pulse.deadline(), Some(start + SECOND * 2));
        let (mut pulse, start) = watch(Heartbeat {
            interval: SECOND,
            timeout: Duration::MAX,
            ttl: Duration::from_millis(199),
        });
        assert_eq!(pulse.fire(start + SECOND), Ok(Some(1)));
        assert_eq!(pulse.deadline(), Some(start + SECOND * 2));
        let (pulse, _) = watch(Heartbeat {
            interval: Duration::MAX,
            ..every_second()
        });
        assert_eq!(pulse.deadline(), None);
    }
}
