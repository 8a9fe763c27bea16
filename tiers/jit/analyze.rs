//! Which locals live in registers, loop by loop.
//!
//! One pass over the words counts how often each loop's own body uses each local; a loop then gets registers for the locals that it
//! uses most. Between the words of a region (a loop's own body, or what is outside of all loops) a local that has a register is there
//! or at home, nowhere else, so that states of different places merge without exchanging registers.
//!
//! A call empties the registers, so a local earns one only if it is used more often than it would have to be read again.

use terrace_abi::Op;
use terrace_abi::layout::Kind;
use terrace_core::bytecode::{Function, Instruction};

/// A register of the pools: integers' from 0, floats' from [`FLOATS`].
pub(crate) type RegId = u8;

/// The first of the float pool's numbers.
pub(crate) const FLOATS: RegId = 16;

/// The number of register numbers.
pub(crate) const REGS: usize = 32;

/// No register, in tables of them.
pub(crate) const NO_REG: RegId = 0xff;

/// No slot, in tables of them.
pub(crate) const NO_SLOT: u32 = u32::MAX;

/// Registers of each pool that are left for what has none of its own.
const SPARE: usize = 3;

/// How many of a loop's locals count in the loop around it.
const SEEN_OUTSIDE: usize = 24;

/// The registers of one region.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    /// The local that each register is for.
    pub slots: [u32; REGS],
    /// Registers whose local the region assigns, loops inside of it included: a bit each.
    pub assigned: u32,
    /// The region around it; the outermost has itself.
    pub parent: usize,
    /// pc of the first word behind it.
    pub end: u32,
}

/// How a loop uses a local.
#[derive(Clone, Copy, Debug)]
struct Count {
    slot: u32,
    uses: u32,
    assigned: bool,
}

/// A region while it is counted.
#[derive(Default)]
struct Counts {
    locals: Vec<Count>,
    calls: u32,
}

impl Counts {
    /// One entry for each local.
    fn merge(&mut self) {
        self.locals.sort_unstable_by_key(|count| count.slot);
        self.locals.dedup_by(|later, first| {
            let same = later.slot == first.slot;
            if same {
                first.uses = first.uses.saturating_add(later.uses);
                first.assigned |= later.assigned;
            }
            same
        });
    }
}

/// The sizes of the pools.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pools {
    pub ints: usize,
    pub floats: usize,
}

/// The regions of a function: the outermost, then its loops by id.
pub(crate) fn regions(function: &Function, pools: Pools) -> Vec<Region> {
    let mut counts = count(function);
    for id in (0..counts.len()).rev() {
        counts[id].merge();
        let Some(parent) = id.checked_sub(1).map(|index| function.loops[index].parent.map_or(0, |loop_| loop_ as usize + 1))
        else {
            continue;
        };
        let mut inner: Vec<Count> = counts[id].locals.clone();
        inner.sort_by_key(|count| std::cmp::Reverse(count.uses));
        inner.truncate(SEEN_OUTSIDE);
        let calls = counts[id].calls;
        let outer = &mut counts[parent];
        // To be in a register around a loop saves a load before it, and a store behind.
        outer.locals.extend(inner.iter().map(|count| Count { uses: count.uses.min(2), ..*count }));
        outer.calls = outer.calls.saturating_add(calls);
    }
    let is_float = float_locals(function);
    let mut regions: Vec<Region> = Vec::with_capacity(counts.len());
    for (id, counts) in counts.iter().enumerate() {
        let (parent, end) = match id.checked_sub(1) {
            None => (0, u32::MAX),
            Some(index) => {
                let this = &function.loops[index];
                (this.parent.map_or(0, |loop_| loop_ as usize + 1), this.end)
            }
        };
        let outer = regions.get(parent).map_or([NO_SLOT; REGS], |outer| outer.slots);
        regions.push(choose(counts, outer, &is_float, pools, parent, end));
    }
    regions
}

