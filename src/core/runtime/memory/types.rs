//! What a memory is declared to be, and how its bounds are kept.

use super::super::mmap::MapError;

/// The size of an ordinary wasm page, as a power of two.
pub const PAGE_SIZE_LOG2: u8 = 16;

/// The type of a linear memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemoryType {
    /// The size at creation, in pages.
    pub minimum: u64,
    /// The size that growth may reach, in pages.
    pub maximum: Option<u64>,
    /// Whether addresses are 64-bit.
    pub memory64: bool,
    /// Whether threads may share the memory.
    pub shared: bool,
    /// The page size as a power of two: 16, or 0 for a memory counted in bytes.
    pub page_size_log2: u8,
}

impl MemoryType {
    /// The bytes of a page.
    pub fn page_size(&self) -> u64 {
        1 << self.page_size_log2
    }

    /// The most pages that a memory of this type can have in this engine, whatever its maximum says: what its
    /// addresses reach, what `memory.size` can tell from failure, and what a host object may span.
    pub fn page_limit(&self) -> u64 {
        if self.memory64 {
            (isize::MAX as u64) >> self.page_size_log2
        } else {
            ((1 << 32) >> self.page_size_log2).min(u64::from(u32::MAX))
        }
    }

    /// The most pages that growth may reach.
    pub fn growth_limit(&self) -> u64 {
        self.maximum.map_or(self.page_limit(), |maximum| maximum.min(self.page_limit()))
    }

    pub(super) fn check(&self) -> Result<(), MemoryError> {
        let limit = self.page_limit();
        if !matches!(self.page_size_log2, 0 | PAGE_SIZE_LOG2) {
            Err(MemoryError::InvalidType("the page size is neither 1 nor 65536"))
        } else if self.maximum.is_some_and(|maximum| maximum < self.minimum) {
            Err(MemoryError::InvalidType("the minimum is above the maximum"))
        } else if self.shared && self.maximum.is_none() {
            Err(MemoryError::InvalidType("a shared memory needs a maximum"))
        } else if self.minimum > limit {
            Err(MemoryError::TooLarge { pages: self.minimum, limit })
        } else {
            Ok(())
        }
    }
}

/// How the engine is set up to hold memories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MemoryTunables {
    /// Check every access by comparison, so that no memory reserves more address space than its type needs.
    pub explicit_bounds: bool,
}

/// How accesses are kept inside a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BoundsMode {
    /// Everything that a 32-bit address plus a 32-bit offset can reach is reserved, and faults where it is not
    /// accessible. The base never moves.
    Guard,
    /// Accesses compare with the length. Growth may move the base of a memory that is not shared.
    Explicit,
}

impl BoundsMode {
    /// The mode of a memory of type `ty`: code and memory agree on it because both derive it here.
    pub fn of(ty: &MemoryType, tunables: &MemoryTunables) -> BoundsMode {
        if tunables.explicit_bounds || ty.memory64 || ty.page_size_log2 != PAGE_SIZE_LOG2 {
            BoundsMode::Explicit
        } else {
            BoundsMode::Guard
        }
    }
}

/// Why a memory cannot be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// No memory has this type.
    #[error("invalid memory type: {0}")]
    InvalidType(&'static str),
    /// The minimum is beyond what this engine can hold.
    #[error("memory minimum of {pages} pages exceeds the limit of {limit}")]
    TooLarge {
        /// The declared minimum.
        pages: u64,
        /// The most pages of such a memory.
        limit: u64,
    },
    /// There is no address space for a memory with guard pages.
    #[error("no address space for a memory with guard pages; explicit bounds checks need less")]
    GuardSpace(#[source] MapError),
    /// The system refused the memory.
    #[error("cannot allocate a linear memory")]
    Map(#[from] MapError),
}
