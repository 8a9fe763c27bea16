//! The canonical types of one engine.
//!
//! The unit of equality is the recursive group: inside it types name each other by position, outside it by id, so two
//! groups are equal exactly when they look the same in that form, which is the key of the table of groups.
//!
//! A group lives as long as it has holders: registrations, and groups that mention it. Holders are counted, and a group
//! is found, made or freed, under one write lock; so an id is given out again only after nothing can hold it, and no
//! thread can find a group that another is freeing.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use slab::Slab;
use wasmparser::UnpackedIndex;

use super::{FuncType, GlobalType, HeapType, RefType, SubType, TableType, TypeError, TypeId, TypeKind, ValType};

/// A defined type with its id and its ancestors.
#[derive(Debug)]
pub struct DefinedType {
    id: TypeId,
    ty: SubType,
    /// From the root down, without the type itself.
    ancestors: Box<[TypeId]>,
}

impl DefinedType {
    /// The canonical id.
    pub fn id(&self) -> TypeId {
        self.id
    }

    /// The types above this one, from the root down to its declared supertype. A type at depth `d` is a proper supertype
    /// exactly if it stands at `d`.
    pub fn ancestors(&self) -> &[TypeId] {
        &self.ancestors
    }

    /// Whether this is `other` or declared, directly or not, to refine it.
    pub fn is_subtype_of(&self, other: &DefinedType) -> bool {
        self.id == other.id || self.ancestors.get(other.ancestors.len()) == Some(&other.id)
    }
}

impl Deref for DefinedType {
    type Target = SubType;

    fn deref(&self) -> &SubType {
        &self.ty
    }
}

/// Makes and finds the canonical types of one engine. Clones are the same registry.
#[derive(Clone, Debug, Default)]
pub struct TypeRegistry(Arc<RwLock<Types>>);

impl TypeRegistry {
    /// An empty registry.
    pub fn new() -> TypeRegistry {
        TypeRegistry::default()
    }

    /// Whether both are the same registry.
    pub fn is_same(&self, other: &TypeRegistry) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Registers the types of a validated module, given as they stand in its type section.
    pub fn register(&self, groups: &[wasmparser::RecGroup]) -> Result<ModuleTypes, TypeError> {
        let mut registration = Registration::new(self);
        let mut types = Vec::with_capacity(groups.iter().map(|group| group.types().len()).sum());
        {
            let mut all = self.write();
            for group in groups {
                let id = all.intern(group_key(group, &types)?)?;
                registration.groups.push(id);
                types.extend_from_slice(&all.groups[id].members);
            }
        }
        Ok(ModuleTypes { types: types.into(), registration })
    }

    /// Registers a final function type without supertype. The types that it mentions must be registered, and someone must
    /// hold them at least until this returns.
    pub fn register_func_type(&self, ty: FuncType) -> Result<RegisteredType, TypeError> {
        let mut registration = Registration::new(self);
        let ty = {
            let mut all = self.write();
            let id = all.intern(vec![SubType::func(ty)])?;
            registration.groups.push(id);
            Arc::clone(&all.groups[id].members[0])
        };
        Ok(RegisteredType::new(ty, registration))
    }

    /// A hold on the type with this id, which somebody holds already.
    pub fn hold(&self, id: TypeId) -> Result<RegisteredType, TypeError> {
        let mut registration = Registration::new(self);
        let ty = {
            let mut all = self.write();
            let ty = all.get(id).cloned().ok_or(TypeError::Unregistered(id))?;
            let group = all.group_of(id)?;
            all.groups[group].holders += 1;
            registration.groups.push(group);
            ty
        };
        Ok(RegisteredType::new(ty, registration))
    }

    /// The type with this id, while somebody holds it.
    pub fn get(&self, id: TypeId) -> Option<Arc<DefinedType>> {
        self.read().get(id).cloned()
    }

    /// The function type with this id, while somebody holds it.
    pub fn func_type(&self, id: TypeId) -> Option<FuncType> {
        self.read().get(id)?.as_func().cloned()
    }

    /// Whether the defined type `a` is `b` or declared, directly or not, to refine it.
    pub fn is_subtype(&self, a: TypeId, b: TypeId) -> bool {
        if a == b || a.kind() != b.kind() {
            return a == b;
        }
        let all = self.read();
        matches!((all.get(a), all.get(b)), (Some(a), Some(b)) if a.is_subtype_of(b))
    }

