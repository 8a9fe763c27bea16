//! Runs the WebAssembly spec testsuite on every Terrace tier.
//!
//! A script (`.wast`) is a list of directives: modules, calls, and assertions about them. Every directive that is parsed is
//! run, and ends in exactly one of passed, failed and skipped; a skipped one says by what name it was refused. Scripts share
//! nothing with each other: each has an engine with the features that it was written for, and a store of its own.
//!
//! ```
//! use terrace_spec_tests::{ALL_FEATURES, Options, Script, run_script};
//!
//! let script = Script {
//!     name: "add.wast".into(),
//!     features: ALL_FEATURES,
//!     text: r#"
//!         (module (func (export "add") (param i32 i32) (result i32)
//!             (i32.add (local.get 0) (local.get 1))))
//!         (assert_return (invoke "add" (i32.const 2) (i32.const 3)) (i32.const 5))
//!         (assert_return (invoke "add" (i32.const 2) (i32.const 3)) (i32.const 6))
//!     "#.into(),
//! };
//! let report = run_script(&script, &Options::default());
//! assert_eq!(report.to_string(), "add.wast:5: result 0: expected i32 6, got i32 5\n2 passed, 1 failed, 0 skipped");
//! ```

mod files;
mod messages;
mod report;
mod script;
mod spectest;
mod suites;
mod values;

pub mod generated;

pub use files::{read_scripts, run_path, run_scripts};
pub use messages::trap_matches;
pub use report::{Failure, Location, Report, Skip, SkipReason};
pub use script::{Options, run_script};
pub use suites::{ALL_FEATURES, NOT_IMPLEMENTED, SUPERSEDED, Script, Suite, Superseded, proposal_features, suites};
