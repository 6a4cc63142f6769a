//! One fixed sample of every event; the golden files are their bytes.

use uuid::Uuid;

use crate::evidence::{Class, Evidence, Scope, Verdict};
use crate::policy::{Policy, Version};
use crate::{
    AccountId, DeliveryId, Event, EventId, HookId, InboxId, KeyId, Position, RuleId, Sealed,
    Timestamp, TokenId, WebhookId, account, delivery, fanout, hook, inbox, installation, platform,
    reauthorization, request, rule, switch, webhook,
};

const ACCOUNT: AccountId = AccountId(1);
const WEBHOOK: WebhookId = WebhookId(7);
pub(super) const NOON: Timestamp = Timestamp::from_micros(1_795_262_400_000_000);

/// Every event; `secret` is what all of their ciphertexts and token hashes are made of.
pub(super) fn all(secret: u8) -> Vec<Event> {
    let mut samples = accounts();
    samples.extend(inboxes(secret));
    samples.extend(reauthorizations().map(|event| inbox::Event::from(event).into()));
    samples.extend(webhooks(secret));
    samples.extend(deliveries());
    samples.extend(installations(secret));
    samples.extend(others(secret));
    samples.extend(hooks(secret));
    samples.extend(reauthorizations().map(|event| hook::Event::from(event).into()));
    samples.extend(rules());
    samples.extend(reauthorizations().map(|event| rule::Event::from(event).into()));
    samples
}

pub(super) fn sealed(secret: u8) -> Sealed {
    Sealed { key: KeyId(*b"relinkey"), nonce: [secret; 24], text: vec![secret; 20] }
}

fn accounts() -> Vec<Event> {
    let url = || "https://receiver.example/hook".to_owned();
    let administrator_emails = || vec!["admin@example.com".to_owned()];
    [
        account::Registered { name: "Acme".into(), administrator_emails: administrator_emails() }
            .into(),
        account::Renamed { name: "Acme Ltd".into() }.into(),
        account::AdministratorsChanged { administrator_emails: administrator_emails() }.into(),
        account::LocaleSet { locale: Some("pt_BR".into()) }.into(),
        account::WebhookUrlClaimed { webhook: WEBHOOK, url: url() }.into(),
        account::WebhookUrlReleased { webhook: WEBHOOK, url: url() }.into(),
        account::IntegrationClaimed { hook: HookId(3), app: "slack".into() }.into(),
        account::IntegrationReleased { hook: HookId(3), app: "slack".into() }.into(),
        account::PolicySet { kind: "Channel::Email".into(), policy: policy() }.into(),
    ]
    .map(|event: account::Event| event.into())
    .into()
}

fn inboxes(secret: u8) -> Vec<Event> {
    [
        inbox::Registered {
            account: ACCOUNT,
            name: "Support".into(),
            channel_type: "Channel::Whatsapp".into(),
            attributes: r#"{"phone_number":"+15550100"}"#.into(),
            credentials: Some(sealed(secret)),
            threshold: Some(3),
        }
        .into(),
        inbox::Renamed { name: "Sales".into() }.into(),
        inbox::ChannelTypeChanged { channel_type: "Channel::Email".into() }.into(),
        inbox::AttributesChanged { attributes: "{}".into() }.into(),
        inbox::CredentialsReplaced { credentials: sealed(secret) }.into(),
        inbox::ThresholdSet { threshold: None }.into(),
        inbox::Removed {}.into(),
    ]
    .map(|event: inbox::Event| event.into())
    .into()
}

fn verdict() -> Verdict {
    Verdict { class: Class::Auth, scope: Scope::Account, rule: Some("meta 190/460".into()) }
}

