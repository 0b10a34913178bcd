//! The explorer's state, and how a message changes it: no I/O, no lock, no tensor.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::layout::Size;

use crate::config::{Context, Key, Settings};
use crate::engine::protocol::{
    Ask, Catalogue, Comparison, EntityDetail, Evaluation, Reply, Request,
};
use crate::progress::Progress;
use crate::types::{ClassId, DeviceChoice, EntityId, Measures, Mode, SeedCount, Tuning};

use crate::tui::persist::session::{ExpansionRecord, NamedRecord, Session};
use crate::tui::persist::view_file::StateFile;
use crate::tui::ui::frame_info::View;
use crate::tui::ui::screen::Screen;

use crate::tui::jump_list::Jumps;

use crate::tui::compare::Compared;
use crate::tui::compare::rankers::Contenders;
use crate::tui::explore::class_tree::ClassTree;
use crate::tui::explore::expansion::{Expansion, RowFilter};
use crate::tui::explore::query::History;
use crate::tui::explore::seeds::{SeedSet, Typing};
use crate::tui::failures::FailureList;
use crate::tui::metrics::{Overall, Table};
use crate::tui::notice::Notice;
use crate::tui::overlay::explain::tree::Explaining;
use crate::tui::overlay::named_queries::NamedState;
use crate::tui::overlay::palette::Palette;
use crate::tui::overlay::pasted_names::PastedName;
use crate::tui::overlay::themes::Themes;
use crate::tui::overlay::what_if::Unchanged;
use crate::tui::requests::{Asked, Kind};
use crate::tui::search::Search;
use crate::tui::text_input::Field;

/// Everything that can happen.
#[derive(Debug, Clone)]
pub enum Msg {
    Key(KeyEvent),
    Mouse(MouseEvent),
    Paste(String),
    Resize(Size),
    Reply(Reply),
    /// Ten a second while something moves.
    Tick,
    /// A frame was drawn.
    Drawn(View),
}

/// The panes of the Explore screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pane {
    Classes,
    Seeds,
    Candidates,
    Entity,
}

/// What lies over the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Popup {
    Help(Below),
    /// Gold entities that are not in the list; the cursor.
    Missing(usize),
    /// The forms to export in; the cursor.
    Export(usize),
    /// What can take part in a comparison; the cursor.
    Contenders(usize),
    /// The entity's picture on the full screen.
    Zoom,
    /// Every action by its name.
    Palette,
    /// The themes; the cursor.
    Theme(usize),
    /// Why an entity stands where it stands.
    Explain,
    /// Settings of the search and their effect; the cursor.
    WhatIf(usize),
    /// A name for the present state is typed.
    Naming,
    /// Named states; the cursor.
    States(usize),
    /// What a file asked for and is not there.
    Told,
    /// What became of each name of a paste; the cursor.
    Pasted(usize),
}

/// What help lies over: its keys are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Below {
    Screen,
    Explain,
    /// With the cursor there.
    WhatIf(usize),
}

impl Below {
    /// What is there again once help is closed.
    pub fn popup(self) -> Option<Popup> {
        match self {
            Below::Screen => None,
            Below::Explain => Some(Popup::Explain),
            Below::WhatIf(cursor) => Some(Popup::WhatIf(cursor)),
        }
    }
}

/// What the event loop is asked to do, since the app itself does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    Quit,
    Suspend,
    Redraw,
    /// A file in the folder that the explorer was started in: `stem.ending`, or with a number where
    /// there is one already.
    Write {
        stem: String,
        ending: &'static str,
        text: String,
    },
    /// Text for the terminal's clipboard.
    Copy(String),
}

/// An entity in a mode, and what the engine says of it (or why it cannot).
pub type DetailKey = (EntityId, Mode);
pub type Detail = Result<EntityDetail, String>;

/// What is opened at the start.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    pub index: PathBuf,
    pub dataset: Option<PathBuf>,
    pub device: DeviceChoice,
    /// Indexes and runs to stand beside it in Compare.
    pub beside: Vec<PathBuf>,
}

/// The explorer.
pub struct App {
    pub settings: Settings,
    pub source: Source,
    pub size: Size,
    pub catalogue: Option<Arc<Catalogue>>,
    /// Why nothing could be opened.
    pub broken: Option<String>,

