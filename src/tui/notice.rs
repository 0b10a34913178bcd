//! Sentences for people at the foot of the screen.

use crate::tui::app::App;

/// Sentences for people, shown for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub sentences: Vec<String>,
    pub until: u64,
    /// Nothing was typed since: a newer notice is added to it and does not replace it.
    pub stays: bool,
}

impl Notice {
    /// The sentences as one text.
    pub fn text(&self) -> String {
        self.sentences.join("; ")
    }
}

/// How many ticks a notice stays at least; a long one as many as it has letters.
const NOTICE_TICKS: usize = 60;

impl App {
    pub fn notify(&mut self, sentence: impl Into<String>) {
        let before = self.status.notice.take().filter(|notice| notice.stays);
        let mut notice = before.unwrap_or(Notice {
            sentences: Vec::new(),
            until: 0,
            stays: false,
        });
        notice.sentences.push(sentence.into());
        let letters = notice.text().chars().count();
        notice.until = self.status.ticks + letters.max(NOTICE_TICKS) as u64;
        self.status.notice = Some(notice);
    }

    /// Shows a notice that nothing replaces before something is typed.
    pub fn warn(&mut self, sentence: impl Into<String>) {
        self.notify(sentence);
        if let Some(notice) = &mut self.status.notice {
            notice.stays = true;
        }
    }

    /// Takes a notice back.
    pub fn withdraw(&mut self, sentence: &str) {
        if let Some(notice) = &mut self.status.notice {
            notice.sentences.retain(|shown| shown != sentence);
        }
        self.status
            .notice
            .take_if(|notice| notice.sentences.is_empty());
    }
}
