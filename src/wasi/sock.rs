//! Sockets: listeners that the host preopens, and the connections that the guest accepts from them.
//!
//! A guest cannot name an address, so it reaches the network only through what it was given. Sockets never block in
//! the host; calls wait for them, unless the guest asked not to.

use crate::buffers::{GuestBuffers, gather, scatter, scatter_once};
use crate::ctx::WasiCtx;
use crate::errno::Errno;
use crate::error::{Error, Result};
use crate::file::write_all;
use crate::memory::GuestMemory;
use crate::stream::Readiness;
use crate::table::Kind;
use crate::types::{Fd, FdFlags, RiFlags, Rights, RoFlags, SdFlags, SiFlags};
use crate::wait::Waiter;
use rustix::event::PollFlags;
use rustix::net::{RecvFlags, SendFlags};
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;

/// Something that waits for connections.
pub(crate) struct Listener {
    listener: TcpListener,
    pub flags: FdFlags,
}

impl Listener {
    pub(crate) const RIGHTS: Rights = Rights::SOCK_ACCEPT
        .union(Rights::POLL_FD_READWRITE)
        .union(Rights::FD_FDSTAT_SET_FLAGS)
        .union(Rights::FD_FILESTAT_GET);

    pub(crate) fn new(listener: TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Listener { listener, flags: FdFlags::empty() })
    }

    pub(crate) fn readiness(&self) -> Readiness<'_> {
        Readiness::Fd(self.listener.as_fd())
    }

    fn accept(&mut self, flags: FdFlags, waiter: &Waiter) -> Result<Socket> {
        let accept = |listener: &mut Listener| listener.listener.accept();
        let (stream, _) = if self.flags.contains(FdFlags::NONBLOCK) {
            accept(self)?
        } else {
            waiter.block_on(self, Listener::readiness, PollFlags::IN, accept)?
        };
        stream.set_nonblocking(true)?;
        Ok(Socket { stream, flags })
    }
}

/// A connection.
pub(crate) struct Socket {
    stream: TcpStream,
    pub flags: FdFlags,
}

impl Socket {
    pub(crate) const RIGHTS: Rights = Rights::FD_READ
        .union(Rights::FD_WRITE)
        .union(Rights::POLL_FD_READWRITE)
        .union(Rights::SOCK_SHUTDOWN)
        .union(Rights::FD_FDSTAT_SET_FLAGS)
        .union(Rights::FD_FILESTAT_GET);

    pub(crate) fn readiness(&self) -> Readiness<'_> {
        Readiness::Fd(self.stream.as_fd())
    }

    /// Receives what is there.
    pub(crate) fn receive(&mut self, bytes: &mut [u8], flags: RecvFlags, waiter: &Waiter) -> Result<usize> {
        let receive = |socket: &mut Socket| {
            let (count, _) = rustix::net::recv(&socket.stream, &mut *bytes, flags)?;
            Ok(count)
        };
        self.wait(PollFlags::IN, waiter, receive)
    }

    /// Receives until `bytes` is full or the connection ends.
    fn receive_all(&mut self, bytes: &mut [u8], waiter: &Waiter) -> Result<usize> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.receive(&mut bytes[filled..], RecvFlags::empty(), waiter) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(Error::Errno(_)) if filled > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// Sends all of `bytes`, or what fits where the guest does not want to wait.
    pub(crate) fn send(&mut self, bytes: &[u8], waiter: &Waiter) -> Result<usize> {
        write_all(bytes, usize::MAX, |piece| {
            self.wait(PollFlags::OUT, waiter, |socket| {
                Ok(rustix::net::send(&socket.stream, piece, SendFlags::NOSIGNAL)?)
            })
        })
    }

    fn wait<T>(
        &mut self,
        interest: PollFlags,
        waiter: &Waiter,
        mut operation: impl FnMut(&mut Socket) -> io::Result<T>,
    ) -> Result<T> {
        if self.flags.contains(FdFlags::NONBLOCK) {
            Ok(operation(self)?)
        } else {
            waiter.block_on(self, Socket::readiness, interest, operation)
        }
    }
}

impl WasiCtx {
    /// A connection, if none of `rights` was given up.
    fn socket(&mut self, fd: Fd, rights: Rights) -> Result<(&mut Socket, &Waiter)> {
        match &mut self.table.with_mut(fd, rights)?.kind {
            Kind::Socket(socket) => Ok((socket, &self.waiter)),
            _ => Err(Errno::Notsock.into()),
        }
    }

    /// Accepts a connection.
    pub fn sock_accept(&mut self, fd: Fd, flags: FdFlags) -> Result<Fd> {
        let room = self.table.reserve();
        let descriptor = self.table.with_mut(fd, Rights::SOCK_ACCEPT)?;
        let accepted = match &mut descriptor.kind {
            Kind::Listener(_) if !FdFlags::NONBLOCK.contains(flags) => {
                return Err(Errno::Inval.into());
            }
            Kind::Listener(listener) => {
                room?;
                listener.accept(flags, &self.waiter)?
            }
            Kind::Socket(_) => return Err(Errno::Inval.into()),
            _ => return Err(Errno::Notsock.into()),
        };
        let accepted = descriptor.derive(Kind::Socket(accepted));
        Ok(self.table.insert(accepted)?)
    }

    /// Receives from a connection: what is there, or with `WAITALL` as much as the buffers take.
    pub fn sock_recv(
        &mut self,
        memory: &mut dyn GuestMemory,
        fd: Fd,
        buffers: GuestBuffers,
        flags: RiFlags,
    ) -> Result<(u32, RoFlags)> {
        let buffers = buffers.read(memory)?;
        let (socket, waiter) = self.socket(fd, Rights::FD_READ)?;
        let peek = flags.contains(RiFlags::PEEK);
        // What is only looked at stays, so that looking again would see it twice.
        let count = if flags.contains(RiFlags::WAITALL) && !peek {
            scatter(memory, &buffers, waiter, |bytes| socket.receive_all(bytes, waiter))?
        } else {
            let mut host_flags = RecvFlags::empty();
            host_flags.set(RecvFlags::PEEK, peek);
            scatter_once(memory, &buffers, waiter, |bytes| socket.receive(bytes, host_flags, waiter))?
        };
        Ok((count, RoFlags::empty()))
    }

    /// Sends to a connection.
    pub fn sock_send(
        &mut self,
        memory: &mut dyn GuestMemory,
        fd: Fd,
        buffers: GuestBuffers,
        _flags: SiFlags,
    ) -> Result<u32> {
        let buffers = buffers.read(memory)?;
        let (socket, waiter) = self.socket(fd, Rights::FD_WRITE)?;
        gather(memory, &buffers, waiter, |bytes| socket.send(bytes, waiter))
    }

    /// Shuts down one or both halves of a connection.
    pub fn sock_shutdown(&mut self, fd: Fd, how: SdFlags) -> Result<()> {
        let (socket, _) = self.socket(fd, Rights::SOCK_SHUTDOWN)?;
        let how = match (how.contains(SdFlags::RD), how.contains(SdFlags::WR)) {
            (true, true) => Shutdown::Both,
            (true, false) => Shutdown::Read,
            (false, true) => Shutdown::Write,
            (false, false) => return Err(Errno::Inval.into()),
        };
        Ok(socket.stream.shutdown(how)?)
    }
}
