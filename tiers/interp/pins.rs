//! Which locals of a function are kept in registers.

use terrace_abi::Ty;
use terrace_core::bytecode::{Function, LocalUse};

/// The slots of pinned locals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pins {
    /// Of integers.
    pub ints: [Option<u16>; 2],
    /// Of a float.
    pub float: Option<u16>,
}

/// Uses, weighted by loop depth, from which on a local is worth a register.
const WORTHWHILE: u32 = 3;

impl Pins {
    /// The most used locals. References are not pinned: collections move what they refer to.
    pub fn of(function: &Function) -> Pins {
        let mut pins = Pins::default();
        let mut uses = [0; 2];
        let mut float_uses = 0;
        for local in &function.local_uses {
            let &LocalUse { slot, uses: count, ty } = local;
            let Ok(slot) = u16::try_from(slot) else { continue };
            if count < WORTHWHILE {
                continue;
            }
            match ty {
                Ty::I32 | Ty::I64 if count > uses[0] => {
                    pins.ints = [Some(slot), pins.ints[0]];
                    uses = [count, uses[0]];
                }
                Ty::I32 | Ty::I64 if count > uses[1] => (pins.ints[1], uses[1]) = (Some(slot), count),
                Ty::F32 | Ty::F64 if count > float_uses => (pins.float, float_uses) = (Some(slot), count),
                _ => {}
            }
        }
        pins
    }

    /// Whether nothing is pinned.
    pub fn is_empty(&self) -> bool {
        *self == Pins::default()
    }

    /// Whether a pinned slot is among `count` slots from `start` on.
    pub fn touches(&self, start: u32, count: u32) -> bool {
        let all = self.ints.into_iter().chain([self.float]).flatten();
        all.map(u32::from).any(|slot| slot >= start && slot - start < count)
    }
}
