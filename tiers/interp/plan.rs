//! What the linker has to know of each op number, from the layouts and the classes, in one table.

use std::sync::OnceLock;

use terrace_abi::layout::{Field, Kind};
use terrace_abi::{Form, Op, Word};

use crate::classes::{self, Dims, Role};
use crate::text::FIRSTS;

/// Where an instruction's branch displacement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// It has none.
    None,
    /// In the upper half of the first word.
    First,
    /// In the upper half of the extension word.
    Extension,
    /// In the words behind the extension word, as many as that says.
    Table,
}

/// The plan of an op in a form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub op: Op,
    /// Words, without a table's entries.
    pub words: u8,
    pub roles: [Option<Role>; 3],
    pub dims: Dims,
    /// [`Dims::with_explicit_bounds`]
    pub explicit: Dims,
    /// Index in the handler offsets of the first handler.
    pub first: u32,
    pub target: Target,
    /// Reads slots that the first word does not name, so that none of its operands may be in the accumulator alone.
    pub reads_more: bool,
}

/// The plans by op number.
pub(crate) fn plans() -> &'static [Option<Plan>] {
    static PLANS: OnceLock<Vec<Option<Plan>>> = OnceLock::new();
    PLANS.get_or_init(|| (0..FIRSTS.len()).map(|number| plan(number as u16)).collect())
}

fn plan(number: u16) -> Option<Plan> {
    let word = Word(number.into());
    let (op, form): (Op, Form) = (word.op()?, word.form());
    let dims = classes::dims(op, form)?;
    let layout = op.layout(form)?;
    let target = match layout.operands.iter().find(|operand| operand.kind == Kind::Target) {
        _ if op == Op::BrTable => Target::Table,
        Some(operand) if operand.field == Field::W => Target::First,
        Some(_) => Target::Extension,
        None => Target::None,
    };
    let in_first = |field| matches!(field, Field::D | Field::A | Field::B);
    let reads_more = layout.operands.iter().any(|operand| match operand.kind {
        Kind::Use => !in_first(operand.field),
        Kind::UseRange | Kind::Base => true,
        _ => false,
    });
    Some(Plan {
        op,
        words: 1 + layout.extensions,
        roles: classes::roles(op, form),
        dims,
        explicit: dims.with_explicit_bounds(),
        first: FIRSTS[usize::from(number)],
        target,
        reads_more,
    })
}
