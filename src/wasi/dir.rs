//! Open directories, and the functions on paths.
//!
//! Every path is resolved by cap-std beneath the directory that it is relative to: absolute paths, `..` and symbolic
//! links that lead outside are `EPERM`. Whether a directory may be changed is decided here, by the permissions that
//! it was preopened with; whatever is opened through it has the same, and a link or a rename never joins directories
//! of different permissions.

use crate::buffers::GuestStr;
use crate::builder::FsPerms;
use crate::ctx::WasiCtx;
use crate::errno::Errno;
use crate::error::Result;
use crate::file::File;
use crate::memory::GuestMemory;
use crate::stat::{FileTimes, filestat, filetype, inode};
use crate::table::Kind;
use crate::types::{
    Dirent, Fd, FdFlags, Filestat, Filetype, FstFlags, LookupFlags, OFlags, Prestat, Rights, Timestamp,
};
use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::fs::{Dir, Metadata, OpenOptions};
use std::io;

/// An open directory.
pub(crate) struct Directory {
    dir: Dir,
    perms: FsPerms,
    /// The guest's name for it, where it is preopened.
    preopen: Option<String>,
    /// Entries that a listing in progress has yet to return.
    listing: Option<Vec<Entry>>,
}

struct Entry {
    ino: u64,
    filetype: Filetype,
    name: String,
}

/// The rights of a preopened directory, as guests expect them.
const PREOPEN_RIGHTS: Rights = Rights::PATH_CREATE_DIRECTORY
    .union(Rights::PATH_CREATE_FILE)
    .union(Rights::PATH_LINK_SOURCE)
    .union(Rights::PATH_LINK_TARGET)
    .union(Rights::PATH_OPEN)
    .union(Rights::FD_READDIR)
    .union(Rights::PATH_READLINK)
    .union(Rights::PATH_RENAME_SOURCE)
    .union(Rights::PATH_RENAME_TARGET)
    .union(Rights::PATH_SYMLINK)
    .union(Rights::PATH_REMOVE_DIRECTORY)
    .union(Rights::PATH_UNLINK_FILE)
    .union(Rights::PATH_FILESTAT_GET)
    .union(Rights::PATH_FILESTAT_SET_TIMES)
    .union(Rights::FD_FILESTAT_GET)
    .union(Rights::FD_FILESTAT_SET_TIMES);

/// What a file opened beneath a directory may do. C libraries mask what they ask for with this set.
const FILE_RIGHTS: Rights = Rights::FD_DATASYNC
    .union(Rights::FD_READ)
    .union(Rights::FD_SEEK)
    .union(Rights::FD_FDSTAT_SET_FLAGS)
    .union(Rights::FD_SYNC)
    .union(Rights::FD_TELL)
    .union(Rights::FD_WRITE)
    .union(Rights::FD_ADVISE)
    .union(Rights::FD_ALLOCATE)
    .union(Rights::FD_FILESTAT_GET)
    .union(Rights::FD_FILESTAT_SET_SIZE)
    .union(Rights::FD_FILESTAT_SET_TIMES)
    .union(Rights::POLL_FD_READWRITE);

/// What a directory cannot do.
const NOT_FOR_DIRECTORIES: Rights =
    Rights::FD_SEEK.union(Rights::FD_WRITE).union(Rights::FD_FILESTAT_SET_SIZE).union(Rights::PATH_FILESTAT_SET_SIZE);

/// A final slash or dot asks for the directory behind a link, whatever the flags say.
fn follow(flags: LookupFlags, path: &str) -> FollowSymlinks {
    let directory = path.ends_with('/') || path.ends_with("/.");
    if flags.contains(LookupFlags::SYMLINK_FOLLOW) || directory { FollowSymlinks::Yes } else { FollowSymlinks::No }
}

impl Directory {
    pub(crate) fn preopened(dir: Dir, name: String, perms: FsPerms) -> Self {
        Directory { dir, perms, preopen: Some(name), listing: None }
    }

    /// Rights of the directory, and of what is opened through it.
    pub(crate) fn rights(&self) -> (Rights, Rights) {
        if self.preopen.is_some() {
            (PREOPEN_RIGHTS, PREOPEN_RIGHTS | FILE_RIGHTS)
        } else {
            let base = Rights::all() - NOT_FOR_DIRECTORIES;
            (base, base | FILE_RIGHTS)
        }
    }

    pub(crate) fn filestat(&self) -> Result<Filestat> {
        Ok(filestat(&self.dir.dir_metadata()?))
    }

    pub(crate) fn set_own_times(&self, times: &FileTimes) -> Result<()> {
        self.mutable()?;
        let (atim, mtim) = times.to_specs();
        Ok(self.dir.set_times(".", atim, mtim)?)
    }

