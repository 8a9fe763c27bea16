//! Terrace: a WebAssembly engine with pluggable execution tiers.
//!
//! An [`Engine`] holds settings; a [`Module`] is loaded code; a [`Store`] owns instances and everything that they use. A
//! [`Linker`] names what modules import, and an [`Instance`] is a module in a store, whose exports the host calls.
//!
//! ```
//! use terrace::{Caller, Engine, Linker, Module, Store};
//!
//! let engine = Engine::default();
//! let module = Module::new(&engine, r#"
//!     (module
//!         (import "host" "hello" (func $hello (param i32)))
//!         (func (export "run") (call $hello (i32.const 3))))
//! "#)?;
//!
//! let mut linker = Linker::new(&engine);
//! linker.func_wrap("host", "hello", |mut caller: Caller<'_, Vec<i32>>, x: i32| caller.data_mut().push(x))?;
//!
//! let mut store = Store::new(&engine, Vec::new());
//! let instance = linker.instantiate(&mut store, &module)?;
//! instance.get_typed_func::<(), ()>(&mut store, "run")?.call(&mut store, ())?;
//! assert_eq!(store.data(), &[3]);
//! # Ok::<(), terrace::Error>(())
//! ```
//!
//! # Names
//!
//! Names and shapes are those that embedders know from other engines. The difference to mind: what is used with a store or
//! engine that it does not belong to is an [`Error`], here and everywhere, and never a panic. So accessors of handles return
//! a [`Result`].
//!
//! # What stops wasm
//!
//! Every call returns an [`Error`] if execution stops before its end. [`Error::trap`] tells a trap's kind, and
//! [`Error::backtrace`] its place; [`Error::exception`] is an exception that nothing caught; what a host function failed with
//! is found by [`Error::downcast_ref`]. Execution is bounded by [fuel](Config::consume_fuel),
//! [epochs](Config::epoch_interruption) and [`InterruptHandle`]s, and memory by a [`ResourceLimiter`].
//!
//! # Threads, reentrancy, panics
//!
//! See [`Store`].

mod config;
mod engine;
mod error;
mod externs;
mod func;
mod global;
mod instance;
mod linker;
mod memory;
mod module;
mod refs;
mod shared;
mod store;
mod table;
mod tag;
mod tiers;
mod types;
mod val;

pub use config::Config;
pub use engine::Engine;
pub use error::{BoxError, Error, HostFailure, Result, TrapError};
pub use externs::Extern;
pub use func::{Caller, Func, IntoFunc, TypedFunc, WasmParams, WasmResults, WasmRet, WasmTy, WasmValues};
pub use global::Global;
pub use instance::{Export, Instance};
pub use linker::{InstancePre, Linker};
pub use memory::Memory;
pub use module::{ExportType, ImportType, Module};
pub use refs::{AnyRef, ExnRef, ExternRef, OwnedRooted, RootScope, Rooted, RootedKind, ThrownException};
pub use shared::SharedMemory;
pub use store::{AsContext, AsContextMut, Store, StoreContext, StoreContextMut, UpdateDeadline};
pub use table::Table;
pub use tag::Tag;
pub use types::{
    ExternType, FuncType, GlobalType, HeapType, MemoryType, Mutability, RefType, TableType, TagType, ValType,
};
pub use val::{Ref, V128, Val};

pub use terrace_core::bytecode::Level;
pub use terrace_core::runtime::memory::MemoryError;
pub use terrace_core::runtime::mmap::MapError;
pub use terrace_core::runtime::table::TableError;
pub use terrace_core::runtime::types::{TypeError, TypeId};
pub use terrace_core::runtime::{
    Backtrace as WasmBacktrace, EngineError, FrameInfo, FuelError, GrowError, InterruptHandle, LimitError, LinkError,
    ModuleError, ObjectError, ResourceLimiter, StoreLimits, StoreLimitsBuilder, TierDown, Translation,
    TranslationStats,
};
pub use terrace_core::tier::code::CompileStats;
pub use terrace_core::tier::listener::{CodeListener, InstalledCode};
pub use terrace_core::tier::manager::EventSink;
pub use terrace_core::tier::policies::{self, PolicyError, PolicySpec};
pub use terrace_core::tier::{events, timeline};
pub use terrace_core::translate::TranslateError;
pub use wasmparser::WasmFeatures;

#[doc(inline)]
pub use terrace_abi::TrapKind as Trap;
