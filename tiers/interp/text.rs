//! The handlers as part of the program, and faults in them.

use std::io;
use std::sync::OnceLock;

use terrace_abi::Word;
use terrace_core::runtime::memory::GUARD_RESERVATION;
use terrace_core::runtime::signals::{self, CodeRange, Registers};

use crate::activation::{Activation, header};

mod tables {
    //! The build script's tables. Plans are spelled as they print.

    use crate::classes::{Class::*, Classes, Dims, File::*, Role::*};
    use crate::plan::{Plan, Target::*};

    include!(concat!(env!("OUT_DIR"), "/tables.rs"));
}

pub(crate) use tables::*;

core::arch::global_asm!(include_str!(concat!(env!("OUT_DIR"), "/interp.s")));

unsafe extern "C" {
    #[link_name = "terrace_interp"]
    static TEXT: [u8; LENGTH];
}

/// The base that handler offsets count from.
pub(crate) fn base() -> *const u8 {
    (&raw const TEXT).cast()
}

/// The base whose handlers call the probe before each instruction.
pub(crate) fn probed_base() -> *const u8 {
    base().wrapping_add(PROBED)
}

/// Starts an activation and returns how it ended.
///
/// # Safety
///
/// Everything that the activation points to is alive, and not borrowed otherwise; its start is linked code whose arguments lie at the
/// base of the newest frame, a link.
pub(crate) unsafe fn start(activation: *mut Activation) -> u32 {
    // SAFETY: the build script put a C function of this type there.
    let start = unsafe {
        std::mem::transmute::<*const u8, unsafe extern "C" fn(*mut Activation) -> u32>(base().wrapping_add(START))
    };
    // SAFETY: the caller's promise.
    unsafe { start(activation) }
}

/// What the return address of compiled code leads to, if its caller is none.
pub(crate) fn returned() -> *const u8 {
    base().wrapping_add(RETURNED)
}

const LINK_WORDS: usize = header::WORDS + LINKS.len();

/// What links and compiled code continue at, behind a header without pinned locals.
static LINK: [Word; LINK_WORDS] = {
    let mut words = [Word(0); LINK_WORDS];
    let mut index = 0;
    while index < LINKS.len() {
        words[header::WORDS + index] = Word(LINKS[index] as u64);
        index += 1;
    }
    words
};

/// The code of links.
pub(crate) fn link() -> *const Word {
    &raw const LINK[header::WORDS]
}

/// Features that handlers use and this processor lacks, by name.
pub(crate) fn missing_features() -> Vec<&'static str> {
    let mut missing = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        macro_rules! require {
            ($($feature:tt)*) => {$(
                if !std::arch::is_x86_feature_detected!($feature) {
                    missing.push($feature);
                }
            )*};
        }
        require!("avx" "avx2" "bmi1" "bmi2" "fma" "lzcnt" "popcnt");
    }
    missing
}

/// Where a fault in the handlers goes on: accesses to memory 0 that its guard pages stopped are traps.
fn resolve(_: usize, address: usize, registers: &Registers) -> Option<usize> {
    let memory = registers.get(MEMORY_REGISTER as u8);
    let inside = memory != 0 && address.wrapping_sub(memory) < GUARD_RESERVATION;
    inside.then(|| base().addr() + OUT_OF_BOUNDS)
}

/// Makes faults in the handlers traps, once for the process.
pub(crate) fn install() -> io::Result<()> {
    static RANGE: OnceLock<CodeRange> = OnceLock::new();
    static INSTALLED: OnceLock<Result<(), io::ErrorKind>> = OnceLock::new();
    let installed = INSTALLED.get_or_init(|| {
        let start = base().expose_provenance();
        let range = RANGE.get_or_init(|| CodeRange { start, end: start + LENGTH, resolve });
        // SAFETY: `resolve` continues at a stub that needs only what every handler keeps in registers.
        unsafe { signals::register(range) };
        signals::install().map_err(|error| error.kind())
    });
    installed.map_err(io::Error::from)
}
