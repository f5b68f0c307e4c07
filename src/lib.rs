//! Reads the access log of a BitTorrent tracker and tells what really happened: sessions, ratios over time, what each
//! profile listed and when, and what does not add up.
//!
//! The modules, from the bytes up: [`source`] cuts blocks of whole lines, [`access_log`] takes a line apart into a
//! request, [`announce`] reads what it says, [`packed`] and [`strings`] keep small what there is much of, [`session`] knows what an announce
//! means, [`account`] and [`swarm`] add up, [`side`] knows what no log tells, [`replay`] drives announces through all of it in
//! order, [`credit`] runs other trackers' rules beside it, [`reading`] does so on every core, [`audit`] holds findings against it,
//! [`pulse`] keeps what moved when, [`report`] shows it. A module knows only those before it.

pub mod access_log;
pub mod account;
pub mod announce;
pub mod audit;
mod chains;
pub mod credit;
mod measure;
mod order;
pub mod packed;
mod pieces;
pub mod pulse;
pub mod reading;
pub mod replay;
pub mod report;
mod scan;
pub mod session;
mod share;
pub mod side;
pub mod source;
pub mod strings;
pub mod swarm;
pub mod time;
