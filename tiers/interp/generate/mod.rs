//! Generates the handlers: machine code for every op, form and combination of operand classes.
//!
//! A handler is entered with [`Roles::PC`] at its instruction's first word, and leaves it there until nothing of the instruction can
//! fail any more. Slots hold what their class says; flags and temporaries hold nothing. It ends by jumping to the handler whose offset
//! is in the next instruction's op field.

mod call;
mod control;
mod fusion;
pub mod listing;
mod memory;
mod operand;
mod plans;
mod probe;
mod shaped;
mod simd;
mod special;
mod stub;
mod transition;

use terrace_abi::{Form, Op, Shape, TrapKind, Ty};
use terrace_masm::{Gpr, Label, Load, Mem, Rhs, Roles, Width};
use terrace_templates::Machine;

use crate::classes::{Class, Dims, JUMPS, Jump, is_lane_arithmetic, numbers};
use crate::plan::Plan;
pub use stub::STACK;
use stub::Stubs;

/// Offsets are in units of so many bytes.
pub const UNIT: usize = 8;

/// A named piece of code.
pub struct Symbol {
    pub name: String,
    pub at: usize,
    pub end: usize,
}

/// What was generated.
pub struct Output {
    /// Machine code, position-independent.
    pub bytes: Vec<u8>,
    /// All pieces in order.
    pub symbols: Vec<Symbol>,
    /// The offset of each handler, in units: those of each op and form behind one another.
    pub offsets: Vec<u16>,
    /// The plans of all op numbers that there are.
    pub plans: Vec<(u16, Plan)>,
    /// Handlers of two instructions, by the indices of the handlers of either: first, second, offset in units. In order.
    pub fused: Vec<(u16, u16, u16)>,
    /// The offsets of the `enter` handlers, in units.
    pub enters: Vec<u16>,
    /// The offsets of the link handlers, in units.
    pub links: Vec<u16>,
    /// The offset of the handler that begins functions with machine code, in units.
    pub compiled: u16,
    /// Byte offset of where compiled code returns to.
    pub returned: usize,
    /// Byte offsets of the stubs that compiled code calls, by their numbers.
    pub stubs: Vec<usize>,
    /// Byte offset of the C function that starts an activation.
    pub start: usize,
    /// Byte offset of the stub that an access outside of memory 0 goes on at.
    pub out_of_bounds: usize,
    /// The hardware number of the register that memory 0 is reached by.
    pub memory_register: u8,
    /// That of the register that holds the instance's record.
    pub instance_register: u8,
    /// Byte offset of the region whose handlers run a probe first.
    pub probed: usize,
    /// The offset of the handler of probed instructions, in units.
    pub site: u16,
}

/// One handler to generate.
#[derive(Clone, Copy)]
struct Variant {
    op: Op,
    form: Form,
    d: Class,
    a: Class,
    b: Class,
    jump: Jump,
    explicit: bool,
    /// Words of the instruction.
    words: i32,
}

struct Generator<M> {
    m: M,
    stubs: Stubs,
    symbols: Vec<Symbol>,
    /// How far behind `PC` the instruction is whose code is being generated, in bytes.
    bias: i32,
    /// The code of another instruction follows, so that going on with the next one needs no code.
    followed: bool,
}

/// Generates everything.
pub fn generate<M: Machine>() -> Output {
    let mut m = M::new();
    let stubs = Stubs::new(&mut m);
    let mut generator = Generator { m, stubs, symbols: Vec::new(), bias: 0, followed: false };
    generator.all()
}