    /// The number of types that are held.
    pub fn len(&self) -> usize {
        self.read().types.len()
    }

    /// Whether no type is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    // No code of others runs under the lock and every step leaves the tables whole, so a poisoned lock is usable.
    fn read(&self) -> RwLockReadGuard<'_, Types> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Types> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key of a group in a module whose earlier types are `defined`.
fn group_key(group: &wasmparser::RecGroup, defined: &[Arc<DefinedType>]) -> Result<Vec<SubType>, TypeError> {
    let kinds = group.types().map(|ty| TypeKind::from_parser(&ty.composite_type)).collect::<Result<Vec<_>, _>>()?;
    let relative = |position: usize, index| match kinds.get(position) {
        Some(&kind) if position < TypeId::LIMIT => Ok(TypeId::relative(kind, position)),
        _ => Err(TypeError::InvalidIndex(index)),
    };
    let resolve = |index: UnpackedIndex| match index {
        UnpackedIndex::Module(index) => {
            let place = index as usize;
            match defined.get(place) {
                Some(ty) => Ok(ty.id),
                None => relative(place - defined.len(), index),
            }
        }
        UnpackedIndex::RecGroup(index) => relative(index as usize, index),
        UnpackedIndex::Id(_) => Err(TypeError::Unsupported("index that is not the module's")),
    };
    group.types().map(|ty| SubType::from_parser(ty, &resolve)).collect()
}

/// The tables under the lock.
#[derive(Debug, Default)]
struct Types {
    groups: Slab<Group>,
    by_key: HashMap<Arc<[SubType]>, usize>,
    /// By [`TypeId::index`].
    types: Slab<Place>,
}

#[derive(Debug)]
struct Group {
    /// The types, naming each other by position.
    key: Arc<[SubType]>,
    members: Box<[Arc<DefinedType>]>,
    /// The groups that the key mentions, each held once.
    outer: Box<[usize]>,
    holders: usize,
}

/// Where a type is among the groups.
#[derive(Clone, Copy, Debug)]
struct Place {
    group: usize,
    position: usize,
}

impl Types {
    fn get(&self, id: TypeId) -> Option<&Arc<DefinedType>> {
        let place = self.types.get(id.index())?;
        let ty = &self.groups[place.group].members[place.position];
        (ty.id == id).then_some(ty)
    }

    fn group_of(&self, id: TypeId) -> Result<usize, TypeError> {
        let known = self.get(id).ok_or(TypeError::Unregistered(id))?;
        Ok(self.types[known.id.index()].group)
    }

    /// Finds or makes the group with this key, and holds it once more.
    fn intern(&mut self, key: Vec<SubType>) -> Result<usize, TypeError> {
        if let Some(&id) = self.by_key.get(&*key) {
            self.groups[id].holders += 1;
            return Ok(id);
        }
        if self.types.len() + key.len() > TypeId::LIMIT {
            return Err(TypeError::TooMany);
        }
        for (position, ty) in key.iter().enumerate() {
            if let Some(id) = ty.supertype
                && id.is_relative()
                && id.index() >= position
            {
                return Err(TypeError::InvalidIndex(id.index() as u32));
            }
        }
        let mut outer = key
            .iter()
            .flat_map(SubType::ids)
            .filter(|id| !id.is_relative())
            .map(|id| self.group_of(id))
            .collect::<Result<Vec<_>, _>>()?;
        outer.sort_unstable();
        outer.dedup();

        // Nothing fails from here on.
        for &group in &outer {
            self.groups[group].holders += 1;
        }
        let group = self.groups.vacant_key();
        let ids: Vec<TypeId> = (key.iter().enumerate())
            .map(|(position, ty)| {
                let index = self.types.insert(Place { group, position });
                TypeId::new(ty.composite.kind(), index)
            })
            .collect();
        let resolve = |id: TypeId| match id.is_relative() {
            true => ids[id.index()],
            false => id,
        };
        let mut members: Vec<Arc<DefinedType>> = Vec::with_capacity(key.len());
        for (&id, ty) in ids.iter().zip(&key) {
            let supertype = ty.supertype.and_then(|id| match id.is_relative() {
                true => members.get(id.index()),
                false => self.get(id),
            });
            let ancestors = supertype.map_or(Box::default(), |supertype| {
                let above = supertype.ancestors.iter().copied();
                above.chain([supertype.id]).collect()
            });
            let ty = match ty.ids().any(TypeId::is_relative) {
                true => ty.map_ids(resolve),
                false => ty.clone(),
            };
            members.push(Arc::new(DefinedType { id, ty, ancestors }));
        }
        let key: Arc<[SubType]> = key.into();
        self.by_key.insert(Arc::clone(&key), group);
        self.groups.insert(Group { key, members: members.into(), outer: outer.into(), holders: 1 });
        Ok(group)
    }

