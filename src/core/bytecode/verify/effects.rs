//! What an instruction reads and writes, in slots.
//!
//! Layouts say most of it. The rest depends on the module (calls, globals, tables) or on the values (copies, selects), and
//! is stated here once for both directions of the dataflow.

use terrace_abi::layout::Kind;
use terrace_abi::vm::InstanceRecord;
use terrace_abi::{Form, Op, Shape, Ty};

use super::types::{CodeTypes, Signature, SlotKind};
use super::{Expected, Problem};
use crate::bytecode::Instruction;

/// What a written slot holds afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// A value of this kind.
    Is(SlotKind),
    /// 0, which is also every type's null.
    Zero,
    /// What this slot held.
    Like(u32),
    /// What one of these slots held.
    Either(u32, u32),
}

impl Written {
    /// Slots that are written.
    pub(super) fn slots(self) -> u32 {
        match self {
            Written::Is(kind) => kind.slots(),
            Written::Zero | Written::Like(_) | Written::Either(..) => 1,
        }
    }
}

/// The slots that an instruction reads and writes.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub(super) reads: Vec<(u32, Expected)>,
    pub(super) writes: Vec<(u32, Written)>,
    /// Slots that are moved, halves of vectors included: to, from, count.
    pub(super) moves: Option<(u32, u32, u32)>,
    /// A callee uses this slot and those above.
    pub(super) callee: Option<u32>,
    /// May an exception leave the instruction while the frame is still there to handle it?
    pub(super) throws: bool,
}

/// The type of the global that the module defines for this displacement.
fn own_global(displacement: u32, types: &dyn CodeTypes) -> Option<SlotKind> {
    let number = InstanceRecord::own_global_number(displacement as i32)?;
    types.global(types.imports().globals + number)
}

impl Effects {
    /// Replaces the contents by the effects of an instruction in a function of this signature.
    pub(super) fn set(
        &mut self,
        instruction: &Instruction<'_>,
        types: &dyn CodeTypes,
        own: &Signature,
    ) -> Result<(), Problem> {
        self.reads.clear();
        self.writes.clear();
        (self.moves, self.callee, self.throws) = (None, None, false);
        self.layout(instruction, types)?;
        self.refine(instruction, types, own)
    }

    /// Slots that the effects mention, as (slot, count).
    pub(super) fn extents(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let reads = self.reads.iter().map(|&(slot, expected)| (slot, width(expected)));
        let writes = self.writes.iter().map(|&(slot, written)| (slot, written.slots()));
        let moves = self.moves.into_iter().flat_map(|(to, from, count)| [(to, count), (from, count)]);
        reads.chain(writes).chain(moves)
    }

    /// What the layout and the row say.
    fn layout(&mut self, instruction: &Instruction<'_>, types: &dyn CodeTypes) -> Result<(), Problem> {
        let info = instruction.info();
        let short = matches!(info.shape, Shape::load | Shape::store) && instruction.form != Form::ANY;
        if short && !types.short_memory() {
            return Err(Problem::MemoryForm);
        }
        for operand in instruction.operands() {
            let index = operand.value as u32;
            let known = match operand.kind {
                Kind::Use | Kind::UseRange => {
                    let expected = match operand.ty {
                        Some(Ty::V128) => Expected::Is(SlotKind::V128),
                        Some(Ty::Ref) => Expected::Reference,
                        _ => Expected::Value,
                    };
                    self.reads.push((index, expected));
                    true
                }
                Kind::Def | Kind::DefRange => {
                    let kind = if operand.ty == Some(Ty::V128) { SlotKind::V128 } else { SlotKind::Word };
                    self.writes.push((index, Written::Is(kind)));
                    true
                }
                Kind::Memory => types.has_memory(index),
                Kind::Table => types.table(index).is_some(),
                Kind::Global => types.global(index).is_some(),
                Kind::OwnGlobal => own_global(index, types).is_some(),
                Kind::Func => match instruction.op {
                    Op::Call | Op::ReturnCall => index >= types.imports().functions,
                    Op::CallImport | Op::ReturnCallImport => index < types.imports().functions,
                    _ => types.function(index).is_some(),
                },
                Kind::Type => types.function_type(index).is_some(),
                Kind::Tag => types.tag(index).is_some(),
                Kind::Data => types.has_data(index),
                Kind::Elem => types.has_element(index),
                Kind::Lane if operand.value >= lanes(instruction) => {
                    return Err(Problem::Range(Kind::Lane, operand.value));
                }
                Kind::Shift if operand.value >= 32 => return Err(Problem::Range(Kind::Shift, operand.value)),
                _ => true,
            };
            if !known {
                return Err(Problem::Index(operand.kind, operand.value));
            }
        }
        Ok(())
    }

