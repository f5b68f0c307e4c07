//! Whose excess it is. Within one swarm that cannot be told; over many it can: who is honest sits in some swarms with an
//! excess because others do, who is not brings it wherever he goes.

/// One user's upload in one swarm with an excess.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// The swarm, by its place among those with an excess.
    pub swarm: u32,
    /// The user, by number.
    pub user: u32,
    /// What he claims to have sent there.
    pub up: f64,
}

/// Rounds of improvement; the order of the users has settled long before.
const ROUNDS: usize = 60;

/// For each user, which part of the claims is needed to explain the excesses, from 0 to 1: the non-negative solution of
/// `excess = sum of parts x claims` that is likeliest if excess comes in many small portions (the multiplicative rule of
/// Richardson and Lucy; every round explains the excesses better and keeps all parts at least 0). `all` is what each user
/// claims anywhere: what is claimed in swarms without an excess was received.
pub fn attribute(shares: &[Share], excess: &[f64], all: &[f64]) -> Vec<f64> {
    let mut parts = vec![0.5; all.len()];
    for _ in 0..ROUNDS {
        let mut explained = vec![0.0; excess.len()];
        for share in shares {
            explained[share.swarm as usize] += parts[share.user as usize] * share.up;
        }
        let mut pull = vec![0.0; all.len()];
        for share in shares {
            let swarm = share.swarm as usize;
            if explained[swarm] > 0.0 {
                pull[share.user as usize] += share.up * excess[swarm] / explained[swarm];
            }
        }
        for (part, (pull, all)) in parts.iter_mut().zip(pull.iter().zip(all)) {
            *part = if *all > 0.0 { (*part * pull / all).min(1.0) } else { 0.0 };
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_everywhere_where_bytes_are_missing_explains_them() {
        // User 0 fakes half of everything; 1 to 4 are with him in one swarm each, and in one without him.
        let mut shares = Vec::new();
        let mut excess = Vec::new();
        let mut all = vec![0.0; 5];
        for other in 1..5u32 {
            let swarm = excess.len() as u32;
            shares.extend([Share { swarm, user: 0, up: 10.0 }, Share { swarm, user: other, up: 20.0 }]);
            excess.push(5.0);
            all[0] += 10.0;
            all[other as usize] += 20.0 + 30.0;
        }
        let parts = attribute(&shares, &excess, &all);
        assert!(parts[0] > 0.35, "{parts:?}");
        assert!(parts[1..].iter().all(|part| *part < 0.06), "{parts:?}");
    }
}
