//! Runs the WebAssembly spec testsuite on every Terrace tier.
