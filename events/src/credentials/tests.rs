use serde_json::json;

use super::*;

/// The secret columns of Chatwoot's channels at 4.15 (`db/schema.rb`) and what its
/// `provider_config`s hold, by channel.
const CHATWOOT: [(&str, &[&str]); 13] = [
    ("Channel::Api", &["hmac_token", "secret"]),
    ("Channel::Email", &["imap_password", "smtp_password", "access_token", "refresh_token"]),
    ("Channel::FacebookPage", &["page_access_token", "user_access_token"]),
    ("Channel::Instagram", &["access_token"]),
    ("Channel::Line", &["line_channel_id", "line_channel_secret", "line_channel_token"]),
    ("Channel::Sms", &["provider_config", "api_key", "api_secret"]),
    ("Channel::Telegram", &["bot_token"]),
    ("Channel::Tiktok", &["access_token", "refresh_token"]),
    ("Channel::TwilioSms", &["account_sid", "auth_token", "api_key_sid"]),
    ("Channel::TwitterProfile", &["twitter_access_token", "twitter_access_token_secret"]),
    ("Channel::Voice", &["provider_config", "api_key_secret", "auth_token"]),
    ("Channel::WebWidget", &["website_token", "hmac_token"]),
    (
        "Channel::Whatsapp",
        &["provider_config", "api_key", "webhook_verify_token", "business_management_token"],
    ),
];

#[test]
fn the_secrets_of_every_chatwoot_channel_are_known_by_name() {
    for (channel, names) in CHATWOOT {
        for name in names {
            assert!(is_name(name), "{name} of {channel}");
        }
    }
}

#[test]
fn a_name_is_known_however_it_is_written() {
    for name in ["accessToken", "Access-Token", "X-Api-Key", "privateKey", "SET-COOKIE", "Secret"] {
        assert!(is_name(name), "{name}");
    }
}

#[test]
fn what_is_only_about_credentials_is_none() {
    for name in [
        "token_type",
        "tokens",
        "imap_login",
        "imap_authentication",
        "phone_number_id",
        "business_account_id",
        "hmac_mandatory",
        "identifier",
        "webhook_url",
        "",
    ] {
        assert!(!is_name(name), "{name}");
    }
}

#[test]
fn stripping_takes_credentials_away_at_any_depth_and_says_so() {
    let mut value = json!({
        "name": "Support", "imap_password": "p",
        "channel": { "provider_config": { "api_key": "k" }, "id": 1 },
        "pages": [{ "name": "n", "access_token": "t" }],
    });
    assert!(strip(&mut value));
    let rest = json!({ "name": "Support", "channel": { "id": 1 }, "pages": [{ "name": "n" }] });
    assert_eq!(value, rest);
    assert!(!strip(&mut value));
}
