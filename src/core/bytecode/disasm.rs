//! Bytecode as text.
//!
//! Operands print as their kind says, so that an op without a special case still reads well. Slots are named `l0`, `l1`, ...
//! where they belong to parameters and locals, and `t0`, `t1`, ... above them.

use std::fmt;

use terrace_abi::layout::Kind;
use terrace_abi::vm::InstanceRecord;
use terrace_abi::{Form, Op, Shape, Ty};

use super::decode::{Instruction, Instructions, OperandValue, Target};
use super::{Function, Handler};

/// Prints a function, one line per instruction, behind a line about its frame and before one line per handler.
pub fn disassemble(function: &Function, out: &mut dyn fmt::Write) -> fmt::Result {
    let Function { param_slots, result_slots, local_slots, frame_slots, .. } = function;
    writeln!(out, "params {param_slots}, results {result_slots}, locals {local_slots}, frame {frame_slots}")?;
    for instruction in Instructions::new(&function.code) {
        match instruction {
            Ok(instruction) => writeln!(out, "{:5}  {}", instruction.pc, instruction.display(*local_slots))?,
            Err(error) => writeln!(out, "       {error}")?,
        }
    }
    for handler in &function.handlers {
        writeln!(out, "       {}", DisplayHandler { handler, local_slots: *local_slots })?;
    }
    Ok(())
}

impl<'a> Instruction<'a> {
    /// The instruction as text, in a function with this many slots of parameters and locals.
    pub fn display(&self, local_slots: u32) -> impl fmt::Display + use<'a> {
        DisplayInstruction { instruction: *self, local_slots }
    }
}

/// A slot's name, in a function with this many slots of parameters and locals.
pub fn slot_name(slot: u64, local_slots: u32) -> impl fmt::Display {
    Slot { slot, local_slots }
}

struct DisplayInstruction<'a> {
    instruction: Instruction<'a>,
    local_slots: u32,
}

struct DisplayHandler<'a> {
    handler: &'a Handler,
    local_slots: u32,
}

/// A slot by name.
struct Slot {
    slot: u64,
    local_slots: u32,
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.slot.checked_sub(self.local_slots.into()) {
            None => write!(f, "l{}", self.slot),
            Some(temporary) => write!(f, "t{temporary}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.pc)?;
        match self.loop_depth {
            0 => Ok(()),
            depth => write!(f, " (back, depth {depth})"),
        }
    }
}

impl fmt::Display for DisplayHandler<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Handler { start, end, tag, reference, target, slot } = self.handler;
        write!(f, "handler {start}..{end} ")?;
        match tag {
            Some(tag) => write!(f, "tag {tag}")?,
            None => f.write_str("all")?,
        }
        let reference = if reference { " ref" } else { "" };
        let slot = Slot { slot: slot.into(), local_slots: self.local_slots };
        write!(f, "{reference} -> {target} at {slot}")
    }
}

impl fmt::Display for DisplayInstruction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instruction = &self.instruction;
        let (defs, rest): (Vec<_>, Vec<_>) =
            instruction.operands().partition(|o| matches!(o.kind, Kind::Def | Kind::DefRange));
        for def in &defs {
            self.value(f, def)?;
            f.write_str(" = ")?;
        }
        let text = instruction.op.text();
        let info = instruction.info();
        match (info.shape, instruction.form) {
            (Shape::compare, Form::BRANCH | Form::BRANCH_IMM) => self.branch(f, "if", &rest),
            (Shape::compare, Form::BRANCH_NOT | Form::BRANCH_NOT_IMM) => self.branch(f, "unless", &rest),
            (Shape::compare, form) if form >= Form::SELECT && rest.len() == 4 => {
                write!(f, "select {text} ")?;
                self.list(f, &rest[2..])?;
                f.write_str(" ? ")?;
                self.value(f, &rest[0])?;
                f.write_str(" : ")?;
                self.value(f, &rest[1])
            }
            (Shape::load | Shape::store, form) => self.access(f, &rest, form),
            (Shape::load_lane | Shape::store_lane, _)
            | (Shape::atomic_load | Shape::atomic_store | Shape::atomic_rmw, _)
            | (Shape::atomic_cmpxchg | Shape::atomic_wait | Shape::atomic_notify, _) => {
                self.access(f, &rest, Form::ANY)
            }
            _ => self.plain(f, &rest),
        }
    }
}

