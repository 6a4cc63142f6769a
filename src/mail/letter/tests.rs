use serde_json::{Value, json};

use super::*;

fn facts(changes: Value) -> Facts {
    let mut facts = json!({
        "to": ["a@acme.test"],
        "locale": null,
        "account": { "id": 1, "name": "Acme" },
        "inbox": { "id": 42, "name": "Support", "channel_type": "Channel::Whatsapp" },
        "reason": {
            "cause": "errors", "class": "auth", "provider": "meta", "code": "190",
            "message": "The session has been invalidated",
        },
        "since": "2026-11-21T12:00:00.000Z",
        "until": null,
        "evidence_count": 2,
        "event": "inbox_disconnected",
    });
    facts.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    serde_json::from_value(facts).unwrap()
}

fn letter(changes: Value) -> Letter {
    compose(&facts(changes), Some(&"https://chat.example.com/".parse().unwrap()))
}

#[test]
fn a_mail_says_what_broke_why_since_when_how_often_and_where_to_act() {
    let Letter { subject, text, html } = letter(json!({}));
    assert_eq!(subject, "Your Whatsapp connection has expired");
    assert_eq!(
        text,
        "An inbox has lost its connection. Somebody must authorize it again.\n\n\
         Inbox: Support (Whatsapp)\n\
         Account: Acme\n\
         Reason: meta 190: The session has been invalidated\n\
         Since: 2026-11-21 12:00 UTC\n\
         Failed calls counted: 2\n\n\
         Authorize it again: https://chat.example.com/app/accounts/1/settings/inboxes/42\n"
    );
    for part in ["Support (Whatsapp)", "meta 190: The session", "2026-11-21 12:00 UTC"] {
        assert!(html.contains(part), "{html}");
    }
    let href = r#"<a href="https://chat.example.com/app/accounts/1/settings/inboxes/42">"#;
    assert!(html.contains(href), "{html}");
}

#[test]
fn case_121_the_subjects_are_those_of_chatwoot() {
    for (channel_type, subject) in [
        ("FacebookPage", "Your Facebook page connection has expired"),
        ("Instagram", "Your Instagram connection has expired"),
        ("Tiktok", "Your TikTok connection has expired"),
        ("Whatsapp", "Your Whatsapp connection has expired"),
        (
            "Email",
            "Your email inbox has been disconnected. Please update the credentials for SMTP/IMAP",
        ),
        ("Line", "Your Line connection has expired"),
    ] {
        let channel_type = format!("Channel::{channel_type}");
        let inbox = json!({ "id": 1, "name": "x", "channel_type": channel_type });
        assert_eq!(letter(json!({ "inbox": inbox })).subject, subject);
    }
}

#[test]
fn a_second_mail_says_that_it_is_over() {
    let changes = json!({
        "event": "inbox_reconnected", "reason": null, "until": "2026-11-21T13:05:00.000Z",
    });
    let Letter { subject, text, .. } = letter(changes);
    assert_eq!(subject, "Your Whatsapp connection works again");
    assert!(text.contains("Until: 2026-11-21 13:05 UTC\n"), "{text}");
    assert!(!text.contains("Reason"), "{text}");
}

#[test]
fn it_is_written_in_the_language_of_the_account() {
    for locale in ["pt_BR", "pt", "PT-br"] {
        let Letter { subject, text, html } = letter(json!({ "locale": locale }));
        assert_eq!(subject, "A sua conexão com o Whatsapp expirou");
        assert!(text.contains("Desde: 2026-11-21 12:00 UTC\n"), "{text}");
        assert!(html.contains("<html lang=\"pt-BR\">"), "{html}");
    }
    for locale in ["en", "de", "ptx"] {
        let subject = letter(json!({ "locale": locale })).subject;
        assert_eq!(subject, "Your Whatsapp connection has expired", "{locale}");
    }
}

