//! Machine code as text, cut into pieces by the instructions that they are for.

use std::collections::BTreeMap;
use std::fmt::Write;

use iced_x86::{Decoder, DecoderOptions, FlowControl, Formatter, Instruction, Mnemonic, NasmFormatter, OpKind};
use terrace_core::bytecode::{self, Function};
use terrace_core::runtime::Module;
use terrace_core::tier::code::{MachineCode, Place};

use crate::disasm::{Cold, Listing};
use crate::records::Tracker;

/// Where comments start.
const COMMENTS: usize = 48;

/// Prints machine code that has a map of its instructions.
pub fn listing(module: &Module, function: &Function, code: &MachineCode) -> Listing {
    let body_len =
        1 + code.pcs.windows(2).take_while(|pair| pair[0].pc < pair[1].pc && pair[1].pc != Place::NO_PC).count();
    let (body, cold) = code.pcs.split_at(body_len.min(code.pcs.len()));
    let mut printer = Printer { function, code, body, tracker: Tracker::new(module, function), formatter: formatter() };
    let end = code_end(code);
    let starts = code.pcs.iter().map(|place| place.offset).chain([end]);
    let ends: Vec<u32> = starts.skip(1).collect();
    let first = code.pcs.first().map_or(end, |place| place.offset);
    let entry = printer.piece(0, first, None);
    let mut piece = |place: &Place, end: u32| (place.pc, printer.piece(place.offset, end, Some(place.pc)));
    let body: BTreeMap<_, _> = body.iter().zip(&ends).map(|(place, &end)| piece(place, end)).collect();
    let cold = cold.iter().zip(&ends[body.len()..]).map(|(place, &end)| {
        let (pc, lines) = piece(place, end);
        let is = |places: &[Place]| places.contains(place);
        let kind = if is(&code.osr) {
            "on-stack replacement"
        } else if is(&code.landings) {
            "landing"
        } else {
            "cold"
        };
        Cold { kind, pc: (pc != Place::NO_PC).then_some(pc), lines }
    });
    let cold = cold.collect();
    Listing { entry, body, cold, bytes: code.bytes.len() }
}

/// The end of the code, which padding and constants follow.
fn code_end(code: &MachineCode) -> u32 {
    const PADDING: u8 = 0xcc;
    let mut end = code.words_at;
    while end > 0 && code.words_at - end < 7 && code.bytes[end as usize - 1] == PADDING {
        end -= 1;
    }
    end
}

fn formatter() -> NasmFormatter {
    let mut formatter = NasmFormatter::new();
    let options = formatter.options_mut();
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_uppercase_hex(false);
    options.set_small_hex_numbers_in_decimal(true);
    options.set_branch_leading_zeros(false);
    options.set_show_branch_size(false);
    options.set_rip_relative_addresses(false);
    options.set_space_after_operand_separator(true);
    options.set_space_between_memory_add_operators(true);
    formatter
}

struct Printer<'a> {
    function: &'a Function,
    code: &'a MachineCode,
    body: &'a [Place],
    tracker: Tracker<'a>,
    formatter: NasmFormatter,
}

impl Printer<'_> {
    /// Prints what lies between two offsets, for the instruction at `pc`.
    fn piece(&mut self, start: u32, end: u32, pc: Option<u32>) -> Vec<String> {
        if pc.is_some() {
            self.tracker.restart();
        }
        let bytes = &self.code.bytes[start as usize..end as usize];
        let mut decoder = Decoder::with_ip(64, bytes, start.into(), DecoderOptions::NONE);
        let mut lines = Vec::new();
        while decoder.can_decode() {
            let at = decoder.ip() as u32;
            let instruction = decoder.decode();
            let comment = self.comment(at, &instruction);
            self.tracker.run(&instruction);
            let mut text = format!("{at:6x}  ");
            self.formatter.format(&instruction, &mut text);
            if !comment.is_empty() {
                text = format!("{text:COMMENTS$} ; {comment}");
            }
            lines.push(text);
            if instruction.flow_control() == FlowControl::IndirectBranch
                && let Some(entries) = pc.and_then(|pc| self.table_entries(pc))
            {
                let table = decoder.position();
                for (number, entry) in bytes[table..].as_chunks().0.iter().take(entries).enumerate() {
                    let end = start + (table + 4 * number + 4) as u32;
                    let target = end.wrapping_add_signed(i32::from_le_bytes(*entry));
                    let text = format!("{:6x}  dd {target:#x} - {end:#x}", end - 4);
                    let comment = self.destination(target).map(|comment| format!(" ; {comment}"));
                    lines.push(format!("{text:COMMENTS$}{}", comment.unwrap_or_default()).trim_end().to_owned());
                }
                let behind = (table + 4 * entries).min(bytes.len());
                if decoder.set_position(behind).is_err() {
                    break;
                }
                decoder.set_ip((start as usize + behind) as u64);
            }
        }
        lines
    }

    /// The number of entries of the jump table behind an indirect jump.
    fn table_entries(&self, pc: u32) -> Option<usize> {
        let instruction = bytecode::Instruction::at(&self.function.code, pc).ok()?;
        (instruction.op == terrace_abi::Op::BrTable).then(|| instruction.targets().count())
    }

    fn comment(&self, at: u32, instruction: &Instruction) -> String {
        let mut comments = Vec::new();
        if let Ok(found) = self.code.traps.binary_search_by_key(&at, |trap| trap.offset) {
            comments.push(format!("may trap: {}", self.code.traps[found].kind.message()));
        }
        if instruction.op_count() > 0 && instruction.op0_kind() == OpKind::NearBranch64 {
            let target = instruction.near_branch64() as u32;
            comments.extend(self.destination(target));
            if self.raises(target) {
                comments.extend(self.tracker.trap().map(|kind| format!("trap: {}", kind.message())));
            }
        } else if instruction.is_ip_rel_memory_operand() {
            comments.push(self.constant(instruction));
        } else {
            comments.extend(self.tracker.comment(instruction));
        }
        comments.join(", ")
    }

    /// What a branch goes to, if that is an instruction of the bytecode.
    fn destination(&self, target: u32) -> Option<String> {
        let last = self.body.partition_point(|place| place.offset <= target).checked_sub(1)?;
        let cold = self.code.pcs.get(self.body.len()).is_some_and(|cold| cold.offset <= target);
        (!cold).then(|| format!("to {}", self.body[last].pc))
    }

    /// Whether this is where all traps go, which is behind everything else.
    fn raises(&self, target: u32) -> bool {
        self.code.pcs.last() == Some(&Place { pc: Place::NO_PC, offset: target })
    }

    /// What a place behind the code holds.
    fn constant(&self, instruction: &Instruction) -> String {
        let address = instruction.ip_rel_memory_address();
        if address == u64::from(self.code.words_at) {
            return "the bytecode".to_owned();
        }
        let size = instruction.memory_size().size();
        let bytes = usize::try_from(address).ok().and_then(|start| self.code.bytes.get(start..start + size));
        match bytes {
            Some(bytes) if instruction.mnemonic() != Mnemonic::Lea => {
                bytes.iter().rev().fold("0x".to_owned(), |mut text, byte| {
                    let _ = write!(text, "{byte:02x}");
                    text
                })
            }
            _ => String::new(),
        }
    }
}