impl DisplayInstruction<'_> {
    fn slot(&self, slot: u64) -> Slot {
        Slot { slot, local_slots: self.local_slots }
    }

    /// Name, operands in order of the layout, and targets.
    fn plain(&self, f: &mut fmt::Formatter<'_>, operands: &[OperandValue]) -> fmt::Result {
        let op = self.instruction.op;
        f.write_str(op.text())?;
        // What ranges and targets print themselves.
        let shown = |kind| match kind {
            Kind::Count | Kind::Target => false,
            Kind::Loop => op == Op::LoopHead,
            _ => true,
        };
        let shown: Vec<_> = operands.iter().filter(|o| shown(o.kind)).copied().collect();
        f.write_str(if shown.is_empty() { "" } else { " " })?;
        self.list(f, &shown)?;
        let mut targets = self.instruction.targets().peekable();
        f.write_str(if targets.peek().is_some() { " ->" } else { "" })?;
        while let Some(target) = targets.next() {
            let default = op == Op::BrTable && targets.peek().is_none();
            write!(f, "{} {target}", if default { ", default" } else { "" })?;
        }
        Ok(())
    }

    fn branch(&self, f: &mut fmt::Formatter<'_>, sense: &str, operands: &[OperandValue]) -> fmt::Result {
        write!(f, "br.{sense} {} ", self.instruction.op.text())?;
        let compared: Vec<_> = operands.iter().filter(|o| matches!(o.kind, Kind::Use | Kind::Imm32)).copied().collect();
        self.list(f, &compared)?;
        self.instruction.targets().try_for_each(|target| write!(f, " -> {target}"))
    }

    /// A memory access: `[address]`, then the other operands.
    fn access(&self, f: &mut fmt::Formatter<'_>, operands: &[OperandValue], form: Form) -> fmt::Result {
        let find = |kind| operands.iter().find(|o| o.kind == kind).map(|o| o.value);
        let mut uses = operands.iter().filter(|o| o.kind == Kind::Use);
        write!(f, "{} [", self.instruction.op.text())?;
        if let Some(memory) = find(Kind::Memory).filter(|&memory| memory != 0) {
            write!(f, "memory {memory}: ")?;
        }
        let offset = find(Kind::Offset).unwrap_or_default();
        if form == Form::ABSOLUTE {
            write!(f, "{offset}]")?;
        } else {
            if let Some(address) = uses.next() {
                self.value(f, address)?;
            }
            if form == Form::INDEX
                && let Some(index) = uses.next()
            {
                f.write_str(" + ")?;
                self.value(f, index)?;
                write!(f, "<<{}", find(Kind::Shift).unwrap_or_default())?;
            }
            if form == Form::ADD_IMM {
                write!(f, " + {}", find(Kind::Imm32).unwrap_or_default() as i32)?;
            }
            match offset {
                0 => f.write_str("]")?,
                offset => write!(f, " + {offset}]")?,
            }
        }
        let others = operands.iter().filter(|o| matches!(o.kind, Kind::Imm16 | Kind::Lane | Kind::UseRange));
        for operand in uses.chain(others) {
            f.write_str(", ")?;
            self.value(f, operand)?;
        }
        Ok(())
    }

    fn list(&self, f: &mut fmt::Formatter<'_>, operands: &[OperandValue]) -> fmt::Result {
        for (i, operand) in operands.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { ", " })?;
            self.value(f, operand)?;
        }
        Ok(())
    }

    /// The number of slots of the instruction's ranges, if it gives one.
    fn range_count(&self) -> Option<u64> {
        match self.instruction.op {
            Op::BrTable => None,
            _ => self.instruction.find(Kind::Count),
        }
    }

    fn value(&self, f: &mut fmt::Formatter<'_>, operand: &OperandValue) -> fmt::Result {
        let value = operand.value;
        match operand.kind {
            Kind::Def | Kind::Use => write!(f, "{}", self.slot(value)),
            Kind::DefRange | Kind::UseRange => match self.range_count() {
                None => write!(f, "{}", self.slot(value)),
                Some(0) => f.write_str("nothing"),
                Some(count) => write!(f, "{}..={}", self.slot(value), self.slot(value + count - 1)),
            },
            Kind::Base => write!(f, "base {}", self.slot(value)),
            Kind::Imm16 | Kind::Imm32 | Kind::Imm64 => immediate(f, operand),
            Kind::Memory => write!(f, "memory {value}"),
            Kind::Table => write!(f, "table {value}"),
            Kind::Global => write!(f, "global {value}"),
            Kind::OwnGlobal => match InstanceRecord::own_global_number(value as i32) {
                Some(number) => write!(f, "own global {number}"),
                None => f.write_str("no global"),
            },
            Kind::Func => write!(f, "func {value}"),
            Kind::Type => write!(f, "type {value}"),
            Kind::Tag => write!(f, "tag {value}"),
            Kind::Data => write!(f, "data {value}"),
            Kind::Elem => write!(f, "elem {value}"),
            Kind::Lane => write!(f, "lane {value}"),
            Kind::LoopId => write!(f, "loop {value}"),
            Kind::Loop => write!(f, "depth {value}"),
            Kind::Site => match value.checked_sub(1) {
                None => f.write_str("entry"),
                Some(id) => write!(f, "loop {id}"),
            },
            Kind::Cell => write!(f, "cell {value:#x}"),
            Kind::Offset | Kind::Shift | Kind::Target | Kind::Count | Kind::Amount => write!(f, "{value}"),
        }
    }
}