fn reauthorizations() -> impl Iterator<Item = reauthorization::Event> {
    use reauthorization::Event;
    let evidence = Evidence {
        provider: Some("meta".into()),
        status: Some(400),
        code: Some("190".into()),
        subcode: Some("460".into()),
        message: Some("The session has been invalidated".into()),
        body: Some(r#"{"error":{"code":190}}"#.into()),
    };
    let cause = reauthorization::Cause::AtOnce { code: "190/460".into(), verdict: verdict() };
    [
        Event::AuthorizationErrorRecorded(reauthorization::AuthorizationErrorRecorded {
            evidence,
            verdict: verdict(),
            table: 2,
            count: 1,
            threshold: 2,
            number: 3,
            at: Some(NOON),
        }),
        Event::AuthorizationSucceeded(reauthorization::AuthorizationSucceeded {}),
        Event::ReauthorizationRequired(reauthorization::ReauthorizationRequired {
            cause,
            policy: Version { installation: 1, account: 0, subject: 2 },
            evidence: vec![3],
        }),
        Event::Reauthorized(reauthorization::Reauthorized { was_required: true, by_hand: true }),
        Event::PolicySet(reauthorization::PolicySet { policy: policy() }),
        Event::ExpirySet(reauthorization::ExpirySet { expires_at: Some(NOON) }),
        Event::Expiring(reauthorization::Expiring { expires_at: NOON, days: 7 }),
        Event::IncidentMuted(reauthorization::IncidentMuted { incident: 1 }),
        Event::IncidentUnmuted(reauthorization::IncidentUnmuted { incident: 1 }),
    ]
    .into_iter()
}

fn policy() -> Policy {
    Policy {
        threshold: Some(3),
        window_s: Some(3_600),
        at_once: Some(vec!["190/460".into()]),
        expiring_days: Some(vec![30, 7, 1]),
    }
}

fn webhooks(secret: u8) -> Vec<Event> {
    let policy = webhook::Policy {
        concurrency: Some(4),
        timeout_ms: Some(5_000),
        retry_schedule_ms: Some(vec![1_000, 5_000]),
        inboxes: Some(vec![InboxId(42)]),
        rate_per_second: Some(50),
        ordering: webhook::Ordering::ByKey,
        headers: vec![
            webhook::Header {
                name: "X-Team".into(),
                value: webhook::HeaderValue::Plain("support".into()),
            },
            webhook::Header {
                name: "X-Key".into(),
                value: webhook::HeaderValue::Sealed(sealed(secret)),
            },
        ],
    };
    [
        webhook::Created {
            account: ACCOUNT,
            url: "https://receiver.example/hook".into(),
            name: Some("Receiver".into()),
            inbox: Some(InboxId(42)),
            subscriptions: vec!["inbox_updated".into(), "conversation_*".into()],
            secret: sealed(secret),
            policy: policy.clone(),
        }
        .into(),
        webhook::Renamed { name: None }.into(),
        webhook::UrlChanged { url: "https://other.example/hook".into() }.into(),
        webhook::SubscriptionsChanged { subscriptions: vec!["message_created".into()] }.into(),
        webhook::InboxChanged { inbox: None }.into(),
        webhook::PolicyChanged { policy }.into(),
        webhook::SecretRotated { secret: sealed(secret), previous_until: NOON }.into(),
        webhook::KeyPairRotated {
            secret: sealed(secret),
            public: "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=".into(),
            previous_until: NOON,
        }
        .into(),
        webhook::KeyPairRetired { until: NOON }.into(),
        webhook::SecretRevealed {}.into(),
        webhook::Deleted {}.into(),
    ]
    .map(|event: webhook::Event| event.into())
    .into()
}

fn hooks(secret: u8) -> Vec<Event> {
    let settings = || r#"{"channel_name":"support"}"#.to_owned();
    let credentials = || Some(sealed(secret));
    [
        hook::Created {
            account: ACCOUNT,
            app: "slack".into(),
            scope: hook::Scope::Inbox(InboxId(42)),
            reference: Some("C0123".into()),
            settings: settings(),
            credentials: credentials(),
            access_token: credentials(),
            enabled: true,
        }
        .into(),
        hook::SettingsChanged { settings: settings(), credentials: credentials() }.into(),
        hook::AccessTokenReplaced { access_token: sealed(secret) }.into(),
        hook::Enabled {}.into(),
        hook::Disabled { cause: switch::OffCause::Reauthorization }.into(),
        hook::Deleted {}.into(),
    ]
    .map(|event: hook::Event| event.into())
    .into()
}

fn rules() -> Vec<Event> {
    let conditions = || r#"[{"attribute_key":"status","values":["open"]}]"#.to_owned();
    let actions = || r#"[{"action_name":"add_label","action_params":["vip"]}]"#.to_owned();
    [
        rule::Created {
            account: ACCOUNT,
            name: "Very important".into(),
            description: Some("Labels them".into()),
            event_name: "conversation_created".into(),
            conditions: conditions(),
            actions: actions(),
            active: true,
        }
        .into(),
        rule::Renamed { name: "Important".into() }.into(),
        rule::Described { description: None }.into(),
        rule::EventNameChanged { event_name: "conversation_opened".into() }.into(),
        rule::ConditionsChanged { conditions: conditions() }.into(),
        rule::ActionsChanged { actions: actions() }.into(),
        rule::Activated {}.into(),
        rule::Deactivated { cause: switch::OffCause::ByHand }.into(),
        rule::Deleted {}.into(),
    ]
    .map(|event: rule::Event| event.into())
    .into()
}

fn deliveries() -> Vec<Event> {
    let source = EventId(Uuid::from_u128(9));
    let delivery = DeliveryId::of(source, WEBHOOK);
    let response = |status| delivery::Response { status, body: "ok".into(), truncated: false };
    [
        delivery::Queued {
            delivery,
            account: ACCOUNT,
            event: "inbox_updated".into(),
            source,
            body: r#"{"event":"inbox_updated"}"#.into(),
            due: NOON,
            key: Some("inbox/42".into()),
        }
        .into(),
        delivery::AttemptFailed {
            delivery,
            attempt: 1,
            class: delivery::AttemptClass::Server,
            detail: "the receiver answered 503".into(),
            response: Some(response(503)),
            started_at: NOON,
            duration_us: 1_234,
            retry_at: Some(NOON.after(std::time::Duration::from_secs(5))),
            charged: true,
            throttled_until: Some(NOON.after(std::time::Duration::from_secs(5))),
            address: Some("192.0.2.1:443".into()),
        }
        .into(),
        delivery::Delivered {
            delivery,
            attempt: 2,
            response: response(200),
            started_at: NOON,
            duration_us: 999,
            address: Some("192.0.2.1:443".into()),
        }
        .into(),
        delivery::Abandoned { delivery, reason: delivery::AbandonReason::Exhausted }.into(),
        delivery::RetryRequested { delivery, due: NOON }.into(),
        delivery::Reopened {
            queued: delivery::Queued {
                delivery,
                account: ACCOUNT,
                event: "inbox_updated".into(),
                source,
                body: r#"{"event":"inbox_updated"}"#.into(),
                due: NOON,
                key: None,
            },
            attempts: 3,
            recovery: Some(delivery::RecoveryId::of(Uuid::from_u128(8), WEBHOOK)),
        }
        .into(),
        delivery::Parked { delivery }.into(),
    ]
    .map(|event: delivery::Event| event.into())
    .into_iter()
    .chain(endpoints())
    .chain(recoveries())
    .chain(retained())
    .collect()
}

fn endpoints() -> impl Iterator<Item = Event> {
    let (since, at, by) = (NOON, NOON, crate::Actor::token(TokenId(3)));
    let detail = || String::from("answered 404 Not Found");
    [
        delivery::EndpointPaced { ordering: webhook::Ordering::Fifo }.into(),
        delivery::EndpointMoved {}.into(),
        delivery::EndpointFailing {
            since,
            class: delivery::AttemptClass::Server,
            detail: detail(),
            probe_at: at,
        }
        .into(),
        delivery::EndpointRecovered { since, at }.into(),
        delivery::EndpointWarned {
            warning: delivery::Warning::NotFound,
            detail: detail(),
            since,
            disables_at: at,
        }
        .into(),
        delivery::EndpointDisabled {
            rule: delivery::DisableRule::Gone,
            reason: "it answered 410".into(),
            by: crate::Actor::DELIVERY,
            at,
            since: Some(since),
            held: Some(3),
        }
        .into(),
        delivery::EndpointPaused { by: by.clone(), at }.into(),
        delivery::EndpointEnabled { backlog: delivery::Backlog::NewestPerKey, by, at }.into(),
    ]
    .map(|event: delivery::Event| event.into())
    .into_iter()
}

fn recoveries() -> impl Iterator<Item = Event> {
    let recovery = delivery::RecoveryId::of(Uuid::from_u128(8), WEBHOOK);
    let filter = delivery::RecoveryFilter {
        since: NOON,
        until: Some(NOON),
        event: Some("message_*".into()),
        key: Some("conversation/5".into()),
        abandoned: true,
        delivered: false,
    };
    let head = crate::Revision(9);
    [
        delivery::RecoveryPlanned { recovery, filter, head, count: 5, bytes: 1_000 }.into(),
        delivery::RecoveryStarted { recovery }.into(),
        delivery::RecoveryPaused { recovery }.into(),
        delivery::RecoveryAdvanced { recovery, reached: head, passed: 5 }.into(),
        delivery::RecoveryFinished { recovery }.into(),
        delivery::RecoveryCancelled { recovery }.into(),
        delivery::Removed {}.into(),
    ]
    .map(|event: delivery::Event| event.into())
    .into_iter()
}

fn retained() -> impl Iterator<Item = Event> {
    use delivery::{Outcome, Recovery, RecoveryProgress, SummedUp, Tally, Trim, Trimmed};
    let (first, second) = (DeliveryId(Uuid::from_u128(1)), DeliveryId(Uuid::from_u128(2)));
    let mut tally = Tally::begun(NOON);
    for event in endpoints() {
        if let Event::Delivery(event) = event {
            tally.take(NOON, &event);
        }
    }
    let plan = recoveries().find_map(|event| {
        let Event::Delivery(delivery::Event::RecoveryPlanned(plan)) = event else { return None };
        Some(plan)
    });
    let recovery = Recovery {
        plan: plan.expect("there is one among the samples"),
        progress: RecoveryProgress::Paused,
        reached: Some(crate::Revision(3)),
        passed: 2,
        reopened: 1,
        again: [second].into(),
    };
    let trim = Trim { before: crate::Revision(4), summed_at: NOON, at: NOON };
    let summed = SummedUp {
        at: NOON,
        queued: 3,
        withdrawn: 1,
        ordering: webhook::Ordering::ByKey,
        recent: vec![(first, 2), (second, 0)],
        recoveries: vec![recovery],
        tally: Box::new(tally),
        trimmed: Some(trim),
    };
    let outcome = Outcome {
        reason: Some(delivery::AbandonReason::Exhausted),
        delivery: first,
        event: "message_created".into(),
        revision: crate::Revision(1),
        key: Some("conversation/5".into()),
        attempts: 2,
        created_at: NOON,
        finished_at: NOON,
        delivered: false,
        last_class: Some(delivery::AttemptClass::Server),
        last_status_code: Some(503),
    };
    [summed.into(), Trimmed { trim, outcomes: vec![outcome] }.into()]
        .map(|event: delivery::Event| event.into())
        .into_iter()
}

fn installations(secret: u8) -> Vec<Event> {
    [
        installation::TokenCreated {
            token: TokenId(3),
            hash: [secret; 32],
            account: Some(ACCOUNT),
            role: installation::Role::Agent,
        }
        .into(),
        installation::TokenRevoked {
            token: TokenId(3),
            account: Some(ACCOUNT),
            role: installation::Role::Agent,
        }
        .into(),
        installation::SealingKeyIntroduced { key: KeyId(*b"relinkey"), proof: sealed(secret) }
            .into(),
        installation::SealingKeyRotated {
            key: KeyId(*b"relinkey"),
            proof: sealed(secret),
            older: vec![installation::OlderKey {
                key: KeyId(*b"olderkey"),
                sealed: sealed(secret),
            }],
        }
        .into(),
        installation::WebhookNumberTaken { webhook: WEBHOOK }.into(),
        installation::HookNumberTaken { hook: HookId(3), request: Uuid::from_u128(5) }.into(),
        installation::RuleNumberTaken { rule: RuleId(5), request: Uuid::from_u128(5) }.into(),
        installation::InboxEventsEnabled {}.into(),
        installation::InboxEventsDisabled {}.into(),
        installation::MailEnabled {}.into(),
        installation::MailDisabled {}.into(),
        installation::PolicySet { kind: "Channel::Email".into(), policy: policy() }.into(),
        installation::AppIncidentMuted { incident: app_incident() }.into(),
        installation::AppIncidentUnmuted { incident: app_incident() }.into(),
        installation::AppIncidentClosed { incident: app_incident() }.into(),
    ]
    .map(|event: installation::Event| event.into())
    .into()
}

fn app_incident() -> installation::AppIncident {
    installation::AppIncident { number: 3, provider: "microsoft".into(), class: Class::Config }
}

fn others(secret: u8) -> Vec<Event> {
    let received = platform::EventReceived {
        account: ACCOUNT,
        event: "message_created".into(),
        data: r#"{"id":5}"#.into(),
    };
    let answered = request::Answered {
        status: 200,
        content_type: "application/json".into(),
        body: sealed(secret),
    };
    vec![
        platform::Event::from(received).into(),
        platform::Event::from(platform::Removed {}).into(),
        fanout::Event::from(fanout::Advanced {
            position: Position(1_000),
            behind: vec![fanout::Behind { endpoint: WebhookId(7).into(), from: Position(900) }],
        })
        .into(),
        request::Event::from(request::Received { fingerprint: [5; 32] }).into(),
        request::Event::from(answered).into(),
    ]
}
