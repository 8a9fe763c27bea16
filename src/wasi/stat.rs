//! Attributes of files, between the host and preview 1.

use crate::clock::{Clock, Clocks};
use crate::errno::Errno;
use crate::types::{Filestat, Filetype, FstFlags, Timestamp};
use cap_fs_ext::{FileTypeExt, SystemTimeSpec};
use cap_std::fs::{FileType, Metadata, MetadataExt};
use rustix::fs::{Timespec, Timestamps, UTIME_OMIT};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, SystemTime};

/// The type that the guest sees. Preview 1 has none for pipes.
pub(crate) fn filetype(host: FileType) -> Filetype {
    if host.is_file() {
        Filetype::RegularFile
    } else if host.is_dir() {
        Filetype::Directory
    } else if host.is_symlink() {
        Filetype::SymbolicLink
    } else if host.is_block_device() {
        Filetype::BlockDevice
    } else if host.is_char_device() {
        Filetype::CharacterDevice
    } else {
        Filetype::Unknown
    }
}

/// An inode number that is unique over all devices, so that the host's device numbers stay with the host.
pub(crate) fn inode(metadata: &Metadata) -> u64 {
    let mut hasher = DefaultHasher::new();
    (metadata.dev(), metadata.ino()).hash(&mut hasher);
    hasher.finish()
}

/// Nanoseconds since 1970; a time that cannot be expressed is 0.
fn timestamp(seconds: i64, nanoseconds: i64) -> Timestamp {
    let seconds = u64::try_from(seconds).unwrap_or(0);
    let nanoseconds = u64::try_from(nanoseconds).unwrap_or(0);
    seconds.checked_mul(1_000_000_000).and_then(|time| time.checked_add(nanoseconds)).unwrap_or(0)
}

pub(crate) fn filestat(metadata: &Metadata) -> Filestat {
    Filestat {
        dev: 1,
        ino: inode(metadata),
        filetype: filetype(metadata.file_type()),
        nlink: metadata.nlink(),
        size: metadata.len(),
        atim: timestamp(metadata.atime(), metadata.atime_nsec()),
        mtim: timestamp(metadata.mtime(), metadata.mtime_nsec()),
        ctim: timestamp(metadata.ctime(), metadata.ctime_nsec()),
    }
}

/// New access and modification times; `None` leaves one alone.
pub(crate) struct FileTimes {
    atim: Option<Duration>,
    mtim: Option<Duration>,
}

impl FileTimes {
    /// "Now" is the guest's clock, so that virtual time reaches the files too.
    pub(crate) fn new(
        clocks: &mut dyn Clocks,
        atim: Timestamp,
        mtim: Timestamp,
        flags: FstFlags,
    ) -> Result<Self, Errno> {
        let mut choose = |time, set, now| match (flags.contains(set), flags.contains(now)) {
            (true, true) => Err(Errno::Inval),
            (true, false) => Ok(Some(Duration::from_nanos(time))),
            (false, true) => Ok(Some(clocks.now(Clock::Realtime))),
            (false, false) => Ok(None),
        };
        Ok(FileTimes {
            atim: choose(atim, FstFlags::ATIM, FstFlags::ATIM_NOW)?,
            mtim: choose(mtim, FstFlags::MTIM, FstFlags::MTIM_NOW)?,
        })
    }

    /// For a call on a descriptor.
    pub(crate) fn to_host(&self) -> Timestamps {
        let spec = |time: Option<Duration>| match time {
            Some(time) => Timespec { tv_sec: time.as_secs() as _, tv_nsec: time.subsec_nanos() as _ },
            None => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        };
        Timestamps { last_access: spec(self.atim), last_modification: spec(self.mtim) }
    }

    /// For a call on a path: access and modification time.
    pub(crate) fn to_specs(&self) -> (Option<SystemTimeSpec>, Option<SystemTimeSpec>) {
        let spec = |time: Option<Duration>| {
            let time = SystemTime::UNIX_EPOCH.checked_add(time?)?;
            Some(SystemTimeSpec::Absolute(cap_std::time::SystemTime::from_std(time)))
        };
        (spec(self.atim), spec(self.mtim))
    }
}
