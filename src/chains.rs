//! Many strings of bytes that grow: each lies in a chain of chunks, and takes another one when it needs more. So nothing is moved.

use crate::pieces::Pieces;
use prefetch_index::prefetch_index;

/// All chains, in chunks of so many bytes.
#[derive(Clone, Debug)]
pub struct Chains<const BYTES: usize> {
    chunks: Pieces<Chunk<BYTES>>,
    /// Chunks that are not used any more.
    free: Vec<u32>,
}

/// So many bytes a chunk has that takes one line of the cache...
pub const ONE_LINE: usize = 59;
/// ...and one that takes two.
pub const TWO_LINES: usize = 123;

impl<const BYTES: usize> Default for Chains<BYTES> {
    fn default() -> Self {
        Chains { chunks: Pieces::default(), free: Vec::new() }
    }
}

/// Bytes of one chain.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Chunk<const BYTES: usize> {
    bytes: [u8; BYTES],
    /// How many of them are used: all, but for the last chunk of a chain.
    used: u8,
    /// The chunk with what comes before; [`NONE`] if this is the first.
    before: u32,
}

const _: () = assert!(size_of::<Chunk<ONE_LINE>>() == 64 && size_of::<Chunk<TWO_LINES>>() == 128);

/// No chunk.
const NONE: u32 = u32::MAX;

/// One of [`Chains`]: its last chunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Chain(u32);

impl Default for Chain {
    /// Of no bytes.
    fn default() -> Chain {
        Chain(NONE)
    }
}

impl<const BYTES: usize> Chains<BYTES> {
    /// Adds bytes to a chain.
    #[inline]
    pub fn push(&mut self, chain: &mut Chain, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let full = self.chunks.get(chain.0 as usize).is_none_or(|chunk| usize::from(chunk.used) == BYTES);
            if full {
                self.add_chunk(chain);
            }
            let chunk = &mut self.chunks[chain.0 as usize];
            let room = &mut chunk.bytes[usize::from(chunk.used)..];
            let fits = room.len().min(bytes.len());
            room[..fits].copy_from_slice(&bytes[..fits]);
            chunk.used += fits as u8;
            bytes = &bytes[fits..];
        }
    }

    fn add_chunk(&mut self, chain: &mut Chain) {
        let chunk = Chunk { bytes: [0; BYTES], used: 0, before: chain.0 };
        chain.0 = match self.free.pop() {
            Some(free) => {
                self.chunks[free as usize] = chunk;
                free
            }
            None => {
                self.chunks.push(chunk);
                self.chunks.len() as u32 - 1
            }
        };
    }

    /// Has the cache fetch the end of a chain.
    #[inline]
    pub fn fetch(&self, chain: Chain) {
        if let Some(chunk) = self.chunks.get(chain.0 as usize) {
            // Where it begins, and where it ends.
            let bytes = chunk.bytes.as_slice();
            prefetch_index(bytes, 0);
            prefetch_index(bytes, BYTES - 1);
        }
    }

    /// The chunks of a chain, the last one first.
    fn chunks(&self, chain: Chain) -> impl Iterator<Item = &Chunk<BYTES>> {
        let chunk = |at: u32| self.chunks.get(at as usize);
        std::iter::successors(chunk(chain.0), move |last| chunk(last.before))
    }

    /// Adds the bytes of a chain to others.
    pub fn read(&self, chain: Chain, bytes: &mut Vec<u8>) {
        let len: usize = self.chunks(chain).map(|chunk| usize::from(chunk.used)).sum();
        let mut end = bytes.len() + len;
        bytes.resize(end, 0);
        for chunk in self.chunks(chain) {
            let used = usize::from(chunk.used);
            bytes[end - used..end].copy_from_slice(&chunk.bytes[..used]);
            end -= used;
        }
    }

    /// Takes all bytes out of a chain.
    pub fn clear(&mut self, chain: &mut Chain) {
        while let Some(chunk) = self.chunks.get(chain.0 as usize) {
            self.free.push(chain.0);
            chain.0 = chunk.before;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn chains_hold_what_was_added_to_them_since_they_were_cleared(
            steps in prop::collection::vec((0usize..3, prop::collection::vec(any::<u8>(), 0..150), 0u8..9), 0..60),
        ) {
            let (mut chains, mut own, mut expected) = (Chains::<ONE_LINE>::default(), [Chain::default(); 3], [const { Vec::new() }; 3]);
            for (of, bytes, clear) in steps {
                if clear == 0 {
                    chains.clear(&mut own[of]);
                    prop_assert_eq!(own[of], Chain::default());
                    expected[of].clear();
                }
                chains.push(&mut own[of], &bytes);
                expected[of].extend(bytes);
                for (chain, expected) in own.iter().zip(&expected) {
                    let mut bytes = vec![7];
                    chains.read(*chain, &mut bytes);
                    prop_assert_eq!(&bytes[1..], &expected[..]);
                }
            }
            let used: usize = own.iter().map(|chain| chains.chunks(*chain).count()).sum();
            prop_assert_eq!(chains.chunks.len() - chains.free.len(), used);
        }
    }
}
