//! An independent account of the same rules: commands decided one by one, states kept plainly.

use std::collections::BTreeMap;

use events::evidence::Evidence;
use events::reauthorization::{Command, Reauthorization as State, blocks, threshold};
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Fail(Class),
    Work,
    Prompt,
    Reauthorize,
}

/// What the model keeps of an inbox: only the words of `domain.md`.
#[derive(Default)]
struct Plain {
    decided: State,
    proven: bool,
    blocked: bool,
    degraded: bool,
}

impl Plain {
    fn step(&mut self, step: &Step, channel_type: &str) -> Vec<Reauthorization> {
        let command = match step {
            Step::Fail(class) => {
                let (evidence, verdict) = (Evidence::default(), verdict(*class));
                Command::RecordError { evidence, verdict, table: 1, at: second(1) }
            }
            Step::Work => Command::RecordSuccess,
            Step::Prompt => Command::Prompt { reason: None },
            Step::Reauthorize => Command::Reauthorize,
        };
        let rules = Rules::chatwoots(threshold(channel_type));
        let events = self.decided.decide(command, &rules);
        events.iter().for_each(|event| self.decided.evolve(event));
        self.proven |= !events.is_empty() && !matches!(step, Step::Fail(_));
        match step {
            // Whatever happens while it is required shows only what is required.
            Step::Fail(class) => {
                let speaks = !matches!(class, Class::Recipient | Class::Request);
                self.proven |= speaks;
                self.blocked |= blocks(*class) && !self.decided.required;
                self.degraded |= speaks && !self.decided.required;
            }
            Step::Prompt => {}
            Step::Work if self.decided.required => {}
            Step::Reauthorize if events.is_empty() => {}
            Step::Work | Step::Reauthorize => (self.blocked, self.degraded) = (false, false),
        }
        events
    }

    fn state(&self) -> HealthState {
        match self {
            Self { decided, .. } if decided.required => HealthState::ActionNeeded,
            Self { proven: false, .. } => HealthState::Unknown,
            Self { blocked: true, .. } => HealthState::Blocked,
            Self { degraded: true, .. } => HealthState::Degraded,
            Self { .. } => HealthState::Healthy,
        }
    }
}

const CHANNELS: [&str; 3] = ["Channel::Whatsapp", "Channel::Email", "Channel::Instagram"];

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let step = prop_oneof![
        4 => proptest::sample::select(Class::ALL).prop_map(Step::Fail),
        3 => Just(Step::Fail(Class::Auth)),
        2 => Just(Step::Work),
        1 => Just(Step::Prompt),
        1 => Just(Step::Reauthorize),
    ];
    proptest::collection::vec((0..30_u64, step), 0..400)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn states_and_counts_are_those_of_an_independent_model(steps in steps()) {
        let channel = |id: u64| CHANNELS[(id % 3) as usize];
        let mut model: BTreeMap<u64, Plain> = (0..30).map(|id| (id, Plain::default())).collect();
        let mut events: Vec<_> =
            (0..30).map(|id| (stream(id), registered(channel(id)))).collect();
        for (id, step) in &steps {
            let plain = model.get_mut(id).unwrap();
            let happened = plain.step(step, channel(*id)).into_iter();
            events.extend(happened.map(|event| (stream(*id), InboxEvent::from(event))));
        }
        let health: InboxHealth = fold(&history(events));
        for (id, plain) in &model {
            let inbox = health.inbox(InboxId(*id)).unwrap();
            prop_assert_eq!(inbox.state, plain.state(), "inbox {}", id);
            prop_assert_eq!(inbox.authorization_error_count, plain.decided.error_count);
            prop_assert_eq!(inbox.reauthorization_required, plain.decided.required);
            prop_assert_eq!(inbox.threshold, threshold(channel(*id)));
        }
        for (state, count) in health.count_by_state() {
            let expected = model.values().filter(|plain| plain.state() == state).count();
            prop_assert_eq!(count, expected, "{}", state);
        }
    }
}