    /// Fails unless the directory and what is beneath it may be changed.
    fn mutable(&self) -> Result<(), Errno> {
        match self.perms {
            FsPerms::ReadWrite => Ok(()),
            FsPerms::ReadOnly => Err(Errno::Perm),
        }
    }

    fn metadata(&self, path: &str, flags: LookupFlags) -> io::Result<Metadata> {
        match follow(flags, path) {
            FollowSymlinks::Yes => self.dir.metadata(path),
            FollowSymlinks::No => self.dir.symlink_metadata(path),
        }
    }

    /// Opens a file or directory. Nothing is opened in a way that could wait, as it would for the other end of a pipe.
    fn open(&self, path: &str, flags: LookupFlags, oflags: OFlags, rights: Rights, fdflags: FdFlags) -> Result<Kind> {
        if oflags.contains(OFlags::DIRECTORY) && oflags.intersects(OFlags::CREAT | OFlags::EXCL | OFlags::TRUNC) {
            return Err(Errno::Inval.into());
        }
        let write = rights.contains(Rights::FD_WRITE);
        // Something must be asked of the host; what the guest did not ask for is reading.
        let readable = rights.contains(Rights::FD_READ) || !write;
        let writable = write || oflags.intersects(OFlags::CREAT | OFlags::TRUNC);
        if writable {
            self.mutable()?;
        }
        let mut options = OpenOptions::new();
        options
            .read(readable)
            .write(writable)
            .truncate(oflags.contains(OFlags::TRUNC))
            .follow(follow(flags, path))
            .sync(fdflags.contains(FdFlags::SYNC))
            .dsync(fdflags.contains(FdFlags::DSYNC))
            .rsync(fdflags.contains(FdFlags::RSYNC))
            .nonblock(true);
        if oflags.contains(OFlags::CREAT) {
            if oflags.contains(OFlags::EXCL) {
                options.create_new(true);
            } else {
                options.create(true);
            }
        }
        let file = self.dir.open_with(path, &options)?.into_std();
        if Metadata::from_file(&file)?.is_dir() {
            return Ok(Kind::Directory(Directory {
                dir: Dir::from_std_file(file),
                perms: self.perms,
                preopen: None,
                listing: None,
            }));
        }
        if oflags.contains(OFlags::DIRECTORY) {
            return Err(Errno::Notdir.into());
        }
        let file = File::new(file, self.perms, readable, writable, fdflags)?;
        Ok(Kind::File(file))
    }

    fn set_times(&self, path: &str, flags: LookupFlags, times: &FileTimes) -> Result<()> {
        self.mutable()?;
        let (atim, mtim) = times.to_specs();
        if follow(flags, path) == FollowSymlinks::No {
            return Ok(self.dir.set_symlink_times(path, atim, mtim)?);
        }
        // cap-std opens the file to set its times, and would wait for the other end of a pipe. So it only gets what
        // may be opened in no way at all, which it reaches without opening.
        let mut unreachable = true;
        for write in [true, false] {
            let mut options = OpenOptions::new();
            options.read(!write).write(write).nonblock(true);
            match self.dir.open_with(path, &options) {
                Ok(file) => return Ok(rustix::fs::futimens(&file, &times.to_host())?),
                Err(error) => match Errno::from(&error) {
                    Errno::Acces => {}
                    Errno::Isdir | Errno::Nxio if write => unreachable = false,
                    _ => return Err(error.into()),
                },
            }
        }
        if unreachable {
            return Ok(self.dir.set_times(path, atim, mtim)?);
        }
        Err(Errno::Acces.into())
    }

    fn list(&self) -> Result<Vec<Entry>> {
        let ino = inode(&self.dir.dir_metadata()?);
        let mut entries: Vec<Entry> =
            [".", ".."].map(|name| Entry { ino, filetype: Filetype::Directory, name: name.to_owned() }).into();
        for entry in self.dir.entries()? {
            let entry = entry?;
            let metadata = match entry.metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                metadata => metadata?,
            };
            entries.push(Entry {
                ino: inode(&metadata),
                filetype: filetype(metadata.file_type()),
                name: entry.file_name().into_string().map_err(|_| Errno::Ilseq)?,
            });
        }
        Ok(entries)
    }
}

/// Fails unless entries may move from one directory to the other.
fn both_mutable(from: &Directory, to: &Directory) -> Result<(), Errno> {
    from.mutable()?;
    to.mutable()
}

impl WasiCtx {
    /// A directory, if none of `rights` was given up.
    fn dir(&self, fd: Fd, rights: Rights) -> Result<&Directory, Errno> {
        self.table.with(fd, rights)?.dir()
    }

