//! The spec testsuite, our own regression scripts and those of `WASM_TESTSUITE_DIR`, on every registered tier.
//!
//! What is skipped must be exactly what `exclusions.txt` lists, and what fails exactly what the tier's file in
//! `expected-failures` lists: an entry that passes is an error, so the lists only shrink. `TERRACE_BLESS=1` writes
//! `exclusions.txt` anew. Where tiers are forced to collect, and to change sides, only some suites run, without `TERRACE_ALL=1`.

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use terrace::{Engine, Level, TierDown};
use terrace_spec_tests::{Options, Report, Script, SkipReason, generated, read_scripts, run_path, run_scripts, suites};

/// Prints past the test harness, which shows only what failing tests print: how much ran is worth seeing every time.
macro_rules! announce {
    ($($arg:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), $($arg)*);
    }};
}

/// Directives and assertions of each suite.
const TOTALS: &[(&str, usize, usize)] = &[
    ("core", 21233, 20029),
    ("annotations", 617, 559),
    ("bulk-memory", 7485, 7188),
    ("custom-page-sizes", 207, 164),
    ("exceptions", 105, 90),
    ("extended-const", 284, 212),
    ("function-references", 1874, 1649),
    ("gc", 784, 657),
    ("memory64", 1606, 1438),
    ("multi-memory", 912, 768),
    ("multi-value", 1182, 1154),
    ("mutable-global", 149, 122),
    ("nontrapping-float-to-int-conversions", 615, 614),
    ("reference-types", 9140, 8571),
    ("relaxed-simd", 77, 69),
    ("sign-extension-ops", 872, 870),
    ("simd", 25990, 25515),
    ("tail-call", 119, 113),
    ("threads", 619, 444),
    ("wide-arithmetic", 109, 107),
];

/// What every tier runs on. The reference tier on the plain level is what everything else is held against.
fn configurations() -> Vec<Options> {
    let mut configurations = Vec::new();
    for tier in Engine::tiers() {
        let levels: &[Level] = if tier == "reference" { &[Level::Plain, Level::Folded] } else { &[Level::Folded] };
        configurations.extend(levels.iter().map(|&level| Options {
            tier: Some(tier.to_owned()),
            level,
            ..Options::default()
        }));
    }
    configurations
}

/// Policies that compile early or by chance, and polls that leave compiled code.
const TIERING: &[(&str, Option<&str>, TierDown)] = &[
    ("tiered", Some("counter:threshold=0"), TierDown::Never),
    ("tiered", Some("counter:threshold=0,entry=0"), TierDown::Never),
    ("tiered", Some("counter:threshold=1,entry=1"), TierDown::Never),
    ("tiered", Some("random:seed=1,max=8"), TierDown::Never),
    ("tiered", Some("random:seed=2"), TierDown::Every(NonZeroU32::new(3).unwrap())),
    // Every loop head is entered, and left at its poll; then every other one is.
    ("tiered", Some("counter:threshold=0,entry=0"), TierDown::Every(NonZeroU32::MIN)),
    ("tiered", Some("counter:threshold=0"), TierDown::Every(NonZeroU32::new(2).unwrap())),
    ("tiered", Some("lazy:mode=background"), TierDown::After(10)),
    ("jit", None, TierDown::Every(NonZeroU32::MIN)),
    ("jit", None, TierDown::Every(NonZeroU32::new(2).unwrap())),
];

/// Ways between the interpreter and compiled code, forced.
fn tiering() -> Vec<Options> {
    let tiers = Engine::tiers();
    let available = TIERING.iter().filter(|(tier, ..)| tiers.contains(tier));
    let rows = available.map(|&(tier, policy, tier_down)| Options {
        tier: Some(tier.to_owned()),
        policy: policy.map(|policy| policy.parse().expect("a policy")),
        tier_down,
        ..Options::default()
    });
    rows.collect()
}

