//! Modules of the other generators with a few bytes changed: mostly invalid, and never a reason to panic or hang.

use rand::{Rng, RngCore};

use super::{Random, single, smith, structured};

pub(super) fn generate(random: &mut Random) -> Vec<u8> {
    let mut bytes = match random.random_range(0..3) {
        0 => single::generate(random),
        1 => structured::generate(random),
        _ => smith::generate(random),
    };
    for _ in 0..random.random_range(1..4) {
        let len = bytes.len();
        let at = random.random_range(8.min(len - 1)..len);
        match random.random_range(0..8) {
            0 => bytes.truncate(at.max(1)),
            1 => {
                bytes.remove(at);
            }
            2 => bytes.insert(at, random.next_u32() as u8),
            3 => bytes[at] = random.next_u32() as u8,
            4 => bytes[at] = bytes[at].wrapping_add(1),
            5 => {
                let from = random.random_range(0..len);
                let count = random.random_range(1..16).min(len - from);
                let copied = bytes[from..from + count].to_vec();
                bytes.splice(at..at, copied);
            }
            _ => bytes[at] ^= 1 << random.random_range(0..8),
        }
        if bytes.len() < 2 {
            break;
        }
    }
    bytes
}
