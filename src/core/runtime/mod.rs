//! What running modules are made of.
//!
//! An [`Engine`] holds what modules and stores share; a [`Module`] is code and immutable; a [`Store`] owns everything that
//! lives at run time: instances, their objects, the stack, the heap of references.
//!
//! Handles on a store's objects ([`FuncRef`], [`InstanceRef`] and the indices beside them) are plain values without
//! lifetimes, as machine code needs them. Whoever holds one keeps its store alive and uses it with no other: the embedding
//! crate checks that on every use.

mod config;
mod const_expr;
mod engine;
mod extern_;
mod func;
pub mod heap;
mod instance;
mod instantiate;
pub mod libcalls;
mod limits;
pub mod memory;
pub mod mmap;
mod module;
pub mod parking;
mod pinned;
mod placed;
#[cfg(all(any(target_os = "linux", target_os = "macos"), any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod signals;
mod stack;
mod store;
pub mod table;
#[cfg(test)]
mod tests;
mod trap;
pub mod types;

pub use config::{Config, TierDown, Translation};
pub use engine::{Engine, EngineError};
pub use extern_::{Extern, ExternType, GlobalRef, MemoryRef, TableRef, TagRef};
pub use func::{FuncRef, HostCall, HostFunc, SlotEntry};
pub use instance::{Instance, InstanceRef};
pub use instantiate::{InstantiateError, LinkError};
pub use limits::{LimitError, ResourceLimiter, StoreLimits, StoreLimitsBuilder};
pub(crate) use module::WeakModule;
pub use module::{
    DataSegment, ElementSegment, Elements, Export, ExprRange, ExternIndex, Import, Module, ModuleError, SegmentMode,
    TranslationStats,
};
pub use stack::{Frame, FrameView, Link, Slots, VmStack};
pub use store::{EpochCallback, FuelError, GrowError, InterruptHandle, LimiterAccess, ObjectError, Store};
pub use trap::{Backtrace, BoxError, FrameInfo, HostError, Raise, Stop, Trap};
