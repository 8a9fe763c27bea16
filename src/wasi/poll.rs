//! `poll_oneoff`: waiting for time and descriptors together.
//!
//! Subscriptions are read once and bounded in number. Time is the guest's: where it is virtual, a wait that nothing
//! but time can end moves time on instead of sleeping.

use crate::clock::{Clock, Clocks};
use crate::ctx::WasiCtx;
use crate::errno::Errno;
use crate::error::Result;
use crate::memory::GuestMemory;
use crate::stream::Readiness;
use crate::table::{Kind, Table};
use crate::types::{Event, EventRwFlags, EventType, Fd, Record, Rights, SubclockFlags, Subscription, SubscriptionOn};
use crate::wait::SLICE;
use rustix::event::{PollFd, PollFlags};
use std::time::Duration;

/// Most subscriptions of one call.
pub const MAX_SUBSCRIPTIONS: u32 = 4096;

/// A subscription, resolved.
struct Wait {
    userdata: u64,
    on: On,
}

enum On {
    Time { clock: Clock, deadline: Duration },
    Descriptor { fd: Fd, write: bool },
}

/// How long until `deadline`, or `None` if it has passed.
fn left(clocks: &mut dyn Clocks, clock: Clock, deadline: Duration) -> Option<Duration> {
    deadline.checked_sub(clocks.now(clock)).filter(|left| !left.is_zero())
}

impl WasiCtx {
    fn resolve(&mut self, subscription: Subscription) -> Result<Wait> {
        let on = match subscription.on {
            SubscriptionOn::Clock { id, timeout, flags } => {
                let timeout = Duration::from_nanos(timeout);
                let clock = Clock::try_from(id).map_err(|()| Errno::Inval)?;
                if flags.contains(SubclockFlags::ABSTIME) {
                    let deadline = timeout;
                    On::Time { clock, deadline }
                } else {
                    // A duration is not affected when the wall clock is set.
                    let clock = Clock::Monotonic;
                    let deadline = self.clocks.now(clock).saturating_add(timeout);
                    On::Time { clock, deadline }
                }
            }
            SubscriptionOn::FdRead(fd) => self.resolve_descriptor(fd, false)?,
            SubscriptionOn::FdWrite(fd) => self.resolve_descriptor(fd, true)?,
        };
        Ok(Wait { userdata: subscription.userdata, on })
    }

    fn resolve_descriptor(&self, fd: Fd, write: bool) -> Result<On> {
        let descriptor = self.table.get(fd)?;
        descriptor.readiness(write)?;
        let right = match (&descriptor.kind, write) {
            (Kind::Listener(_), _) => Rights::SOCK_ACCEPT,
            (_, true) => Rights::FD_WRITE,
            (_, false) => Rights::FD_READ,
        };
        descriptor.require(right | Rights::POLL_FD_READWRITE)?;
        Ok(On::Descriptor { fd, write })
    }

    /// Waits until at least one of `count` subscriptions has an event, and writes the events.
    pub fn poll_oneoff(
        &mut self,
        memory: &mut dyn GuestMemory,
        subscriptions: u32,
        events: u32,
        count: u32,
    ) -> Result<u32> {
        if count == 0 || count > MAX_SUBSCRIPTIONS {
            return Err(Errno::Inval.into());
        }
        memory.check(subscriptions, u64::from(count * Subscription::SIZE), Subscription::ALIGN)?;
        let event_size = size_of::<<Event as Record>::Bytes>() as u32;
        memory.check(events, u64::from(count * event_size), Event::ALIGN)?;
        let mut waits = Vec::with_capacity(count as usize);
        for index in 0..count {
            let at = subscriptions + index * Subscription::SIZE;
            let subscription = Subscription::from_bytes(&memory.load(at, Subscription::ALIGN)?)?;
            waits.push(self.resolve(subscription)?);
        }
        let happened = loop {
            self.waiter.check()?;
            let happened = self.poll_once(&waits)?;
            if !happened.is_empty() {
                break happened;
            }
        };
        for (index, event) in (0..count).zip(&happened) {
            memory.store(events + index * event_size, Event::ALIGN, &event.to_bytes())?;
        }
        Ok(happened.len() as u32)
    }

    /// Waits once, for as long as the descriptors allow, and returns the events, in the order of subscription.
    fn poll_once(&mut self, waits: &[Wait]) -> Result<Vec<Event>> {
        let mut timeout: Option<Duration> = None;
        let mut due = vec![false; waits.len()];
        for (wait, due) in waits.iter().zip(&mut due) {
            if let On::Time { clock, deadline } = wait.on {
                let left = left(&mut *self.clocks, clock, deadline);
                *due = left.is_none();
                let left = left.unwrap_or(Duration::ZERO);
                timeout = Some(timeout.map_or(left, |timeout| timeout.min(left)));
            }
        }
        let time_alone = timeout.filter(|timeout| !timeout.is_zero());
        let mut fds = Vec::new();
        let mut polled = Vec::new();
        for (index, wait) in waits.iter().enumerate() {
            let On::Descriptor { fd, write } = wait.on else {
                continue;
            };
            match self.table.get(fd)?.readiness(write)? {
                Readiness::Ready => {
                    due[index] = true;
                    timeout = Some(Duration::ZERO);
                }
                Readiness::Pending => {
                    timeout = Some(timeout.map_or(SLICE, |timeout| timeout.min(SLICE)));
                }
                Readiness::Fd(fd) => {
                    let interest = if write { PollFlags::OUT } else { PollFlags::IN };
                    fds.push(PollFd::from_borrowed_fd(fd, interest));
                    polled.push(index);
                }
            }
        }
        let mut ready = 0;
        if !fds.is_empty() {
            ready = self.waiter.poll(&mut fds, Some(Duration::ZERO))?;
        }
        if ready == 0 && !due.contains(&true) {
            match time_alone {
                Some(time) if self.clocks.skip(time) => {}
                _ => {
                    self.waiter.poll(&mut fds, timeout)?;
                }
            }
        }
        let mut hangup = vec![false; waits.len()];
        for (fd, index) in fds.iter().zip(polled) {
            due[index] = !fd.revents().is_empty();
            hangup[index] = fd.revents().contains(PollFlags::HUP);
        }
        let happened = waits.iter().zip(due.into_iter().zip(hangup)).filter(|(_, (due, _))| *due);
        happened.map(|(wait, (_, hangup))| event(&self.table, wait, hangup)).collect()
    }
}

fn event(table: &Table, wait: &Wait, hangup: bool) -> Result<Event> {
    let (event_type, nbytes, hangup) = match wait.on {
        On::Time { .. } => (EventType::Clock, 0, false),
        On::Descriptor { write: true, .. } => (EventType::FdWrite, 1, hangup),
        On::Descriptor { fd, write: false } => match &table.get(fd)?.kind {
            Kind::File(file) => match file.remaining()? {
                Some(remaining) => (EventType::FdRead, remaining, remaining == 0),
                None => (EventType::FdRead, 1, hangup),
            },
            _ => (EventType::FdRead, 1, hangup),
        },
    };
    let mut flags = EventRwFlags::empty();
    flags.set(EventRwFlags::HANGUP, hangup);
    Ok(Event { userdata: wait.userdata, event_type, nbytes, flags })
}
