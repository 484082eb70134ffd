//! What one run, or one program of it, found out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::quantity::Quantity;

/// Values by what they mean.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Figures(BTreeMap<Quantity, f64>);

impl Figures {
    /// With one more, or another, value.
    pub fn with(mut self, quantity: Quantity, value: f64) -> Self {
        self.set(quantity, value);
        self
    }

    pub fn set(&mut self, quantity: Quantity, value: f64) {
        self.0.insert(quantity, value);
    }

    pub fn value(&self, quantity: Quantity) -> Option<f64> {
        self.0.get(&quantity).copied()
    }

    /// Takes the value out.
    pub fn take(&mut self, quantity: Quantity) -> Option<f64> {
        self.0.remove(&quantity)
    }

    /// Also what `other` found; where both know something, that of both together.
    pub fn merge(&mut self, other: Self) {
        for (quantity, value) in other.0 {
            *self.0.entry(quantity).or_default() += value;
        }
    }
}

/// The middle one, or the mean of the two in the middle; not a number if there is none.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_a_run_are_added_up() {
        let mut sum = Figures::default().with(Quantity::CpuSeconds, 1.5);
        sum.merge(serde_json::from_str(r#"{"cpu_seconds": 2, "seconds": 4}"#).unwrap());
        assert_eq!(sum.take(Quantity::CpuSeconds), Some(3.5));
        assert_eq!(serde_json::to_string(&sum).unwrap(), r#"{"seconds":4.0}"#);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(median([4.0, 1.0, 2.0, 9.0].into_iter()), 3.0);
        assert_eq!(median([4.0, 1.0, 9.0].into_iter()), 4.0);
        assert!(median(std::iter::empty()).is_nan());
    }
}
