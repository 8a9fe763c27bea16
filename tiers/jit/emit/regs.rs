//! Where values are: each register's slot, and each slot's register.
//!
//! A slot's value is in its register, at home, or both; `dirty` says that home is stale. A register that the region gives to a local
//! holds that local or nothing. Operands of the instruction that is being emitted are locked: they keep their registers until its end.

use terrace_masm::{FloatWidth, Fpr, Gpr, Load, LoadVector, Mem, Store, Width};
use terrace_templates::{Machine, Reg};

use super::Emitter;
use crate::analyze::{FLOATS, NO_REG, NO_SLOT, REGS, RegId, Region};

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    /// The slot; [`NO_SLOT`] if it holds nothing.
    pub slot: u32,
    /// Home is stale.
    pub dirty: bool,
    /// A vector, with two slots.
    pub wide: bool,
}

impl Held {
    pub const NOTHING: Held = Held { slot: NO_SLOT, dirty: false, wide: false };
}

impl Default for Held {
    fn default() -> Held {
        Held::NOTHING
    }
}

/// The registers at one place.
#[derive(Default)]
pub(super) struct Regs {
    pub held: [Held; REGS],
    /// Registers that hold something: a bit each.
    full: u32,
    /// The register of each slot.
    at: Vec<RegId>,
    /// Registers of the instruction's operands and temporaries.
    locked: u32,
    /// When each register was last used.
    used: [u32; REGS],
    now: u32,
}

/// The numbers in a set of registers, in order.
fn numbers(mut set: u32) -> impl Iterator<Item = RegId> {
    std::iter::from_fn(move || {
        let reg = set.trailing_zeros() as RegId;
        let some = set != 0;
        set &= set.wrapping_sub(1);
        some.then_some(reg)
    })
}

/// The registers of a pool.
fn set_of(pool: std::ops::Range<RegId>) -> u32 {
    (1u32.wrapping_shl(pool.end.into()).wrapping_sub(1)) & !((1 << pool.start) - 1)
}

impl Regs {
    /// Begins a function.
    pub fn reset(&mut self, slots: usize) {
        self.held = [Held::NOTHING; REGS];
        (self.full, self.locked) = (0, 0);
        (self.used, self.now) = ([0; REGS], 0);
        self.at.clear();
        self.at.resize(slots, NO_REG);
    }

    /// The register of a slot.
    #[inline]
    pub fn of(&self, slot: u32) -> Option<RegId> {
        self.at.get(slot as usize).copied().filter(|&reg| reg != NO_REG)
    }

    /// Makes a register hold nothing.
    #[inline]
    pub fn drop(&mut self, reg: RegId) {
        let held = std::mem::replace(&mut self.held[usize::from(reg)], Held::NOTHING);
        self.full &= !(1 << reg);
        if let Some(at) = self.at.get_mut(held.slot as usize) {
            *at = NO_REG;
        }
    }

    /// Makes registers hold what a value in `slot` overwrites no longer.
    fn kill(&mut self, slot: u32, wide: bool) {
        if let Some(reg) = self.of(slot) {
            self.drop(reg);
        }
        if wide && let Some(reg) = self.of(slot + 1) {
            self.drop(reg);
        }
        if let Some(below) = slot.checked_sub(1)
            && let Some(reg) = self.of(below)
            && self.held[usize::from(reg)].wide
        {
            self.drop(reg);
        }
    }

    /// Makes a register hold a slot, and no other.
    pub fn set(&mut self, reg: RegId, held: Held) {
        self.drop(reg);
        self.kill(held.slot, held.wide);
        self.held[usize::from(reg)] = held;
        self.full |= 1 << reg;
        self.at[held.slot as usize] = reg;
        self.touch(reg);
    }

    #[inline]
    pub fn touch(&mut self, reg: RegId) {
        self.now += 1;
        self.used[usize::from(reg)] = self.now;
    }

    #[inline]
    pub fn lock(&mut self, reg: RegId) {
        self.locked |= 1 << reg;
    }

    #[inline]
    pub fn unlock(&mut self, reg: RegId) {
        self.locked &= !(1 << reg);
    }

    #[inline]
    pub fn unlock_all(&mut self) {
        self.locked = 0;
    }

    /// The registers that hold something.
    pub fn full(&self) -> impl Iterator<Item = RegId> + use<> {
        numbers(self.full)
    }

