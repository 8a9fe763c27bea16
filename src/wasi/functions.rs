//! The one table of the functions of preview 1, from which signatures and calls are derived.
//!
//! A row says which arguments a function takes and what it returns. An argument of a WASI type is one or two wasm
//! values; what a function returns goes to guest memory through pointers that follow the arguments, and the wasm
//! function itself returns the error number.

use crate::buffers::{GuestBuffers, GuestStr};
use crate::ctx::WasiCtx;
use crate::errno::Errno;
use crate::error::{Error, Result, Trap};
use crate::memory::GuestMemory;
use crate::types::{
    Advice, ClockId, Fd, FdFlags, Fdstat, Filestat, FstFlags, LookupFlags, OFlags, Prestat, Record, RiFlags, Rights,
    RoFlags, SdFlags, SiFlags, Timestamp, Whence,
};

/// The module name under which guests import these functions.
pub const MODULE: &str = "wasi_snapshot_preview1";

/// A wasm type, as far as preview 1 uses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
}

/// A function of preview 1.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name in the module [`MODULE`].
    pub name: &'static str,
    /// Its wasm parameters.
    pub params: &'static [ValType],
    /// Its wasm results: one `i32`, or none if it does not return.
    pub results: &'static [ValType],
    call: fn(&mut WasiCtx, &mut dyn GuestMemory, Args<'_>) -> Result<()>,
}

impl Function {
    /// Calls the function with wasm values (an `i32` in the low half) and returns its error number, which is its
    /// result as `i32`. Arguments that are missing are zero.
    pub fn call(&self, ctx: &mut WasiCtx, memory: &mut dyn GuestMemory, args: &[u64]) -> Result<Errno, Trap> {
        let result = match (self.call)(ctx, memory, Args(args.iter())) {
            Ok(()) => Ok(Errno::Success),
            Err(Error::Errno(errno)) => Ok(errno),
            Err(Error::Trap(trap)) => Err(trap),
        };
        tracing::trace!(function = self.name, ?args, ?result, "wasi");
        result
    }

    /// The function of this name.
    pub fn find(name: &str) -> Option<&'static Function> {
        FUNCTIONS.iter().find(|function| function.name == name)
    }
}

/// The wasm values of a call that are still to be taken.
struct Args<'a>(std::slice::Iter<'a, u64>);

impl Args<'_> {
    fn i64(&mut self) -> u64 {
        self.0.next().copied().unwrap_or(0)
    }

    fn i32(&mut self) -> u32 {
        self.i64() as u32
    }
}

