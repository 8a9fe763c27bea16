//! What a guest is given. Nothing is given that is not named here.

use crate::clock::{Clocks, SystemClocks, VirtualClocks};
use crate::ctx::WasiCtx;
use crate::dir::Directory;
use crate::errno::Errno;
use crate::random::{Random, SeededRandom, SystemRandom};
use crate::sock::Listener;
use crate::stream::{ClosedInputStream, FdStream, InputStream, MemoryInputPipe, OutputStream, SinkOutputStream};
use crate::table::{Kind, Table};
use crate::wait::{InterruptionCheck, Waiter};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use std::io::{self, Write};
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What a guest may do beneath a preopened directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FsPerms {
    /// Read files, list directories, read attributes; change nothing.
    ReadOnly,
    /// Everything.
    ReadWrite,
}

/// Most descriptors that a guest has open, unless [`WasiCtxBuilder::max_descriptors`] says otherwise. Below the usual
/// limit of a process, so that a guest cannot use up its host's.
pub const DEFAULT_MAX_DESCRIPTORS: u32 = 512;

/// Collects what a guest is given and makes a [`WasiCtx`] of it.
///
/// By default a guest has no arguments, no environment, no directories and no sockets; its standard input is closed,
/// what it prints is dropped, and time and random bytes are the host's.
pub struct WasiCtxBuilder {
    args: Vec<Vec<u8>>,
    environ: Vec<Vec<u8>>,
    stdin: Box<dyn InputStream>,
    stdout: Box<dyn OutputStream>,
    stderr: Box<dyn OutputStream>,
    directories: Vec<Directory>,
    listeners: Vec<Listener>,
    clocks: Box<dyn Clocks>,
    random: Box<dyn Random>,
    max_descriptors: u32,
    check: Option<InterruptionCheck>,
}

impl Default for WasiCtxBuilder {
    fn default() -> Self {
        WasiCtxBuilder {
            args: Vec::new(),
            environ: Vec::new(),
            stdin: Box::new(ClosedInputStream),
            stdout: Box::new(SinkOutputStream),
            stderr: Box::new(SinkOutputStream),
            directories: Vec::new(),
            listeners: Vec::new(),
            clocks: Box::new(SystemClocks::new()),
            random: Box::new(SystemRandom),
            max_descriptors: DEFAULT_MAX_DESCRIPTORS,
            check: None,
        }
    }
}

impl std::fmt::Debug for WasiCtxBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WasiCtxBuilder").finish_non_exhaustive()
    }
}

impl WasiCtxBuilder {
    /// A builder that gives nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a command-line argument; the first is the program's name.
    pub fn arg(&mut self, arg: impl AsRef<[u8]>) -> &mut Self {
        self.args.push(arg.as_ref().to_vec());
        self
    }

    /// Adds command-line arguments.
    pub fn args<A: AsRef<[u8]>>(&mut self, args: impl IntoIterator<Item = A>) -> &mut Self {
        for arg in args {
            self.arg(arg);
        }
        self
    }

    /// Adds the host's command-line arguments.
    pub fn inherit_args(&mut self) -> &mut Self {
        self.args(std::env::args_os().map(|arg| arg.as_bytes().to_vec()))
    }