    /// Everything that is held.
    pub fn state(&self) -> impl Iterator<Item = (RegId, Held)> + use<'_> {
        self.full().map(|reg| (reg, self.held[usize::from(reg)]))
    }

    pub fn clear(&mut self) {
        for reg in self.full() {
            self.drop(reg);
        }
    }

    pub fn replace(&mut self, state: &[(RegId, Held)]) {
        self.clear();
        for &(reg, held) in state {
            self.held[usize::from(reg)] = held;
            self.full |= 1 << reg;
            self.at[held.slot as usize] = reg;
            self.touch(reg);
        }
    }

    /// A register of `pool` to use: an empty one, or the one that was used longest ago.
    fn choose(&self, pool: std::ops::Range<RegId>, region: &Region, hint: Option<RegId>) -> RegId {
        let usable = set_of(pool) & !self.locked & !region.taken;
        let empty = usable & !self.full;
        if let Some(hint) = hint.filter(|&hint| empty & 1 << hint != 0) {
            return hint;
        }
        if empty != 0 {
            return empty.trailing_zeros() as RegId;
        }
        match numbers(usable).min_by_key(|&reg| self.used[usize::from(reg)]) {
            Some(reg) => reg,
            None => unreachable!("no instruction locks so many registers"),
        }
    }
}

/// A change of where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fix {
    /// The register's value goes home.
    Store(RegId, Held),
    /// The value goes from register to register.
    Move(RegId, RegId, Held),
    /// The register gets the value from home.
    Load(RegId, Held),
}

/// What has to be done at an edge, and what it is found with.
#[derive(Default)]
pub(super) struct Fixes {
    pub list: Vec<Fix>,
    moves: Vec<(RegId, RegId, Held)>,
    loads: Vec<(RegId, Held)>,
}

impl Fixes {
    /// Finds what has to be done so that registers hold what `to` says. Slots from `height` on are dead.
    pub fn find(&mut self, from: &Regs, to: &[(RegId, Held)], height: u32) {
        let Fixes { list, moves, loads } = self;
        list.clear();
        let same_file = |a: RegId, b: RegId| (a < FLOATS) == (b < FLOATS);
        // Mostly, a value is wanted where it is.
        let mut places = [0; REGS];
        for (place, &(reg, _)) in to.iter().enumerate() {
            places[usize::from(reg)] = place as u8;
        }
        for (reg, held) in from.state() {
            if held.dirty && held.slot < height {
                let same = |(_, wanted): &&(RegId, Held)| wanted.slot == held.slot;
                let here = to.get(usize::from(places[usize::from(reg)])).filter(same);
                let wanted = here.or_else(|| to.iter().find(same));
                let stays = wanted.is_some_and(|&(to, wanted)| wanted.dirty && same_file(reg, to));
                if !stays {
                    list.push(Fix::Store(reg, held));
                }
            }
        }
        for &(reg, wanted) in to {
            match from.of(wanted.slot) {
                Some(now) if now == reg => {}
                Some(now) if same_file(now, reg) => moves.push((now, reg, wanted)),
                _ => loads.push((reg, wanted)),
            }
        }
        // A move goes first if nobody still has to read what it overwrites.
        while !moves.is_empty() {
            match moves.iter().position(|&(_, to, _)| moves.iter().all(|&(from, ..)| from != to)) {
                Some(first) => {
                    let (from, to, held) = moves.swap_remove(first);
                    list.push(Fix::Move(from, to, held));
                }
                None => {
                    // A cycle: one value goes through its home.
                    if let Some((reg, _, held)) = moves.pop() {
                        let to = to.iter().find(|(_, wanted)| wanted.slot == held.slot).map_or(reg, |&(to, _)| to);
                        list.push(Fix::Store(reg, held));
                        loads.push((to, held));
                    }
                }
            }
        }
        list.extend(loads.drain(..).map(|(reg, held)| Fix::Load(reg, held)));
    }
}

/// The machine's register of a number.
pub(super) fn gpr<M: Machine>(reg: RegId) -> Gpr {
    M::POOL[usize::from(reg)]
}

/// The machine's float register of a number.
pub(super) fn fpr<M: Machine>(reg: RegId) -> Fpr {
    M::FLOAT_POOL[usize::from(reg - FLOATS)]
}

/// A slot's home.
pub(super) fn home<M: Machine>(slot: u32) -> Mem {
    Mem::at(M::SLOTS, 8 * slot as i32)
}

