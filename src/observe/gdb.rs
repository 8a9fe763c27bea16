//! The interface by which debuggers learn of generated code: a list of object files in memory, and a function that they stop at when it
//! changes. GDB and LLDB know both by their names, so a program can have them only once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use terrace_core::tier::listener::{CodeListener, InstalledCode};

use crate::elf;

/// An object file.
#[repr(C)]
struct Entry {
    next: *mut Entry,
    previous: *mut Entry,
    file: *const u8,
    len: u64,
}

/// The list, and what happened to it last.
#[repr(C)]
struct Descriptor {
    version: u32,
    action: u32,
    relevant: *mut Entry,
    first: *mut Entry,
}

const NO_ACTION: u32 = 0;
const REGISTER: u32 = 1;
const UNREGISTER: u32 = 2;

/// The list that debuggers read.
#[unsafe(no_mangle)]
static mut __jit_debug_descriptor: Descriptor =
    Descriptor { version: 1, action: NO_ACTION, relevant: ptr::null_mut(), first: ptr::null_mut() };

/// Debuggers stop here.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn __jit_debug_register_code() {
    // Calls of a function that visibly does nothing would be left out.
    std::hint::black_box(&raw const __jit_debug_descriptor);
}

/// What is in the list, by the address of its first code. Whoever touches the list holds this lock.
static LISTED: Mutex<Listed> = Mutex::new(Listed(BTreeMap::new()));

struct Listed(BTreeMap<usize, (*mut Entry, Box<[u8]>)>);

// SAFETY: the entries belong to the list, and are touched only by who has the lock.
unsafe impl Send for Listed {}

impl Listed {
    fn add(&mut self, address: usize, file: Box<[u8]>) {
        self.remove(address);
        let entry =
            Entry { next: ptr::null_mut(), previous: ptr::null_mut(), file: file.as_ptr(), len: file.len() as u64 };
        let entry = Box::into_raw(Box::new(entry));
        let descriptor = &raw mut __jit_debug_descriptor;
        // SAFETY: the lock is held, and entries in the list are alive.
        unsafe {
            (*entry).next = (*descriptor).first;
            if let Some(first) = (*descriptor).first.as_mut() {
                first.previous = entry;
            }
            (*descriptor).first = entry;
            (*descriptor).relevant = entry;
            (*descriptor).action = REGISTER;
        }
        __jit_debug_register_code();
        self.0.insert(address, (entry, file));
    }

    fn remove(&mut self, address: usize) {
        let Some((entry, file)) = self.0.remove(&address) else { return };
        let descriptor = &raw mut __jit_debug_descriptor;
        // SAFETY: as for `add`; the entry was in the list, and this takes it out.
        unsafe {
            let Entry { next, previous, .. } = *entry;
            match previous.as_mut() {
                Some(previous) => previous.next = next,
                None => (*descriptor).first = next,
            }
            if let Some(next) = next.as_mut() {
                next.previous = previous;
            }
            (*descriptor).relevant = entry;
            (*descriptor).action = UNREGISTER;
        }
        __jit_debug_register_code();
        // SAFETY: it was made by `add`, and nothing points to it but the descriptor, of which debuggers read this only inside of the
        // function above.
        drop(unsafe { Box::from_raw(entry) });
        drop(file);
    }
}

/// Tells debuggers of the functions' names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gdb;

impl CodeListener for Gdb {
    fn installed(&self, functions: &[InstalledCode<'_>]) {
        let Some(first) = functions.first() else { return };
        match elf::describe(functions) {
            Ok(file) => lock().add(first.code.as_ptr().addr(), file.into()),
            Err(error) => tracing::warn!(%error, "debuggers are not told of code"),
        }
    }

    fn removed(&self, addresses: Range<usize>) {
        lock().remove(addresses.start);
    }
}

fn lock() -> std::sync::MutexGuard<'static, Listed> {
    LISTED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code;

    /// The files in the list, as a debugger reads them, and the last action.
    fn listed() -> (Vec<Vec<u8>>, u32) {
        let _lock = lock();
        let descriptor = &raw const __jit_debug_descriptor;
        let mut files = Vec::new();
        // SAFETY: the lock is held, and entries are alive with their files.
        unsafe {
            let (mut entry, mut previous) = ((*descriptor).first, ptr::null_mut());
            while let Some(current) = entry.as_ref() {
                assert_eq!(current.previous, previous);
                files.push(std::slice::from_raw_parts(current.file, current.len as usize).to_vec());
                (previous, entry) = (entry, current.next);
            }
            (files, (*descriptor).action)
        }
    }

    #[test]
    fn the_list_has_what_is_installed() {
        let bytes = [0; 30];
        let batches = [[code("a", &bytes[..10])], [code("b", &bytes[10..20])], [code("c", &bytes[20..])]];
        let file = |batch: &[InstalledCode<'_>]| elf::describe(batch).expect("it is small");
        for batch in &batches {
            Gdb.installed(batch);
        }
        assert_eq!(listed(), (vec![file(&batches[2]), file(&batches[1]), file(&batches[0])], REGISTER));
        let range = bytes[10..20].as_ptr_range();
        Gdb.removed(range.start.addr()..range.end.addr());
        assert_eq!(listed(), (vec![file(&batches[2]), file(&batches[0])], UNREGISTER));
        Gdb.removed(0..1);
        for batch in [&batches[0], &batches[2]] {
            Gdb.removed(batch[0].code.as_ptr().addr()..0);
        }
        assert_eq!(listed(), (vec![], UNREGISTER));
    }
}
