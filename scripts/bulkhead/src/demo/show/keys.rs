//! Keys of the terminal as bytes for a console.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a serial terminal sends for `key`.
pub fn bytes(key: &KeyEvent) -> Vec<u8> {
    match key.code {
        KeyCode::Char(letter) if key.modifiers.contains(KeyModifiers::CONTROL) && letter.is_ascii() => {
            vec![letter as u8 & 0x1f]
        }
        KeyCode::Char(letter) => letter.to_string().into_bytes(),
        KeyCode::Enter => b"\r".to_vec(),
        KeyCode::Backspace => b"\x7f".to_vec(),
        KeyCode::Up => b"\x1b[A".to_vec(),
        KeyCode::Down => b"\x1b[B".to_vec(),
        KeyCode::Right => b"\x1b[C".to_vec(),
        KeyCode::Left => b"\x1b[D".to_vec(),
        _ => Vec::new(),
    }
}

/// Whether `key` leaves a guest: Ctrl-], which some terminals tell as Ctrl-5.
pub fn leaves(key: &KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::CONTROL) && matches!(key.code, KeyCode::Char(']' | '5'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_what_a_serial_terminal_sends() {
        let sent = |code, modifiers| bytes(&KeyEvent::new(code, modifiers));
        assert_eq!(sent(KeyCode::Char('c'), KeyModifiers::CONTROL), b"\x03");
        assert_eq!(sent(KeyCode::Char('\u{e4}'), KeyModifiers::NONE), "\u{e4}".as_bytes());
        assert_eq!(sent(KeyCode::Enter, KeyModifiers::NONE), b"\r");
        assert_eq!(sent(KeyCode::F(1), KeyModifiers::NONE), b"");
        assert!(leaves(&KeyEvent::new(KeyCode::Char('5'), KeyModifiers::CONTROL)));
    }
}
