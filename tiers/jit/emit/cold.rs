//! Code that is seldom run, behind the rest.

use terrace_abi::TrapKind;
use terrace_core::tier::code::Place;
use terrace_interp::activation::Stub;
use terrace_masm::{Gpr, Label, Width};
use terrace_templates::Machine;

use super::block::Item;
use super::{Emitter, HelpSite, Span};

/// A piece of it.
#[derive(Clone, Copy)]
pub(super) enum Cold {
    /// A branch that has something to do before it arrives.
    Edge { label: Label, fixes: Span, target: Label },
    /// A trap of the instruction at `pc`.
    Trap { label: Label, kind: TrapKind, pc: u32 },
    /// A helper does the instruction's work; execution goes on at `back` with nothing in registers.
    Help { label: Label, site: HelpSite, operand: Option<Gpr>, back: Label },
    /// A poll that has to ask: registers go home before, and come back behind.
    Poll { label: Label, site: HelpSite, before: Span, behind: Span, back: Label },
    /// A call into another instance, whose function record is in the third scratch register.
    Cross { label: Label, base: u32, back: Label },
    /// An indirect call to a function of another type: goes on at `back` if the type admits it.
    Subtype { label: Label, site: HelpSite, item: Item, back: Label },
    /// Entry into a loop, or a landing pad: registers get what they hold at a branch target.
    Entry { label: Label, join: usize },
}

impl<M: Machine> Emitter<'_, M> {
    fn map_cold(&mut self, number: usize, cold: Cold) {
        let Some(pcs) = &self.pcs else { return };
        let pc = match cold {
            Cold::Entry { join, .. } => self.function.joins[join].pc,
            Cold::Trap { pc, .. } => pc,
            _ => pcs.of_cold(number),
        };
        self.map(pc);
    }

    pub(super) fn cold_code(&mut self) {
        // Entries need every target's state, so they come when all are known.
        for looped in &self.function.loops {
            let pc = looped.head + 1;
            let Some(join) = self.join_at(pc) else { continue };
            let label = self.m.label();
            self.cold.push(Cold::Entry { label, join });
            self.osr.push((pc, label));
        }
        let trap = self.m.label();
        let mut traps = false;
        for number in 0..self.cold.len() {
            let cold = self.cold[number];
            self.map_cold(number, cold);
            match cold {
                Cold::Edge { label, fixes, target } => {
                    self.m.bind(label);
                    self.emit_cold_fixes(fixes);
                    self.m.jump(target);
                }
                Cold::Trap { label, pc: u32::MAX, .. } => {
                    self.m.bind(label);
                    self.jump_to_stub(Stub::Overflow);
                }
                Cold::Trap { label, kind, pc } => {
                    traps = true;
                    self.m.bind(label);
                    self.store_pc(pc);
                    self.m.mov_imm(Width::W32, M::SCRATCH[0], kind as i64);
                    self.m.jump(trap);
                }
                Cold::Help { label, site, operand, back } => {
                    self.m.bind(label);
                    if let Some(operand) = operand {
                        self.m.mov(Width::W64, M::TEMPS[0], operand);
                    }
                    self.call_helper(site);
                    self.m.jump(back);
                }
                Cold::Poll { label, site, before, behind, back } => {
                    self.m.bind(label);
                    self.emit_cold_fixes(before);
                    self.call_helper(site);
                    self.emit_cold_fixes(behind);
                    self.m.jump(back);
                }
                Cold::Cross { label, base, back } => self.cross(label, base, back),
                Cold::Subtype { label, site, item, back } => self.subtype(label, site, item, back),
                Cold::Entry { label, join } => {
                    self.m.bind(label);
                    self.load_state(join);
                    self.m.jump(self.joins[join].label);
                }
            }
        }
        if traps {
            self.map(Place::NO_PC);
            self.m.bind(trap);
            self.jump_to_stub(Stub::Trap);
        }
    }

    fn emit_cold_fixes(&mut self, fixes: Span) {
        for index in fixes.start..fixes.end {
            let fix = self.cold_fixes[index as usize];
            self.emit_fixes(&[fix]);
        }
    }
}
