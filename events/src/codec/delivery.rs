//! Shapes that delivery events once had, and their one step to the next.

use serde::{Deserialize, Serialize};

use crate::delivery::{
    AttemptClass, AttemptFailed, Delivered, DisableRule, EndpointDisabled, Queued, Response,
};
use crate::{AccountId, Actor, DeliveryId, EventId, Timestamp};

/// `delivery.queued` version 1: before deliveries had keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedV1 {
    /// Which.
    pub delivery: DeliveryId,
    /// The tenant.
    pub account: AccountId,
    /// What the receiver calls the event.
    pub event: String,
    /// The record that brought it about.
    pub source: EventId,
    /// The exact bytes to deliver, JSON.
    pub body: String,
    /// When the first attempt may be made.
    pub due: Timestamp,
}

/// `delivery.attempt_failed` version 1: every failure used up a wait of the schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptFailedV1 {
    /// Which.
    pub delivery: DeliveryId,
    /// The first attempt is 1.
    pub attempt: u32,
    /// What kind of failure.
    pub class: AttemptClass,
    /// What happened, in words.
    pub detail: String,
    /// What the receiver answered, if it did.
    pub response: Option<Response>,
    /// When the attempt began.
    pub started_at: Timestamp,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// When the next attempt may be made; none when this was the last.
    pub retry_at: Option<Timestamp>,
}

/// `delivery.attempt_failed` version 2: before it was known where the connection led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptFailedV2 {
    /// Which.
    pub delivery: DeliveryId,
    /// The first attempt is 1.
    pub attempt: u32,
    /// What kind of failure.
    pub class: AttemptClass,
    /// What happened, in words.
    pub detail: String,
    /// What the receiver answered, if it did.
    pub response: Option<Response>,
    /// When the attempt began.
    pub started_at: Timestamp,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// When the next attempt may be made; none when this was the last.
    pub retry_at: Option<Timestamp>,
    /// Whether it used up one wait of the schedule.
    pub charged: bool,
    /// Until when the endpoint asked to be left alone.
    pub throttled_until: Option<Timestamp>,
}

/// `delivery.delivered` version 1: before it was known where the connection led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveredV1 {
    /// Which.
    pub delivery: DeliveryId,
    /// The first attempt is 1.
    pub attempt: u32,
    /// What the receiver answered.
    pub response: Response,
    /// When the attempt began.
    pub started_at: Timestamp,
    /// How long it took, in microseconds.
    pub duration_us: u64,
}

/// `delivery.endpoint_disabled` version 1: before it told what led to it and what is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointDisabledV1 {
    /// Which rule said so.
    pub rule: DisableRule,
    /// Why, in words.
    pub reason: String,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

impl From<EndpointDisabledV1> for EndpointDisabled {
    fn from(old: EndpointDisabledV1) -> Self {
        let EndpointDisabledV1 { rule, reason, by, at } = old;
        Self { rule, reason, by, at, since: None, held: None }
    }
}

impl From<DeliveredV1> for Delivered {
    fn from(old: DeliveredV1) -> Self {
        let DeliveredV1 { delivery, attempt, response, started_at, duration_us } = old;
        Self { delivery, attempt, response, started_at, duration_us, address: None }
    }
}

impl From<AttemptFailedV2> for AttemptFailed {
    fn from(old: AttemptFailedV2) -> Self {
        Self {
            delivery: old.delivery,
            attempt: old.attempt,
            class: old.class,
            detail: old.detail,
            response: old.response,
            started_at: old.started_at,
            duration_us: old.duration_us,
            retry_at: old.retry_at,
            charged: old.charged,
            throttled_until: old.throttled_until,
            address: None,
        }
    }
}

impl From<QueuedV1> for Queued {
    fn from(old: QueuedV1) -> Self {
        let QueuedV1 { delivery, account, event, source, body, due } = old;
        Self { delivery, account, event, source, body, due, key: None }
    }
}

impl From<AttemptFailedV1> for AttemptFailed {
    fn from(old: AttemptFailedV1) -> Self {
        Self {
            delivery: old.delivery,
            attempt: old.attempt,
            class: old.class,
            detail: old.detail,
            response: old.response,
            started_at: old.started_at,
            duration_us: old.duration_us,
            retry_at: old.retry_at,
            charged: true,
            throttled_until: None,
            address: None,
        }
    }
}
