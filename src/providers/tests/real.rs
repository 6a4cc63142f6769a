//! Answers as providers give them, and what each must be taken for without any help.

use events::evidence::{Class, Scope};
use serde_json::{Value, json};

use super::super::{classify, evidence};

/// A report, its class, scope and rule.
type Case = (Value, Class, Scope, Option<&'static str>);

#[track_caller]
fn each_is_taken_for<const N: usize>(cases: [Case; N]) {
    for (report, class, scope, rule) in cases {
        let verdict = classify(&evidence(report.to_string().as_bytes()).unwrap());
        assert_eq!((verdict.class, verdict.scope), (class, scope), "{report}");
        assert_eq!(verdict.rule.as_deref(), rule, "{report}");
    }
}

#[test]
fn answers_of_meta() {
    each_is_taken_for([
        (
            json!({"status": 400, "headers": {"x-fb-trace-id": "E"}, "body": {"error": {
                "message": "Error validating access token: The session has been invalidated \
                    because the user changed their password.",
                "type": "OAuthException", "code": 190, "error_subcode": 460,
                "fbtrace_id": "EJplcsCHuLu"}}}),
            Class::Auth,
            Scope::Account,
            Some("meta 190/460"),
        ),
        (
            json!({"status": 401, "body": {"error": {"message": "Invalid OAuth access token",
                "type": "OAuthException", "code": 190, "fbtrace_id": "A"}}}),
            Class::Auth,
            Scope::Account,
            Some("meta 190 (no subcode)"),
        ),
        (
            json!({"provider": "whatsapp", "status": 400, "body": {"error": {
                "message": "(#131047) Re-engagement message", "type": "OAuthException",
                "code": 131047, "error_data": {"messaging_product": "whatsapp",
                "details": "more than 24 hours"}, "fbtrace_id": "A"}}}),
            Class::Recipient,
            Scope::Recipient,
            Some("whatsapp 131047"),
        ),
        (
            json!({"provider": "whatsapp", "body": {"errors": [{"code": 131042,
                "title": "Business eligibility payment issue"}]}}),
            Class::Billing,
            Scope::Account,
            Some("whatsapp 131042"),
        ),
        (
            json!({"status": 403, "body": {"error": {"message": "(#4) Application request limit \
                reached", "type": "OAuthException", "is_transient": true, "code": 4,
                "fbtrace_id": "A"}}}),
            Class::Rate,
            Scope::App,
            Some("meta 4"),
        ),
        (
            json!({"status": 400, "body": {"error": {"message": "(#10) This message is sent \
                outside of allowed window.", "type": "OAuthException", "code": 10,
                "error_subcode": 2018278, "fbtrace_id": "A"}}}),
            Class::Recipient,
            Scope::Recipient,
            Some("messenger 10/2018278"),
        ),
    ]);
}

#[test]
fn answers_of_google_and_microsoft() {
    each_is_taken_for([
        (
            json!({"provider": "google", "status": 400, "body": {"error": "invalid_grant",
                "error_description": "Token has been expired or revoked."}}),
            Class::Auth,
            Scope::Account,
            Some("google 400 invalid_grant"),
        ),
        (
            json!({"status": 401, "headers": {"www-authenticate": "Bearer \
                realm=\"https://accounts.google.com/\", error=\"invalid_token\""},
                "body": {"error": {"code": 401, "message": "Request had invalid authentication \
                credentials.", "status": "UNAUTHENTICATED"}}}),
            Class::Auth,
            Scope::Account,
            Some("google 401 UNAUTHENTICATED"),
        ),
        (
            json!({"provider": "google", "status": 401, "body": {"error": "invalid_client",
                "error_description": "The provided client secret is invalid."}}),
            Class::Config,
            Scope::App,
            Some("google 401 invalid_client / unauthorized_client"),
        ),
        (
            json!({"provider": "dialogflow", "body": {"error": {"code": 403, "message":
                "IAM permission 'dialogflow.sessions.detectIntent' denied", "status":
                "PERMISSION_DENIED"}}}),
            Class::Permission,
            Scope::Account,
            Some("dialogflow gRPC 7 PERMISSION_DENIED"),
        ),
        (
            json!({"status": 401, "body": {"error": "invalid_client", "error_description":
                "AADSTS7000222: The provided client secret keys for app '0' are expired.",
                "error_codes": [7_000_222], "trace_id": "t", "correlation_id": "c"}}),
            Class::Config,
            Scope::App,
            Some("microsoft AADSTS7000215 / 7000222 / 70002 / 700027"),
        ),
        (
            json!({"status": 400, "body": {"error": "invalid_grant", "error_description":
                "AADSTS700082: The refresh token has expired due to inactivity.",
                "error_codes": [700_082]}}),
            Class::Auth,
            Scope::Account,
            Some("microsoft AADSTS700082 / 70008 / 70043"),
        ),
    ]);
}

#[test]
fn answers_of_mail_servers() {
    each_is_taken_for([
        (
            json!({"provider": "imap", "body": "A001 NO [AUTHENTICATIONFAILED] Authentication \
                failed."}),
            Class::Auth,
            Scope::Account,
            Some("imap NO [AUTHENTICATIONFAILED]"),
        ),
        (
            json!({"provider": "imap", "body": "a2 NO LOGIN failed."}),
            Class::Auth,
            Scope::Account,
            Some("imap NO LOGIN/AUTHENTICATE with no code, text match"),
        ),
        (
            json!({"provider": "smtp", "body": "535 5.7.139 Authentication unsuccessful, \
                SmtpClientAuthentication is disabled for the Tenant."}),
            Class::Policy,
            Scope::Account,
            Some("smtp 535 5.7.139"),
        ),
        (
            json!({"provider": "smtp", "body": "534-5.7.9 Application-specific password \
                required."}),
            Class::Config,
            Scope::Account,
            Some("smtp 534 5.7.9"),
        ),
    ]);
}

#[test]
fn answers_of_the_others() {
    each_is_taken_for([
        (
            json!({"status": 200, "headers": {"x-slack-req-id": "1"},
                "body": {"ok": false, "error": "token_revoked"}}),
            Class::Auth,
            Scope::Account,
            Some("slack token_revoked"),
        ),
        (
            json!({"body": {"ok": false, "error": "is_archived"}}),
            Class::Config,
            Scope::Destination,
            Some("slack channel_not_found / not_in_channel / is_archived"),
        ),
        (
            json!({"status": 403, "body": {"ok": false, "error_code": 403, "description":
                "Forbidden: bot was blocked by the user"}}),
            Class::Recipient,
            Scope::Recipient,
            Some(
                "telegram 403 Forbidden: bot was blocked / kicked / user is deactivated / \
                 not a member",
            ),
        ),
        (
            json!({"status": 429, "headers": {"X-Line-Request-Id": "1"},
                "body": {"message": "You have reached your monthly limit."}}),
            Class::Billing,
            Scope::Account,
            Some("line 429 monthly limit text"),
        ),
        (
            json!({"provider": "tiktok", "status": 401, "body": {"error": {"code":
                "access_token_invalid", "message": "The access token is invalid",
                "log_id": "1"}}}),
            Class::Auth,
            Scope::Account,
            Some("tiktok access_token_invalid (401)"),
        ),
        (
            json!({"status": 401, "headers": {"twilio-request-id": "RQ1"}, "body": {"code": 20003,
                "message": "Authenticate", "more_info": "", "status": 401}}),
            Class::Auth,
            Scope::Account,
            Some("twilio 20003 (401)"),
        ),
        (
            json!({"status": 429, "headers": {"openai-organization": ["o"]}, "body": {"error": {
                "message": "You exceeded your current quota", "type": "insufficient_quota",
                "param": null, "code": "insufficient_quota"}}}),
            Class::Billing,
            Scope::Account,
            Some("openai 429 insufficient_quota / credit_balance_exhausted"),
        ),
        (
            json!({"provider": "stripe", "status": 401, "body": {"error": {"code":
                "api_key_expired", "message": "Expired API Key provided", "type":
                "invalid_request_error"}}}),
            Class::Auth,
            Scope::Account,
            Some("stripe api_key_expired"),
        ),
        (
            json!({"provider": "x", "status": 403, "body": {"errors": [{"code": 326, "message":
                "To protect our users from spam, this account is temporarily locked."}]}}),
            Class::UserAction,
            Scope::Account,
            Some("x 64 / 326"),
        ),
    ]);
}
