//! The loop: one match over the op table.
//!
//! The arms of shaped ops come from the table, so that a row of an existing shape has its arm by being a row. Within a
//! frame, everything that the arms need is in locals; ops that need the store get the [`Machine`], after the frame's pc
//! has been written back.

use terrace_abi::meaning;
use terrace_abi::vm::Status;
use terrace_abi::{Op, TrapKind};
use terrace_core::runtime::memory::{RmwOp, Width};
use terrace_core::runtime::{Raise, libcalls};

use crate::machine::{Activation, Machine, global_get, global_get128, global_set, global_set128};
use crate::shape::{binary, compare, extract_lane, replace_lane, shuffle, ternary, unary, wide};
use crate::site::Site;
use crate::{access, atomic, bulk, control, loads, table};

/// The pure function or the arm of a row of this shape.
macro_rules! shaped {
    (load $site:ident $machine:ident $snake:ident ($unit:ident) [$($t:ident)*]) => {
        access::load($site, $machine, loads::$snake)
    };
    (store $site:ident $machine:ident $snake:ident ($value:ident, $unit:ident) [$($t:ident)*]) => {
        access::store::<$unit>($site, $machine)
    };
    (load_lane $site:ident $machine:ident $snake:ident ($unit:ident, $v:ident) [$($t:ident)*]) => {
        access::load_lane::<$unit>($site, $machine)
    };
    (store_lane $site:ident $machine:ident $snake:ident ($unit:ident, $v:ident) [$($t:ident)*]) => {
        access::store_lane::<$unit>($site, $machine)
    };
    (atomic_load $site:ident $machine:ident $snake:ident ($unit:ident) [$($t:ident)*]) => {
        atomic::load($site, $machine, width!($unit))
    };
    (atomic_store $site:ident $machine:ident $snake:ident ($value:ident, $unit:ident) [$($t:ident)*]) => {
        atomic::store($site, $machine, width!($unit))
    };
    (atomic_rmw $site:ident $machine:ident $snake:ident ($unit:ident, $value:ident) [$op:ident]) => {
        atomic::read_modify_write($site, $machine, width!($unit), rmw!($op))
    };
    (atomic_cmpxchg $site:ident $machine:ident $snake:ident ($unit:ident, $a:ident, $b:ident) [$($t:ident)*]) => {
        atomic::compare_exchange($site, $machine, width!($unit))
    };
    (atomic_notify $site:ident $machine:ident $snake:ident ($unit:ident, $count:ident) [$($t:ident)*]) => {
        atomic::notify($site, $machine)
    };
    ($shape:ident $site:ident $machine:ident $snake:ident $params:tt $traits:tt) => {
        $shape($site, meaning::$snake)
    };
}

macro_rules! width {
    (u8) => {
        Width::W8
    };
    (u16) => {
        Width::W16
    };
    (u32) => {
        Width::W32
    };
    (u64) => {
        Width::W64
    };
}

macro_rules! rmw {
    (add) => {
        RmwOp::Add
    };
    (sub) => {
        RmwOp::Sub
    };
    (and) => {
        RmwOp::And
    };
    (or) => {
        RmwOp::Or
    };
    (xor) => {
        RmwOp::Xor
    };
    (xchg) => {
        RmwOp::Xchg
    };
}

