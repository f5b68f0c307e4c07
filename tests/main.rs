//! All tests of the binary and of the library as others use it. One crate: what they share is compiled once.

mod bad_input;
mod clients;
mod commands;
mod corpus;
mod credit;
mod page;
mod progress;
mod properties;
mod side;
mod sources;
mod support;
mod terminal;
