//! Chance that comes out the same for the same seed, on every machine: whole numbers only.

/// Splitmix64: small, fast, and good enough for a load.
#[derive(Clone)]
pub struct Chance(pub u64);

impl Chance {
    /// A sequence of its own for everything that must come out the same whenever it is asked for.
    pub fn of(seed: u64, what: u64, of_what: u64) -> Chance {
        let mut chance = Chance(seed ^ what.wrapping_mul(0xd134_2543_de82_ef95) ^ of_what.rotate_left(32));
        chance.next();
        chance
    }

    /// 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// From `low` to less than `high`.
    pub fn between(&mut self, (low, high): (u32, u32)) -> u32 {
        low + self.below(u64::from(high - low)) as u32
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// Up to 2^`bits`, small values as likely as large ones: the law of popularity, file sizes and line speeds.
    pub fn any_scale(&mut self, bits: u32) -> u64 {
        let scale = self.below(u64::from(bits));
        (1 << scale) + self.below(1 << scale)
    }

    /// Fills a slice with any bytes.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }

    /// Fills a slice with letters of an alphabet.
    pub fn letters(&mut self, out: &mut [u8], alphabet: &[u8]) {
        for letter in out {
            *letter = alphabet[self.below(alphabet.len() as u64) as usize];
        }
    }
}

/// The one whose share of the tickets holds this one.
pub fn pick<T>(from: &'static [T], mut ticket: u32, share: impl Fn(&T) -> u32) -> &'static T {
    for one in from {
        match ticket.checked_sub(share(one)) {
            Some(rest) => ticket = rest,
            None => return one,
        }
    }
    &from[0]
}
