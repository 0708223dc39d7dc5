//! The hypervisor's console, taken apart: one line per guest and line, behind a coloured name.

/// A line of the shared console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The guest it came from; `None` for the hypervisor's own.
    pub guest: Option<String>,
    /// The text, without colours.
    pub text: String,
}

/// Splits what the hypervisor printed into lines with their guests: `ESC[..mNAME ESC[0m| text`.
pub fn split(output: &str) -> Vec<Line> {
    output.lines().map(line).collect()
}

fn line(raw: &str) -> Line {
    let own = || Line { guest: None, text: plain(raw) };
    if !raw.starts_with("\x1b[") {
        return own();
    }
    let Some((prefix, text)) = raw.split_once("\x1b[0m| ").or_else(|| raw.split_once("\x1b[0m|")) else { return own() };
    Line { guest: Some(plain(prefix).trim().into()), text: text.into() }
}

/// `text` without its colour sequences (ECMA-48 8.3.117).
pub fn plain(text: &str) -> String {
    let mut pieces = text.split("\x1b[");
    let mut plain = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        plain += piece.split_once('m').map_or(piece, |(_, rest)| rest);
    }
    plain
}

/// The text of the lines of `guest`, in order.
pub fn of_guest(output: &str, guest: &str) -> Vec<String> {
    split(output).into_iter().filter(|line| line.guest.as_deref() == Some(guest)).map(|line| line.text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_to_the_guest_that_names_them() {
        let output =
            "Bulkhead 0.1.0\n\x1b[32mlinux  \x1b[0m| a | b\n\x1b[1;33mrtos\x1b[0m|\n\x1b[32mwarning\x1b[0m: own\n";
        assert_eq!(of_guest(output, "linux"), ["a | b"]);
        assert_eq!(of_guest(output, "rtos"), [""]);
        let own: Vec<_> = split(output).into_iter().filter(|line| line.guest.is_none()).map(|line| line.text).collect();
        assert_eq!(own, ["Bulkhead 0.1.0", "warning: own"]);
    }
}
