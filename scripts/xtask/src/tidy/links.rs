//! Links from one document to another lead somewhere.

use crate::{Result, sources, workspace};
use std::path::Path;

/// Every relative link of a Markdown file whose file is not there.
pub fn check() -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for path in sources::files(".")?.iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let text = sources::text(path)?.unwrap_or_default();
        let folder = workspace::root().join(path.parent().unwrap_or(Path::new("")));
        for (line, target) in relative_links(&text) {
            if !folder.join(target).exists() {
                problems.push(format!("{}:{line}: {target} is not there", path.display()));
            }
        }
    }
    Ok(problems)
}

/// Line numbers and targets, without fragments; code blocks are left out.
fn relative_links(text: &str) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    let mut in_block = false;
    for (number, line) in text.lines().enumerate() {
        in_block ^= line.trim_start().starts_with("```");
        if in_block || line.starts_with("    ") {
            continue;
        }
        links.extend(targets(line).into_iter().filter(|target| is_relative(target)).map(|target| (number + 1, target)));
    }
    links.into_iter().map(|(line, target)| (line, target.split('#').next().unwrap_or(target))).collect()
}

/// The targets of `[text](target)` and of `[label]: target`.
fn targets(line: &str) -> Vec<&str> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let labelled = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target.trim());
    inline.chain(labelled).collect()
}

fn is_relative(target: &str) -> bool {
    !target.is_empty() && !target.starts_with('#') && !target.starts_with("mailto:") && !target.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_links_are_told_from_the_others() {
        let text =
            "See [a](b.md#c), [d](https://e/f), [g](#h) and ![i](j/k.svg \"l\").\n\n[m]: ../n\n```\n[o](p)\n```\n";
        assert_eq!(relative_links(text), [(1, "b.md"), (1, "j/k.svg"), (3, "../n")]);
    }
}
