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

/// What registers hold at a place, the empty ones left out.
pub(super) type State = Vec<(RegId, Held)>;

/// The registers at one place.
pub(super) struct Regs {
    pub held: [Held; REGS],
    /// The register of each slot.
    at: Vec<RegId>,
    /// Registers of the instruction's operands and temporaries.
    locked: u32,
    /// When each register was last used.
    used: [u32; REGS],
    now: u32,
}

impl Regs {
    pub fn new(slots: usize) -> Regs {
        Regs { held: [Held::NOTHING; REGS], at: vec![NO_REG; slots], locked: 0, used: [0; REGS], now: 0 }
    }

    /// The register of a slot.
    pub fn of(&self, slot: u32) -> Option<RegId> {
        self.at.get(slot as usize).copied().filter(|&reg| reg != NO_REG)
    }

    /// Makes a register hold nothing.
    pub fn drop(&mut self, reg: RegId) {
        let held = std::mem::replace(&mut self.held[usize::from(reg)], Held::NOTHING);
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
        self.at[held.slot as usize] = reg;
        self.touch(reg);
    }

    pub fn touch(&mut self, reg: RegId) {
        self.now += 1;
        self.used[usize::from(reg)] = self.now;
    }

    pub fn lock(&mut self, reg: RegId) {
        self.locked |= 1 << reg;
    }

    pub fn unlock(&mut self, reg: RegId) {
        self.locked &= !(1 << reg);
    }

    pub fn unlock_all(&mut self) {
        self.locked = 0;
    }

    /// Everything that is held.
    pub fn state(&self) -> impl Iterator<Item = (RegId, Held)> + use<'_> {
        self.held.iter().enumerate().filter(|(_, held)| held.slot != NO_SLOT).map(|(reg, &held)| (reg as RegId, held))
    }

    pub fn clear(&mut self) {
        for reg in 0..REGS as RegId {
            self.drop(reg);
        }
    }

    pub fn replace(&mut self, state: &[(RegId, Held)]) {
        self.clear();
        for &(reg, held) in state {
            self.set(reg, held);
        }
    }

    /// A register of `pool` to use: an empty one, or the one that was used longest ago.
    fn choose(&self, pool: std::ops::Range<RegId>, region: &Region, hint: Option<RegId>) -> RegId {
        let usable = |reg: RegId| self.locked & (1 << reg) == 0 && region.slots[usize::from(reg)] == NO_SLOT;
        let empty = |reg: RegId| self.held[usize::from(reg)].slot == NO_SLOT;
        if let Some(hint) = hint.filter(|&hint| pool.contains(&hint) && usable(hint) && empty(hint)) {
            return hint;
        }
        let free = pool.clone().find(|&reg| usable(reg) && empty(reg));
        let oldest = || pool.filter(|&reg| usable(reg)).min_by_key(|&reg| self.used[usize::from(reg)]);
        match free.or_else(oldest) {
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

/// What has to be done so that registers hold what `to` says. Slots from `height` on are dead.
pub(super) fn fixes(from: &Regs, to: &[(RegId, Held)], height: u32, out: &mut Vec<Fix>) {
    out.clear();
    let same_file = |a: RegId, b: RegId| (a < FLOATS) == (b < FLOATS);
    for (reg, held) in from.state() {
        if held.dirty && held.slot < height {
            let wanted = to.iter().find(|(_, wanted)| wanted.slot == held.slot);
            let stays = wanted.is_some_and(|&(to, wanted)| wanted.dirty && same_file(reg, to));
            if !stays {
                out.push(Fix::Store(reg, held));
            }
        }
    }
    let mut moves: Vec<(RegId, RegId, Held)> = Vec::new();
    let mut loads: Vec<(RegId, Held)> = Vec::new();
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
                out.push(Fix::Move(from, to, held));
            }
            None => {
                // A cycle: one value goes through its home.
                if let Some((reg, _, held)) = moves.pop() {
                    let to = to.iter().find(|(_, wanted)| wanted.slot == held.slot).map_or(reg, |&(to, _)| to);
                    out.push(Fix::Store(reg, held));
                    loads.push((to, held));
                }
            }
        }
    }
    out.extend(loads.into_iter().map(|(reg, held)| Fix::Load(reg, held)));
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
        for reg in 0..REGS as RegId {
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
        let reg = self.regs.choose(pool, &self.regions[self.region], hint);
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

    /// The number of a pool's register.
    fn number(reg: Reg) -> Option<RegId> {
        match reg {
            Reg::Gpr(reg) => M::POOL.iter().position(|&other| other == reg).map(|index| index as RegId),
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
        let float = wide || self.is_float(from) || (self.is_float(to) && self.regs.of(from).is_none_or(|reg| reg >= FLOATS));
        let source = self.fetch(from, float, wide);
        if dies {
            self.release(from);
        }
        // The register itself changes its owner if nobody else needs the value.
        let renamed = self.given_register(to).is_none() && self.regs.held[usize::from(source)].slot == NO_SLOT;
        let target = if renamed && self.regions[self.region].slots[usize::from(source)] == NO_SLOT {
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
