//! The visitor: every operator is validated, then translated if control can reach it.
//!
//! The methods come from wasmparser's list of operators; what each does to the bytecode comes from the op table's rows. An
//! operator that the table does not know, or knows as refused, ends translation by name.

use terrace_abi::Op;
use terrace_abi::op::REFUSED;
use wasmparser::{
    FrameKind, FrameStack, HeapType, Ieee32, Ieee64, MemArg, RefType, Result, ValType, VisitOperator, VisitSimdOperator,
};

use super::TranslateError;
use super::translator::Translator;

macro_rules! shape_methods {
    (
        shapes {
            $($shape:ident { $(
                $name:ident $snake:ident $text:literal $opcode:literal $feature:ident
                ($($param:ident),*) -> $result:tt [$($trait:ident)*];
            )* })*
        }
        $($rest:tt)*
    ) => {
        impl Translator<'_> {
            $($(shape_methods!(@ $shape $name $snake);)*)*
        }
    };
    (@ unary $name:ident $snake:ident) => { shape_methods!(% unary $name $snake ()); };
    (@ binary $name:ident $snake:ident) => { shape_methods!(% binary $name $snake ()); };
    (@ compare $name:ident $snake:ident) => { shape_methods!(% binary $name $snake ()); };
    (@ ternary $name:ident $snake:ident) => { shape_methods!(% ternary $name $snake ()); };
    (@ wide $name:ident $snake:ident) => { shape_methods!(% wide $name $snake ()); };
    (@ extract_lane $name:ident $snake:ident) => { shape_methods!(% extract_lane $name $snake (lane: u8)); };
    (@ replace_lane $name:ident $snake:ident) => { shape_methods!(% replace_lane $name $snake (lane: u8)); };
    (@ shuffle $name:ident $snake:ident) => { shape_methods!(% shuffle $name $snake (lanes: [u8; 16])); };
    (@ load_lane $name:ident $snake:ident) => { shape_methods!(% load_lane $name $snake (memarg: MemArg, lane: u8)); };
    (@ store_lane $name:ident $snake:ident) => { shape_methods!(% store_lane $name $snake (memarg: MemArg, lane: u8)); };
    (@ $memory:ident $name:ident $snake:ident) => { shape_methods!(% $memory $name $snake (memarg: MemArg)); };
    (% $method:ident $name:ident $snake:ident ($($arg:ident: $ty:ty),*)) => {
        pastey::paste! {
            fn [<visit_ $snake>](&mut self $(, $arg: $ty)*) {
                self.$method(Op::$name $(, $arg)*);
            }
        }
    };
}
terrace_abi::for_each_op!(shape_methods);

/// Operators whose visitors take other arguments than their lowering does.
impl Translator<'_> {
    fn visit_i32_const(&mut self, value: i32) {
        self.visit_const(u64::from(value as u32));
    }

    fn visit_i64_const(&mut self, value: i64) {
        self.visit_const(value as u64);
    }

    fn visit_f32_const(&mut self, value: Ieee32) {
        self.visit_const(value.bits().into());
    }

    fn visit_f64_const(&mut self, value: Ieee64) {
        self.visit_const(value.bits());
    }

    fn visit_ref_null_of(&mut self, ty: HeapType) {
        let Some(ty) = RefType::new(true, ty) else { unreachable!("validated heap type") };
        let kind = self.kind(ValType::Ref(ty));
        self.visit_ref_null(kind);
    }

    /// The operand's kind changes nothing: both hierarchies share one representation.
    fn convert_reference(&mut self) {}

    fn refuse(&mut self, name: &'static str) {
        let operator = REFUSED.iter().find(|row| row.name == name).map_or(name, |row| row.text);
        self.fail(TranslateError::Unsupported { operator, offset: self.offset as usize });
        self.reachable = false;
    }
}