    /// Describes a preopened directory.
    pub fn fd_prestat_get(&mut self, fd: Fd) -> Result<Prestat> {
        let name = self.table.get(fd)?.dir()?.preopen.as_ref();
        let name_len = u32::try_from(name.ok_or(Errno::Badf)?.len());
        Ok(Prestat { name_len: name_len.map_err(|_| Errno::Overflow)? })
    }

    /// Writes the name of a preopened directory.
    pub fn fd_prestat_dir_name(&mut self, memory: &mut dyn GuestMemory, fd: Fd, ptr: u32, len: u32) -> Result<()> {
        let name = match &self.table.get(fd)?.kind {
            Kind::Directory(dir) => dir.preopen.as_deref(),
            _ => None,
        };
        let name = name.ok_or(Errno::Notdir)?;
        if name.len() > len as usize {
            return Err(Errno::Nametoolong.into());
        }
        Ok(memory.store(ptr, 1, name.as_bytes())?)
    }

    /// Lists a directory from an entry on. The listing is the one that entry 0 began, whatever has changed since.
    pub fn fd_readdir(&mut self, memory: &mut dyn GuestMemory, fd: Fd, ptr: u32, len: u32, cookie: u64) -> Result<u32> {
        memory.check(ptr, u64::from(len), 1)?;
        self.dir(fd, Rights::FD_READDIR)?;
        let Kind::Directory(dir) = &mut self.table.get_mut(fd)?.kind else {
            return Err(Errno::Badf.into());
        };
        let entries = match dir.listing.take() {
            Some(entries) if cookie > 0 => entries,
            _ => dir.list()?,
        };
        let mut used = 0;
        let mut put = |bytes: &[u8]| -> Result<bool> {
            let fits = bytes.len().min((len - used) as usize);
            memory.write(u64::from(ptr) + u64::from(used), &bytes[..fits])?;
            used += fits as u32;
            Ok(used < len)
        };
        for (next, entry) in (1u64..).zip(&entries).skip(usize::try_from(cookie).unwrap_or(usize::MAX)) {
            let head = Dirent {
                next,
                ino: entry.ino,
                name_len: u32::try_from(entry.name.len()).map_err(|_| Errno::Overflow)?,
                filetype: entry.filetype,
            };
            if !put(&head.to_bytes())? || !put(entry.name.as_bytes())? {
                // A full buffer says that there is more.
                dir.listing = Some(entries);
                return Ok(len);
            }
        }
        Ok(used)
    }

    /// Creates a directory.
    pub fn path_create_directory(&mut self, memory: &mut dyn GuestMemory, fd: Fd, path: GuestStr) -> Result<()> {
        let dir = self.dir(fd, Rights::PATH_CREATE_DIRECTORY)?;
        let path = path.read_path(memory)?;
        dir.mutable()?;
        Ok(dir.dir.create_dir(path)?)
    }

    /// Attributes of a file.
    pub fn path_filestat_get(
        &mut self,
        memory: &mut dyn GuestMemory,
        fd: Fd,
        flags: LookupFlags,
        path: GuestStr,
    ) -> Result<Filestat> {
        let dir = self.dir(fd, Rights::PATH_FILESTAT_GET)?;
        let path = path.read_path(memory)?;
        Ok(filestat(&dir.metadata(&path, flags)?))
    }

    /// Sets the timestamps of a file.
    #[expect(clippy::too_many_arguments, reason = "preview 1 has so many")]
    pub fn path_filestat_set_times(
        &mut self,
        memory: &mut dyn GuestMemory,
        fd: Fd,
        flags: LookupFlags,
        path: GuestStr,
        atim: Timestamp,
        mtim: Timestamp,
        fst_flags: FstFlags,
    ) -> Result<()> {
        let times = FileTimes::new(&mut *self.clocks, atim, mtim, fst_flags)?;
        let dir = self.dir(fd, Rights::PATH_FILESTAT_SET_TIMES)?;
        let path = path.read_path(memory)?;
        dir.set_times(&path, flags, &times)
    }

    /// Creates a hard link. The last component of the old path is never followed.
    pub fn path_link(
        &mut self,
        memory: &mut dyn GuestMemory,
        old_fd: Fd,
        old_flags: LookupFlags,
        old_path: GuestStr,
        new_fd: Fd,
        new_path: GuestStr,
    ) -> Result<()> {
        let old_dir = self.dir(old_fd, Rights::PATH_LINK_SOURCE)?;
        let new_dir = self.dir(new_fd, Rights::PATH_LINK_TARGET)?;
        let old_path = old_path.read_path(memory)?;
        let new_path = new_path.read_path(memory)?;
        both_mutable(old_dir, new_dir)?;
        if old_flags.contains(LookupFlags::SYMLINK_FOLLOW) {
            return Err(Errno::Inval.into());
        }
        Ok(old_dir.dir.hard_link(old_path, &new_dir.dir, new_path)?)
    }