impl<M: Machine> Generator<M> {
    fn all(&mut self) -> Output {
        let start = self.emit_stubs();
        let handlers_from = self.m.offset();
        let mut offsets = Vec::new();
        let mut plans = Vec::new();
        let mut far = Vec::new();
        let mut near = Vec::new();
        for (op, form, dims) in numbers() {
            let number = (op as u16) << Form::BITS | u16::from(form.0);
            plans.push((number, plans::plan(op, form, dims, offsets.len() as u16)));
            for variant in variants(op, form, dims) {
                let at = self.begin();
                if variant.is_far() {
                    let body = self.m.label();
                    self.m.jump(body);
                    // A probe needs more room.
                    while self.m.offset() <= at + UNIT {
                        self.m.undefined();
                    }
                    far.push((body, variant));
                    self.end(at, format!("{}_near", variant.name()));
                } else {
                    self.handler(variant);
                    self.end(at, variant.name());
                    near.push((variant, offsets.len() as u16));
                }
                offsets.push(unit(at));
            }
        }
        let enters = self.enters();
        let links = self.links();
        let (compiled, returned) = self.compiled();
        let probe = self.m.label();
        let site = self.site(probe);
        let handlers = self.symbols.iter().filter(|symbol| symbol.at >= handlers_from);
        // Probed, an instruction runs by a handler of its own.
        let mut starts: Vec<(usize, usize)> = handlers.map(|symbol| (symbol.at, symbol.at)).collect();
        let fused = self.fusions(&near);
        starts.extend(
            fused
                .iter()
                .map(|&(first, _, at)| (usize::from(at) * UNIT, usize::from(offsets[usize::from(first)]) * UNIT)),
        );
        starts.sort_unstable();
        for (body, variant) in far {
            let at = self.begin();
            self.m.bind(body);
            self.handler(variant);
            self.end(at, variant.name());
        }
        let stubs = self.compiled_stubs(self.stubs.helped);
        let probed = self.probes(&starts, probe);
        self.m.finish();
        let out_of_bounds = self.position(self.stubs.trap(TrapKind::MemoryOutOfBounds));
        Output {
            bytes: self.m.buffer().bytes().to_vec(),
            symbols: std::mem::take(&mut self.symbols),
            offsets,
            plans,
            fused,
            enters,
            links,
            compiled,
            returned,
            stubs,
            start,
            out_of_bounds,
            memory_register: M::MEMORY.number(),
            instance_register: M::INSTANCE.number(),
            probed,
            site,
        }
    }

    fn position(&self, label: Label) -> usize {
        self.m.buffer().position(label).expect("stubs are bound")
    }

    /// Begins a piece of code.
    fn begin(&mut self) -> usize {
        self.m.align(UNIT);
        self.m.offset()
    }

    /// Ends it.
    fn end(&mut self, at: usize, name: String) {
        self.symbols.push(Symbol { name, at, end: self.m.offset() });
    }

    /// Goes on with the instruction at `PC`.
    fn dispatch(&mut self) {
        let next = M::SCRATCH[0];
        self.m.load(Load::U16, next, Mem::at(M::PC, 0));
        self.m.lea(Width::W64, next, Mem::indexed(M::HANDLERS, next, 3, 0));
        self.m.jump_to(next);
    }

    /// The place at an offset from the instruction's first byte.
    fn at(&self, offset: i32) -> Mem {
        Mem::at(M::PC, self.bias + offset)
    }

    /// Sets `PC` to the instruction, for code that may trap there or that hands it on.
    fn settle(&mut self) {
        if self.bias != 0 {
            self.m.add(Width::W64, M::PC, M::PC, Rhs::Imm(self.bias));
            self.bias = 0;
        }
    }

    /// Goes on with the instruction so many words on.
    fn next(&mut self, words: i32) {
        let behind = self.bias + 8 * words;
        if self.followed {
            self.bias = behind;
            return;
        }
        let next = M::SCRATCH[0];
        self.m.load(Load::U16, next, Mem::at(M::PC, behind));
        self.m.add(Width::W64, M::PC, M::PC, Rhs::Imm(behind));
        self.m.lea(Width::W64, next, Mem::indexed(M::HANDLERS, next, 3, 0));
        self.m.jump_to(next);
    }

    /// The handler of two instructions in a row. `PC` stays at the first until nothing of that can fail any more.
    fn fused(&mut self, first: Variant, second: Variant) {
        self.followed = true;
        self.handler(first);
        self.followed = false;
        if !second.keeps_bias() {
            self.settle();
        }
        self.handler(second);
        self.bias = 0;
    }

    fn handler(&mut self, v: Variant) {
        match v.op.info().shape {
            Shape::unary => self.unary(v),
            Shape::binary => self.binary(v),
            Shape::compare => match v.form {
                Form::SLOTS | Form::IMM16 | Form::IMM64 | Form::IMM64_LEFT => self.compare(v),
                Form::SELECT | Form::SELECT_IMM => self.select(v),
                Form::SELECT_V128 | Form::SELECT_V128_IMM => self.select_vector(v),
                _ => self.branch(v),
            },
            Shape::load => self.load(v),
            Shape::store => self.store(v),
            Shape::ternary => self.ternary(v),
            Shape::extract_lane => self.extract_lane(v),
            Shape::replace_lane => self.replace_lane(v),
            Shape::shuffle => self.shuffle(v),
            Shape::load_lane => self.load_lane(v),
            Shape::store_lane => self.store_lane(v),
            Shape::atomic_load | Shape::atomic_store | Shape::atomic_rmw | Shape::atomic_cmpxchg => self.atomic(v),
            Shape::atomic_wait | Shape::atomic_notify | Shape::special => self.special(v),
            Shape::wide => self.wide(v),
        }
    }
}

