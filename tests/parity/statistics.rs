//! p-values beside those of scipy and statsmodels.

use multiexpan::eval::{holm, paired_test};
use multiexpan::types::ClassId;
use serde::Deserialize;

const TOLERANCE: f64 = 1e-9;

#[derive(Deserialize)]
struct Expected {
    cases: Vec<Case>,
    holm: Vec<Family>,
}

/// Differences of each class's queries, and what others make of them.
#[derive(Deserialize)]
struct Case {
    name: String,
    classes: Vec<Vec<f64>>,
    difference: f64,
    /// By all sign flips of classes; none where these are too many to count.
    randomisation: Option<f64>,
    scipy_randomisation: Option<f64>,
    cluster_t: f64,
    /// Of the classes' means; none where classes are unequal.
    paired_t: Option<f64>,
}

#[derive(Deserialize)]
struct Family {
    p: Vec<f64>,
    holm: Vec<f64>,
}

fn read() -> Expected {
    let path = super::own_golden().join("statistics/values.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn differences(case: &Case) -> Vec<(ClassId, f64)> {
    let numbered = (0..).map(ClassId).zip(&case.classes);
    numbered
        .flat_map(|(class, values)| values.iter().map(move |value| (class, *value)))
        .collect()
}

#[test]
fn p_values_are_those_of_scipy_and_statsmodels() {
    let (mut exact, mut paired) = (0, 0);
    for case in read().cases {
        let found = paired_test(&differences(&case)).unwrap();
        let near = |what: &str, found: f64, wanted: f64| {
            assert!(
                (found - wanted).abs() <= TOLERANCE,
                "{what} of “{}” is {found}, not {wanted}",
                case.name
            );
        };
        near("the difference", found.difference, case.difference);
        near("the cluster-robust t-test", found.p_t, case.cluster_t);
        if let Some(wanted) = case.paired_t {
            near("the paired t-test", found.p_t, wanted);
            paired += 1;
        }
        for wanted in case.randomisation.iter().chain(&case.scipy_randomisation) {
            near("the randomisation test", found.p, *wanted);
            exact += 1;
        }
        assert!(
            found.low <= found.difference && found.difference <= found.high,
            "{found:?}"
        );
        assert_eq!(found.wins + found.ties + found.losses, case.classes.len());
    }
    assert!(exact >= 8 && paired >= 5, "{exact} {paired}");
}

#[test]
fn a_very_small_p_is_small_and_not_nothing() {
    let cases = read().cases;
    let case = cases
        .iter()
        .min_by(|a, b| a.cluster_t.total_cmp(&b.cluster_t))
        .unwrap();
    let found = paired_test(&differences(case)).unwrap().p_t;
    assert!(
        case.cluster_t < 1e-20 && (found / case.cluster_t - 1.0).abs() < 1e-6,
        "{found}, not {}",
        case.cluster_t
    );
}

#[test]
fn many_sign_flips_are_near_the_t_test() {
    // 46 classes: at random, and of a mean of so many the two tests agree
    let cases = read().cases;
    let case = cases
        .iter()
        .find(|case| case.name == "many classes")
        .unwrap();
    let found = paired_test(&differences(case)).unwrap();
    assert!(
        found.p > 0.0 && (found.p - case.cluster_t).abs() < 5e-4,
        "{found:?}"
    );
}

#[test]
fn holm_is_that_of_statsmodels() {
    for family in read().holm {
        for (found, wanted) in holm(&family.p).iter().zip(&family.holm) {
            assert!(
                (found - wanted).abs() <= TOLERANCE,
                "{:?}: {found}, not {wanted}",
                family.p
            );
        }
    }
    assert!(holm(&[]).is_empty());
}
