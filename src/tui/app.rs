//! The explorer's state, and how a message changes it: no I/O, no lock, no tensor.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::layout::Size;

use crate::config::{Context, Key, Settings};
use crate::engine::protocol::{
    Catalogue, EntityDetail, EvaluationKey, QueryComparison, Reply, Request, RequestKind,
};
use crate::progress::Progress;
use crate::types::{
    ClassId, DeviceChoice, EntityId, MetricValues, Mode, SearchSettings, SeedCount,
};

use crate::tui::persist::session::{ExpansionRecord, NamedRecord, SavedSession};
use crate::tui::persist::view_file::StateFile;
use crate::tui::ui::frame_info::FrameInfo;
use crate::tui::ui::screen::Screen;

use crate::tui::jump_list::JumpList;

use crate::tui::compare::CompareState;
use crate::tui::compare::rankers::Rankers;
use crate::tui::explore::class_tree::ClassTree;
use crate::tui::explore::expansion::{CandidateList, RowFilter};
use crate::tui::explore::query::History;
use crate::tui::explore::seeds::{SeedSet, Typing};
use crate::tui::failures::FailureList;
use crate::tui::metrics::{MetricsTable, Overall};
use crate::tui::notice::Notice;
use crate::tui::overlay::explain::tree::ExplainState;
use crate::tui::overlay::named_queries::NamedState;
use crate::tui::overlay::palette::Palette;
use crate::tui::overlay::pasted_names::PastedName;
use crate::tui::overlay::themes::ThemePicker;
use crate::tui::overlay::what_if::WhatIfBaseline;
use crate::tui::requests::{PendingRequests, RequestClass};
use crate::tui::search::ListSearch;
use crate::tui::text_input::TextInput;

/// Everything that can happen.
#[derive(Debug, Clone)]
pub enum Message {
    Key(KeyEvent),
    Mouse(MouseEvent),
    Paste(String),
    Resize(Size),
    Reply(Reply),
    /// Ten a second while something moves.
    Tick,
    /// A frame was drawn.
    Drawn(FrameInfo),
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
    Help(HelpScope),
    /// Gold entities that are not in the list; the cursor.
    Missing(usize),
    /// The forms to export in; the cursor.
    Export(usize),
    /// What can take part in a comparison; the cursor.
    Rankers(usize),
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
pub enum HelpScope {
    Screen,
    Explain,
    /// With the cursor there.
    WhatIf(usize),
}

impl HelpScope {
    /// What is there again once help is closed.
    pub fn popup(self) -> Option<Popup> {
        match self {
            HelpScope::Screen => None,
            HelpScope::Explain => Some(Popup::Explain),
            HelpScope::WhatIf(cursor) => Some(Popup::WhatIf(cursor)),
        }
    }
}

/// What the event loop is asked to do, since the app itself does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
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
pub struct ExploreOptions {
    pub index: PathBuf,
    pub dataset: Option<PathBuf>,
    pub device: DeviceChoice,
    /// Indexes and runs to stand beside it in Compare.
    pub beside: Vec<PathBuf>,
}

/// The explorer.
pub struct App {
    pub settings: Settings,
    pub source: ExploreOptions,
    pub size: Size,
    pub catalogue: Option<Arc<Catalogue>>,
    /// Why nothing could be opened.
    pub broken: Option<String>,

    pub screen: Screen,
    pub table: MetricsTable,
    pub compared: CompareState,
    /// What Compare sets side by side.
    pub contenders: Rankers,
    pub comparisons: HashMap<[EvaluationKey; 2], QueryComparison>,
    pub(crate) comparing: Option<[EvaluationKey; 2]>,
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
    pub search: ListSearch,
    pub themes: ThemePicker,
    /// The keys of a sequence that is not whole yet.
    pub pending: Vec<Key>,
    pub(crate) jumps: JumpList,
    /// The place was come back to, which is no new jump.
    pub(crate) jumped: bool,
    pub tree: ClassTree,
    pub seeds: SeedSet,
    pub history: History,
    /// The chip in focus; one past the last is the place to add.
    pub chip: usize,

