//! Differential testing: modules from deterministic generators run on many engines, which must agree.
//!
//! Everything follows from a seed: the module, its calls with their arguments, and the configurations. The reference tier
//! on unfolded bytecode decides; other configurations of Terrace must agree with it to the position of a trap and the unit
//! of fuel, another engine as far as the standard says.

pub mod engine;
pub mod generate;
pub mod oracle;
pub mod other;
pub mod shrink;
pub mod terrace;
pub mod value;
mod watch;
