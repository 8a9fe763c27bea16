//! Code made executable: written, then made read-only, then run.

use std::ptr::null_mut;

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

/// A mapping of code.
pub struct Executable {
    code: *mut u8,
    len: usize,
}

impl Executable {
    pub fn new(bytes: &[u8]) -> Executable {
        let len = bytes.len();
        // SAFETY: a new mapping, which nothing else knows, written within its length before it becomes executable.
        let code = unsafe {
            let code = mmap_anonymous(null_mut(), len, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE).unwrap();
            code.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), len);
            mprotect(code, len, MprotectFlags::READ | MprotectFlags::EXEC).unwrap();
            terrace_masm::synchronize_code(std::slice::from_raw_parts(code.cast(), len));
            code.cast()
        };
        Executable { code, len }
    }

    /// The first instruction.
    pub fn entry(&self) -> *const u8 {
        self.code
    }
}

// SAFETY: code is never written once it is mapped.
unsafe impl Send for Executable {}
// SAFETY: as above.
unsafe impl Sync for Executable {}

impl Drop for Executable {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new`, and no reference to it is left.
        unsafe { munmap(self.code.cast(), self.len).unwrap() }
    }
}
