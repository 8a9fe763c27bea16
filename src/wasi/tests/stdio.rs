//! Standard streams and their replacements.

use crate::guest::{Guest, STDIN, STDOUT};
use std::io::{self, Read, Seek, SeekFrom, Write};
use terrace_wasi::{
    ClosedInputStream, Errno, FdStream, InputStream, MemoryInputPipe, MemoryOutputPipe, OutputStream, SinkOutputStream,
    WasiCtxBuilder,
};

#[test]
fn nothing_is_there_by_default() {
    let mut guest = Guest::new(&mut WasiCtxBuilder::new());
    assert_eq!(guest.read(STDIN, 9), Ok(vec![]));
    assert_eq!(guest.write(STDOUT, b"lost"), Ok(4));
    assert_eq!(guest.write(2, b"lost"), Ok(4));
    assert_eq!(guest.write(STDIN, b"x"), Err(Errno::Badf));
    assert_eq!(guest.read(STDOUT, 1), Err(Errno::Badf));
}

#[test]
fn streams_in_memory() {
    let (out, err) = (MemoryOutputPipe::new(8), MemoryOutputPipe::new(8));
    let mut guest =
        Guest::new(WasiCtxBuilder::new().stdin(MemoryInputPipe::new("input")).stdout(out.clone()).stderr(err.clone()));
    assert_eq!(guest.read(STDIN, 3), Ok(b"inp".to_vec()));
    assert_eq!(guest.read(STDIN, 3), Ok(b"ut".to_vec()));
    assert_eq!(guest.read(STDIN, 3), Ok(vec![]));
    let data = guest.put(b"outER") as u32;
    let iovs = guest.iovecs(&[(data, 3), (data + 3, 2)]);
    assert_eq!(guest.u32("fd_write", &[1, iovs, 2]), Ok(5));
    assert_eq!(guest.write(2, b"err"), Ok(3));
    assert_eq!((out.contents(), err.contents()), (b"outER".to_vec(), b"err".to_vec()));
    // Full: what fits, then nothing.
    assert_eq!(guest.write(STDOUT, b"12345"), Ok(3));
    assert_eq!(guest.write(STDOUT, b"45"), Err(Errno::Nospc));
    assert_eq!(guest.write(STDOUT, b""), Ok(0));
    assert_eq!(out.contents(), b"outER123");
}

#[test]
fn a_read_of_a_stream_does_not_ask_twice() {
    /// Gives one byte per read, and must not be asked more often than the guest asks.
    struct Counting(u8);
    impl InputStream for Counting {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            buffer.fill(self.0);
            Ok(buffer.len())
        }
    }
    let mut guest = Guest::new(WasiCtxBuilder::new().stdin(Counting(0)));
    let into = guest.put(&[0; 4]);
    let at = into as u32;
    let iovs = guest.iovecs(&[(at, 0), (at, 2), (at + 2, 2)]);
    assert_eq!(guest.u32("fd_read", &[0, iovs, 3]), Ok(2));
    assert_eq!(guest.get(into, 4), [1, 1, 0, 0]);
    assert_eq!(guest.u32("fd_read", &[0, iovs, 1]), Ok(0));
    assert_eq!(guest.u32("fd_read", &[0, iovs, 3]), Ok(2));
    assert_eq!(guest.get(into, 4), [2, 2, 0, 0]);
}

#[test]
fn streams_over_host_descriptors() {
    let mut input = tempfile::tempfile().unwrap();
    input.write_all(b"from a file").unwrap();
    input.seek(SeekFrom::Start(5)).unwrap();
    let (mut reader, writer) = io::pipe().unwrap();
    let mut guest = Guest::new(WasiCtxBuilder::new().stdin(FdStream::new(input)).stdout(FdStream::new(writer)));
    assert_eq!(guest.read(STDIN, 99), Ok(b"a file".to_vec()));
    assert_eq!(guest.read(STDIN, 99), Ok(vec![]));
    assert_eq!(guest.write(STDOUT, b"into a pipe"), Ok(11));
    let mut bytes = [0; 11];
    reader.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"into a pipe");
    drop(reader);
    assert_eq!(guest.write(STDOUT, b"x"), Err(Errno::Pipe));
}

#[test]
fn terminals_are_character_devices() {
    struct Terminal;
    impl InputStream for Terminal {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Ok(0)
        }
        fn is_terminal(&self) -> bool {
            true
        }
    }
    impl OutputStream for Terminal {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::Other.into())
        }
        fn is_terminal(&self) -> bool {
            true
        }
    }
    let mut guest = Guest::new(WasiCtxBuilder::new().stdin(Terminal).stdout(Terminal));
    for fd in [STDIN, STDOUT] {
        assert_eq!(guest.fdstat(fd).unwrap().0, 2);
        assert_eq!(guest.fd_stat(fd).unwrap().filetype, 2);
    }
    assert_eq!(guest.fdstat(2).unwrap().0, 0);
    assert_eq!(guest.write(STDOUT, b"x"), Err(Errno::Io));
}

#[test]
fn closed_and_sink_do_what_their_names_say() {
    assert_eq!(ClosedInputStream.read(&mut [0; 4]).unwrap(), 0);
    assert_eq!(SinkOutputStream.write(&[0; 4]).unwrap(), 4);
}

#[test]
fn a_stream_that_claims_too_much_is_not_believed() {
    struct Liar;
    impl InputStream for Liar {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Ok(usize::MAX)
        }
    }
    impl OutputStream for Liar {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Ok(usize::MAX)
        }
    }
    let mut guest = Guest::new(WasiCtxBuilder::new().stdin(Liar).stdout(Liar));
    assert_eq!(guest.read(STDIN, 4).map(|bytes| bytes.len()), Ok(4));
    assert_eq!(guest.write(STDOUT, b"abcd"), Ok(4));
}
