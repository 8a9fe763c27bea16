//! Generators of modules: pure functions of a random number generator.
//!
//! Every module exports everything, bounds its memories and tables, and imports nothing but what [`crate::engine`] names.

pub mod asm;
mod linked;
mod mutate;
mod single;
mod smith;
mod structured;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What the generators draw from.
pub type Random = ChaCha8Rng;

/// A way to make modules.
#[derive(Clone, Copy)]
pub struct Generator {
    /// Its name, on the command line and in reports.
    pub name: &'static str,
    make: fn(&mut Random) -> Vec<u8>,
    weight: u64,
}

/// All generators.
pub const GENERATORS: &[Generator] = &[
    Generator { name: "single", make: single::generate, weight: 4 },
    Generator { name: "structured", make: structured::generate, weight: 6 },
    Generator { name: "linked", make: linked::generate, weight: 6 },
    Generator { name: "smith", make: smith::generate, weight: 3 },
    Generator { name: "mutate", make: mutate::generate, weight: 2 },
];

impl Generator {
    /// The generator of this name.
    pub fn named(name: &str) -> Option<&'static Generator> {
        GENERATORS.iter().find(|generator| generator.name == name)
    }

    /// The generator whose turn it is.
    pub fn for_seed(seed: u64) -> &'static Generator {
        let total: u64 = GENERATORS.iter().map(|generator| generator.weight).sum();
        let mut turn = seed % total;
        for generator in GENERATORS {
            match turn.checked_sub(generator.weight) {
                Some(rest) => turn = rest,
                None => return generator,
            }
        }
        unreachable!("the turn is below the sum of weights")
    }

    /// The module of this seed.
    pub fn module(&self, seed: u64) -> Vec<u8> {
        (self.make)(&mut Random::seed_from_u64(seed))
    }
}
