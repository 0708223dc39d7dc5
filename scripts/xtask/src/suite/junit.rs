//! The report for machines: JUnit's XML, as most servers read it.

use super::StageResult;
use super::outcome::{Outcome, Verdict};
use crate::{Result, workspace};
use std::path::Path;

/// Writes `junit.xml` into `folder`.
pub fn write(results: &[StageResult], folder: &Path) -> Result<()> {
    let path = folder.join("junit.xml");
    std::fs::create_dir_all(folder)?;
    std::fs::write(&path, document(results)).map_err(|error| format!("{}: {error}", workspace::shown(&path)).into())
}

fn document(results: &[StageResult]) -> String {
    let suites: String = results.iter().map(suite).collect();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n{suites}</testsuites>\n")
}

fn suite(result: &StageResult) -> String {
    let count = |verdict| result.outcomes.iter().filter(|outcome| outcome.verdict == verdict).count();
    let cases: String = result.outcomes.iter().map(|outcome| case(result.name, outcome)).collect();
    format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{:.3}\">\n{cases}  </testsuite>\n",
        escaped(result.name),
        result.outcomes.len(),
        count(Verdict::Failed),
        count(Verdict::Ignored),
        result.seconds,
    )
}

fn case(class: &str, outcome: &Outcome) -> String {
    let head = format!("    <testcase classname=\"{}\" name=\"{}\"", escaped(class), escaped(&outcome.name));
    match outcome.verdict {
        Verdict::Passed => format!("{head}/>\n"),
        Verdict::Ignored => format!("{head}><skipped/></testcase>\n"),
        Verdict::Failed => format!("{head}><failure>{}</failure></testcase>\n", escaped(&outcome.message)),
    }
}

/// XML 1.0 knows no control characters besides tab, newline and return, not even as references.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push(character),
            control if control.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_words_survive_as_xml() {
        let outcomes = vec![
            Outcome::of_problems("a", &[]),
            Outcome::failed("b<c>", "1 < 2 & \"x\" \u{1b}[0m"),
            Outcome { name: "d".into(), verdict: Verdict::Ignored, message: String::new() },
        ];
        let document = document(&[StageResult { name: "host", seconds: 1.5, outcomes }]);
        assert!(document.contains(r#"<testsuite name="host" tests="3" failures="1" skipped="1" time="1.500">"#));
        assert!(document.contains(r#"name="b&lt;c&gt;"><failure>1 &lt; 2 &amp; &quot;x&quot; "#));
        assert!(!document.contains('\u{1b}'));
    }
}
