//! Linking: from a function's bytecode to what runs.
//!
//! The running form has the same words at the same places, so that a pc means the same in both; only op fields differ (the handler's
//! offset instead of the op's number), the extension word of calls within the module (the entry cell's address instead of the
//! function's index), and what `profile` instructions count in, by which weight. All changes can be undone. In front of the code lies a header, whose first word is the `enter` instruction.
//!
//! Which handler fits is found in one forward walk that knows what the accumulators hold. At a branch target they hold nothing.

use std::ptr;
use std::sync::atomic::AtomicI32;

use terrace_abi::Op;
use terrace_abi::Word;
use terrace_core::bytecode::{Function, Loop};
use terrace_core::runtime::Module;
use terrace_core::runtime::memory::BoundsMode;
use terrace_core::tier::policy::Site;

use crate::activation::{ZEROED, header};
use crate::classes::{Class, Classes, Dims, File, Role};
use crate::pins::Pins;
use crate::plan::{Plan, Target};
use crate::text::{ENTERS, FUSED, FUSED_FROM, OFFSETS, PLAN_PLACES, PLANS};

/// What an accumulator holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    slot: u16,
    file: File,
}

impl Held {
    fn overlaps(self, slot: u16, slots: u16) -> bool {
        let own = if self.file == File::Vector { 2 } else { 1 };
        u32::from(self.slot) < u32::from(slot) + u32::from(slots) && u32::from(slot) < u32::from(self.slot) + own
    }
}

struct Linker<'a> {
    function: &'a Function,
    code: &'a [Word],
    pins: Pins,
    /// Memory 0 is accessed with explicit bounds checks.
    explicit: bool,
    /// Bit per pc: something branches there.
    labels: Vec<u64>,
    /// Heights of the loops, innermost 0.
    heights: Vec<u8>,
    int: Option<Held>,
    float: Option<Held>,
}

/// The running form of a function of `module`: header and code.
pub(crate) fn link(function: &Function, module: &Module) -> Box<[Word]> {
    let mut linker = Linker {
        function,
        code: &function.code,
        pins: Pins::of(function),
        explicit: module.memory0_bounds() == Some(BoundsMode::Explicit),
        labels: vec![0; function.code.len() / 64 + 1],
        heights: heights(&function.loops),
        int: None,
        float: None,
    };
    linker.find_labels();
    let mut words = Vec::with_capacity(header::WORDS + function.code.len());
    words.resize(header::WORDS, Word(0));
    if !linker.link_code(module, &mut words) {
        // An op without a handler for some pinned local.
        linker.pins = Pins::default();
        words.truncate(header::WORDS);
        let linked = linker.link_code(module, &mut words);
        debug_assert!(linked, "slots need no special handlers");
    }
    linker.fill_header(&mut words);
    words.into_boxed_slice()
}

/// The height of each loop: 0 if it has none inside, else one more than the highest of those.
pub(crate) fn heights(loops: &[Loop]) -> Vec<u8> {
    let mut heights = vec![0u8; loops.len()];
    for (id, looped) in loops.iter().enumerate().rev() {
        if let Some(parent) = looped.parent {
            let height = heights[id].saturating_add(1);
            let parent = &mut heights[parent as usize];
            *parent = (*parent).max(height);
        }
    }
    heights
}

/// The offset of the handler that runs two instructions, if there is one.
fn fused(first: usize, second: usize) -> Option<u16> {
    let candidates = &FUSED[FUSED_FROM[first].into()..FUSED_FROM[first + 1].into()];
    let found = candidates.binary_search_by_key(&second, |&(second, _)| second.into());
    found.ok().map(|place| candidates[place].1)
}

fn set_offset(word: &mut Word, offset: u16) {
    word.0 = word.0 & !0xffff | u64::from(offset);
}

/// The offset of the handler that runs the first of a fused handler's instructions alone; other handlers' offsets are theirs.
pub(crate) fn alone(offset: u16) -> u16 {
    match FUSED.iter().position(|&(_, at)| at == offset) {
        Some(place) => {
            let first = FUSED_FROM.partition_point(|&from| usize::from(from) <= place) - 1;
            OFFSETS[first]
        }
        None => offset,
    }
}

