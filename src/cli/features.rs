//! Proposals by name, and which of them a module uses.

use wasmparser::{Error, Validator, WasmFeatures};

/// A comma-separated list, applied to `base` item by item: `all,-gc,+wide-arithmetic`.
pub fn apply(list: &str, base: WasmFeatures, supported: WasmFeatures) -> Result<WasmFeatures, String> {
    list.split(',').map(str::trim).try_fold(base, |features, item| {
        let named = |wanted: &str| {
            let found = supported.iter_names().find(|&(constant, _)| name(constant) == wanted);
            found.map(|(_, feature)| feature).ok_or_else(|| {
                let known: Vec<_> = names(supported).collect();
                format!("unknown feature `{wanted}`; there are {}", known.join(", "))
            })
        };
        Ok(match item {
            "all" => supported,
            "none" => WasmFeatures::MVP,
            "wasm1" => WasmFeatures::WASM1,
            "wasm2" => WasmFeatures::WASM2,
            "wasm3" => WasmFeatures::WASM3,
            _ => match item.strip_prefix('-') {
                Some(item) => features - named(item)?,
                None => features | named(item.strip_prefix('+').unwrap_or(item))?,
            },
        })
    })
}

fn name(constant: &str) -> String {
    constant.to_lowercase().replace('_', "-")
}

/// The names of the proposals in a set.
pub fn names(features: WasmFeatures) -> impl Iterator<Item = String> {
    (features - WasmFeatures::MVP).iter_names().map(|(constant, _)| name(constant))
}

/// A smallest set of proposals with which the module is valid: features are added as the validator asks for them.
pub fn used(bytes: &[u8]) -> Result<WasmFeatures, Error> {
    let mut used = WasmFeatures::MVP;
    loop {
        let Err(error) = validate(bytes, used) else { return Ok(used) };
        let missing = error.missing_wasm_feature().filter(|&feature| !used.contains(feature));
        match missing.or_else(|| missing_here(bytes, used, &error)) {
            Some(feature) => used |= feature,
            None => return Err(error),
        }
    }
}

/// The first feature that takes the validator past an error which names none.
fn missing_here(bytes: &[u8], used: WasmFeatures, error: &Error) -> Option<WasmFeatures> {
    // With everything, the first error is one that no feature mends.
    if validate(bytes, WasmFeatures::all()).is_err_and(|last| last.offset() <= error.offset()) {
        return None;
    }
    let mut candidates: Vec<WasmFeatures> = (WasmFeatures::all() - used).iter().collect();
    // Some features are parts of others.
    candidates.sort_by_key(|feature| feature.bits().count_ones());
    let helps = |&feature: &WasmFeatures| match validate(bytes, used | feature) {
        Ok(()) => true,
        Err(next) => next.offset() > error.offset() || next.missing_wasm_feature().is_some(),
    };
    candidates.into_iter().find(helps)
}

fn validate(bytes: &[u8], features: WasmFeatures) -> Result<(), Error> {
    Validator::new_with_features(features).validate_all(bytes).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used_by(text: &str) -> Vec<String> {
        let bytes = wat::parse_str(text).expect("valid text");
        names(used(&bytes).expect("valid module")).collect()
    }

    #[test]
    fn features_are_found_and_no_others() {
        let cases: &[(&str, &[&str])] = &[
            ("(module (func (result i32) i32.const 1))", &[]),
            ("(module (func (param i32) (result i32) local.get 0 i32.extend8_s))", &["sign-extension"]),
            ("(module (func (result v128) v128.const i32x4 0 0 0 0))", &["simd"]),
            ("(module (memory 1) (memory 1) (func (drop (i32.load 1 (i32.const 0)))))", &["multi-memory"]),
            ("(module (memory i64 1))", &["memory64"]),
            ("(module (memory 1 (pagesize 1)))", &["custom-page-sizes"]),
            ("(module (func (return_call 0)))", &["tail-call"]),
            ("(module (tag))", &["exceptions"]),
            ("(module (memory 1 1 shared) (func (drop (i32.atomic.load (i32.const 0)))))", &["threads"]),
            ("(module (global i32 (i32.add (i32.const 1) (i32.const 2))))", &["extended-const"]),
            ("(module (type (struct)))", &["gc"]),
            ("(module (func (result i32 i32) i32.const 1 i32.const 2))", &["multi-value"]),
        ];
        for (text, expected) in cases {
            assert_eq!(used_by(text), *expected, "{text}");
        }
    }

    #[test]
    fn invalid_modules_are_reported_as_such() {
        let bytes = wat::parse_str("(module (func (result i32) i64.const 1))").expect("valid text");
        assert!(used(&bytes).expect_err("type mismatch").message().contains("type mismatch"));
    }

    #[test]
    fn lists_apply_in_order() {
        let supported = WasmFeatures::WASM3 | WasmFeatures::WIDE_ARITHMETIC;
        let apply = |list| apply(list, WasmFeatures::WASM2, supported);
        assert_eq!(apply("all"), Ok(supported));
        assert_eq!(apply("all,-gc"), Ok(supported - WasmFeatures::GC));
        assert_eq!(
            apply("+wide-arithmetic, gc"),
            Ok(WasmFeatures::WASM2 | WasmFeatures::WIDE_ARITHMETIC | WasmFeatures::GC)
        );
        assert_eq!(apply("none,simd"), Ok(WasmFeatures::MVP | WasmFeatures::SIMD));
        assert!(apply("frob").is_err_and(|error| error.starts_with("unknown feature `frob`; there are ")));
        assert!(apply("").is_err() && apply("-").is_err());
    }
}