    /// What depends on the module and on values.
    fn refine(&mut self, instruction: &Instruction<'_>, types: &dyn CodeTypes, own: &Signature) -> Result<(), Problem> {
        let op = instruction.op;
        let find = |kind| instruction.find(kind).unwrap_or_default() as u32;
        let unknown = |kind| Problem::Index(kind, find(kind).into());
        match op {
            _ if instruction.info().shape == Shape::compare
                && matches!(instruction.form, Form::SELECT | Form::SELECT_IMM) =>
            {
                self.writes[0].1 = Written::Either(self.reads[0].0, self.reads[1].0);
            }
            _ if instruction.info().shape == Shape::wide => {
                // Both halves of the result are numbers.
                let low = self.writes[0].0;
                self.writes.clear();
                self.writes.extend([low, low.saturating_add(1)].map(|slot| (slot, Written::Is(SlotKind::Word))));
            }
            Op::Copy => self.writes[0].1 = Written::Like(self.reads[0].0),
            Op::CopyRange => {
                self.moves = Some((find(Kind::DefRange), find(Kind::UseRange), find(Kind::Count)));
                self.reads.clear();
                self.writes.clear();
            }
            Op::Const32 | Op::Const => {
                let bits = instruction.find(Kind::Imm32).or(instruction.find(Kind::Imm64));
                if bits == Some(0) {
                    self.writes[0].1 = Written::Zero;
                }
            }
            Op::GlobalGet | Op::GlobalSet | Op::GlobalGetV128 | Op::GlobalSetV128 => {
                let kind = types.global(find(Kind::Global)).ok_or(unknown(Kind::Global))?;
                self.global(kind, matches!(op, Op::GlobalGetV128 | Op::GlobalSetV128))?;
            }
            Op::GlobalGetOwn | Op::GlobalSetOwn | Op::GlobalGetOwnV128 | Op::GlobalSetOwnV128 => {
                let kind = own_global(find(Kind::OwnGlobal), types).ok_or(unknown(Kind::OwnGlobal))?;
                self.global(kind, matches!(op, Op::GlobalGetOwnV128 | Op::GlobalSetOwnV128))?;
            }
            Op::RefFunc => self.writes[0].1 = Written::Is(SlotKind::FuncRef),
            Op::TableGet | Op::TableSet | Op::TableGrow | Op::TableFill => {
                let kind = types.table(find(Kind::Table)).ok_or(unknown(Kind::Table))?;
                for read in &mut self.reads {
                    if read.1 == Expected::Reference {
                        read.1 = Expected::Is(kind);
                    }
                }
                if op == Op::TableGet {
                    self.writes[0].1 = Written::Is(kind);
                }
            }
            Op::Call | Op::CallImport | Op::ReturnCall | Op::ReturnCallImport => {
                self.call(instruction, types.function(find(Kind::Func)).ok_or(unknown(Kind::Func))?);
            }
            Op::CallIndirect | Op::CallRef | Op::ReturnCallIndirect | Op::ReturnCallRef => {
                for read in &mut self.reads {
                    if read.1 == Expected::Reference {
                        read.1 = Expected::Is(SlotKind::FuncRef);
                    }
                }
                self.call(instruction, types.function_type(find(Kind::Type)).ok_or(unknown(Kind::Type))?);
            }
            Op::Throw => {
                let payload = types.tag(find(Kind::Tag)).ok_or(unknown(Kind::Tag))?;
                self.read_all(find(Kind::Base), &payload);
                self.throws = true;
            }
            Op::ThrowRef => {
                self.reads[0].1 = Expected::Is(SlotKind::HeapRef);
                self.throws = true;
            }
            Op::Return => self.read_all(0, &own.results),
            Op::ReturnOne | Op::ReturnV128 => {
                let &[kind] = &own.results[..] else { return Err(Problem::Results) };
                if (kind == SlotKind::V128) != (op == Op::ReturnV128) {
                    return Err(Problem::Results);
                }
                self.reads[0].1 = Expected::Is(kind);
            }
            Op::ReturnConst => match &own.results[..] {
                [SlotKind::Word] => {}
                [SlotKind::HeapRef | SlotKind::FuncRef] if instruction.find(Kind::Imm64) == Some(0) => {}
                _ => return Err(Problem::Results),
            },
            Op::ReturnRange => {
                if find(Kind::Count) != slots(&own.results) {
                    return Err(Problem::Results);
                }
                self.reads.clear();
                self.read_all(find(Kind::UseRange), &own.results);
            }
            _ => {}
        }
        Ok(())
    }

    /// An operation on a global of this kind.
    fn global(&mut self, kind: SlotKind, wide: bool) -> Result<(), Problem> {
        if wide != (kind == SlotKind::V128) {
            return Err(Problem::GlobalWidth);
        }
        self.writes.iter_mut().for_each(|write| write.1 = Written::Is(kind));
        self.reads.iter_mut().for_each(|read| read.1 = Expected::Is(kind));
        Ok(())
    }

    fn call(&mut self, instruction: &Instruction<'_>, signature: Signature) {
        let base = instruction.find(Kind::Base).unwrap_or_default() as u32;
        self.read_all(base, &signature.params);
        // A tail call's frame is gone when its callee runs.
        if !instruction.info().traits.ends {
            let mut slot = base;
            for &kind in &signature.results {
                self.writes.push((slot, Written::Is(kind)));
                slot = slot.saturating_add(kind.slots());
            }
            self.callee = Some(base);
            self.throws = true;
        }
    }

    fn read_all(&mut self, first: u32, kinds: &[SlotKind]) {
        let mut slot = first;
        for &kind in kinds {
            self.reads.push((slot, Expected::Is(kind)));
            slot = slot.saturating_add(kind.slots());
        }
    }
}

/// Slots that these values take together.
pub(super) fn slots(kinds: &[SlotKind]) -> u32 {
    kinds.iter().fold(0, |sum: u32, kind| sum.saturating_add(kind.slots()))
}

/// Slots that are read to find this.
pub(super) fn width(expected: Expected) -> u32 {
    match expected {
        Expected::Is(kind) => kind.slots(),
        Expected::Value | Expected::Reference | Expected::Anything => 1,
    }
}

/// Lanes of the vectors that an instruction works on.
fn lanes(instruction: &Instruction<'_>) -> u64 {
    let info = instruction.info();
    match info.width {
        0 => {
            let shape = info.text.split('.').next().unwrap_or_default();
            shape.split_once('x').and_then(|(_, lanes)| lanes.parse().ok()).unwrap_or(0)
        }
        width => 16 / u64::from(width),
    }
}
