//! The subtype relation.
//!
//! Declared subtyping between defined types is looked up in the registry; everything else follows from the ids alone,
//! so most questions are answered without its lock.

use super::{FuncType, HeapType, RefType, TypeKind, TypeRegistry, ValType};

impl HeapType {
    /// The greatest type above this one.
    pub const fn top(self) -> HeapType {
        match self {
            HeapType::Func | HeapType::NoFunc => HeapType::Func,
            HeapType::Extern | HeapType::NoExtern => HeapType::Extern,
            HeapType::Exn | HeapType::NoExn => HeapType::Exn,
            HeapType::Any | HeapType::None | HeapType::Eq | HeapType::I31 | HeapType::Struct | HeapType::Array => {
                HeapType::Any
            }
            HeapType::Concrete(id) => match id.kind() {
                TypeKind::Func => HeapType::Func,
                TypeKind::Struct | TypeKind::Array => HeapType::Any,
            },
        }
    }

    /// The least type below this one, which has no values.
    pub const fn bottom(self) -> HeapType {
        match self.top() {
            HeapType::Func => HeapType::NoFunc,
            HeapType::Extern => HeapType::NoExtern,
            HeapType::Exn => HeapType::NoExn,
            _ => HeapType::None,
        }
    }

    /// The abstract type just above a defined type; an abstract type is its own.
    const fn abstracted(self) -> HeapType {
        match self {
            HeapType::Concrete(id) => match id.kind() {
                TypeKind::Func => HeapType::Func,
                TypeKind::Struct => HeapType::Struct,
                TypeKind::Array => HeapType::Array,
            },
            other => other,
        }
    }

    /// Whether this type is below `other` whatever the registry says.
    fn is_below(self, other: HeapType) -> bool {
        use HeapType::{Any, Array, Eq, I31, Struct};
        if self == other || self == other.bottom() {
            return true;
        }
        let this = self.abstracted();
        this == other
            || match other {
                Any => matches!(this, Eq | I31 | Struct | Array),
                Eq => matches!(this, I31 | Struct | Array),
                _ => false,
            }
    }
}

impl TypeRegistry {
    /// Whether heap type `a` is below `b`.
    pub fn heap_subtype(&self, a: HeapType, b: HeapType) -> bool {
        match (a, b) {
            (HeapType::Concrete(a), HeapType::Concrete(b)) => self.is_subtype(a, b),
            _ => a.is_below(b),
        }
    }

    /// Whether every value of `a` is one of `b`.
    pub fn ref_subtype(&self, a: RefType, b: RefType) -> bool {
        (b.nullable || !a.nullable) && self.heap_subtype(a.heap, b.heap)
    }

    /// Whether every value of `a` is one of `b`.
    pub fn val_subtype(&self, a: ValType, b: ValType) -> bool {
        match (a, b) {
            (ValType::Ref(a), ValType::Ref(b)) => self.ref_subtype(a, b),
            _ => a == b,
        }
    }

    /// Whether a function of type `a` could be declared to refine `b`: it takes what `b` takes and gives what `b` gives.
    pub fn func_subtype(&self, a: &FuncType, b: &FuncType) -> bool {
        let all =
            |a: &[ValType], b: &[ValType]| a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| self.val_subtype(a, b));
        all(b.params(), a.params()) && all(a.results(), b.results())
    }
}
