//! Tables of references.
//!
//! Elements are 64-bit slots whose meaning is their owner's: the address of a function record, or a heap reference
//! zero-extended; 0 is null in both. Elements that were never written cost no memory, so a table with a huge minimum
//! of nulls is cheap.

use std::ops::Range;
use std::slice;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use terrace_abi::TrapKind;
use terrace_abi::memory::TableRecord;

use super::mmap::{Growable, MapError};

/// The most elements that a table may have.
pub const MAX_TABLE_ELEMENTS: u64 = 10_000_000;

/// The shape of a table's type; the element type is its owner's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableLimits {
    /// The number of elements at creation.
    pub minimum: u64,
    /// The number that growth may reach.
    pub maximum: Option<u64>,
    /// Whether indices are 64-bit.
    pub table64: bool,
}

/// Why a table cannot be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// No table has these limits.
    #[error("invalid table type: the minimum is above the maximum")]
    InvalidLimits,
    /// The minimum is beyond what this engine can hold.
    #[error("table minimum of {minimum} elements exceeds the limit of {MAX_TABLE_ELEMENTS}")]
    TooLarge {
        /// The declared minimum.
        minimum: u64,
    },
    /// The system refused the memory.
    #[error("cannot allocate a table")]
    Map(#[from] MapError),
}

/// A table.
#[derive(Debug)]
pub struct Table {
    /// Describes initialized slots of `storage`.
    record: Box<TableRecord>,
    storage: Growable,
    limits: TableLimits,
}

/// The bytes of so many elements. Limits keep tables far below overflow; anything else saturates and fails to map.
fn bytes(elements: u64) -> usize {
    usize::try_from(elements.saturating_mul(size_of::<u64>() as u64)).unwrap_or(usize::MAX)
}

impl Table {
    /// A table of `limits.minimum` elements, all `init`.
    pub fn new(limits: TableLimits, init: u64) -> Result<Table, TableError> {
        let minimum = limits.minimum;
        if limits.maximum.is_some_and(|maximum| maximum < minimum) {
            return Err(TableError::InvalidLimits);
        }
        if minimum > MAX_TABLE_ELEMENTS {
            return Err(TableError::TooLarge { minimum });
        }
        let storage = Growable::new(bytes(minimum))?;
        let mut table = Table {
            record: Box::new(TableRecord {
                elements: AtomicPtr::new(storage.base().cast()),
                len: AtomicU64::new(minimum),
            }),
            storage,
            limits,
        };
        if init != 0 {
            table.elements_mut().fill(init);
        }
        Ok(table)
    }

    /// The limits as declared; the current size is [`Table::size`].
    pub fn limits(&self) -> &TableLimits {
        &self.limits
    }

    /// What machine code reads. It stays where it is while the table lives.
    pub fn record(&self) -> &TableRecord {
        &self.record
    }

    /// The number of elements.
    pub fn size(&self) -> u64 {
        self.record.len.load(Ordering::Relaxed)
    }

    /// The elements.
    #[inline]
    pub fn elements(&self) -> &[u64] {
        let elements = self.record.elements.load(Ordering::Relaxed);
        // SAFETY: the record describes slots inside `storage`, aligned and zeroed by the system; they change only
        // through `&mut self`, and machine code does not run while the slice is borrowed.
        unsafe { slice::from_raw_parts(elements, self.size() as usize) }
    }

    /// The elements, to be changed in place, as a collector does.
    #[inline]
    pub fn elements_mut(&mut self) -> &mut [u64] {
        let elements = self.record.elements.load(Ordering::Relaxed);
        // SAFETY: as for `elements`, and `&mut self` makes this the only reference.
        unsafe { slice::from_raw_parts_mut(elements, self.size() as usize) }
    }

    fn range(&self, start: u64, len: u64) -> Result<Range<usize>, TrapKind> {
        match start.checked_add(len) {
            // Both ends are at most the size, so they fit.
            Some(end) if end <= self.size() => Ok(start as usize..end as usize),
            _ => Err(TrapKind::TableOutOfBounds),
        }
    }

    /// `table.get`.
    #[inline]
    pub fn get(&self, index: u64) -> Result<u64, TrapKind> {
        let element = usize::try_from(index).ok().and_then(|index| self.elements().get(index));
        element.copied().ok_or(TrapKind::TableOutOfBounds)
    }

    /// `table.set`.
    pub fn set(&mut self, index: u64, value: u64) -> Result<(), TrapKind> {
        let index = usize::try_from(index).map_err(|_| TrapKind::TableOutOfBounds)?;
        let element = self.elements_mut().get_mut(index).ok_or(TrapKind::TableOutOfBounds)?;
        *element = value;
        Ok(())
    }

    /// Grows by `delta` elements, all `init`, and returns the size before; `None` if the limits or the system forbid
    /// it.
    pub fn grow(&mut self, delta: u64, init: u64) -> Option<u64> {
        let old = self.size();
        let limit = self.limits.maximum.map_or(MAX_TABLE_ELEMENTS, |maximum| maximum.min(MAX_TABLE_ELEMENTS));
        let new = old.checked_add(delta).filter(|&new| new <= limit)?;
        self.storage.reserve(bytes(new), bytes(limit)).ok()?;
        self.record.elements.store(self.storage.base().cast(), Ordering::Relaxed);
        self.record.len.store(new, Ordering::Relaxed);
        if init != 0 {
            self.elements_mut()[old as usize..].fill(init);
        }
        Some(old)
    }

    /// `table.fill`.
    pub fn fill(&mut self, start: u64, value: u64, len: u64) -> Result<(), TrapKind> {
        let range = self.range(start, len)?;
        self.elements_mut()[range].fill(value);
        Ok(())
    }

