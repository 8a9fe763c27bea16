//! Types in the syntax of the text format. A defined type appears by its index within the engine.

use std::fmt::{self, Display, Formatter};

use super::{
    ArrayType, CompositeType, FieldType, FuncType, GlobalType, HeapType, RefType, StorageType, StructType, SubType,
    TableType, TypeId, ValType,
};

impl Display for TypeId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.index())
    }
}

impl fmt::Debug for TypeId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let relative = if self.is_relative() { "rec " } else { "" };
        write!(f, "TypeId({relative}{:?} {})", self.kind(), self.index())
    }
}

impl Display for ValType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ValType::I32 => "i32",
            ValType::I64 => "i64",
            ValType::F32 => "f32",
            ValType::F64 => "f64",
            ValType::V128 => "v128",
            ValType::Ref(ty) => return ty.fmt(f),
        })
    }
}

impl Display for RefType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.nullable, self.heap) {
            (false, heap) => return write!(f, "(ref {heap})"),
            (true, HeapType::Concrete(id)) => return write!(f, "(ref null {id})"),
            (true, HeapType::None) => "nullref",
            (true, HeapType::NoFunc) => "nullfuncref",
            (true, HeapType::NoExtern) => "nullexternref",
            (true, HeapType::NoExn) => "nullexnref",
            (true, heap) => return write!(f, "{heap}ref"),
        })
    }
}

impl Display for HeapType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HeapType::Func => "func",
            HeapType::NoFunc => "nofunc",
            HeapType::Extern => "extern",
            HeapType::NoExtern => "noextern",
            HeapType::Any => "any",
            HeapType::None => "none",
            HeapType::Eq => "eq",
            HeapType::I31 => "i31",
            HeapType::Struct => "struct",
            HeapType::Array => "array",
            HeapType::Exn => "exn",
            HeapType::NoExn => "noexn",
            HeapType::Concrete(id) => return id.fmt(f),
        })
    }
}

impl Display for FuncType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("(func")?;
        for (keyword, types) in [("param", self.params()), ("result", self.results())] {
            if !types.is_empty() {
                write!(f, " ({keyword}")?;
                types.iter().try_for_each(|ty| write!(f, " {ty}"))?;
                f.write_str(")")?;
            }
        }
        f.write_str(")")
    }
}

impl Display for StorageType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            StorageType::I8 => f.write_str("i8"),
            StorageType::I16 => f.write_str("i16"),
            StorageType::Val(ty) => ty.fmt(f),
        }
    }
}

impl Display for FieldType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.mutable { write!(f, "(mut {})", self.storage) } else { self.storage.fmt(f) }
    }
}

impl Display for StructType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("(struct")?;
        for field in &*self.fields {
            write!(f, " (field {field})")?;
        }
        f.write_str(")")
    }
}

impl Display for ArrayType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "(array {})", self.element)
    }
}

impl Display for CompositeType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            CompositeType::Func(ty) => ty.fmt(f),
            CompositeType::Struct(ty) => ty.fmt(f),
            CompositeType::Array(ty) => ty.fmt(f),
        }
    }
}

impl Display for SubType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.final_, self.supertype) {
            (true, None) => self.composite.fmt(f),
            (true, Some(id)) => write!(f, "(sub final {id} {})", self.composite),
            (false, None) => write!(f, "(sub {})", self.composite),
            (false, Some(id)) => write!(f, "(sub {id} {})", self.composite),
        }
    }
}

impl Display for GlobalType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.mutable { write!(f, "(mut {})", self.content) } else { self.content.fmt(f) }
    }
}

impl Display for TableType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let index = if self.limits.table64 { "i64 " } else { "" };
        write!(f, "{index}{}", self.limits.minimum)?;
        if let Some(maximum) = self.limits.maximum {
            write!(f, " {maximum}")?;
        }
        write!(f, " {}", self.element)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{TableLimits, TypeKind};
    use super::*;

    #[test]
    fn text_syntax() {
        let id = TypeId::new(TypeKind::Struct, 7);
        let concrete = |nullable| ValType::Ref(RefType::new(nullable, HeapType::Concrete(id)));
        let ty = FuncType::new([ValType::I32, ValType::FUNCREF, concrete(true)], [ValType::V128, concrete(false)]);
        assert_eq!(ty.to_string(), "(func (param i32 funcref (ref null 7)) (result v128 (ref 7)))");
        assert_eq!(FuncType::new([], []).to_string(), "(func)");
        let null = RefType::new(true, HeapType::NoExtern);
        assert_eq!(null.to_string(), "nullexternref");
        assert_eq!(RefType::new(false, HeapType::NoExtern).to_string(), "(ref noextern)");

        let field = FieldType { storage: StorageType::I8, mutable: true };
        let ty = SubType {
            final_: false,
            supertype: Some(id),
            composite: CompositeType::Struct(StructType { fields: [field].into() }),
        };
        assert_eq!(ty.to_string(), "(sub 7 (struct (field (mut i8))))");
        let array = CompositeType::Array(ArrayType { element: field });
        assert_eq!(array.to_string(), "(array (mut i8))");

        let table = TableType {
            element: RefType::EXTERNREF,
            limits: TableLimits { minimum: 1, maximum: Some(2), table64: true },
        };
        assert_eq!(table.to_string(), "i64 1 2 externref");
    }
}
