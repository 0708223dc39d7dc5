//! The report for machines: JUnit's XML, as most servers read it.

use super::outcome::{Outcome, Verdict};
use super::{StageResult, kept};
use crate::{Result, workspace};
use std::path::Path;

/// Writes `junit.xml` into `folder`.
pub fn write(results: &[StageResult], folder: &Path) -> Result<()> {
    let path = folder.join("junit.xml");
    std::fs::create_dir_all(folder)?;
    let document = document(results, &|stage, test| kept::lines(folder, stage, test));
    std::fs::write(&path, document).map_err(|error| format!("{}: {error}", workspace::shown(&path)).into())
}

/// What is known of where a failed test, given by its stage and name, left what repeats it.
type Kept<'a> = &'a dyn Fn(&str, &str) -> Vec<String>;

fn document(results: &[StageResult], kept: Kept<'_>) -> String {
    let suites: String = results.iter().map(|result| suite(result, kept)).collect();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n{suites}</testsuites>\n")
}

fn suite(result: &StageResult, kept: Kept<'_>) -> String {
    let count = |verdict| result.outcomes.iter().filter(|outcome| outcome.verdict == verdict).count();
    let cases: String = result.outcomes.iter().map(|outcome| case(result.name, outcome, kept)).collect();
    format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{:.3}\">\n{cases}  </testsuite>\n",
        escaped(result.name),
        result.outcomes.len(),
        count(Verdict::Failed),
        count(Verdict::Ignored),
        result.seconds,
    )
}

fn case(class: &str, outcome: &Outcome, kept: Kept<'_>) -> String {
    let head = format!("    <testcase classname=\"{}\" name=\"{}\"", escaped(class), escaped(&outcome.name));
    match outcome.verdict {
        Verdict::Passed => format!("{head}/>\n"),
        Verdict::Ignored => format!("{head}><skipped/></testcase>\n"),
        Verdict::Failed => {
            let message: Vec<_> = [outcome.message.clone()].into_iter().chain(kept(class, &outcome.name)).collect();
            format!("{head}><failure>{}</failure></testcase>\n", escaped(&message.join("\n")))
        }
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
        let document = document(&[StageResult { name: "host", seconds: 1.5, outcomes }], &|stage, test| {
            vec![format!("{stage} {test}")]
        });
        assert!(document.contains(r#"<testsuite name="host" tests="3" failures="1" skipped="1" time="1.500">"#));
        assert!(document.contains(r#"name="b&lt;c&gt;"><failure>1 &lt; 2 &amp; &quot;x&quot; "#));
        assert!(document.contains("\nhost b&lt;c&gt;</failure>"));
        assert!(!document.contains('\u{1b}'));
    }
}
