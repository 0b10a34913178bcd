//! The actions of keys. One list defines the enum, the names in `config.toml`, and the lines of
//! help.

macro_rules! actions {
    ($($variant:ident $name:literal $help:literal,)*) => {
        /// An action of a key, as plain data. The focused component decides what it does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action { $(#[doc = $help] $variant,)* }

        impl Action {
            /// All actions in the order of help.
            pub const ALL: &[Action] = &[$(Action::$variant,)*];

            /// Returns the name in `config.toml`.
            pub fn name(self) -> &'static str {
                match self { $(Action::$variant => $name,)* }
            }

            /// Returns the line of help.
            pub fn help(self) -> &'static str {
                match self { $(Action::$variant => $help,)* }
            }
        }
    };
}

actions! {
    Up "up" "move up",
    Down "down" "move down",
    PageUp "page-up" "move one page up",
    PageDown "page-down" "move one page down",
    First "first" "move to the first row",
    Last "last" "move to the last row",
    Open "open" "open the selected row",
    Fold "fold" "fold or unfold the group",
    FoldAll "fold-all" "fold or unfold all groups",
    Sort "sort" "sort by the next column",
    FilterClasses "filter-classes" "filter the classes by name",
    Left "left" "move left",
    Right "right" "move right",
    FocusLeft "focus-left" "focus the pane on the left",
    FocusRight "focus-right" "focus the pane on the right",
    FocusNext "focus-next" "focus the next pane",
    FocusClasses "focus-classes" "focus the classes, or go back",
    FocusEntity "focus-entity" "focus the entity, or go back",
    AddSeed "add-seed" "add a seed by its name",
    Accept "accept" "accept the text or suggestion",
    Erase "erase" "erase a character, or the last seed",
    Remove "remove" "remove the seed",
    AcceptCandidate "accept-candidate" "accept the candidate as a member",
    Seed "seed" "make the candidate a seed",
    Reject "reject" "reject the candidate",
    Undo "undo" "undo a change of seeds or settings",
    Redo "redo" "redo the change",
    PreviousQuery "previous-query" "open the class's previous query",
    NextQuery "next-query" "open the class's next query",
    SeedCount "seed-count" "switch between 3 and 5 seeds",
    Mode "mode" "switch the mode: both, text, image",
    Ranking "ranking" "by feedback, window, seeds or joint",
    Rerank "rerank" "before or after the re-ranking",
    Filter "filter" "show all, hits, misses or moved",
    TallRows "tall" "switch between compact and tall rows",
    Missing "missing" "list the missing gold entities",
    Explain "explain" "explain the entity's rank",
    ExplainSecond "explain-beside" "compare with the last explanation",
    PreviousSecond "previous-beside" "compare with the previous candidate",
    NextSecond "next-beside" "compare with the next candidate",
    WhatIf "what-if" "change settings and see their effect",
    ResetQuery "unchanged" "reset to the class's own query",
    SaveQuery "name-state" "save the query under a name",
    NamedQueries "states" "list the named queries",
    SaveView "save-view" "save the view to a file, for --open",
    PreviousImage "previous-picture" "show the previous picture",
    NextImage "next-picture" "show the next picture",
    Zoom "zoom" "show the picture on the full screen",
    Close "close" "close, or leave the field",
    Explore "explore" "Explore: seeds and candidates",
    Compare "compare" "Compare: rankings side by side",
    Failures "failures" "Failures: errors and their reasons",
    Metrics "metrics" "Metrics: every class in every mode",
    Rankers "contenders" "choose the rankers to compare",
    NextReference "against" "compare with the next reference",
    ScrollDown "scroll-down" "scroll the rankings down",
    ScrollUp "scroll-up" "scroll the rankings up",
    ReverseOrder "reverse" "reverse the sort order",
    NextMetric "measure" "show the next metric: MAP@10 … P@100",
    Queries "queries" "switch between queries and classes",
    Group "group" "group by class, tag or entity",
    FailureKinds "kinds" "all, false positives, or missed",
    Tag "tag" "show only the next tag",
    Cutoff "cutoff" "change the cutoff: 10, 20, 50, 100",
    FilterList "filter-list" "filter by entity or class name",
    Confusion "confusion" "toggle the confusion matrix",
    RollUp "roll-up" "group the matrix by coarser classes",
    Mark "mark" "mark or unmark the failure",
    OnlyMarked "marked" "show only marked failures",
    Annotate "note" "write a note on the failure",
    StopEvaluation "stop-evaluation" "stop or continue the evaluation",
    Export "export" "export the table to a file",
    Palette "palette" "find an action by its name",
    Search "search" "search in the list",
    NextMatch "next-match" "go to the next match",
    PreviousMatch "previous-match" "go to the previous match",
    Back "back" "go back",
    Forward "forward" "go forward",
    Copy "copy" "copy the name under the cursor",
    CopyList "copy-list" "copy all names of the list",
    CopySeeds "copy-seeds" "copy the seeds, separated by commas",
    Theme "theme" "choose a theme",
    EraseWord "erase-word" "erase the last word",
    EraseAll "erase-all" "erase the whole text",
    LineStart "line-start" "move to the start of the text",
    LineEnd "line-end" "move to the end of the text",
    Help "help" "show the keys",
    Redraw "redraw" "redraw the screen",
    Suspend "suspend" "suspend (fg resumes)",
    Quit "quit" "quit multiexpan",
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_distinct_and_every_action_has_help() {
        let names: HashSet<_> = Action::ALL.iter().map(|a| a.name()).collect();
        assert_eq!(names.len(), Action::ALL.len());
        assert!(Action::ALL.iter().all(|a| !a.help().is_empty()));
    }
}
