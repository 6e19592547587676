//! The log as a Merkle tree (RFC 6962 section 2.1): what checkpoints sign, and what inclusion and consistency are proved in.
//!
//! Leaf N-1 is the 32-byte hash that the chain gives event N, so that each leaf commits to its event and to all before it, the
//! tree is that of any log, old ones too, and no text is hashed twice. It refuses to take a hash without the chain having been
//! followed to it: [`crate::register::Register`] adds each as it reads.

use ct_merkle::RootHash;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A node's hash, or a root.
pub type Hash = [u8; 32];

/// As much of a growing tree as is needed to add leaves and to tell the root: the roots of its full subtrees, the largest first.
/// Never more than 64 of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    size: u64,
    peaks: Vec<Hash>,
}

impl Tree {
    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds the next event's hash.
    pub fn push(&mut self, entry: &Hash) {
        let mut node = leaf(entry);
        // Where the number of leaves ends in ones, as many full subtrees of growing size become one.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = parent(&left, &node);
            }
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// The root, Merkle Tree Hash in RFC 6962.
    pub fn root(&self) -> Hash {
        match self.peaks.split_last() {
            None => Sha256::digest([]).into(),
            Some((last, larger)) => larger.iter().rev().fold(*last, |right, left| parent(left, &right)),
        }
    }
}

fn leaf(entry: &Hash) -> Hash {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

fn parent(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// A whole tree, for proofs. It has all leaves in memory, 100 bytes for each.
pub struct WholeTree(MemoryBackedTree<Sha256, Hash>);

impl WholeTree {
    /// The tree of these events' hashes, in order.
    pub fn new(entries: impl IntoIterator<Item = Hash>) -> Self {
        let mut tree = MemoryBackedTree::new();
        entries.into_iter().for_each(|entry| tree.push(entry));
        Self(tree)
    }

    /// Shows that event `seq` is in the tree: hashes from the leaf's sibling up (RFC 6962 section 2.1.1). `None` if it has no
    /// such event.
    pub fn inclusion(&self, seq: u64) -> Option<Vec<Hash>> {
        let index = usize::try_from(seq.checked_sub(1).filter(|index| *index < self.0.len())?).ok()?;
        Some(hashes(self.0.prove_inclusion(index).as_bytes()))
    }

    /// Shows that this tree goes on from the one that had `size` leaves (RFC 6962 section 2.1.2). `None` if it never had so few
    /// or so many: there is a proof from 1 to its own size, and that one is empty.
    pub fn consistency(&self, size: u64) -> Option<Vec<Hash>> {
        match self.0.len().checked_sub(size) {
            Some(0) if size > 0 => Some(Vec::new()),
            Some(added) if size > 0 => Some(hashes(self.0.prove_consistency(usize::try_from(added).ok()?).as_bytes())),
            _ => None,
        }
    }

    /// The root.
    pub fn root(&self) -> Hash {
        self.0.root().as_bytes().to_owned().into()
    }
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    bytes.as_chunks().0.to_vec()
}

/// Whether the proof shows that an event with this hash is number `seq` in the tree of this size and root.
pub fn is_included(entry: &Hash, seq: u64, proof: &[Hash], size: u64, root: &Hash) -> bool {
    let Some(index) = seq.checked_sub(1) else { return false };
    let proof = ct_merkle::InclusionProof::<Sha256>::try_from_bytes(proof.concat());
    let root = RootHash::<Sha256>::new((*root).into(), size);
    index < size && proof.is_ok_and(|proof| root.verify_inclusion(entry, index, &proof).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(size: u8) -> Vec<Hash> {
        (0..size).map(|number| Sha256::digest([number]).into()).collect()
    }

    /// Section 2.1 of RFC 6962 as it stands there.
    fn merkle_tree_hash(entries: &[Hash]) -> Hash {
        match entries {
            [] => Sha256::digest([]).into(),
            [one] => leaf(one),
            more => {
                let split = more.len().next_power_of_two() / 2;
                parent(&merkle_tree_hash(&more[..split]), &merkle_tree_hash(&more[split..]))
            }
        }
    }

    #[test]
    fn the_root_is_that_of_rfc_6962_at_each_size() {
        let mut tree = Tree::default();
        let entries = entries(130);
        for (size, entry) in entries.iter().enumerate() {
            assert_eq!(tree.root(), merkle_tree_hash(&entries[..size]), "{size}");
            assert_eq!(tree.size(), size as u64);
            tree.push(entry);
            assert_eq!(tree.peaks.len(), tree.size().count_ones() as usize);
            assert_eq!(tree.root(), WholeTree::new(entries[..=size].iter().copied()).root());
        }
    }

    #[test]
    fn each_event_is_shown_to_be_where_it_is_and_nowhere_else() {
        for size in 1..20_u8 {
            let entries = entries(size);
            let tree = WholeTree::new(entries.iter().copied());
            let (root, size) = (tree.root(), u64::from(size));
            assert_eq!((tree.inclusion(0), tree.inclusion(size + 1), tree.inclusion(u64::MAX)), (None, None, None));
            for seq in 1..=size {
                let proof = tree.inclusion(seq).unwrap();
                for (other, entry) in entries.iter().enumerate() {
                    assert_eq!(is_included(entry, seq, &proof, size, &root), other as u64 + 1 == seq);
                }
                let entry = &entries[seq as usize - 1];
                assert!((1..=size).all(|other| is_included(entry, other, &proof, size, &root) == (other == seq)));
                assert!(
                    !is_included(entry, 0, &proof, size, &root) && !is_included(entry, size + 1, &proof, size, &root)
                );
                assert!(!is_included(entry, seq, &proof, size, &[0; 32]));
            }
        }
    }

    #[test]
    fn a_longer_tree_is_shown_to_go_on_from_a_shorter_one() {
        let entries = entries(20);
        let old_root = |size: usize| WholeTree::new(entries[..size].iter().copied()).root();
        for size in 1..=20_usize {
            let tree = WholeTree::new(entries[..size].iter().copied());
            let new = RootHash::<Sha256>::new(tree.root().into(), size as u64);
            assert_eq!((tree.consistency(0), tree.consistency(size as u64 + 1)), (None, None));
            for old in 1..size {
                let proof = tree.consistency(old as u64).unwrap();
                let proof = ct_merkle::ConsistencyProof::try_from_bytes(proof.concat()).unwrap();
                for other in 1..size {
                    let root = RootHash::<Sha256>::new(old_root(other).into(), old as u64);
                    assert_eq!(new.verify_consistency(&root, &proof).is_ok(), other == old, "{old} {other} {size}");
                }
            }
        }
    }
}
