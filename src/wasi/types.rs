//! The flags, enumerations and records of preview 1, with their layouts in guest memory.
//!
//! A bit or a tag that preview 1 does not define is `EINVAL`, never ignored: a guest that asks for something unknown
//! must not believe that it got it.

use crate::errno::Errno;
use bitflags::bitflags;

/// A descriptor number.
pub type Fd = u32;

/// Nanoseconds, since 1970 or since an arbitrary start, depending on the clock.
pub type Timestamp = u64;

bitflags! {
    /// What may be done with a descriptor.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Rights: u64 {
        /// `fd_datasync`.
        const FD_DATASYNC = 1 << 0;
        /// `fd_read` and `sock_recv`.
        const FD_READ = 1 << 1;
        /// `fd_seek`, and positioned reads and writes.
        const FD_SEEK = 1 << 2;
        /// `fd_fdstat_set_flags`.
        const FD_FDSTAT_SET_FLAGS = 1 << 3;
        /// `fd_sync`.
        const FD_SYNC = 1 << 4;
        /// `fd_tell`.
        const FD_TELL = 1 << 5;
        /// `fd_write` and `sock_send`.
        const FD_WRITE = 1 << 6;
        /// `fd_advise`.
        const FD_ADVISE = 1 << 7;
        /// `fd_allocate`.
        const FD_ALLOCATE = 1 << 8;
        /// `path_create_directory`.
        const PATH_CREATE_DIRECTORY = 1 << 9;
        /// `path_open` with `OFlags::CREAT`.
        const PATH_CREATE_FILE = 1 << 10;
        /// `path_link` from this directory.
        const PATH_LINK_SOURCE = 1 << 11;
        /// `path_link` into this directory.
        const PATH_LINK_TARGET = 1 << 12;
        /// `path_open`.
        const PATH_OPEN = 1 << 13;
        /// `fd_readdir`.
        const FD_READDIR = 1 << 14;
        /// `path_readlink`.
        const PATH_READLINK = 1 << 15;
        /// `path_rename` from this directory.
        const PATH_RENAME_SOURCE = 1 << 16;
        /// `path_rename` into this directory.
        const PATH_RENAME_TARGET = 1 << 17;
        /// `path_filestat_get`.
        const PATH_FILESTAT_GET = 1 << 18;
        /// Changing a size by path.
        const PATH_FILESTAT_SET_SIZE = 1 << 19;
        /// `path_filestat_set_times`.
        const PATH_FILESTAT_SET_TIMES = 1 << 20;
        /// `fd_filestat_get`.
        const FD_FILESTAT_GET = 1 << 21;
        /// `fd_filestat_set_size`.
        const FD_FILESTAT_SET_SIZE = 1 << 22;
        /// `fd_filestat_set_times`.
        const FD_FILESTAT_SET_TIMES = 1 << 23;
        /// `path_symlink`.
        const PATH_SYMLINK = 1 << 24;
        /// `path_remove_directory`.
        const PATH_REMOVE_DIRECTORY = 1 << 25;
        /// `path_unlink_file`.
        const PATH_UNLINK_FILE = 1 << 26;
        /// `poll_oneoff` on this descriptor.
        const POLL_FD_READWRITE = 1 << 27;
        /// `sock_shutdown`.
        const SOCK_SHUTDOWN = 1 << 28;
        /// `sock_accept`.
        const SOCK_ACCEPT = 1 << 29;
    }

    /// Mode of an open descriptor.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct FdFlags: u16 {
        /// Every write goes to the end.
        const APPEND = 1 << 0;
        /// Data is on the device when a write returns.
        const DSYNC = 1 << 1;
        /// Calls that would block fail with `Errno::Again`.
        const NONBLOCK = 1 << 2;
        /// Reads synchronize as well.
        const RSYNC = 1 << 3;
        /// Data and metadata are on the device when a write returns.
        const SYNC = 1 << 4;
    }

    /// How a path is resolved.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct LookupFlags: u32 {
        /// The last component is followed if it is a symbolic link.
        const SYMLINK_FOLLOW = 1 << 0;
    }

    /// How a file is opened.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct OFlags: u16 {
        /// Create it if it is not there.
        const CREAT = 1 << 0;
        /// Fail if it is not a directory.
        const DIRECTORY = 1 << 1;
        /// Fail if it is there.
        const EXCL = 1 << 2;
        /// Cut it to size 0.
        const TRUNC = 1 << 3;
    }

    /// Which timestamps are set, and from where.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct FstFlags: u16 {
        /// Access time from the argument.
        const ATIM = 1 << 0;
        /// Access time from the clock.
        const ATIM_NOW = 1 << 1;
        /// Modification time from the argument.
        const MTIM = 1 << 2;
        /// Modification time from the clock.
        const MTIM_NOW = 1 << 3;
    }

    /// State of a polled descriptor.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct EventRwFlags: u16 {
        /// The other end has closed.
        const HANGUP = 1 << 0;
    }

    /// Kind of a clock subscription.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SubclockFlags: u16 {
        /// The timeout is a time of the clock, not a duration.
        const ABSTIME = 1 << 0;
    }

    /// How a socket receives.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct RiFlags: u16 {
        /// Leave the data in the socket.
        const PEEK = 1 << 0;
        /// Wait until the buffers are full.
        const WAITALL = 1 << 1;
    }

    /// What a socket says about data that it received.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct RoFlags: u16 {
        /// The message did not fit.
        const DATA_TRUNCATED = 1 << 0;
    }

    /// How a socket sends; nothing is defined.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SiFlags: u16 {}

    /// Which halves of a connection are shut down.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SdFlags: u8 {
        /// Nothing more is received.
        const RD = 1 << 0;
        /// Nothing more is sent.
        const WR = 1 << 1;
    }
}

