//! Terrace: a WebAssembly engine with pluggable execution tiers.
