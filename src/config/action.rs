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
    Up "up" "one up",
    Down "down" "one down",
    PageUp "page-up" "one page up",
    PageDown "page-down" "one page down",
    First "first" "to the first",
    Last "last" "to the last",
    Open "open" "open what is under the cursor",
    Fold "fold" "fold or unfold the group",
    FoldAll "fold-all" "fold or unfold every group",
    Sort "sort" "sort by the next column",
    FilterClasses "filter-classes" "filter the classes by name",
    Left "left" "to the left",
    Right "right" "to the right",
    FocusLeft "focus-left" "pane on the left",
    FocusRight "focus-right" "pane on the right",
    FocusNext "focus-next" "next pane",
    FocusClasses "focus-classes" "classes pane, there and back",
    FocusEntity "focus-entity" "entity pane, there and back",
    AddSeed "add-seed" "type a seed",
    Accept "accept" "take the highlighted entity",
    Erase "erase" "erase a letter, or the last seed",
    Remove "remove" "remove the seed",
    Seed "seed" "make the candidate a seed",
    Reject "reject" "reject the candidate",
    Undo "undo" "undo a change of seeds or settings",
    Redo "redo" "redo it",
    PreviousQuery "previous-query" "the class's previous query",
    NextQuery "next-query" "the class's next query",
    SeedCount "seed-count" "queries of 3 or of 5 seeds",
    Mode "mode" "mode: both, text, image",
    Joint "joint" "alone, or jointly with every class",
    Rerank "rerank" "order before or after re-ranking",
    Filter "filter" "show all, hits, misses, moved",
    TallRows "tall" "compact or tall rows",
    Missing "missing" "gold that is not in the list",
    Explain "explain" "why it stands where it stands",
    ExplainSecond "explain-beside" "why, beside the one explained last",
    PreviousSecond "previous-beside" "the one before as the second",
    NextSecond "next-beside" "the next candidate as the second",
    WhatIf "what-if" "what if: settings and their effect",
    ResetQuery "unchanged" "back to the class's own query",
    SaveQuery "name-state" "give the present state a name",
    NamedQueries "states" "named states, to come back to",
    SaveView "save-view" "write the view to a file, for --open",
    PreviousImage "previous-picture" "previous picture",
    NextImage "next-picture" "next picture",
    Zoom "zoom" "picture on the full screen",
    Close "close" "close, or leave the field",
    Explore "explore" "Explore: seeds and candidates",
    Compare "compare" "Compare: rankings side by side",
    Failures "failures" "Failures: what is wrong, and why",
    Metrics "metrics" "Metrics: every class, every mode",
    Rankers "contenders" "choose the rankers to compare",
    NextReference "against" "compare with the next reference",
    ScrollDown "scroll-down" "scroll the rankings down",
    ScrollUp "scroll-up" "scroll the rankings up",
    ReverseOrder "reverse" "sort the other way round",
    NextMetric "measure" "next measure: MAP@10 … P@100",
    Queries "queries" "single queries, or their classes",
    Ranking "ranking" "lists expanded, by seeds, or jointly",
    Group "group" "group by class, tag or entity",
    FailureKinds "kinds" "all failures, false positives, missed",
    Tag "tag" "only failures of the next tag",
    Cutoff "cutoff" "false positives above 10, 20, 50, 100",
    FilterList "filter-list" "filter by name of entity or class",
    Confusion "confusion" "the confusion matrix, or the list",
    RollUp "roll-up" "the matrix of fine, middle, coarse classes",
    Mark "mark" "mark the failure, or unmark it",
    OnlyMarked "marked" "only marked failures",
    Annotate "note" "write a note on the failure",
    StopEvaluation "stop-evaluation" "stop the evaluation, or have it go on",
    Export "export" "write what is shown to a file",
    Palette "palette" "find any action by its name",
    Search "search" "search in the list",
    NextMatch "next-match" "next match",
    PreviousMatch "previous-match" "previous match",
    Back "back" "back to the place before",
    Forward "forward" "forward again",
    Copy "copy" "copy the name under the cursor",
    CopyList "copy-list" "copy every name of the list",
    CopySeeds "copy-seeds" "copy the seeds, with commas between",
    Theme "theme" "choose the colours",
    EraseWord "erase-word" "erase the last word",
    EraseAll "erase-all" "erase all that was typed",
    LineStart "line-start" "to the start of the text",
    LineEnd "line-end" "to the end of the text",
    Help "help" "these keys",
    Redraw "redraw" "draw the screen anew",
    Suspend "suspend" "to the shell (fg comes back)",
    Quit "quit" "leave multiexpan",
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