/// Chooses a region's registers; `outer` are those around it.
fn choose(counts: &Counts, outer: [u32; REGS], is_float: &[Option<bool>], pools: Pools, parent: usize, end: u32) -> Region {
    let mut wanted: Vec<&Count> = counts.locals.iter().filter(|count| count.uses > 2 * counts.calls).collect();
    wanted.sort_by_key(|count| (std::cmp::Reverse(count.uses), count.slot));
    let mut region = Region { slots: [NO_SLOT; REGS], assigned: 0, parent, end };
    for (float, first, size) in [(false, 0, pools.ints), (true, FLOATS as usize, pools.floats)] {
        let limit = size - SPARE;
        let own: Vec<&Count> =
            wanted.iter().copied().filter(|count| is_float[count.slot as usize] == Some(float)).take(limit).collect();
        let mut left = limit - own.len();
        // What has a register around the loop keeps it, also if it is only passed through.
        for reg in first..first + size {
            let slot = outer[reg];
            if slot == NO_SLOT {
                continue;
            }
            let is_own = own.iter().any(|count| count.slot == slot);
            if is_own || (left > 0 && counts.calls == 0) {
                region.slots[reg] = slot;
                left -= usize::from(!is_own);
            }
        }
        let mut free = (first..first + size).filter(|&reg| region.slots[reg] == NO_SLOT).collect::<Vec<_>>().into_iter();
        let placed = region.slots;
        for count in own.iter().filter(|count| !placed[first..first + size].contains(&count.slot)) {
            if let Some(reg) = free.next() {
                region.slots[reg] = count.slot;
            }
        }
        for reg in first..first + size {
            if counts.locals.iter().any(|count| count.slot == region.slots[reg] && count.assigned) {
                region.assigned |= 1 << reg;
            }
        }
    }
    region
}

/// For each slot of a used local, whether it is a float or a vector.
fn float_locals(function: &Function) -> Vec<Option<bool>> {
    use terrace_abi::Ty;
    let mut floats = vec![None; function.local_slots as usize];
    for local in &function.local_uses {
        if let Some(float) = floats.get_mut(local.slot as usize) {
            *float = Some(matches!(local.ty, Ty::F32 | Ty::F64 | Ty::V128));
        }
    }
    floats
}

/// Counts uses of locals and calls, for each region on its own.
fn count(function: &Function) -> Vec<Counts> {
    let mut counts: Vec<Counts> = (0..=function.loops.len()).map(|_| Counts::default()).collect();
    // Where a slot's entry in the current region is.
    let mut places: Vec<(u32, u32)> = vec![(u32::MAX, 0); function.local_slots as usize];
    let (mut region, mut next_loop, mut pc) = (0, 0, 0);
    while let Ok(instruction) = Instruction::at(&function.code, pc) {
        while region != 0 && pc >= function.loops[region - 1].end {
            region = function.loops[region - 1].parent.map_or(0, |parent| parent as usize + 1);
        }
        if function.loops.get(next_loop).is_some_and(|next| next.head == pc) {
            next_loop += 1;
            region = next_loop;
        }
        let here = &mut counts[region];
        here.calls += u32::from(empties_registers(instruction.op));
        for operand in instruction.layout.operands {
            let assigned = match operand.kind {
                Kind::Def => true,
                Kind::Use => false,
                _ => continue,
            };
            let slot = instruction.field(operand.field) as u32;
            let Some(place) = places.get_mut(slot as usize) else { continue };
            if place.0 != region as u32 {
                *place = (region as u32, here.locals.len() as u32);
                here.locals.push(Count { slot, uses: 0, assigned: false });
            }
            let count = &mut here.locals[place.1 as usize];
            count.uses += 1;
            count.assigned |= assigned;
        }
        pc = instruction.next_pc();
    }
    counts
}

/// Whether registers hold nothing behind an op.
fn empties_registers(op: Op) -> bool {
    let traits = op.info().traits;
    traits.calls && !traits.ends && !matches!(op, Op::Poll | Op::Profile)
}
