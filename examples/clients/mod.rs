//! What real client programs send, for everything here that writes a log.

pub mod chance;
pub mod line;
pub mod programs;
