//! Limits that the embedder sets on what a store may use.

use super::trap::BoxError;

/// How many instances, tables and memories a store may have by default.
const DEFAULT_COUNT: usize = 10_000;

/// Decides whether a store may have more resources. The first growth of a memory or table is its creation.
pub trait ResourceLimiter: Send {
    /// Whether a memory may grow from `current` to `desired` bytes. `false` makes `memory.grow` return -1 and creation fail;
    /// an error stops execution.
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool, BoxError>;

    /// A growth that was allowed, or that exceeds the memory's own maximum, has failed. An error stops execution.
    fn memory_grow_failed(&mut self, error: BoxError) -> Result<(), BoxError> {
        let _ = error;
        Ok(())
    }

    /// Whether a table may grow from `current` to `desired` elements.
    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool, BoxError>;

    /// A growth that was allowed, or that exceeds the table's own maximum, has failed. An error stops execution.
    fn table_grow_failed(&mut self, error: BoxError) -> Result<(), BoxError> {
        let _ = error;
        Ok(())
    }

    /// How many instances the store may have.
    fn instances(&self) -> usize {
        DEFAULT_COUNT
    }

    /// How many tables the store may have.
    fn tables(&self) -> usize {
        DEFAULT_COUNT
    }

    /// How many memories the store may have.
    fn memories(&self) -> usize {
        DEFAULT_COUNT
    }
}

/// A growth that a [`StoreLimits`] forbids, where it is set to stop execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// Of a memory.
    #[error("forcing trap when growing memory to {0} bytes")]
    Memory(usize),
    /// Of a table.
    #[error("forcing trap when growing table to {0} elements")]
    Table(usize),
}

/// Fixed limits.
#[derive(Clone, Debug)]
pub struct StoreLimits {
    memory_size: Option<usize>,
    table_elements: Option<usize>,
    instances: usize,
    tables: usize,
    memories: usize,
    trap_on_grow_failure: bool,
}

impl Default for StoreLimits {
    fn default() -> StoreLimits {
        StoreLimits {
            memory_size: None,
            table_elements: None,
            instances: DEFAULT_COUNT,
            tables: DEFAULT_COUNT,
            memories: DEFAULT_COUNT,
            trap_on_grow_failure: false,
        }
    }
}

/// Builds [`StoreLimits`].
#[derive(Clone, Debug, Default)]
pub struct StoreLimitsBuilder(StoreLimits);

impl StoreLimitsBuilder {
    /// Starts from no limits on sizes and the default counts.
    pub fn new() -> StoreLimitsBuilder {
        StoreLimitsBuilder::default()
    }

    /// The most bytes of each memory.
    pub fn memory_size(mut self, bytes: usize) -> StoreLimitsBuilder {
        self.0.memory_size = Some(bytes);
        self
    }

    /// The most elements of each table.
    pub fn table_elements(mut self, elements: usize) -> StoreLimitsBuilder {
        self.0.table_elements = Some(elements);
        self
    }

    /// The most instances.
    pub fn instances(mut self, count: usize) -> StoreLimitsBuilder {
        self.0.instances = count;
        self
    }

    /// The most tables.
    pub fn tables(mut self, count: usize) -> StoreLimitsBuilder {
        self.0.tables = count;
        self
    }

    /// The most memories.
    pub fn memories(mut self, count: usize) -> StoreLimitsBuilder {
        self.0.memories = count;
        self
    }

    /// Whether a growth that fails stops execution instead of returning -1.
    pub fn trap_on_grow_failure(mut self, trap: bool) -> StoreLimitsBuilder {
        self.0.trap_on_grow_failure = trap;
        self
    }

    /// The limits.
    pub fn build(self) -> StoreLimits {
        self.0
    }
}

impl StoreLimits {
    fn decide(
        &self,
        desired: usize,
        limit: Option<usize>,
        maximum: Option<usize>,
        error: LimitError,
    ) -> Result<bool, BoxError> {
        let allowed = limit.is_none_or(|limit| desired <= limit) && maximum.is_none_or(|maximum| desired <= maximum);
        if !allowed && self.trap_on_grow_failure {
            return Err(error.into());
        }
        Ok(allowed)
    }

    fn failed(&self, error: BoxError) -> Result<(), BoxError> {
        if self.trap_on_grow_failure { Err(error) } else { Ok(()) }
    }
}

impl ResourceLimiter for StoreLimits {
    fn memory_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> Result<bool, BoxError> {
        self.decide(desired, self.memory_size, maximum, LimitError::Memory(desired))
    }

    fn memory_grow_failed(&mut self, error: BoxError) -> Result<(), BoxError> {
        self.failed(error)
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> Result<bool, BoxError> {
        self.decide(desired, self.table_elements, maximum, LimitError::Table(desired))
    }

    fn table_grow_failed(&mut self, error: BoxError) -> Result<(), BoxError> {
        self.failed(error)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}