    /// Adds an environment variable.
    pub fn env(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> &mut Self {
        self.environ.push([key.as_ref(), b"=", value.as_ref()].concat());
        self
    }

    /// Adds environment variables.
    pub fn envs<K: AsRef<[u8]>, V: AsRef<[u8]>>(&mut self, variables: impl IntoIterator<Item = (K, V)>) -> &mut Self {
        for (key, value) in variables {
            self.env(key, value);
        }
        self
    }

    /// Adds the host's environment variables.
    pub fn inherit_env(&mut self) -> &mut Self {
        for (key, value) in std::env::vars_os() {
            self.env(key.as_bytes(), value.as_bytes());
        }
        self
    }

    /// Replaces the standard input.
    pub fn stdin(&mut self, stream: impl InputStream + 'static) -> &mut Self {
        self.stdin = Box::new(stream);
        self
    }

    /// Gives the guest these bytes as standard input.
    pub fn stdin_bytes(&mut self, bytes: impl Into<Vec<u8>>) -> &mut Self {
        self.stdin(MemoryInputPipe::new(bytes))
    }

    /// Replaces the standard output.
    pub fn stdout(&mut self, stream: impl OutputStream + 'static) -> &mut Self {
        self.stdout = Box::new(stream);
        self
    }

    /// Replaces the standard error output.
    pub fn stderr(&mut self, stream: impl OutputStream + 'static) -> &mut Self {
        self.stderr = Box::new(stream);
        self
    }

    /// Uses the host's standard input.
    pub fn inherit_stdin(&mut self) -> &mut Self {
        self.stdin(FdStream::new(io::stdin()))
    }

    /// Uses the host's standard output, without buffering.
    pub fn inherit_stdout(&mut self) -> &mut Self {
        // What the host has printed so far comes first; if that fails, so will what the guest prints.
        let _ = io::stdout().flush();
        self.stdout(FdStream::new(io::stdout()))
    }

    /// Uses the host's standard error output.
    pub fn inherit_stderr(&mut self) -> &mut Self {
        self.stderr(FdStream::new(io::stderr()))
    }

    /// Uses the host's three standard streams.
    pub fn inherit_stdio(&mut self) -> &mut Self {
        self.inherit_stdin().inherit_stdout().inherit_stderr()
    }

    /// Gives the guest a directory of the host under the name `guest_path`. Its descriptors follow the standard
    /// streams, in order.
    pub fn preopened_dir(
        &mut self,
        host_path: impl AsRef<Path>,
        guest_path: impl Into<String>,
        perms: FsPerms,
    ) -> io::Result<&mut Self> {
        let dir = Dir::open_ambient_dir(host_path, ambient_authority())?;
        Ok(self.preopened_cap_dir(dir, guest_path, perms))
    }

    /// Gives the guest an open directory under the name `guest_path`.
    pub fn preopened_cap_dir(&mut self, dir: Dir, guest_path: impl Into<String>, perms: FsPerms) -> &mut Self {
        self.directories.push(Directory::preopened(dir, guest_path.into(), perms));
        self
    }

    /// Gives the guest a listening socket. Its descriptors follow the directories, as C libraries stop looking for
    /// directories at the first descriptor that is none.
    pub fn preopened_listener(&mut self, listener: TcpListener) -> io::Result<&mut Self> {
        self.listeners.push(Listener::new(listener)?);
        Ok(self)
    }

    /// Replaces the clocks.
    pub fn clocks(&mut self, clocks: impl Clocks + 'static) -> &mut Self {
        self.clocks = Box::new(clocks);
        self
    }

    /// Replaces the source of random bytes.
    pub fn random(&mut self, random: impl Random + 'static) -> &mut Self {
        self.random = Box::new(random);
        self
    }

    /// Makes time virtual and random bytes a function of `seed`, so that runs can be repeated.
    pub fn deterministic(&mut self, seed: u64) -> &mut Self {
        self.clocks(VirtualClocks::default()).random(SeededRandom::new(seed))
    }

    /// Sets how many descriptors the guest may have open.
    pub fn max_descriptors(&mut self, max: u32) -> &mut Self {
        self.max_descriptors = max;
        self
    }

    /// Installs a check that is asked while a call waits, and ends the guest when it answers `true`.
    pub fn interruption_check(&mut self, check: InterruptionCheck) -> &mut Self {
        self.check = Some(check);
        self
    }

    /// Makes the context and leaves the builder as new. Fails with [`Errno::Mfile`] where more was given than
    /// [`Self::max_descriptors`] permits.
    pub fn build(&mut self) -> Result<WasiCtx, Errno> {
        let this = std::mem::take(self);
        let mut table = Table::new(this.max_descriptors);
        let kinds = [Kind::Input(this.stdin)]
            .into_iter()
            .chain([this.stdout, this.stderr].map(Kind::Output))
            .chain(this.directories.into_iter().map(Kind::Directory))
            .chain(this.listeners.into_iter().map(Kind::Listener));
        for kind in kinds {
            table.insert(kind.into())?;
        }
        Ok(WasiCtx {
            args: this.args,
            environ: this.environ,
            table,
            clocks: this.clocks,
            random: this.random,
            waiter: Waiter { check: this.check },
        })
    }
}
