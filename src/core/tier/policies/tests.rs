use proptest::prelude::*;

use super::*;

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Sync), Just(Mode::Background)]
}

fn spec() -> impl Strategy<Value = PolicySpec> {
    let number = any::<u32>;
    prop_oneof![
        prop_oneof![Just(FixedTier::Interp), Just(FixedTier::Jit)].prop_map(|tier| PolicySpec::Fixed(Fixed { tier })),
        mode().prop_map(|mode| PolicySpec::Lazy(Lazy { mode })),
        (number(), number(), number(), mode(), any::<bool>()).prop_map(|(threshold, entry, loop_, mode, osr)| {
            PolicySpec::Counter(Counter { threshold, entry, loop_, mode, osr })
        }),
        (number(), mode(), any::<bool>()).prop_map(|(budget, mode, osr)| PolicySpec::Bytes(Bytes {
            budget,
            mode,
            osr
        })),
        (number(), number(), number(), number(), mode(), any::<bool>()).prop_map(
            |(threshold, entry, loop_, size, mode, osr)| {
                PolicySpec::Scaled(Scaled { threshold, entry, loop_, size, mode, osr })
            }
        ),
        any::<bool>().prop_map(|osr| PolicySpec::BackgroundAll(BackgroundAll { osr })),
        (any::<u64>(), number()).prop_map(|(seed, max)| PolicySpec::Random(Random { seed, max })),
        "[ -~]{0,20}".prop_map(|file| PolicySpec::Oracle(Oracle { file })),
    ]
}

proptest! {
    #[test]
    fn text_round_trips(spec in spec()) {
        prop_assert_eq!(spec.to_string().parse::<PolicySpec>(), Ok(spec));
    }

    #[test]
    fn any_text_is_a_policy_or_an_error(text in "(fixed|counter|oracle|random)?[:=,a-z0-9]{0,20}") {
        if let Ok(spec) = text.parse::<PolicySpec>() {
            prop_assert_eq!(spec.to_string().parse(), Ok(spec));
        }
    }

    #[test]
    fn json_round_trips(spec in spec()) {
        let text = serde_json::to_string(&spec).unwrap();
        prop_assert_eq!(serde_json::from_str::<PolicySpec>(&text).unwrap(), spec);
    }
}

#[test]
fn defaults_are_filled_in() {
    let canonical = |text: &str| text.parse::<PolicySpec>().unwrap().to_string();
    assert_eq!(canonical("counter"), "counter:threshold=1000,entry=15,loop=1,mode=sync,osr=true");
    assert_eq!(
        canonical("counter:loop=2,threshold=0,mode=background"),
        "counter:threshold=0,entry=15,loop=2,mode=background,osr=true"
    );
    assert_eq!(canonical("fixed:tier=jit"), "fixed:tier=jit");
    assert_eq!(canonical("oracle:a=b,c:d"), "oracle:a=b,c:d");
    assert_eq!(PolicySpec::default().to_string(), "fixed:tier=interp");
}

#[test]
fn every_name_is_a_policy() {
    for name in PolicySpec::NAMES {
        assert_eq!(name.parse::<PolicySpec>().unwrap().name(), *name);
    }
}

#[test]
fn errors_say_what_there_is() {
    let error = |text: &str| text.parse::<PolicySpec>().unwrap_err().to_string();
    assert_eq!(
        error("magic"),
        r#"no policy has the name "magic"; there are fixed, lazy, counter, bytes, scaled, background-all, random, oracle"#
    );
    assert_eq!(error("lazy:osr=true"), r#"policy lazy has no parameter "osr"; it has mode"#);
    assert_eq!(error("counter:loop=-1"), r#"policy counter: loop is a number of 32 bits, not "-1""#);
    assert_eq!(error("counter:loop"), r#"policy counter: loop is a number of 32 bits, not """#);
    assert_eq!(error("fixed:tier=llvm"), r#"policy fixed: tier is interp or jit, not "llvm""#);
    assert_eq!(error("random:seed=1,seed=2"), "policy random: seed is given twice");
}

#[test]
fn toml_describes_the_same_policies() {
    let spec = PolicySpec::from_toml("name = \"counter\"\nthreshold = 5\nloop = 3\nmode = \"background\"\n").unwrap();
    assert_eq!(spec, "counter:threshold=5,loop=3,mode=background".parse().unwrap());
    for (text, hint) in [
        ("name = \"magic\"", "background-all"),
        ("name = \"lazy\"\nosr = true", "expected `mode`"),
        ("name = \"counter\"\nloop = \"x\"", "u32"),
        ("threshold = 1", "name"),
    ] {
        let error = PolicySpec::from_toml(text).unwrap_err().to_string();
        assert!(error.contains(hint), "{text}: {error}");
    }
}

#[test]
fn files_that_are_missing_or_broken_are_named() {
    let load = |path: &str| format!("oracle:{path}").parse::<PolicySpec>().unwrap().load().err().unwrap().to_string();
    assert!(load("/nowhere/at/all").starts_with("/nowhere/at/all: "));
    let argument = PolicySpec::from_argument("/nowhere/policy.toml").unwrap_err();
    assert!(matches!(argument, PolicyError::File { .. }));
}

#[test]
fn only_policies_that_watch_count() {
    let counts = |text: &str| text.parse::<PolicySpec>().unwrap().counts();
    assert!(!counts("fixed:tier=interp") && !counts("fixed:tier=jit") && !counts("background-all"));
    assert!(counts("lazy") && counts("counter") && counts("background-all:osr=true") && counts("random"));
}

#[test]
fn thresholds_grow_with_the_square_root_of_the_size() {
    use crate::tier::profile::Profile;

    let profile = Profile::new([0, 1000, 4000].into_iter());
    let scaled = Scaled { threshold: 100, size: 1000, ..Scaled::default() };
    let budgets: Vec<u32> = (0..3).map(|function| scaled.budget(function, &profile.view())).collect();
    assert_eq!(budgets, [100, 200, 300]);
}
