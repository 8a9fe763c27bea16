//! What the protocols between threads are built from, under names that a model checker can give to its own.

pub(super) use std::sync::atomic::{AtomicU8, AtomicU64, Ordering, fence};
pub(super) use std::sync::{Arc, Mutex, PoisonError};