    /// Opens a file or directory. Of the rights that the guest asks for, those to read and write choose how; the
    /// others follow from what is opened.
    #[expect(clippy::too_many_arguments, reason = "preview 1 has so many")]
    pub fn path_open(
        &mut self,
        memory: &mut dyn GuestMemory,
        fd: Fd,
        flags: LookupFlags,
        path: GuestStr,
        oflags: OFlags,
        rights_base: Rights,
        _rights_inheriting: Rights,
        fdflags: FdFlags,
    ) -> Result<Fd> {
        let path = path.read_path(memory)?;
        let parent = self.table.get(fd)?;
        let dir = match &parent.kind {
            Kind::Directory(dir) => dir,
            Kind::File(_) => return Err(Errno::Notdir.into()),
            _ => return Err(Errno::Badf.into()),
        };
        parent.require(Rights::PATH_OPEN)?;
        if oflags.contains(OFlags::CREAT) {
            parent.require(Rights::PATH_CREATE_FILE)?;
        }
        if oflags.contains(OFlags::TRUNC) {
            parent.require_inheriting(Rights::FD_FILESTAT_SET_SIZE)?;
        }
        parent.require_inheriting(rights_base & (Rights::FD_READ | Rights::FD_WRITE))?;
        self.table.reserve()?;
        let opened = dir.open(&path, flags, oflags, rights_base, fdflags)?;
        let opened = parent.derive(opened);
        Ok(self.table.insert(opened)?)
    }

    /// Reads a symbolic link; what does not fit is cut off.
    pub fn path_readlink(
        &mut self,
        memory: &mut dyn GuestMemory,
        fd: Fd,
        path: GuestStr,
        ptr: u32,
        len: u32,
    ) -> Result<u32> {
        let dir = self.dir(fd, Rights::PATH_READLINK)?;
        let path = path.read_path(memory)?;
        let target = dir.dir.read_link(path)?.into_os_string().into_string();
        let target = target.map_err(|_| Errno::Ilseq)?;
        let target = &target.as_bytes()[..target.len().min(len as usize)];
        memory.store(ptr, 1, target)?;
        Ok(target.len() as u32)
    }

    /// Removes an empty directory.
    pub fn path_remove_directory(&mut self, memory: &mut dyn GuestMemory, fd: Fd, path: GuestStr) -> Result<()> {
        let dir = self.dir(fd, Rights::PATH_REMOVE_DIRECTORY)?;
        let path = path.read_path(memory)?;
        dir.mutable()?;
        // cap-std takes a final slash for a final dot, which cannot be removed.
        let name = match path.trim_end_matches('/') {
            "" => &path,
            name => name,
        };
        Ok(dir.dir.remove_dir(name)?)
    }

    /// Renames a file or directory.
    pub fn path_rename(
        &mut self,
        memory: &mut dyn GuestMemory,
        old_fd: Fd,
        old_path: GuestStr,
        new_fd: Fd,
        new_path: GuestStr,
    ) -> Result<()> {
        let old_dir = self.dir(old_fd, Rights::PATH_RENAME_SOURCE)?;
        let new_dir = self.dir(new_fd, Rights::PATH_RENAME_TARGET)?;
        let old_path = old_path.read_path(memory)?;
        let new_path = new_path.read_path(memory)?;
        both_mutable(old_dir, new_dir)?;
        // cap-std drops a final slash, which only a directory may have.
        if new_path.ends_with('/') && !old_dir.dir.symlink_metadata(&old_path)?.is_dir() {
            return match new_dir.dir.symlink_metadata(&new_path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
                _ => Err(Errno::Notdir.into()),
            };
        }
        Ok(old_dir.dir.rename(old_path, &new_dir.dir, new_path)?)
    }

    /// Creates a symbolic link, which must not be absolute.
    pub fn path_symlink(
        &mut self,
        memory: &mut dyn GuestMemory,
        target: GuestStr,
        fd: Fd,
        path: GuestStr,
    ) -> Result<()> {
        let dir = self.dir(fd, Rights::PATH_SYMLINK)?;
        let target = target.read_path(memory)?;
        let path = path.read_path(memory)?;
        dir.mutable()?;
        Ok(dir.dir.symlink(target, path)?)
    }

    /// Removes a file or a symbolic link.
    pub fn path_unlink_file(&mut self, memory: &mut dyn GuestMemory, fd: Fd, path: GuestStr) -> Result<()> {
        let dir = self.dir(fd, Rights::PATH_UNLINK_FILE)?;
        let path = path.read_path(memory)?;
        dir.mutable()?;
        Ok(dir.dir.remove_file_or_symlink(path)?)
    }
}
