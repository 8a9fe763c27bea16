//! Tables of a store.

use terrace_core::runtime::types::RefType;
use terrace_core::runtime::{self, TableRef};

use crate::error::{Error, Result};
use crate::store::{AsContext, AsContextMut, Bound};
use crate::types::TableType;
use crate::val::Ref;

/// A table of references of a store.
///
/// ```
/// use terrace::{Engine, Func, Ref, RefType, Store, Table, TableType};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let table = Table::new(&mut store, TableType::new(RefType::FUNCREF, 2, None), Ref::Func(None))?;
/// let func = Func::wrap(&mut store, || {});
/// table.set(&mut store, 1, func.into())?;
/// assert_eq!(table.get(&mut store, 1)?.as_func(), Some(Some(func)));
/// assert_eq!(table.grow(&mut store, 3, Ref::Func(None))?, 2);
/// assert!(table.get(&mut store, 5).is_err());
/// # Ok::<(), terrace::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Table(pub(crate) Bound<TableRef>);

impl Table {
    /// A table of type `ty` whose elements are all `init`.
    ///
    /// # Errors
    ///
    /// The type is not valid, `init` is of another type or store, the store's limiter forbids the table, or the system has
    /// no room.
    pub fn new(mut store: impl AsContextMut, ty: TableType, init: Ref) -> Result<Table> {
        let store = store.as_context_mut().into_core();
        let init = init.store(store, ty.0.element)?;
        let table = store.create_table(ty.0, init)?;
        Ok(Table(Bound::new(store, table)))
    }

    fn element(&self, store: &runtime::Store) -> Result<(TableRef, RefType)> {
        let table = self.0.of(store)?;
        Ok((table, store.table_type(table).element))
    }

    /// The type, with the current size as the minimum.
    ///
    /// # Errors
    ///
    /// The store is another one.
    pub fn ty(&self, store: impl AsContext) -> Result<TableType> {
        let store = store.as_context().core;
        let table = self.0.of(store)?;
        let mut ty = store.table_type(table);
        ty.limits.minimum = store.table(table).size();
        Ok(TableType(ty))
    }

    /// The number of elements.
    ///
    /// # Errors
    ///
    /// The store is another one.
    pub fn size(&self, store: impl AsContext) -> Result<u64> {
        let store = store.as_context().core;
        Ok(store.table(self.0.of(store)?).size())
    }

    /// The element at `index`.
    ///
    /// # Errors
    ///
    /// There is no such element, or the store is another one.
    pub fn get(&self, mut store: impl AsContextMut, index: u64) -> Result<Ref> {
        let store = store.as_context_mut().into_core();
        let (table, element) = self.element(store)?;
        let slot = store.table(table).get(index).map_err(|_| Error::TableAccess)?;
        // SAFETY: the element is of the table's type, in the table's store.
        Ok(unsafe { Ref::load(store, element, slot) })
    }

    /// Writes the element at `index`.
    ///
    /// # Errors
    ///
    /// There is no such element, the value is of another type, or something is of another store.
    pub fn set(&self, mut store: impl AsContextMut, index: u64, value: Ref) -> Result<()> {
        let store = store.as_context_mut().into_core();
        let (table, element) = self.element(store)?;
        let slot = value.store(store, element)?;
        store.table_mut(table).set(index, slot).map_err(|_| Error::TableAccess)
    }

    /// Grows by `delta` elements, all `init`, and returns the size before.
    ///
    /// # Errors
    ///
    /// The table's maximum, the store's limiter or the system forbid it, `init` is of another type, or something is of
    /// another store.
    pub fn grow(&self, mut store: impl AsContextMut, delta: u64, init: Ref) -> Result<u64> {
        let store = store.as_context_mut().into_core();
        let (table, element) = self.element(store)?;
        let slot = init.store(store, element)?;
        match store.table_grow(table, delta, slot) {
            Ok(u64::MAX) => Err(Error::TableGrow(delta)),
            Ok(size) => Ok(size),
            Err(_) => Err(Error::from_stop(store.take_stop(), store)),
        }
    }

    /// Writes `value` to the `len` elements from `start` on.
    ///
    /// # Errors
    ///
    /// There are no such elements, the value is of another type, or something is of another store.
    pub fn fill(&self, mut store: impl AsContextMut, start: u64, value: Ref, len: u64) -> Result<()> {
        let store = store.as_context_mut().into_core();
        let (table, element) = self.element(store)?;
        let slot = value.store(store, element)?;
        store.table_mut(table).fill(start, slot, len).map_err(|_| Error::TableAccess)
    }

    /// Copies `len` elements from `src_start` of `src` to `dst_start` of `dst`, which may be the same table.
    ///
    /// # Errors
    ///
    /// There are no such elements, `src` has elements of another type, or something is of another store.
    pub fn copy(
        mut store: impl AsContextMut,
        dst: &Table,
        dst_start: u64,
        src: &Table,
        src_start: u64,
        len: u64,
    ) -> Result<()> {
        let store = store.as_context_mut().into_core();
        let ((to, to_type), (from, from_type)) = (dst.element(store)?, src.element(store)?);
        if !store.engine().types().ref_subtype(from_type, to_type) {
            return Err(Error::mismatch(to_type, from_type));
        }
        if to == from {
            return store.table_mut(to).copy_within(dst_start, src_start, len).map_err(|_| Error::TableAccess);
        }
        let elements = usize::try_from(src_start).ok().zip(usize::try_from(len).ok());
        let elements = elements.and_then(|(start, len)| store.table(from).elements().get(start..)?.get(..len));
        let elements = elements.ok_or(Error::TableAccess)?.to_vec();
        store.table_mut(to).init(dst_start, &elements, 0, len).map_err(|_| Error::TableAccess)
    }
}
