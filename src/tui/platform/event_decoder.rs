//! The decoder for one unit of input: a key, a mouse report, a paste or a change of focus.
//!
//! [`termina`] knows the encodings of keys; its events are converted to those of crossterm, which
//! the rest of the program uses.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

pub(super) const ESC: u8 = 0x1b;
pub(super) const PASTE_START: &[u8] = b"\x1b[200~";
pub(super) const PASTE_END: &[u8] = b"\x1b[201~";

/// Returns the paste event of a unit. The end marker is missing if the paste was cut off.
pub(super) fn paste_event(unit: &[u8]) -> Event {
    let text = unit.strip_prefix(PASTE_START).unwrap_or(unit);
    Event::Paste(String::from_utf8_lossy(text.strip_suffix(PASTE_END).unwrap_or(text)).into_owned())
}

/// Returns the event of a key that is pressed.
pub(super) fn key_press(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

/// Returns the event of an ASCII character that is pressed together with alt.
pub(super) fn alt_key_press(character: u8) -> Event {
    key_press(KeyCode::Char(char::from(character)), KeyModifiers::ALT)
}

/// Decodes a unit that is not a paste. Returns `None` if its encoding is unknown.
pub(super) fn decode_event(unit: &[u8]) -> Option<Event> {
    match unit {
        [ESC] => return Some(key_press(KeyCode::Esc, KeyModifiers::NONE)),
        [ESC, character @ (b'O' | b'P' | b']' | b'_')] => return Some(alt_key_press(*character)),
        [ESC, ESC, ..] => {
            let Some(Event::Key(mut event)) = decode_event(&unit[1..]) else {
                return None;
            };
            event.modifiers |= KeyModifiers::ALT;
            return Some(Event::Key(event));
        }
        // F3 with modifiers, which termina decodes as a cursor position. F3 has a second encoding,
        // which is unambiguous.
        [ESC, b'[', b'1', b';', modifier @ .., b'R'] => {
            return decode_event(&[b"\x1b[13;", modifier, b"~"].concat());
        }
        _ => {}
    }
    let mut parser = termina::Parser::default();
    parser.parse(unit, false);
    match parser.pop()? {
        termina::Event::Key(event) => key_event(event).map(Event::Key),
        termina::Event::Mouse(event) => Some(Event::Mouse(mouse_event(event))),
        termina::Event::FocusIn => Some(Event::FocusGained),
        termina::Event::FocusOut => Some(Event::FocusLost),
        _ => None,
    }
}

/// Converts a key. Returns `None` for keys that cannot be bound to an action.
fn key_event(event: termina::event::KeyEvent) -> Option<KeyEvent> {
    use termina::event::{KeyCode as Code, KeyEventKind as Kind};
    let code = match event.code {
        Code::Char(character) => KeyCode::Char(character),
        Code::Function(number) => KeyCode::F(number),
        Code::Enter => KeyCode::Enter,
        Code::Backspace => KeyCode::Backspace,
        Code::Tab => KeyCode::Tab,
        Code::BackTab => KeyCode::BackTab,
        Code::Escape => KeyCode::Esc,
        Code::Left => KeyCode::Left,
        Code::Right => KeyCode::Right,
        Code::Up => KeyCode::Up,
        Code::Down => KeyCode::Down,
        Code::Home => KeyCode::Home,
        Code::End => KeyCode::End,
        Code::PageUp => KeyCode::PageUp,
        Code::PageDown => KeyCode::PageDown,
        Code::Insert => KeyCode::Insert,
        Code::Delete => KeyCode::Delete,
        _ => return None,
    };
    let kind = match event.kind {
        Kind::Press => KeyEventKind::Press,
        Kind::Repeat => KeyEventKind::Repeat,
        Kind::Release => KeyEventKind::Release,
    };
    Some(KeyEvent::new_with_kind(
        code,
        key_modifiers(event.modifiers),
        kind,
    ))
}

fn key_modifiers(modifiers: termina::event::Modifiers) -> KeyModifiers {
    use termina::event::Modifiers;
    let pairs = [
        (Modifiers::SHIFT, KeyModifiers::SHIFT),
        (Modifiers::ALT, KeyModifiers::ALT),
        (Modifiers::CONTROL, KeyModifiers::CONTROL),
        (Modifiers::SUPER, KeyModifiers::SUPER),
        (Modifiers::HYPER, KeyModifiers::HYPER),
        (Modifiers::META, KeyModifiers::META),
    ];
    let mut converted = KeyModifiers::NONE;
    for (modifier, key_modifier) in pairs {
        if modifiers.contains(modifier) {
            converted |= key_modifier;
        }
    }
    converted
}

fn mouse_event(event: termina::event::MouseEvent) -> MouseEvent {
    use termina::event::MouseEventKind as Kind;
    let kind = match event.kind {
        Kind::Down(button) => MouseEventKind::Down(mouse_button(button)),
        Kind::Up(button) => MouseEventKind::Up(mouse_button(button)),
        Kind::Drag(button) => MouseEventKind::Drag(mouse_button(button)),
        Kind::Moved => MouseEventKind::Moved,
        Kind::ScrollDown => MouseEventKind::ScrollDown,
        Kind::ScrollUp => MouseEventKind::ScrollUp,
        Kind::ScrollLeft => MouseEventKind::ScrollLeft,
        Kind::ScrollRight => MouseEventKind::ScrollRight,
    };
    MouseEvent {
        kind,
        column: event.column,
        row: event.row,
        modifiers: key_modifiers(event.modifiers),
    }
}

fn mouse_button(button: termina::event::MouseButton) -> MouseButton {
    use termina::event::MouseButton as Button;
    match button {
        Button::Left => MouseButton::Left,
        Button::Right => MouseButton::Right,
        Button::Middle => MouseButton::Middle,
    }
}