impl FdFlags {
    /// The flags that only the opening of a file can set.
    pub(crate) const AT_OPEN: FdFlags = FdFlags::DSYNC.union(FdFlags::RSYNC).union(FdFlags::SYNC);
}

/// An enumeration whose tags count from 0.
macro_rules! tags {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl TryFrom<u32> for $name {
            type Error = Errno;

            fn try_from(tag: u32) -> Result<Self, Errno> {
                [$($name::$variant),*].get(tag as usize).copied().ok_or(Errno::Inval)
            }
        }
    };
}

tags! {
    /// Type of a file.
    Filetype {
        /// None of the others.
        Unknown,
        /// A block device.
        BlockDevice,
        /// A character device, as a terminal is.
        CharacterDevice,
        /// A directory.
        Directory,
        /// A regular file.
        RegularFile,
        /// A datagram socket.
        SocketDgram,
        /// A stream socket.
        SocketStream,
        /// A symbolic link.
        SymbolicLink,
    }
}

tags! {
    /// What an offset is relative to.
    Whence {
        /// The start of the file.
        Set,
        /// The current position.
        Cur,
        /// The end of the file.
        End,
    }
}

tags! {
    /// How a file will be accessed.
    Advice {
        /// Nothing special.
        Normal,
        /// From low to high offsets.
        Sequential,
        /// In no order.
        Random,
        /// Soon.
        WillNeed,
        /// Not soon.
        DontNeed,
        /// Once.
        NoReuse,
    }
}

tags! {
    /// A clock.
    ClockId {
        /// Wall-clock time since 1970.
        Realtime,
        /// Time since an arbitrary start, never set back.
        Monotonic,
        /// CPU time of the process; not provided.
        ProcessCputime,
        /// CPU time of the thread; not provided.
        ThreadCputime,
    }
}

tags! {
    /// What an event is about.
    EventType {
        /// Time has passed.
        Clock,
        /// A descriptor can be read.
        FdRead,
        /// A descriptor can be written.
        FdWrite,
    }
}

/// A record that the guest receives through a pointer.
pub(crate) trait Record {
    const ALIGN: u32;
    type Bytes: AsRef<[u8]>;
    fn to_bytes(&self) -> Self::Bytes;
}

/// Puts little-endian fields at their offsets; what lies between them is zero.
macro_rules! layout {
    ($size:literal: $($offset:literal $value:expr),* $(,)?) => {{
        let mut bytes = [0u8; $size];
        $({
            let field = $value.to_le_bytes();
            bytes[$offset..$offset + field.len()].copy_from_slice(&field);
        })*
        bytes
    }};
}

macro_rules! scalar_record {
    ($($type:ty)*) => {$(
        impl Record for $type {
            const ALIGN: u32 = size_of::<$type>() as u32;
            type Bytes = [u8; size_of::<$type>()];
            fn to_bytes(&self) -> Self::Bytes {
                self.to_le_bytes()
            }
        }
    )*};
}