#[test]
fn what_others_wrote_is_text_and_stays_in_its_place() {
    let changes = json!({
        "account": { "id": 1, "name": "A & B" },
        "inbox": {
            "id": 42, "name": "<script>'x\"\r\nBcc: m@x.test", "channel_type": "Channel::<b>",
        },
    });
    let Letter { text, html, .. } = letter(changes);
    assert!(!html.contains("<script>") && !html.contains("<b>"), "{html}");
    assert!(html.contains("&lt;script&gt;&#39;x&quot;") && html.contains("A &amp; B"), "{html}");
    assert!(text.contains("Inbox: <script>'x\" Bcc: m@x.test (<b>)\n"), "{text}");
}

#[test]
fn without_a_dashboard_there_is_no_link_and_without_a_reason_none_is_made_up() {
    let Letter { text, html, .. } = compose(&facts(json!({ "reason": null })), None);
    assert!(text.contains("Reason: not told\n"), "{text}");
    assert!(!text.contains("http") && !html.contains("href"), "{html}");
}

fn about(key: &str, subject: Value, more: Value) -> Letter {
    let mut facts = serde_json::to_value(json!({
        "to": ["a@acme.test"], "locale": null, "account": { "id": 1, "name": "Acme" },
        "reason": { "message": "gone" }, "since": "2026-11-21T12:00:00.000Z", "until": null,
        "evidence_count": 2, "event": "x",
    }))
    .unwrap();
    facts[key] = subject;
    facts.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let facts = serde_json::from_value(facts).unwrap();
    compose(&facts, Some(&"https://chat.example.com/".parse().unwrap()))
}

#[test]
fn case_121_so_are_those_of_hooks_and_rules() {
    let hook = |app: &str| json!({ "id": 3, "app_id": app, "inbox_id": null });
    let rule = json!({ "id": 5, "name": "Label them" });
    for (key, of, subject, place) in [
        ("hook", hook("slack"), "Your Slack integration has expired", "integrations/slack"),
        (
            "hook",
            hook("dialogflow"),
            "Your Dialogflow integration was disconnected",
            "integrations/dialogflow",
        ),
        ("hook", hook("openai"), "Your OpenAI integration was disconnected", "integrations/openai"),
        ("rule", rule, "Automation rule disabled due to validation errors.", "automation/list"),
    ] {
        let letter = about(key, of.clone(), json!({}));
        assert_eq!(letter.subject, subject);
        let link = format!("https://chat.example.com/app/accounts/1/settings/{place}");
        for part in [link.as_str(), "Reason: gone", "Since: 2026", "counted: 2"] {
            assert!(letter.text.contains(part), "{part}: {}", letter.text);
        }
        assert!(letter.html.contains(&link), "{}", letter.html);
        let over = about(key, of, json!({ "until": "2026-11-21T13:05:00.000Z", "locale": "pt" }));
        assert!(over.text.contains("Desde: ") && over.text.contains("Até: "), "{}", over.text);
        assert_ne!(over.subject, subject);
    }
    let letter = about("rule", json!({ "id": 5, "name": "Label <them>" }), json!({}));
    assert!(letter.text.contains("Automation rule: Label <them>\n"), "{}", letter.text);
    assert!(letter.html.contains("Label &lt;them&gt;"), "{}", letter.html);
}

#[test]
fn the_end_of_a_credential_is_told_ahead() {
    let ends = json!({ "expires_at": "2026-12-21T12:00:00.000Z", "reason": null });
    let hook = json!({ "id": 3, "app_id": "linear", "inbox_id": null });
    let Letter { subject, text, .. } = about("hook", hook, ends.clone());
    assert_eq!(subject, "Your Linear integration expires soon");
    assert!(text.contains("Ends: 2026-12-21 12:00 UTC\n") && !text.contains("Reason"), "{text}");
    let inbox = json!({ "id": 42, "name": "Support", "channel_type": "Channel::Instagram" });
    let subject = about("inbox", inbox, ends).subject;
    assert_eq!(subject, "Your Instagram connection expires soon");
}
