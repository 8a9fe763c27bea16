//! The way back from a running form to bytecode: what [`link`](crate::link) changes can be undone.
//!
//! Every op and form has handlers of its own, and a fused handler is that of its first instruction and of nothing else, so that a
//! handler's offset says which they are.

use std::sync::OnceLock;

use terrace_abi::layout::Kind;
use terrace_abi::{Op, Word};
use terrace_core::bytecode::Instruction;
use terrace_core::runtime::Module;

use crate::activation::header;
use crate::text::{OFFSETS, PLAN_PLACES, PLANS};
use crate::{entry, link};

/// The bytecode that a defined function's running form stands for; `None` if it cannot be translated.
///
/// # Panics
///
/// If the module defines no such function.
pub fn canonical(module: &Module, defined: u32) -> Option<Vec<Word>> {
    let mut words = entry::shared(module.code(defined).ok()?, module)[header::WORDS..].to_vec();
    let mut pc = 0;
    while pc < words.len() {
        words[pc].0 = words[pc].0 & !0xffff | u64::from(number(link::alone(words[pc].number()))?);
        let instruction = Instruction::at(&words, pc as u32).ok()?;
        let (op, next) = (instruction.op, instruction.next_pc() as usize);
        if matches!(op, Op::Call | Op::ReturnCall) {
            let cell = words[pc + 1].0 as usize;
            let callee = (cell - module.entries().as_ptr().addr()) / size_of::<Word>();
            words[pc + 1] = Word(u64::from(module.imported_funcs()) + callee as u64);
        }
        if op == Op::Profile {
            // It is the first instruction of the function or behind a loop's head.
            let before = pc.checked_sub(1).and_then(|head| Instruction::at(&words, head as u32).ok());
            let looped = before.and_then(|head| head.find(Kind::LoopId));
            words[pc] = words[pc].with_high(looped.map_or(0, |id| id as u32 + 1));
            words[pc + 1] = Word(0);
        }
        pc = next;
    }
    Some(words)
}

/// The op number whose handler has this offset.
fn number(handler: u16) -> Option<u16> {
    static NUMBERS: OnceLock<Vec<u16>> = OnceLock::new();
    let numbers = NUMBERS.get_or_init(|| {
        let mut numbers = vec![u16::MAX; 1 << 16];
        for (number, &place) in PLAN_PLACES.iter().enumerate() {
            let Some(plan) = PLANS.get(usize::from(place)) else { continue };
            let explicit = if plan.dims.explicit { plan.explicit.count() } else { 0 };
            let first = usize::from(plan.first);
            for &offset in &OFFSETS[first..first + plan.dims.count() + explicit] {
                numbers[usize::from(offset)] = number as u16;
            }
        }
        numbers
    });
    Some(numbers[usize::from(handler)]).filter(|&number| number != u16::MAX)
}
