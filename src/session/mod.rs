//! The shared state machine: what an announce means for the session it belongs to.
//!
//! Everything here is pure: no input, no output, no clock but the announces' own. [`decide`] says which transition an
//! announce makes, [`advance`] makes it, [`Session`] is what is kept, [`Ending`] says how it ended.
//!
//! # States
//!
//! ```text
//!                started / first line seen
//!                          |
//!            left > 0      v      left = 0
//!          +---------------+---------------+
//!          v                               v
//!     +----------+   left = 0         +---------+
//!  +->| leeching |------------------->| seeding |<-+
//!  |  +----------+<-------------------+---------+  |
//!  |   ^  | event=paused   left > 0    |     |     |
//!  |   |  v                            |     |     |
//!  |  +--------------+                 |     |     |
//!  |  | partial seed |                 |     |     |
//!  |  +--------------+                 |     |     |
//!  |      |   completed (--completed removes)|     |
//!  |      v                                  v     |
//!  |  +-----------+        left = 0, any later announce
//!  +--| completed |--------------------------------+
//!     +-----------+
//!
//!  any state -- stopped --> stopped; a later `started` is a new session, anything else lists it again
//! ```
//!
//! Leeching and partial seed are listed as leeching, seeding as seeding; completed and stopped are not listed.
//! With `--completed seeds` (BEP 3, and every tracker known) there is no completed state: the event is an announce
//! like any other, and `left` decides.
//!
//! # Transitions
//!
//! | the announce | finds no session | finds it alive | finds it stopped |
//! | --- | --- | --- | --- |
//! | repeats the one before (at most 5 s later, or 30 s from another address), or was made long before it | - | [`Duplicate`](Transition::Duplicate) | [`Duplicate`](Transition::Duplicate) |
//! | `started`, counters go on | [`Began`](Transition::Began) | [`StartedAgain`](Transition::StartedAgain) | [`Resumed`](Transition::Resumed): a new session |
//! | `started`, counters fell | | [`Restarted`](Transition::Restarted): a new session | [`Resumed`](Transition::Resumed) |
//! | `started`, a copy of this session's start or written late | | [`Duplicate`](Transition::Duplicate), [`StartedAgain`](Transition::StartedAgain) | [`Resumed`](Transition::Resumed) |
//! | `completed` | [`Began`](Transition::Began) | [`Completed`](Transition::Completed) | [`AfterStop`](Transition::AfterStop) |
//! | none or `paused` | [`Began`](Transition::Began) | [`Went`](Transition::Went) | [`AfterStop`](Transition::AfterStop) |
//! | the same, but `downloaded` fell | | [`Reset`](Transition::Reset): a new session | [`Reset`](Transition::Reset) |
//! | the same or `stopped`, after a `started` that the server refused | [`Began`](Transition::Began) | [`Restarted`](Transition::Restarted) if counters fell | [`Resumed`](Transition::Resumed) |
//! | `stopped` | [`Began`](Transition::Began), one line long | [`Stopped`](Transition::Stopped) | [`StoppedAgain`](Transition::StoppedAgain) |
//!
//! # Credit
//!
//! A session's credit is the growth of its counters by the running maximum ([`State::credit`]), from the `started` line,
//! or an earlier refused `started`, or else the first line seen. So copies, second address families and the zeros that
//! WebTorrent sends with `stopped` change nothing, and nothing is counted twice. What trackers would credit instead is in
//! [`credit`].

pub mod credit;
mod ending;
mod gaps;
mod record;
mod state;

pub use ending::{Clock, End, Ending, Ghost, Listed, Status, ends_listed, ghost, listing, replaced, status_at};
pub use gaps::Gap;
pub use record::{Brief, LineRef, Opening, Outline, Refused, Seen, Session, Whose};
pub use state::{
    Completed, Counters, Last, Live, Phase, RefusedStart, Said, State, Transition, advance, decide, is_late,
    order_within_a_moment, says_nothing_new,
};
