//! Handlers of two instructions in a row: one dispatch less.
//!
//! The pairs are listed in `fusions.txt`, by the names of the handlers. Both instructions keep their words: the first one's op field
//! leads to the fused handler, and the second one's to its own, for whoever comes there by a branch.

use std::collections::HashMap;

use terrace_templates::Machine;

use super::{Generator, Variant, unit};

const LIST: &str = include_str!("../fusions.txt");

impl<M: Machine> Generator<M> {
    /// Emits the fused handlers; `near` are the single ones within reach, with their indices.
    pub(super) fn fusions(&mut self, near: &[(Variant, u16)]) -> Vec<(u16, u16, u16)> {
        let names: HashMap<String, (Variant, u16)> =
            near.iter().map(|&(variant, index)| (variant.name(), (variant, index))).collect();
        let find = |name: &str| *names.get(name).unwrap_or_else(|| panic!("fusions.txt names no handler: {name}"));
        let mut fused = Vec::new();
        for line in LIST.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (first, second) = line.split_once(' ').expect("a line has two names");
            let ((first, a), (second, b)) = (find(first), find(second));
            assert!(first.may_be_followed(), "{line}: the first one cannot be followed");
            let at = self.begin();
            self.fused(first, second);
            self.end(at, format!("{}__{}", first.name(), second.name()));
            fused.push((a, b, unit(at)));
        }
        fused.sort_unstable();
        fused.dedup_by_key(|&mut (a, b, _)| (a, b));
        fused
    }
}
