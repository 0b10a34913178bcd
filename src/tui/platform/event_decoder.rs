//! Decodes one unit of input into a key, a mouse report, a paste or a change of focus.
//!
//! The encodings of keys are [`termina`]'s; its events become those of crossterm, which the rest of
//! the program knows.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

pub(super) const ESC: u8 = 0x1b;
pub(super) const PASTE_BEGIN: &[u8] = b"\x1b[200~";
pub(super) const PASTE_END: &[u8] = b"\x1b[201~";

/// The text between the brackets.
pub(super) fn paste(unit: &[u8]) -> Event {
    let text = unit.strip_prefix(PASTE_BEGIN).unwrap_or(unit);
    Event::Paste(String::from_utf8_lossy(text.strip_suffix(PASTE_END).unwrap_or(text)).into_owned())
}

pub(super) fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

pub(super) fn alt_key(letter: u8) -> Event {
    key(KeyCode::Char(char::from(letter)), KeyModifiers::ALT)
}

/// The event that a unit stands for; `None` where it is of no known encoding.
pub(super) fn event(unit: &[u8]) -> Option<Event> {
    match unit {
        [ESC] => return Some(key(KeyCode::Esc, KeyModifiers::NONE)),
        [ESC, letter @ (b'O' | b'P' | b']' | b'_')] => return Some(alt_key(*letter)),
        [ESC, ESC, ..] => {
            let Some(Event::Key(mut event)) = event(&unit[1..]) else {
                return None;
            };
            event.modifiers |= KeyModifiers::ALT;
            return Some(Event::Key(event));
        }
        // F3 with modifiers, which termina takes for the cursor's position; it has another sequence
        // too
        [ESC, b'[', b'1', b';', modifier @ .., b'R'] => {
            return event(&[b"\x1b[13;", modifier, b"~"].concat());
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

/// A key as the rest of the program knows keys; `None` for those that nothing can be bound to.
fn key_event(event: termina::event::KeyEvent) -> Option<KeyEvent> {
    use termina::event::{KeyCode as Code, KeyEventKind as Kind};
    let code = match event.code {
        Code::Char(letter) => KeyCode::Char(letter),
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
        modifiers(event.modifiers),
        kind,
    ))
}

fn modifiers(modifiers: termina::event::Modifiers) -> KeyModifiers {
    use termina::event::Modifiers as M;
    let known = [
        (M::SHIFT, KeyModifiers::SHIFT),
        (M::ALT, KeyModifiers::ALT),
        (M::CONTROL, KeyModifiers::CONTROL),
        (M::SUPER, KeyModifiers::SUPER),
        (M::HYPER, KeyModifiers::HYPER),
        (M::META, KeyModifiers::META),
    ];
    known
        .into_iter()
        .filter(|(theirs, _)| modifiers.contains(*theirs))
        .map(|(_, ours)| ours)
        .collect()
}

fn mouse_event(event: termina::event::MouseEvent) -> MouseEvent {
    use termina::event::{MouseButton as Button, MouseEventKind as Kind};
    let button = |button| match button {
        Button::Left => MouseButton::Left,
        Button::Right => MouseButton::Right,
        Button::Middle => MouseButton::Middle,
    };
    let kind = match event.kind {
        Kind::Down(which) => MouseEventKind::Down(button(which)),
        Kind::Up(which) => MouseEventKind::Up(button(which)),
        Kind::Drag(which) => MouseEventKind::Drag(button(which)),
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
        modifiers: modifiers(event.modifiers),
    }
}
