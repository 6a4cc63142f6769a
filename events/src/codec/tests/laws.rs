//! What was encoded is what is decoded, whatever it says.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::super::{decode, encode};
use crate::delivery::{self, AbandonReason, AttemptClass, Response};
use crate::evidence::{Class, Evidence, Scope, Verdict};
use crate::policy::{Policy, Version};
use crate::reauthorization::{self, Cause};
use crate::{AccountId, DeliveryId, Event, EventId, KeyId, Sealed, Timestamp, WebhookId, inbox};

fn text() -> impl Strategy<Value = String> {
    ".{0,20}"
}

fn moment() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_micros)
}

fn sealed() -> impl Strategy<Value = Sealed> {
    (any::<[u8; 8]>(), any::<[u8; 24]>(), any::<Vec<u8>>()).prop_map(|(key, nonce, text)| Sealed {
        key: KeyId(key),
        nonce,
        text,
    })
}

fn verdict() -> impl Strategy<Value = Verdict> {
    (select(Class::ALL), select(Scope::ALL), option::of(text()))
        .prop_map(|(class, scope, rule)| Verdict { class, scope, rule })
}

fn evidence() -> impl Strategy<Value = Evidence> {
    let texts = [(); 5].map(|()| option::of(text()));
    (texts, option::of(any::<u16>())).prop_map(
        |([provider, code, subcode, message, body], status)| Evidence {
            provider,
            status,
            code,
            subcode,
            message,
            body,
        },
    )
}

fn policy() -> impl Strategy<Value = Policy> {
    let lists =
        (option::of(proptest::collection::vec(text(), 0..4)), option::of(any::<Vec<u32>>()));
    (option::of(any::<u32>()), option::of(any::<u64>()), lists).prop_map(
        |(threshold, window_s, (at_once, expiring_days))| Policy {
            threshold,
            window_s,
            at_once,
            expiring_days,
        },
    )
}

fn reauthorization() -> impl Strategy<Value = reauthorization::Event> {
    use reauthorization::{
        AuthorizationErrorRecorded, AuthorizationSucceeded, Event, Expiring, ExpirySet,
        IncidentMuted, PolicySet, ReauthorizationRequired, Reauthorized,
    };
    let cause = prop_oneof![
        option::of(text()).prop_map(|reason| Cause::Prompted { reason }),
        (any::<u32>(), any::<u32>(), verdict())
            .prop_map(|(count, threshold, verdict)| Cause::Threshold { count, threshold, verdict }),
        (text(), verdict()).prop_map(|(code, verdict)| Cause::AtOnce { code, verdict }),
    ];
    let decided = (any::<[u32; 3]>(), any::<u64>(), option::of(moment()));
    prop_oneof![
        (evidence(), verdict(), decided).prop_map(|(evidence, verdict, decided)| {
            let ([table, count, threshold], number, at) = decided;
            Event::AuthorizationErrorRecorded(AuthorizationErrorRecorded {
                evidence,
                verdict,
                table,
                count,
                threshold,
                number,
                at,
            })
        }),
        Just(Event::AuthorizationSucceeded(AuthorizationSucceeded {})),
        (cause, any::<[u32; 3]>(), any::<Vec<u64>>()).prop_map(|(cause, policy, evidence)| {
            let [installation, account, subject] = policy;
            let policy = Version { installation, account, subject };
            Event::ReauthorizationRequired(ReauthorizationRequired { cause, policy, evidence })
        }),
        any::<[bool; 2]>().prop_map(|[was_required, by_hand]| {
            Event::Reauthorized(Reauthorized { was_required, by_hand })
        }),
        policy().prop_map(|policy| Event::PolicySet(PolicySet { policy })),
        option::of(moment()).prop_map(|expires_at| Event::ExpirySet(ExpirySet { expires_at })),
        (moment(), any::<u32>())
            .prop_map(|(expires_at, days)| Event::Expiring(Expiring { expires_at, days })),
        any::<u64>().prop_map(|incident| Event::IncidentMuted(IncidentMuted { incident })),
    ]
}

fn inbox() -> impl Strategy<Value = inbox::Event> {
    let registered = (
        any::<u64>().prop_map(AccountId),
        [(); 3].map(|()| text()),
        option::of(sealed()),
        option::of(any::<u32>()),
    );
    prop_oneof![
        registered.prop_map(
            |(account, [name, channel_type, attributes], credentials, threshold)| {
                inbox::Registered {
                    account,
                    name,
                    channel_type,
                    attributes,
                    credentials,
                    threshold,
                }
                .into()
            }
        ),
        text().prop_map(|name| inbox::Renamed { name }.into()),
        text().prop_map(|channel_type| inbox::ChannelTypeChanged { channel_type }.into()),
        text().prop_map(|attributes| inbox::AttributesChanged { attributes }.into()),
        sealed().prop_map(|credentials| inbox::CredentialsReplaced { credentials }.into()),
        option::of(any::<u32>()).prop_map(|threshold| inbox::ThresholdSet { threshold }.into()),
        Just(inbox::Removed {}.into()),
        reauthorization().prop_map(inbox::Event::from),
    ]
}

fn response() -> impl Strategy<Value = Response> {
    (any::<u16>(), text(), any::<bool>()).prop_map(|(status, body, truncated)| Response {
        status,
        body,
        truncated,
    })
}

fn delivery() -> impl Strategy<Value = delivery::Event> {
    let source = any::<u128>().prop_map(|id| EventId(Uuid::from_u128(id)));
    let id = || {
        (any::<u128>(), any::<u64>()).prop_map(|(event, webhook)| {
            DeliveryId::of(EventId(Uuid::from_u128(event)), WebhookId(webhook))
        })
    };
    let attempt = || (id(), any::<u32>(), moment(), any::<u64>());
    let failed = (select(AttemptClass::ALL), text(), option::of(response()), option::of(moment()));
    prop_oneof![
        (id(), any::<u64>(), [text(), text()], source, moment()).prop_map(
            |(delivery, account, [event, body], source, due)| {
                let account = AccountId(account);
                delivery::Queued { delivery, account, event, source, body, due, key: None }.into()
            }
        ),
        (attempt(), failed).prop_map(
            |(
                (delivery, attempt, started_at, duration_us),
                (class, detail, response, retry_at),
            )| {
                delivery::AttemptFailed {
                    delivery,
                    attempt,
                    class,
                    detail,
                    response,
                    started_at,
                    duration_us,
                    retry_at,
                    charged: true,
                    throttled_until: retry_at,
                    address: None,
                }
                .into()
            }
        ),
        (attempt(), response()).prop_map(
            |((delivery, attempt, started_at, duration_us), response)| {
                let address = Some(response.body.clone());
                delivery::Delivered {
                    delivery,
                    attempt,
                    response,
                    started_at,
                    duration_us,
                    address,
                }
                .into()
            }
        ),
        (id(), select(AbandonReason::ALL)).prop_map(|(delivery, reason)| delivery::Abandoned {
            delivery,
            reason
        }
        .into()),
    ]
}

proptest! {
    #[test]
    fn what_was_written_is_what_is_read(
        event in prop_oneof![inbox().prop_map(Event::from), delivery().prop_map(Event::from)]
    ) {
        let encoded = encode(&event);
        prop_assert_eq!(decode(encoded.kind, encoded.version, &encoded.data), Ok(event));
    }
}
