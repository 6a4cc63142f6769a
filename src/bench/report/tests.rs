use super::*;

#[test]
fn numbers_are_grouped_by_three() {
    assert_eq!(number(1_234_567.4), "1,234,567");
    assert_eq!(number(999.0), "999");
    assert_eq!(number(0.5), "0.50");
}

#[test]
fn the_median_is_the_middle_one() {
    assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    assert!((median(&[4.0, 1.0]) - 1.0).abs() < f64::EPSILON);
}

#[test]
fn a_ratio_is_the_median_of_the_rounds_own_ratios() {
    let figure = against("f", "/s", "y", &[(1.0, 4.0), (3.0, 4.0), (2.0, 4.0)], ("half", 0.5));
    assert_eq!((figure.ratio, figure.met), (Some(0.5), true));
}
