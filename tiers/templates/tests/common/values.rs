//! Operands that are worth trying: the edges of every type, and some random ones.

use terrace_abi::Ty;

/// A small generator of a fixed sequence.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// The next number: the finalizer of a counter.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    pub fn next_u128(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }
}

/// Values of a type.
pub fn values(ty: Ty) -> Vec<u128> {
    let values = match ty {
        Ty::F32 => floats_32(),
        Ty::F64 => floats_64(),
        Ty::V128 => vectors(),
        Ty::I32 => integers(32),
        _ => integers(64).into_iter().chain(halfway()).collect(),
    };
    let mut unique: Vec<u128> = Vec::new();
    for value in values {
        if !unique.contains(&value) {
            unique.push(value);
        }
    }
    unique
}

/// Every combination of values of these types.
pub fn tuples(types: &[Ty]) -> Vec<Vec<u128>> {
    types.iter().fold(vec![vec![]], |tuples, &ty| {
        let values = values(ty);
        tuples.iter().flat_map(|tuple| values.iter().map(move |&value| [&tuple[..], &[value]].concat())).collect()
    })
}

/// Integers of this many bits: the edges of all narrower ones, too.
pub fn integers(bits: u32) -> Vec<u128> {
    let mut random = Random::new(2);
    let mask = u128::MAX >> (128 - bits);
    let edges =
        [0, 1, 2, 4, 5, 7, 8, 15, 16, 31, 32, 33, 63].into_iter().filter(|&power| power < bits).flat_map(|power| {
            let edge = 1u128 << power;
            [edge, edge - 1, edge + 1, edge.wrapping_neg(), edge.wrapping_neg() - 1]
        });
    let random = (0..8).map(move |i| u128::from(random.next()) >> (i % 4 * 11));
    edges.chain(random).map(|value| value & mask).collect()
}

/// 64-bit integers halfway between two floats of either width, and their neighbours.
fn halfway() -> impl Iterator<Item = u128> {
    let places = [(63, 10), (63, 39), (62, 9), (62, 38)];
    places.into_iter().flat_map(|(top, half)| {
        [1, 3].into_iter().flat_map(move |odd: u128| [0, 1, 2].map(|above| (1 << top) + (odd << half) + above - 1))
    })
}

/// Floats of either width: `values` is written once for both.
macro_rules! floats {
    ($name:ident $float:ident $bits:ident $signaling:literal) => {
        fn $name() -> Vec<u128> {
            let mut values: Vec<$float> = vec![
                0.0,
                0.5,
                0.25,
                0.75,
                1.5,
                2.5,
                3.0,
                1e10,
                1e-10,
                $float::MIN_POSITIVE,
                $float::MIN_POSITIVE.next_down(),
                $float::from_bits(1),
                $float::MAX,
                $float::MAX / 2.0,
                $float::INFINITY,
                $float::NAN,
                $float::from_bits($float::NAN.to_bits() | 0x1234),
                $float::from_bits($signaling),
                $float::from_bits($signaling | 1),
            ];
            for power in [0, 7, 8, 15, 16, 23, 24, 31, 32, 52, 53, 63, 64] {
                let edge = (2.0 as $float).powi(power);
                values.extend([edge, edge.next_up(), edge.next_down(), edge + 0.5, edge - 0.5, edge + 1.0, edge - 1.0]);
            }
            // Where the other width overflows, underflows and rounds.
            values.extend([f32::MAX as $float, (f32::MAX as $float).next_up(), f32::MAX as $float * 1.00000003]);
            values.extend([f32::from_bits(1) as $float, f32::MIN_POSITIVE as $float * 0.999, 1.1754943e-38, 7e-46]);
            let negative: Vec<$float> = values.iter().map(|value| -value).collect();
            values.extend(negative);
            let mut random = Random::new(3);
            values.extend((0..8).map(|_| $float::from_bits(random.next() as $bits)));
            values.into_iter().map(|value| value.to_bits().into()).collect()
        }
    };
}

floats! { floats_32 f32 u32 0x7f80_1000 }
floats! { floats_64 f64 u64 0x7ff0_1000_0000_1000 }

/// Vectors whose lanes are the values of each lane type.
fn vectors() -> Vec<u128> {
    let mut vectors = vec![0, u128::MAX, 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100];
    let mut pack = |lane_bits: u32, lanes: Vec<u128>| {
        let count = (128 / lane_bits) as usize;
        for chunk in lanes.chunks(count) {
            let lane = |i: usize| chunk[i % chunk.len()] << (i as u32 * lane_bits);
            vectors.push((0..count).fold(0, |vector, i| vector | lane(i)));
        }
    };
    pack(8, integers(8));
    pack(16, integers(16));
    pack(32, integers(32));
    pack(64, integers(64));
    pack(32, values(Ty::F32));
    pack(64, values(Ty::F64));
    let mut random = Random::new(4);
    vectors.extend((0..8).map(|_| random.next_u128()));
    vectors
}
