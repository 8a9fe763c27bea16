//! Preview 1 through the table of functions, as a guest calls it.

mod args;
mod clock;
mod descriptors;
mod fdstat;
mod file;
mod guest;
mod interrupt;
mod limits;
mod path;
mod poll;
mod process;
mod random;
mod readdir;
mod readonly;
mod sandbox;
mod signatures;
mod sock;
mod stdio;
