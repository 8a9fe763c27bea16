//! A short hunt, and the modules on which engines disagreed once.

use terrace_fuzz::generate::GENERATORS;
use terrace_fuzz::oracle::check;

#[test]
fn generated_modules() {
    let (mut returned, mut other) = (0, 0);
    for generator in GENERATORS {
        for seed in 0..150 {
            let report = check(&generator.module(seed), seed);
            if let Some(divergence) = report.divergence {
                panic!("{} {seed}: {divergence}", generator.name);
            }
            returned += report.returned;
            other += u32::from(report.other);
        }
    }
    // Engines that all refuse agree as well.
    assert!(returned > 1000 && other > 100, "{returned} calls returned, {other} modules compared");
}

#[test]
fn corpus() {
    let mut count = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus")).unwrap() {
        let path = entry.unwrap().path();
        let wasm = std::fs::read(&path).unwrap();
        for seed in 0..10 {
            if let Some(divergence) = check(&wasm, seed).divergence {
                panic!("{} {seed}: {divergence}", path.display());
            }
        }
        count += 1;
    }
    assert!(count > 0);
}