impl<M: Machine> Emitter<'_, M> {
    pub(super) fn emit_store(&mut self, reg: RegId, held: Held) {
        let home = home::<M>(held.slot);
        if reg < FLOATS {
            self.m.store(Store::W64, home, gpr::<M>(reg));
        } else if held.wide {
            self.m.store_vector(home, fpr::<M>(reg));
        } else {
            self.m.store_float(FloatWidth::F64, home, fpr::<M>(reg));
        }
    }

    fn emit_load(&mut self, reg: RegId, held: Held) {
        let home = home::<M>(held.slot);
        if reg < FLOATS {
            self.m.load(Load::W64, gpr::<M>(reg), home);
        } else if held.wide {
            self.m.load_vector(LoadVector::Whole, fpr::<M>(reg), home);
        } else {
            self.m.load_float(FloatWidth::F64, fpr::<M>(reg), home);
        }
    }

    pub(super) fn emit_fixes(&mut self, fixes: &[Fix]) {
        for &fix in fixes {
            match fix {
                Fix::Store(reg, held) => self.emit_store(reg, held),
                Fix::Load(reg, held) => self.emit_load(reg, held),
                Fix::Move(from, to, _) if from < FLOATS => self.m.mov(Width::W64, gpr::<M>(to), gpr::<M>(from)),
                Fix::Move(from, to, _) => self.m.mov_float(fpr::<M>(to), fpr::<M>(from)),
            }
        }
    }

    /// Brings a register's value home if home is stale.
    pub(super) fn clean(&mut self, reg: RegId) {
        let held = self.regs.held[usize::from(reg)];
        if held.slot != NO_SLOT && held.dirty {
            self.emit_store(reg, held);
            self.regs.held[usize::from(reg)].dirty = false;
        }
    }

    /// Brings everything home; registers keep it.
    pub(super) fn clean_all(&mut self) {
        for reg in self.regs.full() {
            self.clean(reg);
        }
    }

    /// Brings everything home, and forgets what registers hold: as other code leaves them.
    pub(super) fn flush(&mut self) {
        self.clean_all();
        self.regs.clear();
    }

    fn int_pool() -> std::ops::Range<RegId> {
        0..M::POOL.len() as RegId
    }

    fn float_pool() -> std::ops::Range<RegId> {
        FLOATS..FLOATS + M::FLOAT_POOL.len() as RegId
    }

    /// A register for the instruction's own use, locked.
    fn allocate(&mut self, float: bool, hint: Option<RegId>) -> RegId {
        let pool = if float { Self::float_pool() } else { Self::int_pool() };
        let reg = self.regs.choose(pool, &self.analysis.regions[self.region], hint);
        self.clean(reg);
        self.regs.drop(reg);
        self.regs.lock(reg);
        self.regs.touch(reg);
        reg
    }

    /// An integer register until the instruction's end.
    pub(super) fn temp(&mut self) -> Gpr {
        gpr::<M>(self.allocate(false, None))
    }

    /// A float register until the instruction's end.
    pub(super) fn float_temp(&mut self) -> Fpr {
        fpr::<M>(self.allocate(true, None))
    }

    /// The register that the region gives to a slot.
    pub(super) fn given_register(&self, slot: u32) -> Option<RegId> {
        self.given.get(slot as usize).copied().filter(|&reg| reg != NO_REG)
    }

    /// Whether a slot is in a register, or belongs in one.
    pub(super) fn at_hand(&self, slot: u32) -> bool {
        self.regs.of(slot).is_some() || self.given_register(slot).is_some()
    }

    /// Whether a slot's value is, or belongs, in a float register.
    pub(super) fn is_float(&self, slot: u32) -> bool {
        self.regs.of(slot).or_else(|| self.given_register(slot)).is_some_and(|reg| reg >= FLOATS)
    }

    /// A slot's value in a register of a file, locked.
    fn fetch(&mut self, slot: u32, float: bool, wide: bool) -> RegId {
        if let Some(reg) = self.regs.of(slot) {
            if (reg >= FLOATS) == float {
                self.regs.lock(reg);
                self.regs.touch(reg);
                return reg;
            }
            let copy = self.allocate(float, None);
            if float {
                self.m.float_from_bits(Width::W64, fpr::<M>(copy), gpr::<M>(reg));
            } else {
                self.m.float_to_bits(Width::W64, gpr::<M>(copy), fpr::<M>(reg));
            }
            return copy;
        }
        let held = Held { slot, dirty: false, wide };
        let reg = match self.given_register(slot).filter(|&reg| (reg >= FLOATS) == float) {
            Some(reg) => reg,
            None => self.allocate(float, None),
        };
        self.emit_load(reg, held);
        if self.given_register(slot).is_none_or(|given| given == reg) {
            self.regs.set(reg, held);
        }
        self.regs.lock(reg);
        reg
    }

    /// An integer operand.
    pub(super) fn int(&mut self, slot: u32) -> Gpr {
        gpr::<M>(self.fetch(slot, false, false))
    }

    /// A scalar float operand.
    pub(super) fn float(&mut self, slot: u32) -> Fpr {
        fpr::<M>(self.fetch(slot, true, false))
    }

    /// A vector operand.
    pub(super) fn vector(&mut self, slot: u32) -> Fpr {
        fpr::<M>(self.fetch(slot, true, true))
    }

    /// An operand is not needed any more, whether or not its slot is.
    pub(super) fn unlock(&mut self, reg: Gpr) {
        if let Some(number) = Self::number(reg.into()) {
            self.regs.unlock(number);
        }
    }

    /// An operand is used for the last time: its register is free for the result.
    pub(super) fn release(&mut self, slot: u32) {
        if let Some(reg) = self.regs.of(slot) {
            self.regs.drop(reg);
            self.regs.unlock(reg);
        }
    }

    /// Where a result is computed, which may be where an operand is that was released. It belongs to the slot with
    /// [`Emitter::define`].
    fn result(&mut self, slot: u32, float: bool, hint: Option<RegId>) -> RegId {
        let fits = |reg: &RegId| (*reg >= FLOATS) == float;
        let reg = match self.given_register(slot) {
            Some(given) => Some(given).filter(fits),
            None => self.regs.of(slot).filter(fits),
        };
        match reg {
            Some(reg) => {
                self.regs.lock(reg);
                reg
            }
            None => self.allocate(float, hint),
        }
    }

    /// The numbers of the machine's registers.
    const NUMBERS: [RegId; REGS] = {
        let mut numbers = [NO_REG; REGS];
        let mut reg = 0;
        while reg < M::POOL.len() {
            numbers[M::POOL[reg].number() as usize] = reg as RegId;
            reg += 1;
        }
        numbers
    };

    /// The number of a pool's register.
    fn number(reg: Reg) -> Option<RegId> {
        match reg {
            Reg::Gpr(reg) => Some(Self::NUMBERS[usize::from(reg.number())]).filter(|&number| number != NO_REG),
            Reg::Fpr(reg) => M::FLOAT_POOL.iter().position(|&other| other == reg).map(|index| index as RegId + FLOATS),
        }
    }

    pub(super) fn int_result(&mut self, slot: u32, near: Option<Gpr>) -> Gpr {
        let hint = near.and_then(|reg| Self::number(reg.into()));
        gpr::<M>(self.result(slot, false, hint))
    }

    pub(super) fn float_result(&mut self, slot: u32, near: Option<Fpr>) -> Fpr {
        let hint = near.and_then(|reg| Self::number(reg.into()));
        fpr::<M>(self.result(slot, true, hint))
    }

    /// The register holds the slot's new value.
    pub(super) fn define(&mut self, slot: u32, reg: Reg, wide: bool) {
        let Some(number) = Self::number(reg) else { unreachable!("results are in registers of the pools") };
        let held = Held { slot, dirty: true, wide };
        match self.given_register(slot) {
            // A local of the other file: it belongs into its own register, or home.
            Some(given) if given != number => {
                self.regs.drop(number);
                self.emit_store(number, held);
                self.regs.kill(slot, wide);
            }
            _ => self.regs.set(number, held),
        }
    }

    /// Moves a value to another slot; the source dies if `dies`.
    pub(super) fn copy(&mut self, to: u32, from: u32, wide: bool, dies: bool) {
        let float =
            wide || self.is_float(from) || (self.is_float(to) && self.regs.of(from).is_none_or(|reg| reg >= FLOATS));
        let source = self.fetch(from, float, wide);
        if dies {
            self.release(from);
        }
        // The register itself changes its owner if nobody else needs the value.
        let renamed = self.given_register(to).is_none() && self.regs.held[usize::from(source)].slot == NO_SLOT;
        let target = if renamed && self.analysis.regions[self.region].slots[usize::from(source)] == NO_SLOT {
            source
        } else {
            self.regs.lock(source);
            self.result(to, float, None)
        };
        if target != source {
            self.emit_fixes(&[Fix::Move(source, target, Held::NOTHING)]);
        }
        let reg = if float { Reg::Fpr(fpr::<M>(target)) } else { Reg::Gpr(gpr::<M>(target)) };
        self.define(to, reg, wide);
    }
}
