//! p-values, compared with those of scipy and statsmodels.

use multiexpan::eval::{holm, paired_test};
use multiexpan::types::ClassId;
use serde::Deserialize;

const TOLERANCE: f64 = 1e-9;

#[derive(Deserialize)]
struct Expected {
    cases: Vec<Case>,
    holm: Vec<Family>,
}

/// The differences of each class's queries, and the results of other programs for them.
#[derive(Deserialize)]
struct Case {
    name: String,
    classes: Vec<Vec<f64>>,
    difference: f64,
    /// The p-value over all sign flips of classes; `None` if these are too many to enumerate.
    randomisation: Option<f64>,
    scipy_randomisation: Option<f64>,
    cluster_t: f64,
    /// The p-value of the classes' means; `None` if classes have different sizes.
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
        let assert_near = |what: &str, found: f64, expected_value: f64| {
            assert!(
                (found - expected_value).abs() <= TOLERANCE,
                "{what} of “{}” is {found}, not {expected_value}",
                case.name
            );
        };
        assert_near("the difference", found.difference, case.difference);
        assert_near("the cluster-robust t-test", found.p_t, case.cluster_t);
        if let Some(expected_value) = case.paired_t {
            assert_near("the paired t-test", found.p_t, expected_value);
            paired += 1;
        }
        for expected_value in case.randomisation.iter().chain(&case.scipy_randomisation) {
            assert_near("the randomisation test", found.p, *expected_value);
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
    // 46 classes are tested with random flips; for a mean of so many the two tests agree
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
        for (found, expected_value) in holm(&family.p).iter().zip(&family.holm) {
            assert!(
                (found - expected_value).abs() <= TOLERANCE,
                "{:?}: {found}, not {expected_value}",
                family.p
            );
        }
    }
    assert!(holm(&[]).is_empty());
}
