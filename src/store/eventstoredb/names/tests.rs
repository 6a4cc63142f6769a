use super::*;

#[test]
fn only_streams_of_our_categories_and_namespace_are_ours() {
    let (plain, acme) = (Names::new(None), Names::new(Some("acme")));
    let inbox = StreamName::new(Category::Inbox, 42);
    assert_eq!(plain.on_server(&inbox), "inbox-42");
    assert_eq!(acme.on_server(&inbox), "acme_inbox-42");
    assert_eq!(plain.ours("inbox-42"), Some(inbox.clone()));
    assert_eq!(acme.ours("acme_inbox-42"), Some(inbox));
    for foreign in ["acme_inbox-42", "$stats-127.0.0.1:2113", "order-7", "inbox", "$$inbox-42"] {
        assert_eq!(plain.ours(foreign), None, "{foreign}");
    }
    for foreign in ["inbox-42", "other_inbox-42", "acme_order-7"] {
        assert_eq!(acme.ours(foreign), None, "{foreign}");
    }
}

#[test]
fn a_name_may_go_on_with_hyphens() {
    let names = Names::new(None);
    let name = names.ours("request-8c9d-4a-ß").unwrap();
    assert_eq!(name.as_str(), "request-8c9d-4a-ß");
}

#[test]
fn a_name_that_follows_itself_is_shared() {
    let names = Names::new(Some("acme"));
    let mut reader = names.reader();
    let mut read = |name| reader.ours(name).unwrap();
    let (one, again) = (read("acme_inbox-42"), read("acme_inbox-42"));
    assert_eq!(one.as_str().as_ptr(), again.as_str().as_ptr());
    assert_eq!(read("acme_inbox-4").as_str(), "inbox-4");
    assert_eq!(names.reader().ours("inbox-42"), None);
}

#[test]
fn the_mark_is_named_after_its_owner_and_is_no_part_of_the_log() {
    for (namespace, name) in [(None, "relink_begin"), (Some("acme"), "acme_begin")] {
        let names = Names::new(namespace);
        assert_eq!(names.on_server(&names.mark()), name);
        assert_eq!(names.ours(name), None);
    }
}