impl Linker<'_> {
    fn plan(&self, pc: usize) -> &'static Plan {
        &PLANS[usize::from(PLAN_PLACES[usize::from(self.code[pc].number())])]
    }

    /// The words of an instruction.
    fn len(&self, plan: &Plan, pc: usize) -> usize {
        let entries = if plan.target == Target::Table { self.code[pc + 1].low() as usize } else { 0 };
        usize::from(plan.words) + entries
    }

    fn label(&mut self, pc: usize, relative: u32) {
        let target = pc.wrapping_add_signed(relative.cast_signed() as isize);
        self.mark(target);
    }

    fn mark(&mut self, pc: usize) {
        if let Some(bits) = self.labels.get_mut(pc / 64) {
            *bits |= 1 << (pc % 64);
        }
    }

    fn is_label(&self, pc: usize) -> bool {
        self.labels.get(pc / 64).is_some_and(|bits| bits & 1 << (pc % 64) != 0)
    }

    fn find_labels(&mut self) {
        for handler in &self.function.handlers {
            self.mark(handler.target as usize);
        }
        // Frames may come over from machine code here.
        for looped in &self.function.loops {
            self.mark(looped.head as usize);
        }
        let mut pc = 0;
        while pc < self.code.len() {
            let plan = self.plan(pc);
            let len = self.len(plan, pc);
            match plan.target {
                Target::Nowhere => {}
                Target::First => self.label(pc, self.code[pc].high()),
                Target::Extension => self.label(pc, self.code[pc + 1].high()),
                Target::Table => {
                    for entry in pc + 2..pc + len {
                        self.label(pc, self.code[entry].low());
                    }
                }
            }
            pc += len;
        }
    }

    /// Links every instruction; `false` if one has no handler for the pinned locals that it concerns.
    fn link_code(&mut self, module: &Module, words: &mut Vec<Word>) -> bool {
        let cells = module.entries();
        let imported = module.imported_funcs();
        (self.int, self.float) = (None, None);
        let mut before = None;
        let mut pc = 0;
        while pc < self.code.len() {
            if self.is_label(pc) {
                (self.int, self.float) = (None, None);
            }
            let plan = self.plan(pc);
            let len = self.len(plan, pc);
            let Some(index) = self.handler(plan, pc, pc + len) else { return false };
            if let Some((place, first)) = before
                && let Some(offset) = fused(first, index)
            {
                set_offset(&mut words[place], offset);
            }
            before = Some((words.len(), index));
            words.push(self.code[pc]);
            if let Some(word) = words.last_mut() {
                set_offset(word, OFFSETS[index]);
            }
            words.extend_from_slice(&self.code[pc + 1..pc + len]);
            if [Op::Call as u16, Op::ReturnCall as u16].contains(&plan.op) {
                let cell = &raw const cells[(self.code[pc + 1].low() - imported) as usize];
                if let Some(last) = words.last_mut() {
                    *last = Word(cell.expose_provenance() as u64);
                }
            }
            if plan.op == Op::Profile as u16 {
                self.count(module, &mut words[pc + header::WORDS..]);
            }
            pc += len;
        }
        true
    }

    /// Makes a `profile` instruction count: by the place's weight instead of the place, in the function's counter.
    fn count(&self, module: &Module, words: &mut [Word]) {
        static UNUSED: AtomicI32 = AtomicI32::new(0);
        let site = Site::from_field(words[0].high());
        let (weight, cell) = match module.tiering() {
            Some(tiering) => {
                let cell = tiering.cell(self.function.index - module.imported_funcs());
                (tiering.weight(self.function, site), cell)
            }
            None => (0, &UNUSED),
        };
        words[0] = words[0].with_high(weight);
        words[1] = Word(ptr::from_ref(cell).expose_provenance() as u64);
    }

    /// The class of a use, by its index among those that there are handlers for. The slot itself is always among them.
    fn use_class(&self, slot: u16, file: File, classes: &Classes) -> usize {
        let pinned = match file {
            File::Int if self.pins.ints[0] == Some(slot) => Some(Class::Local0),
            File::Int if self.pins.ints[1] == Some(slot) => Some(Class::Local1),
            File::Float if self.pins.float == Some(slot) => Some(Class::LocalFloat),
            _ => None,
        };
        let held = match file {
            File::Int => self.int == Some(Held { slot, file }),
            _ => self.float == Some(Held { slot, file }),
        };
        let position = |class| classes.position(class);
        pinned.and_then(position).or_else(|| if held { position(Class::Acc) } else { None }).unwrap_or(0)
    }

    /// The class of a result in the slot of a pinned local, if it is one. `Err`: there is no such handler.
    fn pinned_class(&self, slot: u16, classes: &Classes) -> Result<Option<usize>, ()> {
        let class = if self.pins.ints[0] == Some(slot) {
            Class::Local0
        } else if self.pins.ints[1] == Some(slot) {
            Class::Local1
        } else if self.pins.float == Some(slot) {
            Class::LocalFloat
        } else {
            return Ok(None);
        };
        classes.position(class).or_else(|| classes.position(Class::Reload)).map(Some).ok_or(())
    }

    /// Whether the instruction at `pc` takes the value of `slot` from the accumulator and then defines the slot, so that nobody else
    /// reads it.
    fn consumes(&self, pc: usize, slot: u16, file: File) -> bool {
        if pc >= self.code.len() || self.is_label(pc) {
            return false;
        }
        let plan = self.plan(pc);
        let dims = self.dims(plan);
        if plan.reads_more || dims.clobbers {
            return false;
        }
        let word = self.code[pc];
        let redefines = matches!(plan.roles[0], Some(Role::Def(def)) if def != File::Vector) && word.d() == slot;
        let mut reads = false;
        for (role, field, classes) in [(plan.roles[1], word.a(), &dims.a), (plan.roles[2], word.b(), &dims.b)] {
            if let Some(Role::Use(used)) = role {
                // The second slot of a vector may be this one.
                if used == File::Vector && (field == slot || field.wrapping_add(1) == slot) {
                    return false;
                }
                if field == slot {
                    if used != file || classes.position(Class::Acc).is_none() {
                        return false;
                    }
                    reads = true;
                }
            }
        }
        redefines && reads
    }

    fn dims(&self, plan: &'static Plan) -> &'static Dims {
        if self.explicit && plan.dims.explicit { &plan.explicit } else { &plan.dims }
    }

    /// The index of the handler for the instruction at `pc`; `next` is where the one behind it is.
    fn handler(&mut self, plan: &'static Plan, pc: usize, next: usize) -> Option<usize> {
        let dims = self.dims(plan);
        let word = self.code[pc];
        let fields = [word.d(), word.a(), word.b()];
        let lists = [&dims.d, &dims.a, &dims.b];
        let mut indices = [0; 3];
        for place in 0..3 {
            if let Some(Role::Use(file)) = plan.roles[place] {
                indices[place] = self.use_class(fields[place], file, lists[place]);
            }
        }
        let result = match plan.roles[0] {
            Some(Role::Def(file)) => Some(file),
            _ => None,
        };
        if let Some(file) = result {
            let slot = word.d();
            indices[0] = match self.pinned_class(slot, &dims.d) {
                // Behind a helper, pinned locals are read from their slots.
                Err(()) if dims.clobbers => 0,
                Err(()) => return None,
                Ok(Some(index)) => index,
                Ok(None) => {
                    let only = dims.d.position(Class::Acc);
                    only.filter(|_| self.consumes(next, slot, file)).unwrap_or(0)
                }
            };
        } else if dims.d.position(Class::Reload).is_some() {
            // Calls save pinned locals, and a copied range may cover them.
            let reload = if plan.op == Op::CopyRange as u16 {
                self.pins.touches(self.code[pc + 1].low(), word.high())
            } else {
                !self.pins.is_empty()
            };
            indices[0] = usize::from(reload);
        }
        let jump = self.jump(plan, pc);
        let index = usize::from(plan.first)
            + if self.explicit && plan.dims.explicit { plan.dims.count() } else { 0 }
            + dims.index(indices, jump);
        self.step(plan, dims, word, result, indices[0]);
        Some(index)
    }

    /// What the accumulators hold behind an instruction.
    fn step(&mut self, plan: &Plan, dims: &Dims, word: Word, result: Option<File>, d: usize) {
        if dims.clobbers || plan.op == Op::CopyRange as u16 {
            (self.int, self.float) = (None, None);
            return;
        }
        let Some(file) = result else { return };
        let slot = word.d();
        let slots = if file == File::Vector { 2 } else { 1 };
        let class = dims.d.at(d);
        for held in [&mut self.int, &mut self.float] {
            if held.is_some_and(|held| held.overlaps(slot, slots)) {
                *held = None;
            }
        }
        if matches!(class, Class::Slot | Class::Acc | Class::Reload) {
            match dims.accumulates {
                Some(File::Int) => self.int = Some(Held { slot, file: File::Int }),
                Some(file) => self.float = Some(Held { slot, file }),
                None => {}
            }
        }
    }

    /// The index of the jump dimension: a back edge's by its loop's height, if frames hold pcs of that height.
    fn jump(&self, plan: &Plan, pc: usize) -> usize {
        let jumps = usize::from(plan.dims.jumps);
        let looped = match plan.target {
            _ if jumps == 0 => return 0,
            Target::Nowhere => self.loop_at(pc as u32),
            _ if self.code[pc].d() == 0 => return 0,
            Target::First => self.loop_to(pc, self.code[pc].high()),
            _ => self.loop_to(pc, self.code[pc + 1].high()),
        };
        let index = looped.map_or(0, |id| usize::from(self.heights[id]) + 1);
        if index < jumps { index } else { 0 }
    }

    /// The loop whose head is at a pc.
    fn loop_at(&self, head: u32) -> Option<usize> {
        self.function.loops.binary_search_by_key(&head, |looped| looped.head).ok()
    }

    /// The loop that a back edge goes to: to the word behind its head.
    fn loop_to(&self, pc: usize, relative: u32) -> Option<usize> {
        let target = (pc as u32).wrapping_add(relative);
        self.loop_at(target.wrapping_sub(1))
    }

    fn fill_header(&self, words: &mut [Word]) {
        let function = self.function;
        let zeroed = function.local_slots - function.param_slots;
        let variant = ZEROED.iter().position(|&count| count >= zeroed).unwrap_or(ZEROED.len());
        let slot = |pin: Option<u16>| u64::from(pin.unwrap_or(0));
        let [first, second] = self.pins.ints;
        words[0] =
            Word(u64::from(ENTERS[variant]) | slot(first) << 16 | slot(second) << 32 | slot(self.pins.float) << 48);
        fill_limits(function, words);
    }
}

/// Fills a header from its second word on.
pub(crate) fn fill_limits(function: &Function, words: &mut [Word]) {
    words[1] = Word::pair(function.charge, function.param_slots);
    words[2] = Word(std::ptr::from_ref(function).expose_provenance() as u64);
    words[3] = Word(function.local_slots.into());
}
