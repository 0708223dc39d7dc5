//! The shape of a curve over 1, 2, 3 and so on.

use std::fmt;

/// Percent of its highest value by which a constant may vary.
const CONSTANT: f64 = 1.0;
/// Percent of its rise by which a line's values may lie beside it.
const LINEAR: f64 = 10.0;

/// How values grow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Not at all, but for a percent.
    Constant,
    /// By this much each time, but for a tenth of the whole rise.
    Linear(f64),
    /// Otherwise; the mean step.
    Neither(f64),
}

impl Shape {
    /// The shape of `values`, the first of which is that of 1.
    pub fn of(values: &[u64]) -> Self {
        let values: Vec<f64> = values.iter().map(|value| *value as f64).collect();
        let (lowest, highest) = values.iter().fold((f64::MAX, 0.0f64), |(low, high), it| (low.min(*it), high.max(*it)));
        if values.len() < 2 || (highest - lowest) * 100.0 <= highest * CONSTANT {
            return Self::Constant;
        }
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let middle = (count - 1.0) / 2.0;
        let moment = |power: i32| (0..values.len()).map(|at| (at as f64 - middle).powi(power)).sum::<f64>();
        let slope =
            values.iter().enumerate().map(|(at, it)| (at as f64 - middle) * (it - mean)).sum::<f64>() / moment(2);
        let beside = |(at, it): (usize, &f64)| (it - mean - slope * (at as f64 - middle)).abs();
        let farthest = values.iter().enumerate().map(beside).fold(0.0, f64::max);
        if farthest * 100.0 <= (highest - lowest) * LINEAR { Self::Linear(slope) } else { Self::Neither(slope) }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant => write!(f, "constant"),
            Self::Linear(slope) => write!(f, "linear, {slope:+.0} each"),
            Self::Neither(slope) => write!(f, "uneven, {slope:+.0} each on average"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_lines_and_others_are_told_apart() {
        assert_eq!(Shape::of(&[100, 100, 101, 100]), Shape::Constant);
        assert_eq!(Shape::of(&[100, 110, 120, 130]), Shape::Linear(10.0));
        assert_eq!(Shape::of(&[1, 2, 4, 8, 16, 32]).to_string(), "uneven, +6 each on average");
        assert_eq!(Shape::of(&[130, 120, 110, 100]).to_string(), "linear, -10 each");
        assert_eq!(Shape::of(&[5]), Shape::Constant);
    }
}
