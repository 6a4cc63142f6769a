//! Hears of every actor's end. ractor's own supervisor would stop itself with its first child.

use ractor::{ActorProcessingErr, ActorRef, SupervisionEvent};

use crate::aggregate::Aggregate;
use crate::registry::WeakRegistry;

/// The parent of all actors of one registry.
pub(crate) struct Supervisor<A: Aggregate> {
    pub(crate) registry: WeakRegistry<A>,
}

impl<A: Aggregate> ractor::Actor for Supervisor<A> {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<()>,
        event: SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        let Some(registry) = self.registry.upgrade() else {
            myself.stop(None);
            return Ok(());
        };
        match event {
            SupervisionEvent::ActorTerminated(actor, _, _) => registry.ended(actor.get_id(), None),
            SupervisionEvent::ActorFailed(actor, panic) => {
                registry.ended(actor.get_id(), Some(panic.to_string()));
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}
