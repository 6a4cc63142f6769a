//! What comes in by the thousand: evidence on connections, and events of the platform.

pub(super) mod events;
pub(super) mod evidence;
