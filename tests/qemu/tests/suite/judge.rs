//! What the guests' output must be, worked out again here.

/// Line `number` of the guest `lines`, without its newline.
pub fn line(tag: &str, number: u64) -> String {
    let mut line = format!("{tag} {number:08} ");
    while line.len() < 79 {
        line.push(char::from(b'a' + ((number + line.len() as u64) % 26) as u8));
    }
    line
}

/// Whether `text` holds the lines 0 to `count` with `tag`: each once, in order, whole, and no other line with the tag.
pub fn all_lines(text: &str, tag: &str, count: u64) -> Result<(), String> {
    let mut seen = text.lines().filter(|line| line.starts_with(&format!("{tag} ")));
    for number in 0..count {
        let (expected, seen) = (line(tag, number), seen.next());
        if seen != Some(&expected) {
            return Err(format!("line {number}: expected {expected:?} got {seen:?}"));
        }
    }
    seen.next().map_or(Ok(()), |more| Err(format!("one line too many: {more:?}")))
}

/// Periods missed, from the raw samples of the guest `victim`: those whose task was entered after t0 + (k+1) * T.
pub fn missed(text: &str) -> (u64, u64) {
    let after =
        |line: &str, key: &str| -> Option<u64> { line.split(key).nth(1)?.split_whitespace().next()?.parse().ok() };
    let start = text.lines().find(|line| line.starts_with("victim: t0=")).expect("the victim says when it began");
    let (t0, period) = (after(start, "t0=").expect("t0"), after(start, " T=").expect("T"));
    let samples = text.lines().filter_map(|line| line.strip_prefix("sample "));
    let samples =
        samples.map(|sample| sample.split_once(' ').and_then(|(k, at)| Some((k.parse().ok()?, at.parse().ok()?))));
    let samples: Vec<(u64, u64)> = samples.map(|sample| sample.expect("k and CNTVCT")).collect();
    assert!(samples.iter().zip(0..).all(|((k, _), expected)| *k == expected), "the samples are not in order");
    let late = samples.iter().filter(|(k, at)| *at > t0 + (k + 1) * period).count();
    (samples.len() as u64, late as u64)
}