macro_rules! visit {
    ($( @$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*) )*) => {
        $(visit!(@one $proposal $op $visit [$($($arg: $argty),*)?]);)*
    };

    // Blocks are tracked in unreachable code, too.
    (@one mvp Block $visit:ident $args:tt) => { visit!(@always 0 $visit visitor $args); };
    (@one mvp Loop $visit:ident $args:tt) => { visit!(@always 0 $visit visitor $args); };
    (@one mvp If $visit:ident $args:tt) => { visit!(@always 1 $visit visitor $args); };
    (@one mvp Else $visit:ident $args:tt) => { visit!(@always 0 $visit visitor $args); };
    (@one mvp End $visit:ident $args:tt) => { visit!(@always 0 $visit visitor $args); };
    (@one exceptions TryTable $visit:ident [$arg:ident: $ty:ty]) => {
        fn $visit(&mut self, $arg: $ty) -> Self::Output {
            self.validator.visitor(self.offset).$visit($arg.clone())?;
            if self.reachable && self.config.fuel {
                self.count_operator();
            }
            Translator::$visit(self, &$arg);
            Ok(())
        }
    };

    // Operators that cost no fuel.
    (@one mvp Nop $visit:ident $args:tt) => {
        fn $visit(&mut self) -> Self::Output {
            self.validator.visitor(self.offset).$visit()
        }
    };
    (@one mvp Unreachable $visit:ident $args:tt) => { visit!(@reachable 0 $visit visitor $visit $args $args); };
    (@one mvp Drop $visit:ident $args:tt) => { visit!(@reachable 0 $visit visitor $visit $args $args); };
    (@one mvp Return $visit:ident $args:tt) => { visit!(@reachable 0 $visit visitor $visit $args $args); };

    (@one mvp BrTable $visit:ident [$arg:ident: $ty:ty]) => {
        fn $visit(&mut self, $arg: $ty) -> Self::Output {
            self.validator.visitor(self.offset).$visit($arg.clone())?;
            if self.reachable {
                if self.config.fuel {
                    self.count_operator();
                }
                Translator::$visit(self, &$arg);
            }
            Ok(())
        }
    };
    (@one reference_types TypedSelect $visit:ident $args:tt) => {
        visit!(@reachable 1 $visit visitor visit_select $args []);
    };
    (@one reference_types RefNull $visit:ident $args:tt) => {
        visit!(@reachable 1 $visit visitor visit_ref_null_of $args $args);
    };
    (@one threads AtomicFence $visit:ident $args:tt) => { visit!(@reachable 1 $visit visitor $visit $args []); };
    (@one gc RefEq $visit:ident $args:tt) => { visit!(@reachable 1 $visit visitor $visit $args $args); };
    (@one gc AnyConvertExtern $visit:ident $args:tt) => {
        visit!(@reachable 1 $visit visitor convert_reference $args $args);
    };
    (@one gc ExternConvertAny $visit:ident $args:tt) => {
        visit!(@reachable 1 $visit visitor convert_reference $args $args);
    };

    // Refused: by the validator unless the feature is on, by name otherwise.
    (@one gc $op:ident $visit:ident $args:tt) => { visit!(@refuse $op $visit $args); };
    (@one legacy_exceptions $op:ident $visit:ident $args:tt) => { visit!(@refuse $op $visit $args); };
    (@one stack_switching $op:ident $visit:ident $args:tt) => { visit!(@refuse $op $visit $args); };
    (@one custom_descriptors $op:ident $visit:ident $args:tt) => { visit!(@refuse $op $visit $args); };
    (@one shared_everything_threads $op:ident $visit:ident $args:tt) => { visit!(@refuse $op $visit $args); };
    (@one memory_control $op:ident $visit:ident $args:tt) => { visit!(@refuse $op $visit $args); };
    (@one acquire_release_atomics $op:ident $visit:ident $args:tt) => { visit!(@refuse $op $visit $args); };
    (@one reference_types TypedSelectMulti $visit:ident $args:tt) => { visit!(@refuse TypedSelectMulti $visit $args); };

    (@one simd $op:ident $visit:ident $args:tt) => { visit!(@reachable 1 $visit simd_visitor $visit $args $args); };
    (@one relaxed_simd $op:ident $visit:ident $args:tt) => { visit!(@reachable 1 $visit simd_visitor $visit $args $args); };
    (@one $proposal:ident $op:ident $visit:ident $args:tt) => { visit!(@reachable 1 $visit visitor $visit $args $args); };

    (@always $cost:literal $visit:ident $visitor:ident [$($arg:ident: $ty:ty),*]) => {
        fn $visit(&mut self $(, $arg: $ty)*) -> Self::Output {
            self.validator.$visitor(self.offset).$visit($($arg),*)?;
            if $cost == 1 && self.reachable && self.config.fuel {
                self.count_operator();
            }
            Translator::$visit(self $(, $arg)*);
            Ok(())
        }
    };
    (@reachable $cost:literal $visit:ident $visitor:ident $lower:ident
        [$($arg:ident: $ty:ty),*] [$($pass:ident: $pass_ty:ty),*]) => {
        fn $visit(&mut self $(, $arg: $ty)*) -> Self::Output {
            self.validator.$visitor(self.offset).$visit($($arg),*)?;
            if self.reachable {
                if $cost == 1 && self.config.fuel {
                    self.count_operator();
                }
                Translator::$lower(self $(, $pass)*);
            }
            Ok(())
        }
    };
    (@refuse $op:ident $visit:ident [$($arg:ident: $ty:ty),*]) => {
        fn $visit(&mut self $(, $arg: $ty)*) -> Self::Output {
            self.validator.visitor(self.offset).$visit($($arg),*)?;
            if self.reachable {
                self.refuse(stringify!($op));
            }
            Ok(())
        }
    };
}

impl<'a> VisitOperator<'a> for Translator<'_> {
    type Output = Result<()>;

    fn simd_visitor(&mut self) -> Option<&mut dyn VisitSimdOperator<'a, Output = Self::Output>> {
        Some(self)
    }

    wasmparser::for_each_visit_operator!(visit);
}

impl VisitSimdOperator<'_> for Translator<'_> {
    wasmparser::for_each_visit_simd_operator!(visit);
}

impl FrameStack for Translator<'_> {
    fn current_frame(&self) -> Option<FrameKind> {
        self.validator.get_control_frame(0).map(|frame| frame.kind)
    }
}
