//! Which locals live in registers, loop by loop.
//!
//! One pass over the words counts how often each loop's own body uses each local; a loop then gets registers for the locals that it
//! uses most. Between the words of a region (a loop's own body, or what is outside of all loops) a local that has a register is there
//! or at home, nowhere else, so that states of different places merge without exchanging registers.
//!
//! A call empties the registers, so a local earns one only if it is used more often than it would have to be read again.

use std::cmp::Reverse;

use terrace_abi::{Op, Ty};
use terrace_core::bytecode::Function;

use crate::emit::block::Item;

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

/// Registers that are left for what has none of its own, of the integers' pool and of the floats': as many as an instruction locks.
const SPARE: [usize; 2] = [3, 4];

/// How many of a loop's locals count in the loop around it.
const SEEN_OUTSIDE: usize = 24;

/// The registers of one region.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    /// The local that each register is for.
    pub slots: [u32; REGS],
    /// Registers that are for a local: a bit each.
    pub taken: u32,
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
#[derive(Debug, Default)]
struct Counts {
    locals: Vec<Count>,
    calls: u32,
}

/// What kind of register a local's values want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LocalKind {
    /// No used local begins at the slot.
    Unused,
    /// An integer's or a reference's.
    Int,
    /// A scalar float's.
    Float,
    /// A vector's, with two slots.
    Vector,
}

/// The sizes of the pools.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pools {
    pub ints: usize,
    pub floats: usize,
}

/// The pass's tables, which are used again from function to function.
#[derive(Debug, Default)]
pub(crate) struct Analysis {
    /// The regions: the outermost, then the loops by id.
    pub regions: Vec<Region>,
    /// For each slot of a local, what begins there.
    pub kinds: Vec<LocalKind>,
    counts: Vec<Counts>,
    /// Where a slot's entry in a region is: the region's stamp, and the place.
    places: Vec<(u32, u32)>,
    /// The register that the region at hand gives to each slot.
    given: Vec<RegId>,
    wanted: Vec<Count>,
}

impl Analysis {
    /// Finds the regions of a function that consists of these instructions.
    pub fn run(&mut self, function: &Function, items: &[Item], pools: Pools) {
        let slots = function.local_slots as usize;
        self.find_kinds(function, slots);
        self.count(function, items, slots);
        self.nest(function);
        self.given.clear();
        self.given.resize(slots, NO_REG);
        self.regions.clear();
        for id in 0..=function.loops.len() {
            let (parent, end) = match id.checked_sub(1) {
                None => (0, u32::MAX),
                Some(index) => (parent(function, index), function.loops[index].end),
            };
            let region = self.choose(id, pools, parent, end);
            self.regions.push(region);
        }
    }

    fn find_kinds(&mut self, function: &Function, slots: usize) {
        self.kinds.clear();
        self.kinds.resize(slots, LocalKind::Unused);
        for local in &function.local_uses {
            if let Some(kind) = self.kinds.get_mut(local.slot as usize) {
                *kind = match local.ty {
                    Ty::V128 => LocalKind::Vector,
                    Ty::F32 | Ty::F64 => LocalKind::Float,
                    _ => LocalKind::Int,
                };
            }
        }
    }

    /// Counts uses of locals and calls, for each region on its own.
    fn count(&mut self, function: &Function, items: &[Item], slots: usize) {
        let regions = function.loops.len() + 1;
        if self.counts.len() < regions {
            self.counts.resize_with(regions, Counts::default);
        }
        for counts in &mut self.counts[..regions] {
            counts.locals.clear();
            counts.calls = 0;
        }
        self.places.clear();
        self.places.resize(slots, (u32::MAX, 0));
        let (mut region, mut next_loop) = (0, 0);
        for item in items {
            while region != 0 && item.pc >= function.loops[region - 1].end {
                region = parent(function, region - 1);
            }
            if function.loops.get(next_loop).is_some_and(|next| next.head == item.pc) {
                next_loop += 1;
                region = next_loop;
            }
            let here = &mut self.counts[region];
            here.calls += u32::from(empties_registers(item.op));
            let layout = item.layout;
            let mut operands = layout.defs | layout.uses;
            while operands != 0 {
                let index = operands.trailing_zeros();
                operands &= operands - 1;
                let slot = item.slot(&function.code, index as usize);
                let Some(place) = self.places.get_mut(slot as usize) else { continue };
                if place.0 != region as u32 {
                    *place = (region as u32, here.locals.len() as u32);
                    here.locals.push(Count { slot, uses: 0, assigned: false });
                }
                let count = &mut here.locals[place.1 as usize];
                count.uses += 1;
                count.assigned |= layout.defs & 1 << index != 0;
            }
        }
    }