scalar_record! { u16 u32 u64 }

impl Record for RoFlags {
    const ALIGN: u32 = 2;
    type Bytes = [u8; 2];
    fn to_bytes(&self) -> [u8; 2] {
        self.bits().to_le_bytes()
    }
}

/// Attributes of a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fdstat {
    /// Its type.
    pub filetype: Filetype,
    /// Its mode.
    pub flags: FdFlags,
    /// What may be done with it.
    pub rights_base: Rights,
    /// What may be done with descriptors that are opened through it.
    pub rights_inheriting: Rights,
}

impl Record for Fdstat {
    const ALIGN: u32 = 8;
    type Bytes = [u8; 24];
    fn to_bytes(&self) -> [u8; 24] {
        layout!(24:
            0 (self.filetype as u8),
            2 self.flags.bits(),
            8 self.rights_base.bits(),
            16 self.rights_inheriting.bits(),
        )
    }
}

/// Attributes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filestat {
    /// Device; the same for all files, the inode number alone identifies one.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Its type.
    pub filetype: Filetype,
    /// Number of hard links.
    pub nlink: u64,
    /// Size in bytes.
    pub size: u64,
    /// Last access.
    pub atim: Timestamp,
    /// Last modification of the data.
    pub mtim: Timestamp,
    /// Last change of the metadata.
    pub ctim: Timestamp,
}

impl Record for Filestat {
    const ALIGN: u32 = 8;
    type Bytes = [u8; 64];
    fn to_bytes(&self) -> [u8; 64] {
        layout!(64:
            0 self.dev,
            8 self.ino,
            16 (self.filetype as u8),
            24 self.nlink,
            32 self.size,
            40 self.atim,
            48 self.mtim,
            56 self.ctim,
        )
    }
}

/// A preopened directory, by the length of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prestat {
    /// Length of the name in bytes.
    pub name_len: u32,
}

impl Record for Prestat {
    const ALIGN: u32 = 4;
    type Bytes = [u8; 8];
    fn to_bytes(&self) -> [u8; 8] {
        layout!(8: 0 0u8, 4 self.name_len)
    }
}

/// Head of a directory entry; the name follows.
pub(crate) struct Dirent {
    pub next: u64,
    pub ino: u64,
    pub name_len: u32,
    pub filetype: Filetype,
}

impl Dirent {
    pub(crate) fn to_bytes(&self) -> [u8; 24] {
        layout!(24: 0 self.next, 8 self.ino, 16 self.name_len, 20 (self.filetype as u8))
    }
}

/// Something that a poll waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub userdata: u64,
    pub event_type: EventType,
    pub nbytes: u64,
    pub flags: EventRwFlags,
}

impl Record for Event {
    const ALIGN: u32 = 8;
    type Bytes = [u8; 32];
    fn to_bytes(&self) -> [u8; 32] {
        layout!(32:
            0 self.userdata,
            8 (Errno::Success as u16),
            10 (self.event_type as u8),
            16 self.nbytes,
            24 self.flags.bits(),
        )
    }
}

/// What a poll waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub userdata: u64,
    pub on: SubscriptionOn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SubscriptionOn {
    Clock { id: ClockId, timeout: Timestamp, flags: SubclockFlags },
    FdRead(Fd),
    FdWrite(Fd),
}

impl Subscription {
    pub(crate) const SIZE: u32 = 48;
    pub(crate) const ALIGN: u32 = 8;

    pub(crate) fn from_bytes(bytes: &[u8; 48]) -> Result<Self, Errno> {
        let field_u32 = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let field_u64 = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let on = match EventType::try_from(u32::from(bytes[8]))? {
            EventType::Clock => SubscriptionOn::Clock {
                id: ClockId::try_from(field_u32(16))?,
                timeout: field_u64(24),
                flags: SubclockFlags::from_bits(u16::from_le_bytes([bytes[40], bytes[41]])).ok_or(Errno::Inval)?,
            },
            EventType::FdRead => SubscriptionOn::FdRead(field_u32(16)),
            EventType::FdWrite => SubscriptionOn::FdWrite(field_u32(16)),
        };
        Ok(Subscription { userdata: field_u64(0), on })
    }
}
