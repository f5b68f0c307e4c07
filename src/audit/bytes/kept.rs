//! What is kept of the windows of a trial's swarms from one look to the next: it takes longer to make them again.

use super::merged::Merged;
use crate::packed::{Packer, Packs, Unpacker};
use std::cmp::Reverse;
use std::sync::OnceLock;

/// So many windows are kept as they are: those of senders in 24 bytes for each merged one, which are fewer...
const WHOLE: usize = 1 << 18;
/// ...and so many packed, in some six. The others are made again.
const PACKED: usize = 1 << 23;

/// What is kept of a swarm's merged windows.
pub enum Kept {
    Whole(OnceLock<Merged>),
    Packed(OnceLock<Box<[u8]>>),
    Not,
}

impl Kept {
    /// Room for the windows of swarms that have so many, of as many of them as may be kept: first of those with the most.
    pub fn room(windows: impl Iterator<Item = usize>) -> Vec<Kept> {
        let mut order: Vec<(usize, usize)> = windows.zip(0..).collect();
        let mut kept: Vec<_> = order.iter().map(|_| Kept::Not).collect();
        order.sort_by_key(|(windows, _)| Reverse(*windows));
        let (mut whole, mut packed) = (WHOLE, PACKED);
        for (windows, at) in order {
            if windows <= whole {
                whole -= windows;
                kept[at] = Kept::Whole(OnceLock::new());
            } else if windows <= packed {
                packed -= windows;
                kept[at] = Kept::Packed(OnceLock::new());
            }
        }
        kept
    }

    /// Works with what is kept, or else with what `make` makes, which is always the same.
    pub fn with<T>(&self, make: impl FnOnce() -> Merged, work: impl FnOnce(&Merged) -> T) -> T {
        let merged = match self {
            Kept::Whole(kept) => return work(kept.get_or_init(make)),
            Kept::Packed(kept) => match kept.get() {
                Some(packed) => Merged::unpack(&mut Unpacker(packed)),
                None => {
                    let (made, mut packed) = (make(), Vec::new());
                    made.pack(&mut Packer(&mut packed));
                    // Nobody else works on them.
                    _ = kept.set(packed.into());
                    made
                }
            },
            Kept::Not => make(),
        };
        work(&merged)
    }
}
