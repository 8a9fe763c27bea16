//! An instruction is encoded the same, whatever bytes are in front of it.

use terrace_masm::x64::X64;
use terrace_masm::{Gpr, Load, Masm, Mem, Roles, Width};

fn bytes(emit: impl FnOnce(&mut X64)) -> Vec<u8> {
    let mut m = X64::new();
    emit(&mut m);
    m.buffer().bytes().to_vec()
}

#[test]
fn encodings_do_not_depend_on_what_is_in_front() {
    let registers: Vec<Gpr> = X64::POOL.iter().chain(&X64::SCRATCH).chain(&X64::TEMPS).copied().collect();
    for &index in &registers {
        for load in [Load::W64, Load::U32, Load::U8, Load::I8To32, Load::I16To32] {
            let access = |m: &mut X64| m.load(load, index, Mem::indexed(X64::MEMORY, index, 0, 0));
            let alone = bytes(access);
            for (&to, &from) in registers.iter().flat_map(|to| registers.iter().map(move |from| (to, from))) {
                let both = bytes(|m| {
                    m.mov(Width::W64, to, from);
                    access(m);
                });
                assert!(both.ends_with(&alone), "{load:?} {index:?} behind a move from {from:?} to {to:?}");
            }
        }
    }
}
