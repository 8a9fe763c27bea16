//! Guest buffers: paths, and the vectors that scatter reads and gather writes.
//!
//! A guest names lengths freely, so none of them decides how much the host allocates: a path is at most [`MAX_PATH`]
//! bytes, a vector has at most [`MAX_BUFFERS`] elements, and data moves in pieces. Every buffer is checked before any
//! data moves, so that a fault has no partial effect.

use crate::errno::Errno;
use crate::error::{Error, Result};
use crate::memory::GuestMemory;
use crate::wait::Waiter;

/// Longest path, as on Linux.
pub const MAX_PATH: u32 = 4095;

/// Most elements of one vector, as `IOV_MAX` in the guest's headers.
pub const MAX_BUFFERS: u32 = 1024;

/// Most bytes that one call transfers; the rest is left to the next call.
const MAX_TRANSFER: u32 = 0x7fff_f000;

/// Bytes that move between two looks at the interruption check, where no copy is needed.
const DIRECT_PIECE: u32 = 16 << 20;

/// Bytes that move at once through a copy.
const COPIED_PIECE: u32 = 64 << 10;

/// A string in guest memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestStr {
    /// Its address.
    pub ptr: u32,
    /// Its length in bytes.
    pub len: u32,
}

impl GuestStr {
    /// Copies a path out of the guest.
    pub(crate) fn read_path(self, memory: &dyn GuestMemory) -> Result<String> {
        memory.check(self.ptr, u64::from(self.len), 1)?;
        if self.len > MAX_PATH {
            return Err(Errno::Nametoolong.into());
        }
        let mut bytes = vec![0; self.len as usize];
        memory.read(u64::from(self.ptr), &mut bytes)?;
        String::from_utf8(bytes).map_err(|_| Errno::Ilseq.into())
    }
}

/// An array of `(pointer, length)` pairs in guest memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestBuffers {
    /// Address of the array.
    pub ptr: u32,
    /// Number of its elements.
    pub len: u32,
}

impl GuestBuffers {
    /// The buffers that are not empty, checked, and cut to [`MAX_TRANSFER`] bytes in all.
    pub(crate) fn read(self, memory: &dyn GuestMemory) -> Result<Vec<Buffer>> {
        memory.check(self.ptr, u64::from(self.len) * 8, 4)?;
        if self.len > MAX_BUFFERS {
            return Err(Errno::Inval.into());
        }
        let mut left = MAX_TRANSFER;
        let mut buffers = Vec::new();
        for index in 0..self.len {
            let bytes: [u8; 8] = memory.load(self.ptr + index * 8, 4)?;
            let [p0, p1, p2, p3, l0, l1, l2, l3] = bytes;
            let ptr = u32::from_le_bytes([p0, p1, p2, p3]);
            let len = u32::from_le_bytes([l0, l1, l2, l3]);
            memory.check(ptr, u64::from(len), 1)?;
            let len = len.min(left);
            left -= len;
            if len > 0 {
                buffers.push(Buffer { ptr, len });
            }
        }
        Ok(buffers)
    }
}

/// A checked range of guest memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buffer {
    pub ptr: u32,
    pub len: u32,
}

impl Buffer {
    fn pieces(self, size: u32) -> impl Iterator<Item = Buffer> {
        (0..self.len).step_by(size as usize).map(move |at| Buffer { ptr: self.ptr + at, len: size.min(self.len - at) })
    }

    fn range(self) -> std::ops::Range<usize> {
        self.ptr as usize..self.ptr as usize + self.len as usize
    }
}

/// Moves pieces until one is short. An error after some data has moved is left to the next call, as the data must be
/// accounted for.
fn transfer(
    buffers: &[Buffer],
    piece: u32,
    waiter: &Waiter,
    mut step: impl FnMut(Buffer) -> Result<usize>,
) -> Result<u32> {
    let mut total = 0;
    for buffer in buffers.iter().flat_map(|buffer| buffer.pieces(piece)) {
        waiter.check()?;
        match step(buffer) {
            Ok(moved) => {
                total += moved as u32;
                if moved < buffer.len as usize {
                    break;
                }
            }
            Err(Error::Errno(_)) if total > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(total)
}

/// Fills `buffers` from `read`, which returns how many bytes it gave. A stream of the embedder that claims more than
/// there was room for is not believed.
pub(crate) fn scatter(
    memory: &mut dyn GuestMemory,
    buffers: &[Buffer],
    waiter: &Waiter,
    mut read: impl FnMut(&mut [u8]) -> Result<usize>,
) -> Result<u32> {
    if memory.as_mut_slice().is_some() {
        transfer(buffers, DIRECT_PIECE, waiter, |buffer| {
            let slice = memory.as_mut_slice().and_then(|memory| memory.get_mut(buffer.range()));
            let slice = slice.ok_or(Errno::Fault)?;
            Ok(read(slice)?.min(slice.len()))
        })
    } else {
        let mut copy = Vec::new();
        transfer(buffers, COPIED_PIECE, waiter, |buffer| {
            copy.resize(buffer.len as usize, 0);
            let count = read(&mut copy)?.min(copy.len());
            memory.write(u64::from(buffer.ptr), &copy[..count])?;
            Ok(count)
        })
    }
}

/// Fills the start of `buffers` by a single call of `read`, as a second one could wait although there is data to return.
pub(crate) fn scatter_once(
    memory: &mut dyn GuestMemory,
    buffers: &[Buffer],
    waiter: &Waiter,
    read: impl FnMut(&mut [u8]) -> Result<usize>,
) -> Result<u32> {
    let first = buffers.first().map(|buffer| Buffer { len: buffer.len.min(COPIED_PIECE), ..*buffer });
    scatter(memory, first.as_slice(), waiter, read)
}

/// Hands the contents of `buffers` to `write`, which returns how many bytes it took.
pub(crate) fn gather(
    memory: &dyn GuestMemory,
    buffers: &[Buffer],
    waiter: &Waiter,
    mut write: impl FnMut(&[u8]) -> Result<usize>,
) -> Result<u32> {
    if let Some(bytes) = memory.as_slice() {
        transfer(buffers, DIRECT_PIECE, waiter, |buffer| write(bytes.get(buffer.range()).ok_or(Errno::Fault)?))
    } else {
        let mut copy = Vec::new();
        transfer(buffers, COPIED_PIECE, waiter, |buffer| {
            copy.resize(buffer.len as usize, 0);
            memory.read(u64::from(buffer.ptr), &mut copy)?;
            write(&copy)
        })
    }
}