    /// Gives up one hold on each of the groups, and frees those that nobody holds any more.
    fn release(&mut self, mut groups: Vec<usize>) {
        while let Some(id) = groups.pop() {
            self.groups[id].holders -= 1;
            if self.groups[id].holders == 0 {
                let group = self.groups.remove(id);
                self.by_key.remove(&group.key);
                for member in group.members {
                    self.types.remove(member.id.index());
                }
                groups.extend(group.outer);
            }
        }
    }
}

/// Holds groups until it is dropped. A registry keeps no registration, so there is no cycle.
#[derive(Debug)]
struct Registration {
    registry: TypeRegistry,
    groups: Vec<usize>,
}

impl Registration {
    fn new(registry: &TypeRegistry) -> Registration {
        Registration { registry: registry.clone(), groups: Vec::new() }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if !self.groups.is_empty() {
            let groups = std::mem::take(&mut self.groups);
            self.registry.write().release(groups);
        }
    }
}

/// A type that stays registered as long as this or a clone lives.
#[derive(Clone, Debug)]
pub struct RegisteredType {
    ty: Arc<DefinedType>,
    registration: Arc<Registration>,
}

impl RegisteredType {
    fn new(ty: Arc<DefinedType>, registration: Registration) -> RegisteredType {
        RegisteredType { ty, registration: Arc::new(registration) }
    }

    /// The registry that the type belongs to.
    pub fn registry(&self) -> &TypeRegistry {
        &self.registration.registry
    }
}

impl Deref for RegisteredType {
    type Target = DefinedType;

    fn deref(&self) -> &DefinedType {
        &self.ty
    }
}

/// The types of a module by their index there, registered as long as this lives. Reading takes no lock.
#[derive(Debug)]
pub struct ModuleTypes {
    types: Box<[Arc<DefinedType>]>,
    registration: Registration,
}

impl ModuleTypes {
    /// The registry that the types belong to.
    pub fn registry(&self) -> &TypeRegistry {
        &self.registration.registry
    }

    /// The types in order of their indices.
    pub fn types(&self) -> &[Arc<DefinedType>] {
        &self.types
    }

    /// The type at `index`.
    pub fn get(&self, index: u32) -> Option<&DefinedType> {
        self.types.get(index as usize).map(|ty| &**ty)
    }

    /// The id of the type at `index`.
    pub fn id(&self, index: u32) -> Option<TypeId> {
        self.get(index).map(DefinedType::id)
    }

    /// The function type at `index`.
    pub fn func_type(&self, index: u32) -> Option<&FuncType> {
        self.get(index)?.as_func()
    }

    fn resolve(&self, index: UnpackedIndex) -> Result<TypeId, TypeError> {
        match index {
            UnpackedIndex::Module(index) => self.id(index).ok_or(TypeError::InvalidIndex(index)),
            _ => Err(TypeError::Unsupported("index that is not the module's")),
        }
    }

    /// Converts a value type that the module mentions.
    pub fn val_type(&self, ty: wasmparser::ValType) -> Result<ValType, TypeError> {
        ValType::from_parser(ty, &|index| self.resolve(index))
    }

    /// Converts a reference type that the module mentions.
    pub fn ref_type(&self, ty: wasmparser::RefType) -> Result<RefType, TypeError> {
        RefType::from_parser(ty, &|index| self.resolve(index))
    }

    /// Converts a heap type that the module mentions.
    pub fn heap_type(&self, ty: wasmparser::HeapType) -> Result<HeapType, TypeError> {
        HeapType::from_parser(ty, &|index| self.resolve(index))
    }

    /// Converts the type of a global that the module mentions.
    pub fn global_type(&self, ty: wasmparser::GlobalType) -> Result<GlobalType, TypeError> {
        GlobalType::from_parser(ty, &|index| self.resolve(index))
    }

    /// Converts the type of a table that the module mentions.
    pub fn table_type(&self, ty: wasmparser::TableType) -> Result<TableType, TypeError> {
        TableType::from_parser(ty, &|index| self.resolve(index))
    }
}