    /// `table.copy` within one table. The ranges may overlap.
    pub fn copy_within(&mut self, dst: u64, src: u64, len: u64) -> Result<(), TrapKind> {
        let dst = self.range(dst, len)?;
        let src = self.range(src, len)?;
        self.elements_mut().copy_within(src, dst.start);
        Ok(())
    }

    /// `table.copy` between two tables.
    pub fn copy(dst: &mut Table, dst_start: u64, src: &Table, src_start: u64, len: u64) -> Result<(), TrapKind> {
        let dst_range = dst.range(dst_start, len)?;
        let src_range = src.range(src_start, len)?;
        dst.elements_mut()[dst_range].copy_from_slice(&src.elements()[src_range]);
        Ok(())
    }

    /// `table.init`: copies `len` elements at `src` of an element segment, which is empty once dropped.
    pub fn init(&mut self, dst: u64, segment: &[u64], src: u64, len: u64) -> Result<(), TrapKind> {
        let end = src.checked_add(len).filter(|&end| end <= segment.len() as u64);
        let end = end.ok_or(TrapKind::TableOutOfBounds)?;
        let dst = self.range(dst, len)?;
        self.elements_mut()[dst].copy_from_slice(&segment[src as usize..end as usize]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUT: Result<(), TrapKind> = Err(TrapKind::TableOutOfBounds);

    fn table(minimum: u64, maximum: Option<u64>) -> Table {
        let limits = TableLimits { minimum, maximum, table64: false };
        Table::new(limits, 0).unwrap()
    }

    #[test]
    fn elements_are_bounded() {
        let mut table = table(3, None);
        assert_eq!(table.set(2, 9), Ok(()));
        assert_eq!(table.get(2), Ok(9));
        assert_eq!(table.get(1), Ok(0));
        for index in [3, 1 << 32, u64::MAX] {
            assert_eq!(table.get(index), Err(TrapKind::TableOutOfBounds));
            assert_eq!(table.set(index, 1), OUT);
        }
    }

    #[test]
    fn growth_respects_limits_and_keeps_elements() {
        let mut table = table(0, Some(70_000));
        let record: *const TableRecord = table.record();
        assert_eq!(table.get(0), Err(TrapKind::TableOutOfBounds));
        assert_eq!(table.grow(0, 5), Some(0));
        assert_eq!(table.grow(2, 5), Some(0));
        assert_eq!(table.grow(u64::MAX, 0), None);
        assert_eq!(table.grow(u64::MAX - 1, 0), None);
        assert_eq!(table.grow(69_999, 0), None);
        assert_eq!(table.grow(69_998, 0), Some(2));
        assert_eq!(table.grow(1, 0), None);
        assert_eq!((table.get(1), table.get(2), table.get(69_999)), (Ok(5), Ok(0), Ok(0)));
        assert_eq!(table.set(69_999, 1), Ok(()));
        assert_eq!(record, &raw const *table.record());
        assert_eq!(table.record().len.load(Ordering::Relaxed), 70_000);
    }

    #[test]
    fn creation_checks_limits() {
        let limits = |minimum, maximum| TableLimits { minimum, maximum, table64: true };
        let create = |minimum, maximum| Table::new(limits(minimum, maximum), 0).map(|table| table.size());
        assert_eq!(create(MAX_TABLE_ELEMENTS, Some(u64::MAX)), Ok(MAX_TABLE_ELEMENTS));
        let minimum = MAX_TABLE_ELEMENTS + 1;
        assert_eq!(create(minimum, None), Err(TableError::TooLarge { minimum }));
        assert_eq!(create(2, Some(1)), Err(TableError::InvalidLimits));
        assert_eq!(table(MAX_TABLE_ELEMENTS, None).grow(1, 0), None);
    }

    #[test]
    fn ranges_are_checked_before_anything_is_written() {
        let mut table = table(4, None);
        let all = |table: &Table| table.elements().to_vec();
        table.init(0, &[1, 2, 3, 4], 0, 4).unwrap();
        assert_eq!(table.init(1, &[7, 7, 7, 7], 0, 4), OUT);
        assert_eq!(table.init(0, &[7, 7], 1, 2), OUT);
        assert_eq!(table.init(0, &[], u64::MAX, 1), OUT);
        assert_eq!(table.init(5, &[], 0, 0), OUT);
        assert_eq!(table.init(4, &[], 0, 0), Ok(()));
        assert_eq!(table.fill(2, 9, 3), OUT);
        assert_eq!(table.fill(u64::MAX, 9, 2), OUT);
        assert_eq!(table.copy_within(1, 0, 4), OUT);
        assert_eq!(table.copy_within(0, 1, 4), OUT);
        assert_eq!(all(&table), [1, 2, 3, 4]);
        table.copy_within(1, 0, 3).unwrap();
        assert_eq!(all(&table), [1, 1, 2, 3]);
        table.copy_within(0, 1, 3).unwrap();
        assert_eq!(all(&table), [1, 2, 3, 3]);
        table.fill(1, 9, 2).unwrap();
        assert_eq!(all(&table), [1, 9, 9, 3]);

        let mut other = self::table(2, None);
        assert_eq!(Table::copy(&mut other, 0, &table, 0, 3), OUT);
        assert_eq!(Table::copy(&mut other, 0, &table, 3, 2), OUT);
        Table::copy(&mut other, 0, &table, 2, 2).unwrap();
        assert_eq!(all(&other), [9, 3]);
    }

    #[test]
    fn growth_in_small_steps_keeps_a_non_null_init() {
        let mut table = table(0, None);
        for size in 0..5000 {
            assert_eq!(table.grow(1, size + 1), Some(size));
        }
        assert!(table.elements().iter().copied().eq(1..=5000));
    }
}
