//! The suite that every store passes unchanged, so that the memory store cannot lie.
//!
//! The store under test may be a server that others write to as well: every case has streams of
//! its own and assumes neither an empty log nor positions without gaps.

pub mod append;
pub mod follow;
pub mod race;
pub mod read;
pub mod repeat;
pub mod truncate;
mod writer;

use std::sync::Arc;

use super::EventStore;

use writer::Writer;

/// Runs every case, each on what `open` gives it.
///
/// # Panics
/// In the first case that the store does not keep.
pub async fn verify(open: impl AsyncFn() -> Arc<dyn EventStore>) {
    append::a_new_stream_begins_at_revision_zero(open().await).await;
    append::a_new_stream_is_refused_where_one_exists(open().await).await;
    append::the_exact_revision_is_accepted(open().await).await;
    append::a_stale_revision_is_refused(open().await).await;
    append::a_future_revision_is_refused(open().await).await;
    append::a_missing_stream_has_no_revision(open().await).await;
    append::a_refused_append_writes_nothing(open().await).await;
    append::a_batch_gets_consecutive_revisions_and_growing_positions(open().await).await;
    append::an_empty_append_is_refused(open().await).await;
    append::an_append_over_the_limit_is_refused_before_writing(open().await).await;
    append::an_append_at_the_limit_is_written(open().await).await;

    race::of_two_racers_one_wins(open().await).await;
    race::of_many_racers_one_wins_each_round(open().await).await;
    race::appends_to_different_streams_all_land(open().await).await;

    repeat::a_repeated_append_is_answered_as_the_first_was(open().await).await;
    repeat::a_repeated_beginning_is_recognised(open().await).await;
    repeat::an_overlap_that_goes_on_differently_is_refused(open().await).await;
    repeat::an_append_that_is_longer_than_what_was_written_is_refused(open().await).await;
    repeat::a_repeat_is_recognised_after_others_wrote(open().await).await;
    repeat::an_id_is_written_again_where_the_belief_is_right(open().await).await;
    repeat::a_repeat_in_another_stream_is_no_repeat(open().await).await;

    read::a_stream_is_read_upwards_in_pages(open().await).await;
    read::a_stream_is_read_downwards_in_pages(open().await).await;
    read::a_page_ends_with_its_stream(open().await).await;
    read::a_missing_stream_is_empty(open().await).await;
    read::streams_do_not_mix(open().await).await;
    read::the_log_is_read_in_the_order_of_writing(open().await).await;
    read::a_page_of_the_log_is_behind_its_position_and_limited(open().await).await;
    read::a_page_has_at_most_its_maximum(open().await).await;
    read::a_page_is_short_only_at_the_end_or_when_it_is_large(open().await).await;
    read::the_head_is_the_last_position(open().await).await;
    read::a_record_is_found_at_its_position(open().await).await;
    read::every_field_comes_back_as_it_was_written(open().await).await;
    read::large_records_come_back_as_they_were_written(open().await).await;
    read::the_chain_holds_over_what_was_read(open().await).await;

    truncate::a_truncated_stream_begins_with_what_is_left(open().await).await;
    truncate::reading_downwards_ends_at_the_bound(open().await).await;
    truncate::the_chain_goes_on_from_the_bound(open().await).await;
    truncate::appends_go_on_behind_a_truncated_stream(open().await).await;
    truncate::truncating_less_changes_nothing(open().await).await;
    truncate::the_last_record_stays(open().await).await;
    truncate::what_was_removed_is_not_written_again(open().await).await;
    truncate::the_log_still_shows_what_is_left(open().await).await;

    follow::growth_wakes_who_waits(open().await).await;
    follow::growth_that_has_happened_is_not_waited_for(open().await).await;
    follow::a_follower_is_told_once_that_it_caught_up(open().await).await;
    follow::a_follower_resumes_without_gap_or_repetition(open().await).await;
    follow::a_follower_sees_what_is_written_meanwhile(open().await).await;
}
