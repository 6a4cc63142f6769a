mod golden;
mod laws;
mod samples;

use std::collections::BTreeSet;
use std::fs;

use golden::FILES;
use serde::Serialize;
use uuid::Uuid;

use super::delivery::{
    AttemptFailedV1, AttemptFailedV2, DeliveredV1, EndpointDisabledV1, QueuedV1,
};
use super::fanout::AdvancedV1;
use super::inbox::RegisteredV1;
use super::reauthorization::{
    AuthorizationErrorRecordedV1, CauseV1, ReauthorizationRequiredV1, ReauthorizedV1,
};
use super::webhook::{CreatedV1, PolicyChangedV1, PolicyV1};
use super::*;
use crate::delivery::{AttemptClass, DisableRule, Response};
use crate::evidence::{Class, Evidence, Scope, Verdict};
use crate::{
    AccountId, Actor, DeliveryId, EventId, InboxId, Position, Timestamp, WebhookId,
    inbox as inbox_events,
};

/// The golden file's bytes and its view, which must be these. Where there is none and
/// `RELINK_BLESS=1` asks for it, both are written to the package, where cargo starts its tests.
fn is_golden(kind: &str, version: u16, data: &[u8], view: &serde_json::Value) {
    let (shape, view) = (format!("{kind}.v{version}"), pretty(view));
    let Some((_, bytes, text)) = FILES.iter().find(|(name, ..)| *name == shape) else {
        if std::env::var("RELINK_BLESS").as_deref() == Ok("1") {
            fs::write(format!("golden/{shape}.bin"), data).unwrap();
            fs::write(format!("golden/{shape}.json"), view).unwrap();
        }
        panic!("no golden file of {shape} is named in golden.rs; RELINK_BLESS=1 writes it");
    };
    assert_eq!(data, *bytes, "{shape} is no longer written as it was");
    assert_eq!(String::from_utf8_lossy(text), String::from_utf8_lossy(&view), "{shape}");
}

fn pretty(view: &serde_json::Value) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(view).unwrap();
    text.push(b'\n');
    text
}

