//! A sample of keys to check by hand: so many, drawn from every profile and model, and the same again for whoever knows the seed.
//!
//! A key's place in its stratum is the SHA-256 of seed and credential id, so nobody who draws can choose. It refuses to draw from
//! what is out of service.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::record::KeyRecord;

/// Draws `size` keys (or all, if there are fewer). Each stratum of profile and model gives in proportion to its keys, by the method
/// of largest remainders, and at least one where `size` allows that.
pub fn draw(records: &[KeyRecord], size: usize, seed: &str) -> Vec<KeyRecord> {
    let mut strata: BTreeMap<(&str, &str), BTreeMap<[u8; 32], &KeyRecord>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.state.is_in_use()) {
        let stratum = strata.entry((&record.profile, &record.model)).or_default();
        stratum.insert(rank(seed, &record.credential_id), record);
    }
    let sizes: Vec<usize> = strata.values().map(BTreeMap::len).collect();
    let mut drawn = Vec::new();
    for (keys, count) in strata.values().zip(shares(&sizes, size)) {
        drawn.extend(keys.values().take(count).map(|record| (*record).clone()));
    }
    drawn.sort_by(|a, b| (&a.account, a.ordinal).cmp(&(&b.account, b.ordinal)));
    drawn
}

fn rank(seed: &str, credential_id: &str) -> [u8; 32] {
    // The seed's length keeps seed and id apart.
    Sha256::new()
        .chain_update(seed.len().to_be_bytes())
        .chain_update(seed)
        .chain_update(credential_id)
        .finalize()
        .into()
}

/// How many of each stratum, `size` in all: one of each where there are enough, the rest in proportion by largest remainders.
fn shares(strata: &[usize], size: usize) -> Vec<usize> {
    let size = size.min(strata.iter().sum());
    let one = usize::from(size >= strata.len());
    let rest = size - one * strata.len();
    let weights: Vec<usize> = strata.iter().map(|keys| keys - one).collect();
    let all = weights.iter().sum::<usize>().max(1);
    // Nobody has so many keys that the products overflow; saturated, a share is cut by its stratum.
    let mut shares: Vec<usize> = weights.iter().map(|weight| one + weight.saturating_mul(rest) / all).collect();
    let mut order: Vec<usize> = (0..strata.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(weights[*at].saturating_mul(rest) % all));
    let left = size.saturating_sub(shares.iter().sum());
    order.into_iter().take(left).for_each(|at| shares[at] += 1);
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stratum_gives_its_share_and_one_at_least() {
        assert_eq!(shares(&[10, 10], 4), [2, 2]);
        assert_eq!(shares(&[97, 2, 1], 10), [8, 1, 1]);
        assert_eq!(shares(&[97, 2, 1], 2), [2, 0, 0]);
        assert_eq!(shares(&[98, 1, 1], 25).iter().sum::<usize>(), 25);
        assert!(shares(&[98, 1, 1], 25).iter().all(|share| *share > 0));
        assert_eq!(shares(&[3, 2], 99), [3, 2]);
        assert_eq!(shares(&[], 5), Vec::<usize>::new());
    }

    #[test]
    fn seed_and_id_are_kept_apart() {
        assert_ne!(rank("a", "bc"), rank("ab", "c"));
        assert_eq!(rank("a", "b"), rank("a", "b"));
    }
}
