//! Sentences for people at the foot of the screen.

use super::App;

/// A sentence for people, shown for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub text: String,
    pub until: u64,
    /// Nothing was typed since: a newer notice is added to it and does not replace it.
    pub stays: bool,
}

/// How many ticks a notice stays at least; a long one as many as it has letters.
const NOTICE_TICKS: usize = 60;

impl App {
    pub fn notify(&mut self, text: impl Into<String>) {
        let (mut text, mut stays) = (text.into(), false);
        if let Some(before) = self.notice.take_if(|notice| notice.stays) {
            (text, stays) = (format!("{}; {text}", before.text), true);
        }
        let ticks = text.chars().count().max(NOTICE_TICKS) as u64;
        self.notice = Some(Notice {
            text,
            until: self.ticks + ticks,
            stays,
        });
    }

    /// A notice that nothing replaces before something is typed.
    pub fn warn(&mut self, text: impl Into<String>) {
        self.notify(text);
        if let Some(notice) = &mut self.notice {
            notice.stays = true;
        }
    }

    /// Takes a notice back.
    pub fn withdraw(&mut self, text: &str) {
        if let Some(notice) = &mut self.notice {
            let others: Vec<&str> = notice
                .text
                .split(text)
                .map(|part| part.trim_matches([';', ' ']))
                .collect();
            notice.text = others
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join("; ");
        }
        self.notice.take_if(|notice| notice.text.is_empty());
    }
}