type Old = (&'static str, u16, Vec<u8>, serde_json::Value);

/// All old shapes, as their build would have written them.
fn old_samples() -> Vec<Old> {
    let registered = RegisteredV1 {
        account: AccountId(1),
        name: "Support".into(),
        channel_type: "Channel::Whatsapp".into(),
        attributes: "{}".into(),
        credentials: Some(samples::sealed(1)),
    };
    let mut all = vec![
        old("fanout.advanced", 1, &AdvancedV1 { position: Position(1_000) }),
        old("inbox.registered", 1, &registered),
    ];
    all.extend(old_webhooks());
    all.extend(old_deliveries());
    all.extend(old_subjects());
    all
}

fn old_webhooks() -> [Old; 2] {
    let policy = PolicyV1 {
        concurrency: Some(4),
        timeout_ms: Some(5_000),
        retry_schedule_ms: Some(vec![1_000, 5_000]),
        inboxes: Some(vec![InboxId(42)]),
    };
    let created = CreatedV1 {
        account: AccountId(1),
        url: "https://receiver.example/hook".into(),
        name: Some("Receiver".into()),
        inbox: Some(InboxId(42)),
        subscriptions: vec!["inbox_updated".into(), "conversation_*".into()],
        secret: samples::sealed(1),
        policy: policy.clone(),
    };
    [
        old("webhook.created", 1, &created),
        old("webhook.policy_changed", 1, &PolicyChangedV1 { policy }),
    ]
}

fn old_deliveries() -> [Old; 5] {
    let source = EventId(Uuid::from_u128(9));
    let id = DeliveryId::of(source, WebhookId(7));
    let noon = Timestamp::from_micros(samples::NOON.as_micros());
    let queued = QueuedV1 {
        delivery: id,
        account: AccountId(1),
        event: "inbox_updated".into(),
        source,
        body: r#"{"event":"inbox_updated"}"#.into(),
        due: noon,
    };
    let response = |status| Response { status, body: "ok".into(), truncated: false };
    let failed = AttemptFailedV1 {
        delivery: id,
        attempt: 1,
        class: AttemptClass::Server,
        detail: "the receiver answered 503".into(),
        response: Some(response(503)),
        started_at: noon,
        duration_us: 1_234,
        retry_at: Some(noon.after(std::time::Duration::from_secs(5))),
    };
    let later = AttemptFailedV2 {
        delivery: id,
        attempt: 1,
        class: AttemptClass::Server,
        detail: "the receiver answered 503".into(),
        response: Some(response(503)),
        started_at: noon,
        duration_us: 1_234,
        retry_at: Some(noon.after(std::time::Duration::from_secs(5))),
        charged: true,
        throttled_until: Some(noon.after(std::time::Duration::from_secs(5))),
    };
    let delivered = DeliveredV1 {
        delivery: id,
        attempt: 2,
        response: response(200),
        started_at: noon,
        duration_us: 999,
    };
    let disabled = EndpointDisabledV1 {
        rule: DisableRule::Gone,
        reason: "it answered 410".into(),
        by: Actor::DELIVERY,
        at: noon,
    };
    [
        old("delivery.queued", 1, &queued),
        old("delivery.attempt_failed", 1, &failed),
        old("delivery.attempt_failed", 2, &later),
        old("delivery.delivered", 1, &delivered),
        old("delivery.endpoint_disabled", 1, &disabled),
    ]
}

fn old_subjects() -> Vec<Old> {
    let verdict =
        || Verdict { class: Class::Auth, scope: Scope::Account, rule: Some("meta 190/460".into()) };
    let evidence = Evidence {
        provider: Some("meta".into()),
        status: Some(400),
        code: Some("190".into()),
        subcode: Some("460".into()),
        message: Some("The session has been invalidated".into()),
        body: Some(r#"{"error":{"code":190}}"#.into()),
    };
    let recorded = AuthorizationErrorRecordedV1 { evidence, verdict: verdict(), count: 1 };
    let cause = CauseV1::Threshold { count: 2, threshold: 2, verdict: verdict() };
    let required = ReauthorizationRequiredV1 { cause };
    let shared = SHARED.map(|[error_recorded, is_required, reauthorized]| {
        [
            old(error_recorded, 1, &recorded),
            old(is_required, 1, &required),
            old(reauthorized, 1, &ReauthorizedV1 { was_required: true }),
        ]
    });
    shared.into_iter().flatten().collect()
}

/// What every subject shared before errors had numbers.
const SHARED: [[&str; 3]; 3] = [
    ["inbox.authorization_error_recorded", "inbox.reauthorization_required", "inbox.reauthorized"],
    ["hook.authorization_error_recorded", "hook.reauthorization_required", "hook.reauthorized"],
    ["rule.authorization_error_recorded", "rule.reauthorization_required", "rule.reauthorized"],
];

fn old(kind: &'static str, version: u16, shape: &impl Serialize) -> Old {
    let data = postcard::to_stdvec(shape).unwrap();
    (kind, version, data, serde_json::to_value(shape).unwrap())
}

#[test]
fn every_event_is_written_as_its_golden_file_and_read_back() {
    for event in samples::all(1) {
        let Encoded { kind, version, data } = encode(&event);
        is_golden(kind, version, &data, &event.view().unwrap());
        assert_eq!(decode(kind, version, &data), Ok(event.clone()), "{kind} v{version}");
    }
    for (kind, version, data, view) in old_samples() {
        is_golden(kind, version, &data, &view);
    }
}

#[test]
fn every_shape_that_ever_shipped_has_a_sample() {
    let known: BTreeSet<_> = shapes().into_iter().collect();
    let current = samples::all(1).into_iter().map(|event| (event.kind().into(), event.version()));
    let old = old_samples().into_iter().map(|(kind, version, ..)| (kind.to_owned(), version));
    assert_eq!(current.chain(old).collect::<BTreeSet<(String, u16)>>(), known);
}

#[test]
fn every_golden_file_decodes() {
    let mut found = BTreeSet::new();
    for (shape, data, _) in FILES {
        let (kind, version) = shape.rsplit_once(".v").unwrap();
        let version = version.parse().unwrap();
        decode(kind, version, data).unwrap_or_else(|error| panic!("{shape}: {error}"));
        found.insert((kind.to_owned(), version));
    }
    assert_eq!(found, shapes().into_iter().collect());
}

#[test]
fn an_inbox_registered_before_thresholds_has_none() {
    let old = old_samples().into_iter().find(|(kind, ..)| *kind == "inbox.registered");
    let (kind, version, data, _) = old.unwrap();
    let Ok(Event::Inbox(inbox_events::Event::Registered(registered))) =
        decode(kind, version, &data)
    else {
        panic!("{kind} v{version} does not decode to a registration")
    };
    assert_eq!((registered.threshold, registered.name.as_str()), (None, "Support"));
    assert_eq!(registered.credentials, Some(samples::sealed(1)));
}

#[test]
fn an_error_recorded_before_it_had_a_number_is_of_the_first_table() {
    let sample = old_samples().into_iter().find(|(kind, ..)| *kind == SHARED[0][0]);
    let (kind, version, data, _) = sample.unwrap();
    let Ok(Event::Inbox(inbox_events::Event::Reauthorization(
        crate::reauthorization::Event::AuthorizationErrorRecorded(recorded),
    ))) = decode(kind, version, &data)
    else {
        panic!("{kind} v{version} does not decode to an error")
    };
    assert_eq!((recorded.table, recorded.count, recorded.number), (1, 1, 0));
    assert_eq!((recorded.threshold, recorded.at), (0, None));
}

#[test]
fn bytes_left_over_are_refused() {
    for event in samples::all(1) {
        let Encoded { kind, version, mut data } = encode(&event);
        data.push(0);
        let problem = decode(kind, version, &data).unwrap_err().problem;
        assert_eq!(problem, Problem::Rest(1), "{kind}");
    }
}

#[test]
fn cut_bytes_are_refused() {
    for event in samples::all(1) {
        let Encoded { kind, version, data } = encode(&event);
        for length in 0..data.len() {
            let problem = decode(kind, version, &data[..length]).unwrap_err().problem;
            assert!(matches!(problem, Problem::Damaged(_)), "{kind} cut to {length}");
        }
    }
}

#[test]
fn an_unknown_shape_is_refused_by_name() {
    let unknown = [("inbox.vanished", 1), ("inbox.registered", 9), ("moon.landed", 1), ("x", 0)];
    for (kind, version) in unknown {
        let error = decode(kind, version, &[]).unwrap_err();
        assert_eq!(error.problem, Problem::Unknown);
        assert_eq!(
            error.to_string(),
            format!(
                "{kind} version {version} cannot be decoded: this build does not know the shape"
            )
        );
    }
}

#[test]
fn no_view_depends_on_a_secret() {
    for (one, other) in samples::all(1).into_iter().zip(samples::all(2)) {
        assert_eq!(one.view().unwrap(), other.view().unwrap(), "{}", one.kind());
    }
}

#[test]
fn a_sealed_secret_shows_only_the_name_of_its_key() {
    let shown = serde_json::to_string(&samples::sealed(1)).unwrap();
    assert_eq!(shown, "\"sealed under key 72656c696e6b6579\"");
    assert_eq!(format!("{:?}", samples::sealed(1)), "Sealed(under 72656c696e6b6579)");
}