    /// Lets what a loop uses most count in the loop around it.
    fn nest(&mut self, function: &Function) {
        for index in (0..function.loops.len()).rev() {
            let id = index + 1;
            self.merge(id, function.loops.len());
            let (outer, inner) = self.counts.split_at_mut(id);
            let (outer, inner) = (&mut outer[parent(function, index)], &mut inner[0]);
            if inner.locals.len() > SEEN_OUTSIDE {
                inner.locals.select_nth_unstable_by_key(SEEN_OUTSIDE, |count| (Reverse(count.uses), count.slot));
            }
            // To be in a register around a loop saves a load before it, and a store behind.
            let seen = inner.locals.iter().take(SEEN_OUTSIDE);
            outer.locals.extend(seen.map(|count| Count { uses: count.uses.min(2), ..*count }));
            outer.calls = outer.calls.saturating_add(inner.calls);
        }
        if !function.loops.is_empty() {
            self.merge(0, function.loops.len());
        }
    }

    /// Leaves one entry for each local in a region.
    fn merge(&mut self, id: usize, loops: usize) {
        // Other stamps than those of counting.
        let stamp = (loops + 1 + id) as u32;
        let locals = &mut self.counts[id].locals;
        let mut len = 0;
        for index in 0..locals.len() {
            let count = locals[index];
            let place = &mut self.places[count.slot as usize];
            if place.0 == stamp {
                let first = &mut locals[place.1 as usize];
                first.uses = first.uses.saturating_add(count.uses);
                first.assigned |= count.assigned;
            } else {
                *place = (stamp, len as u32);
                locals[len] = count;
                len += 1;
            }
        }
        locals.truncate(len);
    }

    /// Chooses a region's registers.
    fn choose(&mut self, id: usize, pools: Pools, parent: usize, end: u32) -> Region {
        let Analysis { regions, kinds, counts, given, wanted, .. } = self;
        let counts = &counts[id];
        let outer = regions.get(parent).map_or([NO_SLOT; REGS], |outer| outer.slots);
        wanted.clear();
        wanted.extend(counts.locals.iter().filter(|count| count.uses > 2 * counts.calls));
        wanted.sort_unstable_by_key(|count| (Reverse(count.uses), count.slot));
        let mut region = Region { slots: [NO_SLOT; REGS], taken: 0, assigned: 0, parent, end };
        for (float, first, size) in [(false, 0, pools.ints), (true, FLOATS as usize, pools.floats)] {
            let limit = size - SPARE[usize::from(float)];
            let mut own = [NO_SLOT; REGS];
            let mut len = 0;
            for count in wanted.iter() {
                let is_float = match kinds[count.slot as usize] {
                    LocalKind::Unused => continue,
                    kind => kind != LocalKind::Int,
                };
                if is_float == float && len < limit {
                    own[len] = count.slot;
                    len += 1;
                }
            }
            let own = &own[..len];
            let mut left = limit - len;
            // What has a register around the loop keeps it, also if it is only passed through.
            for (reg, &slot) in outer.iter().enumerate().skip(first).take(size) {
                if slot == NO_SLOT {
                    continue;
                }
                let is_own = own.contains(&slot);
                if is_own || (left > 0 && counts.calls == 0) {
                    region.slots[reg] = slot;
                    left -= usize::from(!is_own);
                }
            }
            let placed = region.slots;
            let mut free = (first..first + size).filter(|&reg| placed[reg] == NO_SLOT);
            for &slot in own.iter().filter(|slot| !placed[first..first + size].contains(slot)) {
                if let Some(reg) = free.next() {
                    region.slots[reg] = slot;
                }
            }
        }
        region.taken = (0..REGS).filter(|&reg| region.slots[reg] != NO_SLOT).fold(0, |taken, reg| taken | 1 << reg);
        if region.taken != 0 {
            region.assigned = assigned(&region, &counts.locals, given);
        }
        region
    }
}

/// The number of the region around a loop.
fn parent(function: &Function, loop_: usize) -> usize {
    function.loops[loop_].parent.map_or(0, |parent| parent as usize + 1)
}

/// The registers of a region whose locals are assigned. `given` is a table by slots that has no register in it.
fn assigned(region: &Region, locals: &[Count], given: &mut [RegId]) -> u32 {
    for (reg, &slot) in region.slots.iter().enumerate().filter(|(_, slot)| **slot != NO_SLOT) {
        given[slot as usize] = reg as RegId;
    }
    let mut assigned = 0;
    for count in locals.iter().filter(|count| count.assigned) {
        let reg = given[count.slot as usize];
        if reg != NO_REG {
            assigned |= 1 << reg;
        }
    }
    for &slot in region.slots.iter().filter(|slot| **slot != NO_SLOT) {
        given[slot as usize] = NO_REG;
    }
    assigned
}

/// Whether registers hold nothing behind an op.
fn empties_registers(op: Op) -> bool {
    let traits = op.info().traits;
    traits.calls && !traits.ends && !matches!(op, Op::Poll | Op::Profile)
}
