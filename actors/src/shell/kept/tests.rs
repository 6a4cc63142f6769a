use super::*;

#[test]
fn a_state_is_packed_once_at_a_time_and_again_when_that_is_over() {
    let under_way = Arc::default();
    let first = Packing::begin(&under_way);
    assert!(first.is_some() && Packing::begin(&under_way).is_none());
    drop(first);
    assert!(Packing::begin(&under_way).is_some());
}
