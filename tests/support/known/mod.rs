//! What is known of a scenario of `testdata/corpus` without asking swarmtrail: what was done to each client (`truth.jsonl`)
//! and what the tracker counted (`tracker.jsonl`).
//!
//! [`runs`] turns the one into the sessions that must be found: a [`Run`] is a time in which a client had a torrent under
//! way, from the moment it was added, resumed or started again until it was paused, removed, left or killed. What a client
//! says to the tracker at these moments is a habit of the client ([`Client`]), seen in many logs.

mod client;
mod counted;
mod run;
mod truth;

pub use client::Client;
pub use counted::Counted;
pub use run::{Ended, Finished, Run, runs};
pub use truth::{Reported, Row, Truth};