    pub screen: Screen,
    pub table: Table,
    pub compared: Compared,
    /// What Compare sets side by side.
    pub contenders: Contenders,
    pub comparisons: HashMap<[Evaluation; 2], Comparison>,
    pub(crate) comparing: Option<[Evaluation; 2]>,
    pub failures: FailureList,
    /// The queries that Compare, Failures and Metrics measure.
    pub seeds_measured: SeedCount,
    pub focus: Pane,
    pub typing: Option<Typing>,
    /// Whether the filter of the classes is being typed.
    pub filtering: bool,
    pub popup: Option<Popup>,
    pub popup_scroll: usize,
    pub palette: Palette,
    pub search: Search,
    pub themes: Themes,
    /// The keys of a sequence that is not whole yet.
    pub pending: Vec<Key>,
    pub(crate) jumps: Jumps,
    /// The place was come back to, which is no new jump.
    pub(crate) jumped: bool,
    pub tree: ClassTree,
    pub seeds: SeedSet,
    pub history: History,
    /// The chip in focus; one past the last is the place to add.
    pub chip: usize,

    pub mode: Mode,
    pub joint: bool,
    pub tuning: Tuning,
    /// The What-if popup's other side.
    pub unchanged: Option<Unchanged>,
    pub explaining: Explaining,
    pub named: Vec<NamedState>,
    /// The name being typed.
    pub naming: Field,
    pub told: Vec<String>,
    pub pasted: Vec<PastedName>,
    /// Whether candidates are shown as re-ranked.
    pub reranked: bool,
    pub tall: bool,
    pub filter: RowFilter,
    pub expansion: Option<Expansion>,
    /// The next expansion, until its first answer: what is there stays readable till then.
    pub(crate) coming: Option<Expansion>,
    /// The candidate under the cursor; none means the first, whoever it is.
    pub selected: Option<EntityId>,
    /// An entity looked at from elsewhere: a missing one, a neighbour.
    pub looking_at: Option<EntityId>,
    /// The first of the entity's pictures shown.
    pub picture: usize,
    pub entity_scroll: usize,
    pub entity_width: Option<u16>,
    pub(crate) dragging: bool,

    pub details: HashMap<DetailKey, Detail>,
    pub(crate) inspecting: Option<DetailKey>,
    pub first_pictures: HashMap<EntityId, Option<PathBuf>>,
    pub(crate) picturing: Vec<EntityId>,
    /// Each measured class.
    pub(crate) maps: HashMap<(Evaluation, ClassId), Measures>,
    /// Every evaluation that is done.
    pub overall: HashMap<Evaluation, Overall>,
    pub(crate) evaluating: Option<Evaluation>,
    /// What a screen wanted when the user stopped it.
    pub(crate) stopped: Option<(Screen, Vec<Evaluation>)>,

    pub asked: Asked,
    pub progress: HashMap<Kind, Progress>,
    pub notice: Option<Notice>,
    pub ticks: u64,
    pub view: View,
    pub wish: Option<Wish>,
    pub(crate) session: Option<Session>,
    /// A view to open in the place of the session's.
    pub(crate) file: Option<StateFile>,
    pub(crate) outbox: Vec<Request>,
}

impl App {
    /// An explorer that has opened nothing yet. A session, where there is one, is restored once the
    /// index is open.
    pub fn new(settings: Settings, source: Source, session: Option<Session>) -> Self {
        App {
            tall: settings.tall_rows,
            settings,
            size: Size::default(),
            catalogue: None,
            broken: None,
            screen: Screen::Explore,
            table: Table::default(),
            compared: Compared::default(),
            contenders: Contenders {
                coming: source.beside.clone(),
                ..Contenders::default()
            },
            comparisons: HashMap::new(),
            comparing: None,
            failures: FailureList::default(),
            seeds_measured: SeedCount::Three,
            focus: Pane::Classes,
            typing: None,
            filtering: false,
            popup: None,
            popup_scroll: 0,
            palette: Palette::default(),
            search: Search::default(),
            themes: Themes::default(),
            pending: Vec::new(),
            jumps: Jumps::default(),
            jumped: false,
            tree: ClassTree::default(),
            seeds: SeedSet::default(),
            history: History::default(),
            chip: 0,
            mode: Mode::Both,
            joint: false,
            tuning: Tuning::default(),
            unchanged: None,
            explaining: Explaining::default(),
            named: Vec::new(),
            naming: Field::default(),
            told: Vec::new(),
            pasted: Vec::new(),
            reranked: true,
            filter: RowFilter::All,
            expansion: None,
            coming: None,
            selected: None,
            looking_at: None,
            picture: 0,
            entity_scroll: 0,
            entity_width: None,
            dragging: false,
            details: HashMap::new(),
            inspecting: None,
            first_pictures: HashMap::new(),
            picturing: Vec::new(),
            maps: HashMap::new(),
            overall: HashMap::new(),
            evaluating: None,
            stopped: None,
            asked: Asked::default(),
            progress: HashMap::new(),
            notice: None,
            ticks: 0,
            view: View::default(),
            wish: None,
            source,
            session,
            file: None,
            outbox: Vec::new(),
        }
    }