/// An offset in units.
fn unit(at: usize) -> u16 {
    assert!(at.is_multiple_of(UNIT));
    u16::try_from(at / UNIT).expect("handlers are within reach of 16-bit offsets")
}

/// The handlers of an op and form, in the order of their numbers.
fn variants(op: Op, form: Form, dims: Dims) -> Vec<Variant> {
    let mut all = product(op, form, dims, false);
    if dims.explicit {
        all.extend(product(op, form, dims.with_explicit_bounds(), true));
    }
    all
}

/// The handlers for every combination, in the order of [`Dims::index`].
fn product(op: Op, form: Form, dims: Dims, explicit: bool) -> Vec<Variant> {
    let words = 1 + i32::from(op.layout(form).expect("the form exists").extensions);
    let mut variants = Vec::new();
    for d in dims.d.iter() {
        for a in dims.a.iter() {
            for b in dims.b.iter() {
                for &jump in &JUMPS[..dims.jump_count()] {
                    variants.push(Variant { op, form, d, a, b, jump, explicit, words });
                }
            }
        }
    }
    assert_eq!(variants.len(), dims.count());
    variants
}

impl Variant {
    /// Whether the handler's code can be generated for an instruction behind `PC`: it neither traps nor hands `PC` on.
    fn keeps_bias(&self) -> bool {
        let info = self.op.info();
        match info.shape {
            Shape::unary | Shape::binary => !info.traits.traps,
            Shape::compare => true,
            _ => is_move(self.op) || self.op == Op::Jump,
        }
    }

    /// Whether another instruction's code may follow in the same handler.
    fn may_be_followed(&self) -> bool {
        let info = self.op.info();
        let falls_through = match info.shape {
            Shape::unary | Shape::binary | Shape::compare | Shape::load | Shape::store => true,
            _ => is_move(self.op),
        };
        falls_through && self.d != Class::Reload && !self.is_far()
    }

    /// Whether the handler lies outside of what offsets reach, behind a jump: rare ones do, so that the others have room.
    fn is_far(&self) -> bool {
        use Shape::*;
        let info = self.op.info();
        let is_vector = |ty: &Ty| *ty == Ty::V128;
        let vector = info.params.iter().any(is_vector) || info.result.as_ref().is_some_and(is_vector);
        let far_shape = matches!(info.shape, atomic_load | atomic_store | atomic_rmw | atomic_cmpxchg | wide);
        let far_form = match info.shape {
            load | store => self.form == Form::ANY,
            binary => matches!(self.form, Form::IMM64 | Form::IMM64_LEFT),
            compare => {
                matches!(self.form, Form::IMM64 | Form::IMM64_LEFT | Form::SELECT_V128 | Form::SELECT_V128_IMM)
            }
            unary => info.traits.traps || info.feature == "saturating_float_to_int",
            _ => false,
        };
        let near_vector = is_lane_arithmetic(self.op) || matches!(self.op, Op::V128Load | Op::V128Store);
        self.explicit || far_shape || far_form || (vector && !near_vector)
    }

    fn name(&self) -> String {
        let letter = |class: Class| match class {
            Class::Slot => 's',
            Class::Acc => 'a',
            Class::Local0 => '0',
            Class::Local1 => '1',
            Class::LocalFloat => 'f',
            Class::Reload => 'r',
        };
        let jump = match self.jump {
            Jump::Relative => String::new(),
            Jump::Loop(height) => format!("_loop{height}"),
        };
        let explicit = if self.explicit { "_explicit" } else { "" };
        let op = self.op.text().replace(['.', '/'], "_");
        let (d, a, b) = (letter(self.d), letter(self.a), letter(self.b));
        format!("{op}_{}_{d}{a}{b}{jump}{explicit}", self.form.0)
    }
}

/// The first scratch register: for the index of a result's slot.
fn s0<M: Roles>() -> Gpr {
    M::SCRATCH[0]
}

/// The second scratch register: for the index of a memory operand's slot.
fn s1<M: Roles>() -> Gpr {
    M::SCRATCH[1]
}

/// Ops that only move values.
fn is_move(op: Op) -> bool {
    use Op::*;
    matches!(
        op,
        Copy | CopyV128
            | Const32
            | Const
            | ConstV128
            | GlobalGet
            | GlobalSet
            | GlobalGetV128
            | GlobalSetV128
            | GlobalGetOwn
            | GlobalSetOwn
            | GlobalGetOwnV128
            | GlobalSetOwnV128
    )
}
