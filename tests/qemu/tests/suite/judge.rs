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

/// Documents that the checks of the guest `conformance` rest on.
const DOCUMENTS: [&str; 6] = ["DDI 0487", "IHI 0048B", "IHI 0069H", "DEN0022", "DEN0028", "DDI 0183"];

/// Whether `text` has checks, and each names the section that it rests on.
pub fn all_cite(text: &str) -> Result<(), String> {
    let mut checks = text.lines().filter_map(|line| line.strip_prefix("check ")).peekable();
    if checks.peek().is_none() {
        return Err("no check was made".into());
    }
    let cites = |check: &str| {
        let number = DOCUMENTS.iter().find_map(|document| check.strip_prefix(document)?.strip_prefix(' '));
        number
            .and_then(|rest| rest.split(' ').next())
            .is_some_and(|number| number.contains(|c: char| c.is_ascii_digit()))
    };
    checks.find(|check| !cites(check)).map_or(Ok(()), |check| Err(format!("cites no section: {check:?}")))
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