    /// Has a view of a file opened once the index is.
    pub fn open_view(&mut self, file: StateFile) {
        self.file = Some(file);
    }

    /// The first request: open the index.
    pub fn start(&mut self) -> Vec<Request> {
        let Source {
            index,
            dataset,
            device,
            ..
        } = self.source.clone();
        self.ask(
            Kind::Open,
            Ask::Open {
                index,
                dataset,
                device,
            },
        );
        std::mem::take(&mut self.outbox)
    }

    /// Takes in one message; gives what the engine is to be asked.
    pub fn update(&mut self, msg: Msg) -> Vec<Request> {
        match msg {
            Msg::Key(key) => self.key(key),
            Msg::Mouse(event) => self.mouse(event),
            Msg::Paste(text) => self.paste(&text),
            Msg::Resize(size) => self.size = size,
            Msg::Reply(reply) => self.reply(reply),
            Msg::Tick => self.tick(),
            Msg::Drawn(view) => self.drawn(view),
        }
        self.inspect();
        self.measure_unchanged();
        std::mem::take(&mut self.outbox)
    }

    /// Whether ticks are needed: something runs, or a notice is to go.
    pub fn moves(&self) -> bool {
        self.asked.running().is_some() || self.notice.is_some()
    }

    /// Where keys go.
    pub fn context(&self) -> Context {
        match self.popup {
            _ if self.contenders.path.is_some() => Context::Path,
            _ if self.search.typing => Context::Searching,
            Some(Popup::Palette) => Context::Palette,
            Some(Popup::Explain) => Context::Explain,
            Some(Popup::WhatIf(_)) => Context::WhatIf,
            Some(Popup::Naming) => Context::Naming,
            Some(_) => Context::Popup,
            None => self.context_below(),
        }
    }

    /// Where keys go when no popup lies over the screen.
    pub(crate) fn context_below(&self) -> Context {
        if self.typing.is_some() {
            return Context::Typing;
        }
        if self.filtering {
            return Context::Filter;
        }
        match self.screen {
            Screen::Explore => {}
            Screen::Compare => return Context::Compare,
            Screen::Failures => return self.failures_context(),
            Screen::Metrics => return Context::Metrics,
        }
        match self.focus {
            Pane::Classes => Context::Classes,
            Pane::Seeds => Context::Seeds,
            Pane::Candidates => Context::Candidates,
            Pane::Entity => Context::Entity,
        }
    }

    /// What is to be there at the next start. None until the index is open.
    pub fn session(&self) -> Option<Session> {
        let catalogue = self.catalogue.as_ref()?;
        let mut folded: Vec<String> = self.tree.folded.iter().cloned().collect();
        folded.sort();
        Some(Session {
            expansion: ExpansionRecord {
                class: self.seeds.class.map(|c| catalogue.class(c).name.clone()),
                seeds: self.seeds.seeds.clone(),
                rejected: self.seeds.rejected.clone(),
                count: self.seeds.count,
                number: self.seeds.number,
                mode: Some(self.mode),
                joint: self.joint,
                tuning: self.tuning,
                reranked: self.reranked,
            },
            tall: self.tall,
            entity_width: self.entity_width,
            theme: self.themes.kept.clone(),
            folded,
            remarks: self
                .failures
                .remarks
                .iter()
                .map(|(key, remark)| (key.clone(), remark.clone()))
                .collect(),
            states: self
                .named
                .iter()
                .map(|n| NamedRecord {
                    name: n.name.clone(),
                    state: n.record.clone(),
                })
                .collect(),
            ..Session::default()
        })
    }

    /// Takes up the named states, marks and notes that another explorer wrote to the same session.
    pub fn merge_session(&mut self, merged: &Session) {
        let Some(catalogue) = self.catalogue.clone() else {
            return;
        };
        self.named = merged
            .states
            .iter()
            .map(|record| NamedState::from_record(record.clone(), &catalogue))
            .collect();
        self.failures.remarks = merged.remarks.iter().cloned().collect();
    }

    pub(crate) fn ask(&mut self, kind: Kind, ask: Ask) {
        let id = self.asked.start(kind);
        self.progress.remove(&kind);
        self.outbox.push(Request { id, ask });
    }

    fn tick(&mut self) {
        self.ticks += 1;
        if self.notice.as_ref().is_some_and(|n| n.until <= self.ticks) {
            self.notice = None;
        }
    }
}
