//! What a guest is given, from the command line.

use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;

use terrace_wasi::{WasiCtx, WasiCtxBuilder};

use crate::args::RunArgs;
use crate::failure::{Failure, Result};
use crate::timeout::Timeout;

/// Any number does: runs are to be equal, not unpredictable.
const SEED: u64 = 0;

/// The context of the guest: our streams, its arguments, and what was named.
pub fn context(args: &RunArgs, timeout: Option<&Timeout>) -> Result<WasiCtx> {
    let mut builder = WasiCtxBuilder::new();
    builder.inherit_stdio();
    let file = args.file();
    builder.arg(args.argv0.as_deref().unwrap_or(file.as_os_str()).as_bytes());
    if args.invoke.is_none() {
        builder.args(args.guest_args().iter().map(|arg| arg.as_bytes()));
    }
    for variable in &args.env {
        let ours = || std::env::var_os(&variable.name);
        if let Some(value) = variable.value.clone().or_else(ours) {
            builder.env(variable.name.as_bytes(), value.as_bytes());
        }
    }
    for dir in &args.dirs {
        let opened = builder.preopened_dir(&dir.host, dir.guest.as_str(), dir.perms);
        opened.map_err(|error| Failure::file(&dir.host, format_args!("cannot open the directory: {error}")))?;
    }
    for address in &args.tcp_listen {
        let listener = TcpListener::bind(address).and_then(|listener| builder.preopened_listener(listener).map(drop));
        listener.map_err(|error| Failure::bad(format_args!("cannot listen on {address}: {error}")))?;
    }
    if args.engine.deterministic {
        builder.deterministic(SEED);
    }
    if let Some(timeout) = timeout.cloned() {
        builder.interruption_check(std::sync::Arc::new(move || timeout.expired()));
    }
    builder.build().map_err(|error| Failure::bad(format_args!("cannot set up the guest: {error}")))
}
