//! The linker's plans, from layouts and classes.

use terrace_abi::layout::{Field, Kind};
use terrace_abi::{Form, Op};

use crate::classes::{self, Dims};
use crate::plan::{Plan, Target};

/// The plan of an op in a form, whose first handler has this index.
pub(super) fn plan(op: Op, form: Form, dims: Dims, first: u16) -> Plan {
    let layout = op.layout(form).expect("the form exists");
    let target = match layout.operands.iter().find(|operand| operand.kind == Kind::Target) {
        _ if op == Op::BrTable => Target::Table,
        Some(operand) if operand.field == Field::W => Target::First,
        Some(_) => Target::Extension,
        None => Target::Nowhere,
    };
    let in_first = |field| matches!(field, Field::D | Field::A | Field::B);
    let reads_more = layout.operands.iter().any(|operand| match operand.kind {
        Kind::Use => !in_first(operand.field),
        Kind::UseRange | Kind::Base => true,
        _ => false,
    });
    Plan {
        op: op as u16,
        words: 1 + layout.extensions,
        roles: classes::roles(op, form),
        dims,
        explicit: dims.with_explicit_bounds(),
        first,
        target,
        reads_more,
    }
}