/// An immediate as its type reads it; NaNs, and bits without a type, in hexadecimal.
fn immediate(f: &mut fmt::Formatter<'_>, operand: &OperandValue) -> fmt::Result {
    let bits = operand.value;
    match operand.ty {
        Some(Ty::F32) if !f32::from_bits(bits as u32).is_nan() => write!(f, "{:?}", f32::from_bits(bits as u32)),
        Some(Ty::F64) if !f64::from_bits(bits).is_nan() => write!(f, "{:?}", f64::from_bits(bits)),
        Some(Ty::I32) => write!(f, "{}", bits as i32),
        Some(Ty::I64) => write!(f, "{}", bits as i64),
        Some(Ty::Word) if bits < 1 << 16 => write!(f, "{bits}"),
        _ => write!(f, "{bits:#x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrace_abi::Word;

    fn text(words: &[Word]) -> String {
        let instruction = Instruction::at(words, 0).expect("an instruction");
        assert_eq!(instruction.len() as usize, words.len());
        instruction.display(4).to_string()
    }

    #[test]
    fn instructions_read_well() {
        let cases: &[(&[Word], &str)] = &[
            (&[Word::new(Op::I32Add, Form::IMM16, 5, 1, 42)], "t1 = i32.add l1, 42"),
            (&[Word::new(Op::I64Sub, Form::IMM64_LEFT, 5, 0, 1), Word(u64::MAX)], "t1 = i64.sub -1, l1"),
            (&[Word::new(Op::F32Add, Form::IMM64, 5, 1, 0), Word(0x3fc0_0000)], "t1 = f32.add l1, 1.5"),
            (&[Word::new(Op::I32LtS, Form::BRANCH, 0, 1, 2), Word::pair(0, 17)], "br.if i32.lt_s l1, l2 -> 17"),
            (
                &[Word::new(Op::I32LtS, Form::BRANCH_NOT_IMM, 2, 1, 0), Word::pair(9, 17)],
                "br.unless i32.lt_s l1, 9 -> 17 (back, depth 2)",
            ),
            (
                &[Word::new(Op::I32Eq, Form::SELECT_IMM, 5, 1, 2), Word::pair(3, 7)],
                "t1 = select i32.eq l3, 7 ? l1 : l2",
            ),
            (&[Word::new(Op::I32Load, Form::INDEX, 3, 1, 2), Word::pair(16, 2)], "l3 = i32.load [l1 + l2<<2 + 16]"),
            (&[Word::new(Op::I32Store, Form::INDEX, 2, 1, 3), Word::pair(0, 2)], "i32.store [l1 + l2<<2], l3"),
            (&[Word::new(Op::I32Store, Form::OFFSET16_VALUE, 8, 1, 5)], "i32.store [l1 + 8], 5"),
            (&[Word::new(Op::I64Load, Form::ANY, 3, 1, 0), Word(8), Word(2)], "l3 = i64.load [memory 2: l1 + 8]"),
            (&[Word::new(Op::I64Load, Form::ABSOLUTE, 3, 0, 0), Word(1024)], "l3 = i64.load [1024]"),
            (&[Word::wide(Op::Call, 0, 9), Word(12)], "call base t5, func 12"),
            (&[Word::wide(Op::Jump, 1, 3)], "jump -> 3 (back, depth 1)"),
            (&[Word::wide(Op::LoopHead, 1, 3)], "loop_head depth 1, loop 3"),
            (&[Word::wide(Op::CopyRange, 0, 2), Word::pair(8, 1)], "t4..=t5 = copy.range l1..=l2"),
            (
                &[Word::new(Op::BrTable, Form::SLOTS, 0, 1, 0), Word(2), Word(9), Word(11)],
                "br_table l1 -> 9, default 11",
            ),
            (&[Word::new(Op::Return, Form::SLOTS, 0, 0, 0)], "return"),
        ];
        for (words, expected) in cases {
            assert_eq!(text(words), *expected);
        }
    }

    #[test]
    fn every_form_prints_all_its_slots() {
        for &op in Op::ALL {
            for form in (0..=Form::MASK).map(Form) {
                let Some(layout) = op.layout(form) else { continue };
                let mut words = vec![Word::new(op, form, 101, 102, 103)];
                words.extend(
                    (0..layout.extensions).map(|i| Word::quad([104, 105, 106, 107].map(|q| q + 4 * u16::from(i)))),
                );
                if op == Op::BrTable {
                    words[1] = Word(1);
                    words.push(Word(1));
                }
                let instruction = Instruction::at(&words, 0).expect("an instruction");
                let printed = instruction.display(0).to_string();
                assert!(printed.contains(op.text()), "{printed}");
                for operand in instruction.operands() {
                    if matches!(operand.kind, Kind::Def | Kind::Use | Kind::DefRange | Kind::UseRange | Kind::Base) {
                        assert!(
                            printed.contains(&format!("l{}", operand.value))
                                || printed.contains(&format!("t{}", operand.value)),
                            "{op:?} {form:?}: {printed}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_function_prints_frame_code_and_handlers() {
        let function = Function {
            code: Box::new([Word::wide(Op::Const32, 0, 7), Word::new(Op::Return, Form::SLOTS, 0, 0, 0), Word(0xffff)]),
            local_slots: 1,
            frame_slots: 2,
            handlers: Box::new([Handler { start: 0, end: 1, tag: Some(3), reference: true, target: 1, slot: 1 }]),
            ..Function::default()
        };
        let mut out = String::new();
        disassemble(&function, &mut out).expect("strings take everything");
        let lines: Vec<_> = out.lines().map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "params 0, results 0, locals 1, frame 2",
                "0  l0 = const.32 7",
                "1  return",
                "no op has the number 4095 (at 2)",
                "handler 0..1 tag 3 ref -> 1 at t0",
            ]
        );
    }
}