/// Runs the newest frame until the frame that the machine was entered with is left.
pub(crate) fn run(machine: &mut Machine<'_>) -> Status {
    'frame: loop {
        let Activation { code, mut pc, slots } = machine.activation();
        let raise = loop {
            let site = Site { code, pc, word: code[pc], slots };
            let Some(op) = site.word.op() else { site.no_such_form() };

            /// An arm that needs no store: it gives the next pc, or a trap.
            macro_rules! step {
                ($step:expr) => {
                    match $step {
                        Ok(next) => pc = next,
                        Err(kind) => {
                            machine.sync(pc);
                            break Raise::Trap(kind);
                        }
                    }
                };
            }
            /// An arm that cannot fail and continues behind its instruction.
            macro_rules! plain {
                ($extensions:literal, $work:expr) => {{
                    $work;
                    pc = site.next($extensions);
                }};
            }
            /// An arm that needs the store and continues behind its instruction.
            macro_rules! slow {
                ($extensions:literal, $work:expr) => {{
                    machine.sync(pc);
                    match $work {
                        Ok(()) => pc = site.next($extensions),
                        Err(raise) => break raise,
                    }
                }};
            }
            /// An arm that makes another frame the newest, or leaves the outermost one.
            macro_rules! transfer {
                ($work:expr) => {{
                    machine.sync(pc);
                    match $work {
                        Ok(None) => continue 'frame,
                        Ok(Some(status)) => return status,
                        Err(raise) => break raise,
                    }
                }};
            }
            /// An arm that never completes.
            macro_rules! raise {
                ($raise:expr) => {{
                    machine.sync(pc);
                    break $raise;
                }};
            }
            macro_rules! arm {
                (atomic_wait $snake:ident ($unit:ident, $expected:ident, $timeout:ident) $traits:tt) => {
                    slow!(2, atomic::wait(site, machine, width!($unit)))
                };
                ($shape:ident $snake:ident $params:tt $traits:tt) => {
                    step!(shaped!($shape site machine $snake $params $traits))
                };
            }
            macro_rules! dispatch {
                (
                    shapes { $($shape:ident { $(
                        $name:ident $snake:ident $text:literal $opcode:literal $feature:ident
                        $params:tt -> $result:tt $traits:tt;
                    )* })* }
                    special $special:tt
                    structural $structural:tt
                    refused $refused:tt
                ) => {
                    match op {
                        $($(Op::$name => arm!($shape $snake $params $traits),)*)*

                        Op::Unreachable => step!(Err(TrapKind::Unreachable)),
                        Op::Jump => pc = site.target(site.word.high()),
                        Op::BrTable => pc = control::br_table(site),
                        Op::LoopHead => pc = site.next(0),
                        Op::Fuel => step!(machine.store.spend(site.word.high().into()).map(|()| site.next(0))),
                        Op::Poll => slow!(0, machine.store.poll().map_err(Raise::from)),
                        Op::Profile => pc = site.next(1),

                        Op::Return => transfer!(machine.leave()),
                        Op::ReturnOne => {
                            slots.set64(0, site.a());
                            transfer!(machine.leave())
                        }
                        Op::ReturnConst => {
                            slots.set64(0, site.extension(0).0);
                            transfer!(machine.leave())
                        }
                        Op::ReturnV128 => {
                            slots.set128(0, site.a());
                            transfer!(machine.leave())
                        }
                        Op::ReturnRange => {
                            slots.copy_within(site.extension(0).low(), 0, site.word.high());
                            transfer!(machine.leave())
                        }

                        Op::Copy => plain!(0, site.define(site.a::<u64>())),
                        Op::CopyV128 => plain!(0, site.define(site.a::<u128>())),
                        Op::CopyRange => plain!(1, {
                            let range = site.extension(0);
                            slots.copy_within(range.high(), range.low(), site.word.high())
                        }),
                        Op::Const32 => plain!(0, site.define(site.word.high())),
                        Op::Const => plain!(1, site.define(site.extension(0).0)),
                        Op::ConstV128 => plain!(2, {
                            let high = u128::from(site.extension(1).0);
                            site.define(high << 64 | u128::from(site.extension(0).0))
                        }),

                        Op::Call => transfer!(machine.call(site)),
                        Op::CallImport => transfer!(machine.call_import(site)),
                        Op::CallIndirect => transfer!(machine.call_indirect(site)),
                        Op::CallRef => transfer!(machine.call_ref(site)),
                        Op::ReturnCall => transfer!(machine.return_call(site)),
                        Op::ReturnCallImport => transfer!(machine.return_call_import(site)),
                        Op::ReturnCallIndirect => transfer!(machine.return_call_indirect(site)),
                        Op::ReturnCallRef => transfer!(machine.return_call_ref(site)),
                        Op::Throw => raise!(libcalls::throw(machine.store, site.extension(0).low(), site.word.high())),
                        Op::ThrowRef => raise!(libcalls::throw_ref(machine.store, site.a())),

                        Op::GlobalGet => plain!(0, site.define(global_get(machine.global(site.word.high())))),
                        Op::GlobalSet => plain!(0, global_set(machine.global(site.word.high()), site.d())),
                        Op::GlobalGetV128 => plain!(0, site.define(global_get128(machine.global(site.word.high())))),
                        Op::GlobalSetV128 => plain!(0, global_set128(machine.global(site.word.high()), site.d())),
                        Op::GlobalGetOwn => plain!(0, site.define(global_get(machine.own_global(site)))),
                        Op::GlobalSetOwn => plain!(0, global_set(machine.own_global(site), site.d())),
                        Op::GlobalGetOwnV128 => plain!(0, site.define(global_get128(machine.own_global(site)))),
                        Op::GlobalSetOwnV128 => plain!(0, global_set128(machine.own_global(site), site.d())),
                        Op::RefFunc => plain!(0, site.define(machine.instance.func_ref(site.word.high()).to_slot())),
                        Op::RefAsNonNull => step!(control::ref_as_non_null(site)),

                        Op::TableGet => step!(table::get(site, machine)),
                        Op::TableSet => step!(table::set(site, machine)),
                        Op::TableSize => step!(table::size(site, machine)),
                        Op::TableGrow => slow!(1, table::grow(site, machine)),
                        Op::TableFill => step!(table::fill(site, machine)),
                        Op::TableCopy => step!(table::copy(site, machine)),
                        Op::TableInit => slow!(1, table::init(site, machine)),
                        Op::ElemDrop => plain!(0, machine.instance.elem_drop(site.word.high())),

                        Op::MemorySize => step!(bulk::size(site, machine)),
                        Op::MemoryGrow => slow!(1, bulk::grow(site, machine)),
                        Op::MemoryFill => slow!(1, bulk::fill(site, machine)),
                        Op::MemoryCopy => slow!(1, bulk::copy(site, machine)),
                        Op::MemoryInit => slow!(1, bulk::init(site, machine)),
                        Op::DataDrop => plain!(0, machine.instance.data_drop(site.word.high())),
                        Op::AtomicFence => plain!(0, atomic::fence()),

                        Op::CanonF32 => step!(unary(site, meaning::canonicalize_f32)),
                        Op::CanonF64 => step!(unary(site, meaning::canonicalize_f64)),
                        Op::CanonF32x4 => step!(unary(site, meaning::canonicalize_f32x4)),
                        Op::CanonF64x2 => step!(unary(site, meaning::canonicalize_f64x2)),
                    }
                };
            }
            terrace_abi::for_each_op!(dispatch);
        };
        if let Err(status) = machine.unwind(raise) {
            return status;
        }
    }
}
