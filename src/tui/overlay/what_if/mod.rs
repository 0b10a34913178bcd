//! The What-if popup: the settings of the search one by one, and the metrics of the class's own
//! query to compare with.

mod draw;

use crate::engine::protocol::{ExpandRequest, RequestKind};
use crate::tui::explore::query::ExpansionQuery;
use crate::tui::message::Effect;
use crate::tui::requests::RequestClass;
use crate::tui::shared::Shared;
use crate::tui::ui::scroll::shifted;
use crate::types::{MetricValues, SearchSettings};

/// A setting that the popup changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    Mode,
    Ranking,
    Window,
    Reranking,
}

impl Setting {
    pub const ALL: [Setting; 4] = [
        Setting::Mode,
        Setting::Ranking,
        Setting::Window,
        Setting::Reranking,
    ];
}

/// The window sizes to choose from; `None` is the published one.
const WINDOWS: [Option<u32>; 8] = [
    None,
    Some(1),
    Some(2),
    Some(3),
    Some(5),
    Some(8),
    Some(12),
    Some(16),
];

/// The weights of rank and divergence in the re-ranking to choose from, from no re-ranking to
/// divergence alone; `None` are the published ones.
const WEIGHTS: [Option<[u32; 2]>; 6] = [
    None,
    Some([1, 0]),
    Some([3, 1]),
    Some([1, 1]),
    Some([1, 3]),
    Some([0, 1]),
];

/// The class's own query, and its metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct WhatIfBaseline {
    pub request: ExpandRequest,
    /// The metrics before and after re-ranking; `None` until they arrive.
    pub metrics: Option<(MetricValues, MetricValues)>,
}

/// The What-if popup.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WhatIf {
    pub(crate) cursor: usize,
    /// The query that the present one is compared with; `None` without a class.
    pub baseline: Option<WhatIfBaseline>,
}

impl WhatIf {
    pub(crate) fn step(&mut self, by: isize) {
        self.cursor = shifted(self.cursor, by, Setting::ALL.len());
    }

    /// Returns the setting under the cursor.
    pub(crate) fn setting(&self) -> Setting {
        Setting::ALL[self.cursor.min(Setting::ALL.len() - 1)]
    }

    /// Requests the metrics of the class's own query, unless they are requested already.
    pub(crate) fn request_baseline(
        &mut self,
        query: &ExpansionQuery,
        shared: &Shared,
    ) -> Vec<Effect> {
        let Some(catalogue) = &shared.catalogue else {
            return Vec::new();
        };
        let unchanged = query.unchanged(catalogue);
        let request = unchanged.request(catalogue, shared.settings.candidates);
        let Some(request) = request.filter(|request| request.class.is_some()) else {
            self.baseline = None;
            return Vec::new();
        };
        let known = self.baseline.as_ref();
        if known.is_some_and(|baseline| baseline.request == request) {
            return Vec::new();
        }
        self.baseline = Some(WhatIfBaseline {
            request: request.clone(),
            metrics: None,
        });
        let request = RequestKind::Measure(request);
        vec![Effect::Send(RequestClass::Measure, request)]
    }

    /// Adds the metrics of the class's own query, before and after re-ranking.
    pub(crate) fn add_metrics(&mut self, picked: MetricValues, reranked: MetricValues) {
        if let Some(baseline) = &mut self.baseline {
            baseline.metrics = Some((picked, reranked));
        }
    }
}

/// Returns the search settings with the next or previous value of the window or the re-ranking.
pub(crate) fn next_settings(
    setting: Setting,
    settings: SearchSettings,
    by: isize,
) -> SearchSettings {
    match setting {
        Setting::Window => SearchSettings {
            window: next_value(&WINDOWS, settings.window, by),
            ..settings
        },
        Setting::Reranking => SearchSettings {
            weights: next_value(&WEIGHTS, settings.weights, by),
            ..settings
        },
        Setting::Mode | Setting::Ranking => settings,
    }
}

/// Returns the value `by` places after the present one, starting again at the end. After a value
/// that is not in the list comes the first.
fn next_value<T: Copy + PartialEq>(values: &[T], present: T, by: isize) -> T {
    let index = values.iter().position(|&value| value == present);
    let next = match index {
        Some(index) => (index as isize + by).rem_euclid(values.len() as isize) as usize,
        None => 0,
    };
    values.get(next).copied().unwrap_or(present)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_repeat_after_the_last() {
        assert_eq!(next_value(&WINDOWS, None, 1), Some(1));
        assert_eq!(next_value(&WINDOWS, None, -1), Some(16));
        assert_eq!(
            next_value(&WINDOWS, Some(7), 1),
            None,
            "a value from a view file"
        );
        assert_eq!(next_value(&[] as &[u8], 3, 1), 3);
    }
}
