//! The message in the status line.

/// Messages that are shown for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub messages: Vec<String>,
    /// The tick at which the notice disappears.
    pub until: u64,
    /// Set until a key is pressed: a newer message is added and does not replace the notice.
    pub is_sticky: bool,
}

impl Notice {
    /// Returns the messages as one text.
    pub fn text(&self) -> String {
        self.messages.join("; ")
    }
}

/// The least number of ticks that a notice is shown. A long one is shown for as many ticks as it
/// has characters.
const MIN_TICKS: usize = 60;

/// The message in the status line, and the clock that ends it.
#[derive(Debug, Default)]
pub struct Status {
    pub notice: Option<Notice>,
    /// Tenths of a second during which something moved.
    pub ticks: u64,
}

impl Status {
    /// Shows a message. It replaces the one before, unless that is sticky.
    pub fn notify(&mut self, message: impl Into<String>) {
        let sticky = self.notice.take().filter(|notice| notice.is_sticky);
        let mut notice = sticky.unwrap_or(Notice {
            messages: Vec::new(),
            until: 0,
            is_sticky: false,
        });
        notice.messages.push(message.into());
        let length = notice.text().chars().count();
        notice.until = self.ticks + length.max(MIN_TICKS) as u64;
        self.notice = Some(notice);
    }

    /// Shows a message that stays until a key is pressed.
    pub fn warn(&mut self, message: impl Into<String>) {
        self.notify(message);
        if let Some(notice) = &mut self.notice {
            notice.is_sticky = true;
        }
    }

    /// Removes a message.
    pub fn withdraw(&mut self, message: &str) {
        if let Some(notice) = &mut self.notice {
            notice.messages.retain(|shown| shown != message);
        }
        self.notice.take_if(|notice| notice.messages.is_empty());
    }

    /// Advances the clock, and removes a notice whose time is over.
    pub fn tick(&mut self) {
        self.ticks += 1;
        self.notice.take_if(|notice| notice.until <= self.ticks);
    }
}