/// An argument.
trait Argument: Sized {
    const TYPES: &'static [ValType];
    fn take(args: &mut Args<'_>) -> Result<Self, Errno>;
}

macro_rules! arguments {
    ($($type:ty: $types:expr, $args:ident => $take:expr;)*) => {$(
        impl Argument for $type {
            const TYPES: &'static [ValType] = &$types;
            fn take($args: &mut Args<'_>) -> Result<Self, Errno> {
                $take
            }
        }
    )*};
}

/// A set of bits without unknown ones, which is an `i32` however narrow it is in memory.
macro_rules! narrow_flags {
    ($args:ident) => {{
        let bits = $args.i32().try_into().map_err(|_| Errno::Inval)?;
        Self::from_bits(bits).ok_or(Errno::Inval)
    }};
}

arguments! {
    u32: [ValType::I32], args => Ok(args.i32());
    u64: [ValType::I64], args => Ok(args.i64());
    i64: [ValType::I64], args => Ok(args.i64() as i64);
    GuestStr: [ValType::I32, ValType::I32], args => Ok(GuestStr { ptr: args.i32(), len: args.i32() });
    GuestBuffers: [ValType::I32, ValType::I32], args => Ok(GuestBuffers { ptr: args.i32(), len: args.i32() });
    Rights: [ValType::I64], args => Rights::from_bits(args.i64()).ok_or(Errno::Inval);
    FdFlags: [ValType::I32], args => narrow_flags!(args);
    FstFlags: [ValType::I32], args => narrow_flags!(args);
    LookupFlags: [ValType::I32], args => narrow_flags!(args);
    OFlags: [ValType::I32], args => narrow_flags!(args);
    RiFlags: [ValType::I32], args => narrow_flags!(args);
    SiFlags: [ValType::I32], args => narrow_flags!(args);
    SdFlags: [ValType::I32], args => narrow_flags!(args);
    Advice: [ValType::I32], args => args.i32().try_into();
    ClockId: [ValType::I32], args => args.i32().try_into();
    Whence: [ValType::I32], args => args.i32().try_into();
}

/// What a function returns through pointers.
trait Output {
    const POINTERS: &'static [ValType];
    fn put(self, args: &mut Args<'_>, memory: &mut dyn GuestMemory) -> Result<()>;
}

impl Output for () {
    const POINTERS: &'static [ValType] = &[];
    fn put(self, _: &mut Args<'_>, _: &mut dyn GuestMemory) -> Result<()> {
        Ok(())
    }
}

impl<T: Record> Output for T {
    const POINTERS: &'static [ValType] = &[ValType::I32];
    fn put(self, args: &mut Args<'_>, memory: &mut dyn GuestMemory) -> Result<()> {
        Ok(memory.store(args.i32(), T::ALIGN, self.to_bytes().as_ref())?)
    }
}

impl<A: Record, B: Record> Output for (A, B) {
    const POINTERS: &'static [ValType] = &[ValType::I32, ValType::I32];
    fn put(self, args: &mut Args<'_>, memory: &mut dyn GuestMemory) -> Result<()> {
        self.0.put(args, memory)?;
        self.1.put(args, memory)
    }
}

const fn count(lists: &[&[ValType]]) -> usize {
    let (mut total, mut list) = (0, 0);
    while list < lists.len() {
        total += lists[list].len();
        list += 1;
    }
    total
}

const fn concat<const N: usize>(lists: &[&[ValType]]) -> [ValType; N] {
    let mut all = [ValType::I32; N];
    let (mut at, mut list) = (0, 0);
    while list < lists.len() {
        let mut index = 0;
        while index < lists[list].len() {
            all[at] = lists[list][index];
            at += 1;
            index += 1;
        }
        list += 1;
    }
    all
}

/// Rows of `name [memory] (arguments) -> returned`, where `[]` marks a function that takes no memory, and `!` one
/// that does not return.
macro_rules! functions {
    ($($name:ident [$($memory:ident)?] ($($arg:ident: $type:ty),*) -> $returned:tt;)*) => {
        /// Every function of preview 1.
        pub static FUNCTIONS: &[Function] = &[$(Function {
            name: stringify!($name),
            params: {
                const LISTS: &[&[ValType]] = &[
                    $(<$type as Argument>::TYPES,)*
                    <functions!(@output $returned) as Output>::POINTERS,
                ];
                const ALL: [ValType; count(LISTS)] = concat(LISTS);
                &ALL
            },
            results: functions!(@results $returned),
            call: |ctx, memory, mut args| {
                $(let $arg = <$type as Argument>::take(&mut args)?;)*
                let output: functions!(@output $returned) = ctx.$name($(functions!(@memory memory $memory),)? $($arg),*)?;
                output.put(&mut args, memory)
            },
        },)*];
    };
    (@memory $memory:ident memory) => { &mut *$memory };
    (@output !) => { () };
    (@output $returned:tt) => { $returned };
    (@results !) => { &[] };
    (@results $returned:tt) => { &[ValType::I32] };
}

functions! {
    args_get [memory] (argv: u32, argv_buf: u32) -> ();
    args_sizes_get [] () -> (u32, u32);
    environ_get [memory] (environ: u32, environ_buf: u32) -> ();
    environ_sizes_get [] () -> (u32, u32);
    clock_res_get [] (id: ClockId) -> Timestamp;
    clock_time_get [] (id: ClockId, precision: Timestamp) -> Timestamp;
    fd_advise [] (fd: Fd, offset: u64, len: u64, advice: Advice) -> ();
    fd_allocate [] (fd: Fd, offset: u64, len: u64) -> ();
    fd_close [] (fd: Fd) -> ();
    fd_datasync [] (fd: Fd) -> ();
    fd_fdstat_get [] (fd: Fd) -> Fdstat;
    fd_fdstat_set_flags [] (fd: Fd, flags: FdFlags) -> ();
    fd_fdstat_set_rights [] (fd: Fd, base: Rights, inheriting: Rights) -> ();
    fd_filestat_get [] (fd: Fd) -> Filestat;
    fd_filestat_set_size [] (fd: Fd, size: u64) -> ();
    fd_filestat_set_times [] (fd: Fd, atim: Timestamp, mtim: Timestamp, flags: FstFlags) -> ();
    fd_pread [memory] (fd: Fd, buffers: GuestBuffers, offset: u64) -> u32;
    fd_prestat_get [] (fd: Fd) -> Prestat;
    fd_prestat_dir_name [memory] (fd: Fd, path: u32, len: u32) -> ();
    fd_pwrite [memory] (fd: Fd, buffers: GuestBuffers, offset: u64) -> u32;
    fd_read [memory] (fd: Fd, buffers: GuestBuffers) -> u32;
    fd_readdir [memory] (fd: Fd, buf: u32, len: u32, cookie: u64) -> u32;
    fd_renumber [] (from: Fd, to: Fd) -> ();
    fd_seek [] (fd: Fd, offset: i64, whence: Whence) -> u64;
    fd_sync [] (fd: Fd) -> ();
    fd_tell [] (fd: Fd) -> u64;
    fd_write [memory] (fd: Fd, buffers: GuestBuffers) -> u32;
    path_create_directory [memory] (fd: Fd, path: GuestStr) -> ();
    path_filestat_get [memory] (fd: Fd, flags: LookupFlags, path: GuestStr) -> Filestat;
    path_filestat_set_times [memory] (fd: Fd, flags: LookupFlags, path: GuestStr, atim: Timestamp, mtim: Timestamp, fst_flags: FstFlags) -> ();
    path_link [memory] (old_fd: Fd, old_flags: LookupFlags, old_path: GuestStr, new_fd: Fd, new_path: GuestStr) -> ();
    path_open [memory] (fd: Fd, flags: LookupFlags, path: GuestStr, oflags: OFlags, base: Rights, inheriting: Rights, fdflags: FdFlags) -> Fd;
    path_readlink [memory] (fd: Fd, path: GuestStr, buf: u32, len: u32) -> u32;
    path_remove_directory [memory] (fd: Fd, path: GuestStr) -> ();
    path_rename [memory] (old_fd: Fd, old_path: GuestStr, new_fd: Fd, new_path: GuestStr) -> ();
    path_symlink [memory] (target: GuestStr, fd: Fd, path: GuestStr) -> ();
    path_unlink_file [memory] (fd: Fd, path: GuestStr) -> ();
    poll_oneoff [memory] (subscriptions: u32, events: u32, count: u32) -> u32;
    proc_exit [] (status: u32) -> !;
    proc_raise [] (signal: u32) -> ();
    sched_yield [] () -> ();
    random_get [memory] (buf: u32, len: u32) -> ();
    sock_accept [] (fd: Fd, flags: FdFlags) -> Fd;
    sock_recv [memory] (fd: Fd, buffers: GuestBuffers, flags: RiFlags) -> (u32, RoFlags);
    sock_send [memory] (fd: Fd, buffers: GuestBuffers, flags: SiFlags) -> u32;
    sock_shutdown [] (fd: Fd, how: SdFlags) -> ();
}
