//! Everything that Terrace's execution tiers stand on.
pub mod bytecode;
pub mod runtime;
pub mod tier;
pub mod translate;
