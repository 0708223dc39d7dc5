//! Settings of long tests, from the environment.

/// The number in the environment's `variable`, or `default`.
///
/// # Panics
/// It is set to something else.
pub fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap_or_else(|error| panic!("{variable}: {error}")))
}
