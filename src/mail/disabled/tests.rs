use serde_json::{Value, json};

use super::*;

fn letter(changes: Value) -> Letter {
    let mut facts = json!({
        "to": ["a@acme.test"],
        "locale": null,
        "account": { "id": 1, "name": "Acme" },
        "webhook": {
            "id": 7, "inbox_id": null, "name": "CRM", "url": "https://crm.example/hook?key=secret",
        },
        "rule": "failing",
        "detail": "nothing but failures since 2026-11-16T12:00:00Z, first: it answered 500",
        "since": "2026-11-16T12:00:00.000Z",
        "disabled_at": "2026-11-21T12:00:00.000Z",
        "held": 12,
        "event": "webhook_disabled",
    });
    facts.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let facts = serde_json::from_value(facts).unwrap();
    compose(&facts, Some(&"https://chat.example.com/".parse().unwrap()))
}

#[test]
fn a_mail_says_which_webhook_why_since_when_what_is_held_and_what_to_do() {
    let Letter { subject, text, html } = letter(json!({}));
    assert_eq!(subject, "Your webhook CRM (https://crm.example/hook) has been disabled");
    for line in [
        "Webhook: CRM (https://crm.example/hook)",
        "Account: Acme",
        "Reason: It took nothing for too long",
        "In detail: nothing but failures since 2026-11-16T12:00:00Z, first: it answered 500",
        "Since: 2026-11-16 12:00 UTC",
        "Disabled: 2026-11-21 12:00 UTC",
        "Deliveries held: 12",
        "To enable it: POST /api/v1/accounts/1/webhooks/7/enable",
        "See the webhooks: \
         https://chat.example.com/app/accounts/1/settings/integrations/webhook",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
    }
    assert!(html.contains("<td>12</td>") && html.contains("It took nothing"), "{html}");
    assert!(!text.contains("secret") && !html.contains("secret"), "{text}{html}");
}

#[test]
fn the_webhook_of_an_api_inbox_is_called_by_its_inbox() {
    let webhook = json!({ "id": null, "inbox_id": 42, "name": null, "url": "https://x.example/" });
    let changes = json!({ "webhook": webhook, "rule": "gone", "held": null });
    let Letter { text, .. } = letter(changes);
    for part in [
        "Webhook: of inbox 42 (https://x.example/)",
        "Reason: It said that it is gone for good",
        "POST /api/v1/accounts/1/inboxes/42/webhook/enable",
        "/app/accounts/1/settings/inboxes/42",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("held:"), "{text}");
}

#[test]
fn it_is_written_in_the_language_of_the_account() {
    let Letter { subject, text, html } = letter(json!({ "locale": "pt_BR" }));
    assert_eq!(subject, "O seu webhook CRM (https://crm.example/hook) foi desativado");
    assert!(text.contains("Entregas retidas: 12\n"), "{text}");
    assert!(html.contains("<html lang=\"pt-BR\">"), "{html}");
}
