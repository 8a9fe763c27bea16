//! Descriptors and their numbers.
//!
//! What a descriptor may do follows from what it is; a guest can only give rights up. So a descriptor stores what was
//! given up, and a missing right is `ENOTCAPABLE` where it was given up, and the error of the kind of file (`EBADF`,
//! `ESPIPE`, ...) where it never was there.

use crate::dir::Directory;
use crate::errno::Errno;
use crate::file::File;
use crate::sock::{Listener, Socket};
use crate::stream::{InputStream, OutputStream, Readiness};
use crate::types::{Fd, FdFlags, Fdstat, Filestat, Filetype, Rights};
use std::collections::BTreeSet;

/// What a descriptor refers to.
pub(crate) enum Kind {
    Input(Box<dyn InputStream>),
    Output(Box<dyn OutputStream>),
    File(File),
    Directory(Directory),
    Listener(Listener),
    Socket(Socket),
}

/// An open descriptor.
pub(crate) struct Descriptor {
    pub kind: Kind,
    /// Rights that were given up.
    dropped: Rights,
    /// Rights that were given up for what is opened through it.
    dropped_inheriting: Rights,
}

impl From<Kind> for Descriptor {
    fn from(kind: Kind) -> Self {
        Descriptor { kind, dropped: Rights::empty(), dropped_inheriting: Rights::empty() }
    }
}

fn terminal_filetype(is_terminal: bool) -> Filetype {
    if is_terminal { Filetype::CharacterDevice } else { Filetype::Unknown }
}

impl Descriptor {
    /// A descriptor opened through this one.
    pub(crate) fn derive(&self, kind: Kind) -> Descriptor {
        Descriptor { kind, dropped: self.dropped_inheriting, dropped_inheriting: self.dropped_inheriting }
    }

    /// Fails if one of `rights` was given up.
    pub(crate) fn require(&self, rights: Rights) -> Result<(), Errno> {
        if self.dropped.intersects(rights) { Err(Errno::Notcapable) } else { Ok(()) }
    }

    /// Fails if one of `rights` was given up for what is opened through this descriptor.
    pub(crate) fn require_inheriting(&self, rights: Rights) -> Result<(), Errno> {
        if self.dropped_inheriting.intersects(rights) { Err(Errno::Notcapable) } else { Ok(()) }
    }

    pub(crate) fn fdstat(&self) -> Result<Fdstat, Errno> {
        let stat = |filetype, flags, base, inheriting| Fdstat {
            filetype,
            flags,
            rights_base: base,
            rights_inheriting: inheriting,
        };
        let (read, write, none) = (Rights::FD_READ, Rights::FD_WRITE, FdFlags::empty());
        let mut stat = match &self.kind {
            Kind::Input(s) => stat(terminal_filetype(s.is_terminal()), none, read, read),
            Kind::Output(s) => stat(terminal_filetype(s.is_terminal()), none, write, write),
            Kind::File(file) => {
                let rights = file.rights();
                stat(file.filetype()?, file.flags, rights, rights)
            }
            Kind::Directory(dir) => {
                let (base, inheriting) = dir.rights();
                stat(Filetype::Directory, none, base, inheriting)
            }
            Kind::Listener(l) => stat(Filetype::SocketStream, l.flags, Listener::RIGHTS, Socket::RIGHTS),
            Kind::Socket(s) => stat(Filetype::SocketStream, s.flags, Socket::RIGHTS, Socket::RIGHTS),
        };
        stat.rights_base -= self.dropped;
        stat.rights_inheriting -= self.dropped_inheriting;
        Ok(stat)
    }

    pub(crate) fn set_rights(&mut self, base: Rights, inheriting: Rights) -> Result<(), Errno> {
        let now = self.fdstat()?;
        if !now.rights_base.contains(base) || !now.rights_inheriting.contains(inheriting) {
            return Err(Errno::Notcapable);
        }
        self.dropped |= now.rights_base - base;
        self.dropped_inheriting |= now.rights_inheriting - inheriting;
        Ok(())
    }

    pub(crate) fn filestat(&self) -> Result<Filestat, crate::error::Error> {
        let nothing = |filetype| Filestat { dev: 0, ino: 0, filetype, nlink: 0, size: 0, atim: 0, mtim: 0, ctim: 0 };
        match &self.kind {
            Kind::Input(stream) => Ok(nothing(terminal_filetype(stream.is_terminal()))),
            Kind::Output(stream) => Ok(nothing(terminal_filetype(stream.is_terminal()))),
            Kind::Listener(_) | Kind::Socket(_) => Ok(nothing(Filetype::SocketStream)),
            Kind::File(file) => file.filestat(),
            Kind::Directory(dir) => dir.filestat(),
        }
    }

