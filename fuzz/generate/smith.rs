//! Modules of wasm-smith: any operator anywhere, without structure.

use arbitrary::Unstructured;
use rand::{Rng, RngCore};
use wasm_smith::{Config, Module};

use super::Random;

const PAGE: u64 = 1 << 16;

fn config(random: &mut Random) -> Config {
    // The other engine knows nothing of these; it takes part where they are off.
    let modern = random.random();
    Config {
        max_imports: 0,
        export_everything: true,
        max_funcs: 8,
        min_funcs: 1,
        max_instructions: random.random_range(20..200),
        max_memories: random.random_range(1..=3),
        min_memories: random.random_range(0..=1),
        max_tables: 3,
        max_memory32_bytes: 10 * PAGE,
        max_memory64_bytes: u128::from(10 * PAGE),
        memory_max_size_required: true,
        max_table_elements: 1000,
        table_max_size_required: true,
        canonicalize_nans: random.random(),
        disallow_traps: random.random_ratio(1, 4),
        custom_page_sizes_enabled: random.random_ratio(1, 8),
        wide_arithmetic_enabled: random.random(),
        relaxed_simd_enabled: modern && random.random(),
        threads_enabled: modern && random.random(),
        exceptions_enabled: modern,
        // Types with subtypes and groups; functions that use structures are refused by name.
        gc_enabled: modern && random.random_ratio(1, 4),
        compact_imports_enabled: false,
        ..Config::default()
    }
}

pub(super) fn generate(random: &mut Random) -> Vec<u8> {
    let config = config(random);
    let terminate = random.random();
    let mut bytes = vec![0; 16 << 10];
    random.fill_bytes(&mut bytes);
    let mut module = match Module::new(config, &mut Unstructured::new(&bytes)) {
        Ok(module) => module,
        Err(_) => return b"\0asm\x01\0\0\0".to_vec(),
    };
    if terminate {
        // The module stays as it is where this is not possible.
        let _ = module.ensure_termination(100);
    }
    module.to_bytes()
}
