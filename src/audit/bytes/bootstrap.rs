//! How much what is said of a user hangs on which torrents he happened to be in: a bootstrap over his swarms.

/// So often his swarms are drawn anew.
const DRAWS: usize = 400;

/// What is summed up over a user's swarms.
#[derive(Clone, Copy, Default, Debug)]
pub struct Swarm {
    /// See [`super::odds::Table::odds`].
    pub odds: f64,
    /// Granules claimed.
    pub up: f64,
    /// Those without a receiver beside who is trusted.
    pub excess: f64,
}

/// Sums as they would be had other swarms been drawn: sorted, for quantiles.
#[derive(Default, Debug)]
pub struct Draws {
    odds: Vec<f64>,
    /// Which part of the claims finds no receiver.
    parts: Vec<f64>,
}

impl Draws {
    /// Draws as many of the swarms, each as often as it comes.
    pub fn new(swarms: &[Swarm]) -> Draws {
        let mut draws = Draws::default();
        let mut random = Random(0);
        for _ in 0..DRAWS {
            let drawn = (0..swarms.len()).filter_map(|_| swarms.get(random.below(swarms.len())));
            let sum = drawn.fold(Swarm::default(), |sum, swarm| Swarm {
                odds: sum.odds + swarm.odds,
                up: sum.up + swarm.up,
                excess: sum.excess + swarm.excess,
            });
            draws.odds.push(sum.odds);
            draws.parts.push(sum.excess / sum.up.max(1.0));
        }
        draws.odds.sort_by(f64::total_cmp);
        draws.parts.sort_by(f64::total_cmp);
        draws
    }

    /// The odds that so many in a thousand draws are below.
    pub fn odds(&self, thousandths: usize) -> f64 {
        quantile(&self.odds, thousandths)
    }

    /// The part without a receiver that so many in a thousand draws are below.
    pub fn part(&self, thousandths: usize) -> f64 {
        quantile(&self.parts, thousandths)
    }
}

fn quantile(sorted: &[f64], thousandths: usize) -> f64 {
    sorted.get(sorted.len().saturating_sub(1) * thousandths / 1000).copied().unwrap_or_default()
}

/// SplitMix64: the same draws for the same log.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(mixed ^ mixed >> 31) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_swarm_alone_says_may_not_be_drawn() {
        let swarm = |odds: f64, excess: f64| Swarm { odds, up: 1.0, excess };
        let one = [swarm(9.0, 1.0), swarm(-1.0, 0.0), swarm(-1.0, 0.0), swarm(-1.0, 0.0)];
        let (draws, same) = (Draws::new(&one), Draws::new(&one));
        assert_eq!((draws.part(25), draws.odds(25)), (0.0, -4.0));
        assert!(draws.part(975) > 0.25 && draws.odds(975) > 6.0);
        assert_eq!((draws.odds, draws.parts), (same.odds, same.parts));
        let all = Draws::new(&[swarm(2.0, 0.5); 5]);
        assert_eq!((all.part(25), all.part(975), all.odds(25)), (0.5, 0.5, 10.0));
        assert_eq!(Draws::new(&[]).part(500), 0.0);
    }
}
