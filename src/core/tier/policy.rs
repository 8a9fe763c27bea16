//! What decides when functions are compiled.
//!
//! A policy is a pure function of the events that it has seen: it reads no clock, counter or file while it decides. The same events
//! therefore give the same actions, so that a run can be recorded and replayed against any other policy. What it may know besides its own
//! state is a [`ProfileView`], which is folded from the same events.
//!
//! Functions are named by their index among those that their module defines.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::profile::ProfileView;

/// A budget that is never asked about again, in practice.
pub const FOREVER: u32 = i32::MAX as u32;

/// A place of a function that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Site {
    /// Its entry.
    Entry,
    /// The loop with this id, whose body begins.
    Loop(u32),
}

impl Site {
    /// The place that a `profile` instruction of bytecode names.
    pub fn from_field(field: u32) -> Site {
        field.checked_sub(1).map_or(Site::Entry, Site::Loop)
    }
}

/// Something that a policy may act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The module is there; nothing of it has run.
    ModuleLoaded {
        /// Functions that it defines.
        functions: u32,
        /// Bytes of their bodies.
        bytes: u64,
    },
    /// A function that is not compiled has used up its budget.
    Hot {
        /// The function.
        function: u32,
        /// Where it is.
        at: Site,
    },
    /// A function runs as machine code from now on.
    Compiled {
        /// The function.
        function: u32,
        /// Bytes of machine code.
        bytes: u64,
        /// What it took to make them.
        nanoseconds: u64,
    },
    /// A function cannot be compiled.
    Failed {
        /// The function.
        function: u32,
    },
    /// A function's code does not fit below the limit of code bytes.
    Refused {
        /// The function.
        function: u32,
    },
    /// A function's code is not called any more.
    Evicted {
        /// The function.
        function: u32,
    },
}

/// Who compiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The thread that asks, before it goes on.
    #[default]
    Sync,
    /// The compile threads, while execution goes on.
    Background,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::Sync => "sync",
            Mode::Background => "background",
        })
    }
}

impl FromStr for Mode {
    type Err = ();

    fn from_str(text: &str) -> Result<Mode, ()> {
        [Mode::Sync, Mode::Background].into_iter().find(|mode| mode.to_string() == text).ok_or(())
    }
}

/// What to do about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing; of a hot function: it is not asked about again.
    Nothing,
    /// The hot function goes on as it is, until it has used up this much more.
    Continue {
        /// The budget, at most [`FOREVER`].
        budget: u32,
    },
    /// The function is compiled.
    Compile {
        /// The function.
        function: u32,
        /// Who compiles.
        mode: Mode,
        /// Activations that are in one of its loops go over to machine code there.
        osr: bool,
    },
    /// Every function is compiled.
    CompileAll {
        /// Who compiles.
        mode: Mode,
        /// As for [`Action::Compile`].
        osr: bool,
    },
    /// The function, if it is compiled, is interpreted again, with the budget that it had at first.
    Evict {
        /// The function.
        function: u32,
    },
}

/// Decides when functions are compiled: one value for each module.
pub trait Policy: Send {
    /// Decides about an event, which the profile already has.
    fn on_event(&mut self, event: Event, profile: &ProfileView<'_>) -> Action;

    /// What a function may use before it is reported as hot for the first time. Asked once for each function, behind
    /// [`Event::ModuleLoaded`].
    fn budget(&self, function: u32, profile: &ProfileView<'_>) -> u32;

    /// What control takes off the budget of its function when it comes by a place: one whose code, the function's or the loop's, has so
    /// many bytes.
    fn weight(&self, site: Site, bytes: u32) -> u32;
}