    pub mode: Mode,
    pub joint: bool,
    pub tuning: SearchSettings,
    /// The What-if popup's other side.
    pub unchanged: Option<WhatIfBaseline>,
    pub explaining: ExplainState,
    pub named: Vec<NamedState>,
    /// The name being typed.
    pub naming: TextInput,
    pub told: Vec<String>,
    pub pasted: Vec<PastedName>,
    /// Whether candidates are shown as re-ranked.
    pub reranked: bool,
    pub tall: bool,
    pub filter: RowFilter,
    pub expansion: Option<CandidateList>,
    /// The next expansion, until its first answer: what is there stays readable till then.
    pub(crate) coming: Option<CandidateList>,
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
    pub(crate) maps: HashMap<(EvaluationKey, ClassId), MetricValues>,
    /// Every evaluation that is done.
    pub overall: HashMap<EvaluationKey, Overall>,
    pub(crate) evaluating: Option<EvaluationKey>,
    /// What a screen wanted when the user stopped it.
    pub(crate) stopped: Option<(Screen, Vec<EvaluationKey>)>,

    pub asked: PendingRequests,
    pub progress: HashMap<RequestClass, Progress>,
    pub notice: Option<Notice>,
    pub ticks: u64,
    pub view: FrameInfo,
    pub wish: Option<Effect>,
    pub(crate) session: Option<SavedSession>,
    /// A view to open in the place of the session's.
    pub(crate) file: Option<StateFile>,
    pub(crate) outbox: Vec<Request>,
}

impl App {
    /// An explorer that has opened nothing yet. A session, where there is one, is restored once the
    /// index is open.
    pub fn new(settings: Settings, source: ExploreOptions, session: Option<SavedSession>) -> Self {
        App {
            tall: settings.tall_rows,
            settings,
            size: Size::default(),
            catalogue: None,
            broken: None,
            screen: Screen::Explore,
            table: MetricsTable::default(),
            compared: CompareState::default(),
            contenders: Rankers {
                coming: source.beside.clone(),
                ..Rankers::default()
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
            search: ListSearch::default(),
            themes: ThemePicker::default(),
            pending: Vec::new(),
            jumps: JumpList::default(),
            jumped: false,
            tree: ClassTree::default(),
            seeds: SeedSet::default(),
            history: History::default(),
            chip: 0,
            mode: Mode::Both,
            joint: false,
            tuning: SearchSettings::default(),
            unchanged: None,
            explaining: ExplainState::default(),
            named: Vec::new(),
            naming: TextInput::default(),
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
            asked: PendingRequests::default(),
            progress: HashMap::new(),
            notice: None,
            ticks: 0,
            view: FrameInfo::default(),
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
        let ExploreOptions {
            index,
            dataset,
            device,
            ..
        } = self.source.clone();
        self.ask(
            RequestClass::Open,
            RequestKind::Open {
                index,
                dataset,
                device,
            },
        );
        std::mem::take(&mut self.outbox)
    }

    /// Takes in one message; gives what the engine is to be asked.
    pub fn update(&mut self, msg: Message) -> Vec<Request> {
        match msg {
            Message::Key(key) => self.key(key),
            Message::Mouse(event) => self.mouse(event),
            Message::Paste(text) => self.paste(&text),
            Message::Resize(size) => self.size = size,
            Message::Reply(reply) => self.reply(reply),
            Message::Tick => self.tick(),
            Message::Drawn(view) => self.drawn(view),
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
    pub fn session(&self) -> Option<SavedSession> {
        let catalogue = self.catalogue.as_ref()?;
        let mut folded: Vec<String> = self.tree.folded.iter().cloned().collect();
        folded.sort();
        Some(SavedSession {
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
            ..SavedSession::default()
        })
    }

    /// Takes up the named states, marks and notes that another explorer wrote to the same session.
    pub fn merge_session(&mut self, merged: &SavedSession) {
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

    pub(crate) fn ask(&mut self, kind: RequestClass, ask: RequestKind) {
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
