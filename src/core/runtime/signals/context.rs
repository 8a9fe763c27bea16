//! The general registers of an interrupted context, by their hardware numbers.

use std::ffi::c_void;

use libc::ucontext_t;

/// The general registers of what a signal interrupted.
#[repr(transparent)]
pub struct Registers(ucontext_t);

impl std::fmt::Debug for Registers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Registers {{ pc: {:#x} }}", self.pc())
    }
}

impl Registers {
    /// The registers in a signal handler's context argument, if it is not null.
    ///
    /// # Safety
    ///
    /// The context must be null or good for `'a`.
    pub(super) unsafe fn from_context<'a>(context: *const c_void) -> Option<&'a Registers> {
        // SAFETY: the caller's promise, and the types have the same layout.
        unsafe { context.cast::<Registers>().as_ref() }
    }

    /// The address of the instruction that was interrupted.
    pub fn pc(&self) -> usize {
        machine::pc(&self.0) as usize
    }

    /// Register `number` as instructions encode it: on x86-64, 0 to 15 from `rax` to `r15`; on AArch64, 0 to 30 are `x0` to
    /// `x30`, and 31 is `sp`. 0 for any other number.
    pub fn get(&self, number: u8) -> usize {
        machine::register(&self.0, number).unwrap_or(0) as usize
    }
}

/// Makes the interrupted code continue elsewhere.
///
/// # Safety
///
/// The context must be a signal handler's, and `pc` a place where its code may continue.
pub(super) unsafe fn continue_at(context: *mut c_void, pc: usize) {
    // SAFETY: the caller's promise.
    machine::set_pc(unsafe { &mut *context.cast() }, pc as u64);
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod machine {
    use libc::*;

    pub(super) fn pc(context: &ucontext_t) -> u64 {
        context.uc_mcontext.gregs[REG_RIP as usize].cast_unsigned()
    }

    pub(super) fn set_pc(context: &mut ucontext_t, pc: u64) {
        context.uc_mcontext.gregs[REG_RIP as usize] = pc.cast_signed();
    }

    pub(super) fn register(context: &ucontext_t, number: u8) -> Option<u64> {
        const PLACES: [c_int; 16] = [
            REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11,
            REG_R12, REG_R13, REG_R14, REG_R15,
        ];
        let place = *PLACES.get(usize::from(number))?;
        Some(context.uc_mcontext.gregs[place as usize].cast_unsigned())
    }
}

#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
mod machine {
    use libc::ucontext_t;

    pub(super) fn pc(context: &ucontext_t) -> u64 {
        context.uc_mcontext.pc
    }

    pub(super) fn set_pc(context: &mut ucontext_t, pc: u64) {
        context.uc_mcontext.pc = pc;
    }

    pub(super) fn register(context: &ucontext_t, number: u8) -> Option<u64> {
        match number {
            31 => Some(context.uc_mcontext.sp),
            _ => context.uc_mcontext.regs.get(usize::from(number)).copied(),
        }
    }
}

#[cfg(all(target_os = "macos", target_arch = "x86_64"))]
mod machine {
    use libc::ucontext_t;

    pub(super) fn pc(context: &ucontext_t) -> u64 {
        // SAFETY: the system's context points to the machine's part of it.
        unsafe { (*context.uc_mcontext).__ss.__rip }
    }

    pub(super) fn set_pc(context: &mut ucontext_t, pc: u64) {
        // SAFETY: as above.
        unsafe { (*context.uc_mcontext).__ss.__rip = pc };
    }

    pub(super) fn register(context: &ucontext_t, number: u8) -> Option<u64> {
        // SAFETY: as above.
        let state = unsafe { &(*context.uc_mcontext).__ss };
        let registers = [
            state.__rax,
            state.__rcx,
            state.__rdx,
            state.__rbx,
            state.__rsp,
            state.__rbp,
            state.__rsi,
            state.__rdi,
            state.__r8,
            state.__r9,
            state.__r10,
            state.__r11,
            state.__r12,
            state.__r13,
            state.__r14,
            state.__r15,
        ];
        registers.get(usize::from(number)).copied()
    }
}

#[cfg(all(target_os = "macos", target_arch = "aarch64"))]
mod machine {
    use libc::ucontext_t;

    pub(super) fn pc(context: &ucontext_t) -> u64 {
        // SAFETY: the system's context points to the machine's part of it.
        unsafe { (*context.uc_mcontext).__ss.__pc }
    }

    pub(super) fn set_pc(context: &mut ucontext_t, pc: u64) {
        // SAFETY: as above.
        unsafe { (*context.uc_mcontext).__ss.__pc = pc };
    }

    pub(super) fn register(context: &ucontext_t, number: u8) -> Option<u64> {
        // SAFETY: as above.
        let state = unsafe { &(*context.uc_mcontext).__ss };
        match number {
            29 => Some(state.__fp),
            30 => Some(state.__lr),
            31 => Some(state.__sp),
            _ => state.__x.get(usize::from(number)).copied(),
        }
    }
}