/// Suites in which control takes every kind of way.
const CONTROL: [&str; 5] = ["core", "exceptions", "function-references", "reference-types", "tail-call"];

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The lines of a list, without comments.
fn list(path: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

/// Holds the failures against the tier's list of expected ones.
fn check_failures(options: &Options, report: &Report) {
    let tier = options.tier.as_deref().expect("every configuration names its tier");
    let expected = list(&folder().join("expected-failures").join(format!("{tier}.txt")));
    let actual: BTreeSet<String> = report.failures.iter().map(|failure| failure.location.to_string()).collect();
    let unexpected = report.failures.iter().filter(|failure| !expected.contains(&failure.location.to_string()));
    let unexpected: Vec<String> = unexpected.map(ToString::to_string).collect();
    let fixed: Vec<&String> = expected.difference(&actual).collect();
    assert!(unexpected.is_empty(), "{options:?}: {} failures:\n{}", unexpected.len(), unexpected.join("\n"));
    assert!(fixed.is_empty(), "{options:?}: these pass now; remove them from expected-failures/{tier}.txt: {fixed:?}");
}

#[test]
fn spec_testsuite() {
    let suites = suites();
    let names: Vec<&str> = suites.iter().map(|suite| suite.name.as_str()).collect();
    assert_eq!(names, TOTALS.iter().map(|(name, ..)| *name).collect::<Vec<_>>());

    let path = folder().join("exclusions.txt");
    let mut bless = std::env::var_os("TERRACE_BLESS").is_some();
    for options in configurations() {
        let mut total = Report::default();
        for (suite, &(name, directives, assertions)) in suites.iter().zip(TOTALS) {
            let report = run_scripts(&suite.scripts, &options);
            assert_eq!((report.directives, report.assertions), (directives, assertions), "totals of {name}");
            assert_eq!(report.directives, report.passed + report.failures.len() + report.skips.len(), "{name}");
            total.merge(report);
        }
        let operators = total.skips.iter().filter(|skip| matches!(skip.reason, SkipReason::Operator(_)));
        let excluded: BTreeSet<String> = operators.map(ToString::to_string).collect();
        announce!(
            "{} {:?}: {} directives, {} passed; {} of {} assertions ran and held; skipped {}, of which {} by operator",
            options.tier.as_deref().unwrap_or_default(),
            options.level,
            total.directives,
            total.passed,
            total.assertions_passed,
            total.assertions,
            total.skips.len(),
            excluded.len(),
        );
        check_failures(&options, &total);
        if std::mem::take(&mut bless) {
            let header = "# Directives that depend on an operator which the engine refuses by name. Generated: TERRACE_BLESS=1.\n";
            let lines: String = excluded.iter().map(|line| format!("{line}\n")).collect();
            fs::write(&path, format!("{header}{lines}")).expect("the list can be written");
        }
        let listed = list(&path);
        let unlisted: Vec<&String> = excluded.difference(&listed).collect();
        let stale: Vec<&String> = listed.difference(&excluded).collect();
        assert!(unlisted.is_empty(), "{options:?}: skipped, but not in exclusions.txt: {unlisted:#?}");
        assert!(stale.is_empty(), "{options:?}: in exclusions.txt, but not skipped: {stale:#?}");
    }
}

#[test]
fn regressions() {
    let mut scripts = read_scripts(&folder().join("regressions")).expect("the scripts can be read");
    for script in &mut scripts {
        let path = Path::new(&script.name).strip_prefix(folder()).expect("the scripts are ours");
        script.name = path.display().to_string();
    }
    scripts.extend(generated::scripts());
    for options in configurations() {
        let report = run_scripts(&scripts, &options);
        announce!("{options:?}: {} assertions held", report.assertions_passed);
        assert!(report.is_success() && report.skips.is_empty(), "{options:?}:\n{report}");
    }
}

/// Whether to take the time for everything.
fn all() -> bool {
    std::env::var_os("TERRACE_ALL").is_some()
}

/// Regressions and the suites of [`CONTROL`], or everything.
fn scripts() -> Vec<Script> {
    let mut scripts = read_scripts(&folder().join("regressions")).expect("the scripts can be read");
    let suites = suites().into_iter().filter(|suite| all() || CONTROL.contains(&&*suite.name));
    scripts.extend(suites.flat_map(|suite| suite.scripts));
    if all() {
        scripts.extend(generated::scripts());
    }
    scripts
}

/// References that are not rooted are found by collecting at every safepoint.
#[test]
fn references_survive_collection() {
    let scripts = scripts();
    for options in configurations() {
        let report = run_scripts(&scripts, &Options { gc_stress: true, ..options.clone() });
        assert!(report.is_success(), "{options:?}:\n{report}");
    }
}

/// Whenever activations pass between the interpreter and compiled code, scripts do the same.
#[test]
fn activations_change_sides() {
    let scripts = scripts();
    for options in tiering() {
        for &gc_stress in if all() { &[false, true][..] } else { &[true] } {
            let options = Options { gc_stress, ..options.clone() };
            let report = run_scripts(&scripts, &options);
            announce!("{options:?}: {} assertions held", report.assertions_passed);
            assert!(report.is_success(), "{options:?}:\n{report}");
        }
    }
}

#[test]
fn directory_of_the_environment() {
    let Some(path) = std::env::var_os("WASM_TESTSUITE_DIR").map(PathBuf::from) else { return };
    for options in configurations() {
        let report = run_path(&path, &options).expect("the directory can be read");
        announce!("{options:?}: {} of {} assertions held", report.assertions_passed, report.assertions);
        assert!(report.is_success(), "{options:?}:\n{report}");
    }
}
