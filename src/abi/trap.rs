//! Why wasm execution stopped.
//!
//! One enum for every tier: native code reports the discriminant, the runtime adds position and backtrace.

use core::fmt;

macro_rules! trap_kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// The kind of a trap. Discriminants are part of the native-code ABI.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum TrapKind { $($(#[$doc])* $name = $code,)* }

        impl TrapKind {
            /// Every kind, in order of discriminant.
            pub const ALL: &'static [TrapKind] = &[$(TrapKind::$name),*];

            /// The message, worded as the spec testsuite's assertions expect it.
            pub const fn message(self) -> &'static str {
                match self { $(TrapKind::$name => $text,)* }
            }

            /// The kind with this discriminant.
            pub const fn from_code(code: u8) -> Option<TrapKind> {
                match code { $($code => Some(TrapKind::$name),)* _ => None }
            }
        }
    };
}

trap_kinds! {
    /// The `unreachable` instruction was executed.
    Unreachable = 1, "unreachable";
    /// A load, store or bulk operation reached outside a linear memory.
    MemoryOutOfBounds = 2, "out of bounds memory access";
    /// A table access or bulk operation reached outside a table.
    TableOutOfBounds = 3, "out of bounds table access";
    /// `call_indirect` through an index outside the table.
    UndefinedElement = 4, "undefined element";
    /// `call_indirect` through a null table element.
    UninitializedElement = 5, "uninitialized element";
    /// `call_indirect` to a function of another type.
    IndirectCallTypeMismatch = 6, "indirect call type mismatch";
    /// Integer division or remainder by zero.
    IntegerDivideByZero = 7, "integer divide by zero";
    /// Signed division overflow, or a float too large for the integer type it is converted to.
    IntegerOverflow = 8, "integer overflow";
    /// A NaN was converted to an integer.
    InvalidConversion = 9, "invalid conversion to integer";
    /// The configured stack limit was reached.
    StackOverflow = 10, "call stack exhausted";
    /// An atomic access whose address is not a multiple of its width.
    UnalignedAtomic = 11, "unaligned atomic";
    /// `memory.atomic.wait` on a memory that is not shared.
    ExpectedSharedMemory = 12, "expected shared memory";
    /// A null reference where a value was needed (`ref.as_non_null`, GC accesses).
    NullReference = 13, "null reference";
    /// `call_ref` or `return_call_ref` of null.
    NullFunctionReference = 14, "null function reference";
    /// An exception left the outermost wasm frame uncaught.
    UncaughtException = 15, "uncaught exception";
    /// `throw_ref` of null.
    NullExceptionReference = 16, "null exception reference";
    /// A failed `ref.cast`.
    CastFailure = 17, "cast failure";
    /// An array access outside the array.
    ArrayOutOfBounds = 18, "out of bounds array access";
    /// The fuel budget is used up.
    OutOfFuel = 19, "all fuel consumed";
    /// Interrupted: an epoch deadline passed, or another thread asked for it.
    Interrupt = 20, "interrupt";
    /// The heap of references is full.
    HeapExhausted = 21, "heap of references exhausted";
    /// A null structure reference was dereferenced.
    NullStructReference = 22, "null structure reference";
    /// A null array reference was dereferenced.
    NullArrayReference = 23, "null array reference";
    /// A null i31 reference was read.
    NullI31Reference = 24, "null i31 reference";
    /// An operation that this tier refuses by name was reached.
    Unsupported = 25, "unsupported operation";
}

impl fmt::Display for TrapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl core::error::Error for TrapKind {}
