//! The whole service, as a user meets it: the real binary, real sockets, a real folder.
//!
//! A test waits for a thing to happen and has a deadline; none waits for time to pass.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod api;
mod double;
mod esdb;
mod receiver;
mod relink;
mod steps;

mod bad_input;
mod bad_settings;
mod broken_log;
mod chance;
mod console;
mod crash;
mod deliveries;
mod described;
mod endpoints;
mod events;
mod expiring;
mod explained;
mod follow;
mod full;
mod halted;
mod http2;
mod inboxes;
mod keys;
mod live;
mod mail;
mod main_job;
mod operator;
mod past;
mod prompts;
mod retention;
mod rotation;
mod sdk;
mod secrets;
mod subjects;
mod tenants;
mod webhook_errors;
mod webhooks;
