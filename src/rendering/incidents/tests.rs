use events::InboxId;

use super::*;

#[test]
fn the_name_of_an_incident_is_read_as_it_is_written() {
    assert_eq!(parse_id("inbox-42-3"), Some((Subject::Inbox(InboxId(42)), 3)));
    for text in ["", "inbox-42", "inbox-x-1", "moon-1-1", "app-2"] {
        assert_eq!(parse_id(text), None, "{text}");
    }
}