    /// Whether reading or writing would wait.
    pub(crate) fn readiness(&self, write: bool) -> Result<Readiness<'_>, Errno> {
        match (&self.kind, write) {
            (Kind::Input(stream), false) => Ok(stream.readiness()),
            (Kind::Output(stream), true) => Ok(stream.readiness()),
            (Kind::File(file), _) => Ok(file.readiness()),
            (Kind::Listener(listener), false) => Ok(listener.readiness()),
            (Kind::Socket(socket), _) => Ok(socket.readiness()),
            _ => Err(Errno::Badf),
        }
    }

    pub(crate) fn file(&self) -> Result<&File, Errno> {
        match &self.kind {
            Kind::File(file) => Ok(file),
            _ => Err(Errno::Badf),
        }
    }

    pub(crate) fn file_mut(&mut self) -> Result<&mut File, Errno> {
        match &mut self.kind {
            Kind::File(file) => Ok(file),
            _ => Err(Errno::Badf),
        }
    }

    /// The file, where it has a position.
    pub(crate) fn seekable(&mut self) -> Result<&mut File, Errno> {
        match &mut self.kind {
            Kind::File(file) if file.is_seekable() => Ok(file),
            Kind::Directory(_) => Err(Errno::Badf),
            _ => Err(Errno::Spipe),
        }
    }

    pub(crate) fn dir(&self) -> Result<&Directory, Errno> {
        match &self.kind {
            Kind::Directory(dir) => Ok(dir),
            _ => Err(Errno::Badf),
        }
    }
}

/// All descriptors of a guest: every number below the length of `slots` is in use or in `free`.
pub(crate) struct Table {
    slots: Vec<Option<Descriptor>>,
    free: BTreeSet<Fd>,
    limit: u32,
}

impl Table {
    pub(crate) fn new(limit: u32) -> Self {
        Table { slots: Vec::new(), free: BTreeSet::new(), limit }
    }

    /// Fails if no descriptor can be added. Asked before anything is created that would need one.
    pub(crate) fn reserve(&self) -> Result<(), Errno> {
        if self.slots.len() - self.free.len() < self.limit as usize { Ok(()) } else { Err(Errno::Mfile) }
    }

    /// Adds a descriptor under the highest number that was freed, or else under a new one.
    pub(crate) fn insert(&mut self, descriptor: Descriptor) -> Result<Fd, Errno> {
        self.reserve()?;
        if let Some(fd) = self.free.pop_last() {
            self.slots[fd as usize] = Some(descriptor);
            return Ok(fd);
        }
        let fd = Fd::try_from(self.slots.len()).map_err(|_| Errno::Mfile)?;
        self.slots.push(Some(descriptor));
        Ok(fd)
    }

    pub(crate) fn get(&self, fd: Fd) -> Result<&Descriptor, Errno> {
        let slot = self.slots.get(fd as usize);
        slot.and_then(Option::as_ref).ok_or(Errno::Badf)
    }

    pub(crate) fn get_mut(&mut self, fd: Fd) -> Result<&mut Descriptor, Errno> {
        let slot = self.slots.get_mut(fd as usize);
        slot.and_then(Option::as_mut).ok_or(Errno::Badf)
    }

    /// The descriptor, if none of `rights` was given up.
    pub(crate) fn with(&self, fd: Fd, rights: Rights) -> Result<&Descriptor, Errno> {
        let descriptor = self.get(fd)?;
        descriptor.require(rights)?;
        Ok(descriptor)
    }

    /// The descriptor for changing it, if none of `rights` was given up.
    pub(crate) fn with_mut(&mut self, fd: Fd, rights: Rights) -> Result<&mut Descriptor, Errno> {
        let descriptor = self.get_mut(fd)?;
        descriptor.require(rights)?;
        Ok(descriptor)
    }

    pub(crate) fn remove(&mut self, fd: Fd) -> Result<Descriptor, Errno> {
        let slot = self.slots.get_mut(fd as usize).ok_or(Errno::Badf)?;
        let descriptor = slot.take().ok_or(Errno::Badf)?;
        self.free.insert(fd);
        Ok(descriptor)
    }

    /// Moves `from` to `to`, which must be open and is closed.
    pub(crate) fn renumber(&mut self, from: Fd, to: Fd) -> Result<(), Errno> {
        self.get(to)?;
        self.get(from)?;
        if from != to {
            let descriptor = self.remove(from)?;
            self.slots[to as usize] = Some(descriptor);
        }
        Ok(())
    }
}
