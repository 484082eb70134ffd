//! What numbers mean: their names, units, and which of two is better.

use serde::{Deserialize, Serialize};

/// Something a run tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Messages a second at the receiver, or published, or round trips a second.
    PerSecond,
    /// From the first message to the last. Only programs say it; a run has [`Self::PerSecond`].
    Seconds,
    /// One way, in microseconds; so are the next three.
    Median,
    P99,
    Max,
    /// With the first round trip, for which the connection is made, where libzmq's programs say it.
    Mean,
    /// Processor time, user and system. Only programs say it.
    CpuSeconds,
    /// Of all processes of a run together.
    CpuSecondsPerMillion,
    /// How often a thread slept, for each message or round trip.
    VoluntarySwitches,
    /// How often one was made to give way.
    InvoluntarySwitches,
    /// For each message or round trip, of all processes.
    SystemCalls,
    /// Part of their work that processes did not do which wanted all processors.
    OthersLoss,
    /// To publish a message that a subscriber gets, in nanoseconds.
    PublishNanos,
    /// To publish one that nobody gets.
    PublishNanosUnmatched,
    /// Resident, of publisher and subscriber together.
    BytesPerSubscription,
    /// Resident, of the process that binds.
    KibPerConnection,
    /// How often any thread woke up, of both processes.
    WakeUpsPerSecond,
    /// Processor time of both.
    CpuMicrosPerSecond,
    /// Part of the machine that processes outside the run used meanwhile.
    OthersShare,
}

/// Which of two values is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    More,
    Less,
    /// It tells how a run went.
    Neither,
}

impl Quantity {
    /// What it is, without its unit.
    pub fn text(self) -> &'static str {
        match self {
            Self::PerSecond => "rate",
            Self::Seconds => "time",
            Self::Median => "median",
            Self::P99 => "99 of 100",
            Self::Max => "longest",
            Self::Mean => "mean",
            Self::CpuSeconds => "processor time",
            Self::CpuSecondsPerMillion => "processor time a million",
            Self::VoluntarySwitches => "sleeps each",
            Self::InvoluntarySwitches => "preemptions each",
            Self::SystemCalls => "system calls each",
            Self::OthersLoss => "lost by busy processes",
            Self::PublishNanos => "a message that is wanted",
            Self::PublishNanosUnmatched => "one that is not",
            Self::BytesPerSubscription => "memory each",
            Self::KibPerConnection => "memory each",
            Self::WakeUpsPerSecond => "wake-ups",
            Self::CpuMicrosPerSecond => "processor time",
            Self::OthersShare => "used by others",
        }
    }

    pub fn better(self) -> Better {
        match self {
            Self::PerSecond => Better::More,
            // It is about nothing, more or less.
            Self::OthersLoss | Self::OthersShare => Better::Neither,
            _ => Better::Less,
        }
    }

    /// A value with its unit.
    pub fn show(self, value: f64) -> String {
        self.number(value) + self.unit()
    }

    /// A value without its unit.
    pub fn number(self, value: f64) -> String {
        match self {
            Self::PerSecond => short(value),
            Self::Median | Self::P99 | Self::Max | Self::Mean | Self::KibPerConnection => {
                format!("{value:.1}")
            }
            Self::PublishNanos | Self::PublishNanosUnmatched | Self::BytesPerSubscription => {
                format!("{value:.0}")
            }
            Self::OthersShare | Self::OthersLoss => format!("{:.0}", value * 100.0),
            _ => digits(value),
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::PerSecond | Self::WakeUpsPerSecond => "/s",
            Self::Seconds | Self::CpuSeconds | Self::CpuSecondsPerMillion => " s",
            Self::Median | Self::P99 | Self::Max | Self::Mean => " µs",
            Self::CpuMicrosPerSecond => " µs/s",
            Self::PublishNanos | Self::PublishNanosUnmatched => " ns",
            Self::BytesPerSubscription => " B",
            Self::KibPerConnection => " KiB",
            Self::OthersShare | Self::OthersLoss => " %",
            Self::VoluntarySwitches | Self::InvoluntarySwitches | Self::SystemCalls => "",
        }
    }
}

/// `2.41 M`, `36.2 k`, `870`.
fn short(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.2} M", v / 1e6),
        v if v >= 1e3 => format!("{:.1} k", v / 1e3),
        v => format!("{v:.0}"),
    }
}

/// Three that mean something, as far as six after the point go.
fn digits(value: f64) -> String {
    let places = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        v if v >= 0.1 => 3,
        v if v >= 0.01 => 4,
        v if v >= 0.001 => 5,
        0.0 => 0,
        _ => 6,
    };
    format!("{value:.places$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_short() {
        assert_eq!(Quantity::PerSecond.show(2_412_345.0), "2.41 M/s");
        assert_eq!(Quantity::PerSecond.show(36_240.0), "36.2 k/s");
        assert_eq!(Quantity::P99.show(12.34), "12.3 µs");
        assert_eq!(Quantity::CpuSecondsPerMillion.show(0.1234), "0.123 s");
        assert_eq!(Quantity::VoluntarySwitches.show(0.0), "0");
        assert_eq!(Quantity::OthersShare.show(0.071), "7 %");
    }
}
