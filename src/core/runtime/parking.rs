//! Threads that sleep in `memory.atomic.wait` until `memory.atomic.notify`.
//!
//! One lock guards all queues of a memory. The expected value is compared, and the waiter queued, under it; a notifier
//! takes it too, so no wake-up between the two is lost. A queue is first in, first out.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use terrace_abi::TrapKind;

use super::memory::Poll;

/// How often a waiter with an interruption check wakes up to look.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// How a wait ended. The discriminants are the results of `memory.atomic.wait`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum WaitOutcome {
    /// Another thread notified this one.
    Woken = 0,
    /// The memory did not hold the expected value.
    NotEqual = 1,
    /// The timeout passed first.
    TimedOut = 2,
}

/// The waiters of one shared memory, queued by address.
#[derive(Debug, Default)]
pub struct ParkingLot {
    queues: Mutex<Queues>,
}

type Queues = HashMap<u64, VecDeque<Arc<Waiter>>>;

/// One sleeping thread.
#[derive(Debug, Default)]
struct Waiter {
    /// Set under the lot's lock by whoever takes the waiter out of its queue to wake it.
    woken: AtomicBool,
    signal: Condvar,
}

impl Waiter {
    fn is_woken(&self) -> bool {
        self.woken.load(Ordering::Relaxed)
    }
}

impl ParkingLot {
    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps at `addr` if `still_equal` holds, until notified or until `timeout` passes (`None`: for ever). With a
    /// `poll`, it is asked at least every 10 ms, and its error ends the wait.
    pub fn wait(
        &self,
        addr: u64,
        still_equal: impl FnOnce() -> bool,
        timeout: Option<Duration>,
        mut poll: Option<&mut Poll<'_>>,
    ) -> Result<WaitOutcome, TrapKind> {
        let mut queues = self.lock();
        if !still_equal() {
            return Ok(WaitOutcome::NotEqual);
        }
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let waiter = Arc::new(Waiter::default());
        queues.entry(addr).or_default().push_back(Arc::clone(&waiter));
        loop {
            if waiter.is_woken() {
                return Ok(WaitOutcome::Woken);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                remove(&mut queues, addr, &waiter);
                return Ok(WaitOutcome::TimedOut);
            }
            let nap = match poll {
                Some(_) => Some(left.map_or(POLL_INTERVAL, |left| left.min(POLL_INTERVAL))),
                None => left,
            };
            queues = match nap {
                Some(nap) => {
                    let woken = waiter.signal.wait_timeout(queues, nap);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => waiter.signal.wait(queues).unwrap_or_else(PoisonError::into_inner),
            };
            if let Some(poll) = poll.as_mut().filter(|_| !waiter.is_woken()) {
                // The check is the caller's code: it must not run under the lock.
                drop(queues);
                let verdict = poll();
                queues = self.lock();
                if let Err(trap) = verdict {
                    remove(&mut queues, addr, &waiter);
                    return Err(trap);
                }
            }
        }
    }

    /// Wakes at most `count` waiters at `addr`, the longest waiting first, and returns how many.
    pub fn notify(&self, addr: u64, count: u32) -> u32 {
        let mut queues = self.lock();
        let Some(queue) = queues.get_mut(&addr) else {
            return 0;
        };
        let woken = queue.len().min(usize::try_from(count).unwrap_or(usize::MAX));
        for waiter in queue.drain(..woken) {
            waiter.woken.store(true, Ordering::Relaxed);
            waiter.signal.notify_one();
        }
        if queue.is_empty() {
            queues.remove(&addr);
        }
        u32::try_from(woken).unwrap_or(count)
    }
}

/// Takes a waiter that gives up out of its queue.
fn remove(queues: &mut Queues, addr: u64, waiter: &Arc<Waiter>) {
    if let Some(queue) = queues.get_mut(&addr) {
        queue.retain(|queued| !Arc::ptr_eq(queued, waiter));
        if queue.is_empty() {
            queues.remove(&addr);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    impl ParkingLot {
        fn waiting(&self, addr: u64) -> usize {
            self.lock().get(&addr).map_or(0, VecDeque::len)
        }

        fn until_waiting(&self, addr: u64, count: usize) {
            while self.waiting(addr) != count {
                thread::yield_now();
            }
        }
    }

    #[test]
    fn a_different_value_does_not_wait() {
        let lot = ParkingLot::default();
        assert_eq!(lot.wait(8, || false, None, None), Ok(WaitOutcome::NotEqual));
        assert_eq!(lot.waiting(8), 0);
    }

    #[test]
    fn timeouts_pass_and_leave_nothing_behind() {
        let lot = ParkingLot::default();
        for timeout in [Duration::ZERO, Duration::from_millis(15)] {
            let start = Instant::now();
            assert_eq!(lot.wait(8, || true, Some(timeout), None), Ok(WaitOutcome::TimedOut));
            assert!(start.elapsed() >= timeout);
            let poll: &mut Poll<'_> = &mut || Ok(());
            assert_eq!(lot.wait(8, || true, Some(timeout), Some(poll)), Ok(WaitOutcome::TimedOut));
        }
        assert!(lot.lock().is_empty());
        assert_eq!(lot.notify(8, u32::MAX), 0);
    }

    #[test]
    fn the_longest_waiting_wakes_first() {
        let lot = ParkingLot::default();
        let (order, woken) = mpsc::channel();
        thread::scope(|scope| {
            for id in 0..4 {
                let (lot, order) = (&lot, order.clone());
                scope.spawn(move || {
                    assert_eq!(lot.wait(16, || true, None, None), Ok(WaitOutcome::Woken));
                    order.send(id).unwrap();
                });
                lot.until_waiting(16, id + 1);
            }
            assert_eq!(lot.notify(24, 9), 0);
            assert_eq!(lot.notify(16, 0), 0);
            for id in 0..2 {
                assert_eq!(lot.notify(16, 1), 1);
                assert_eq!(woken.recv(), Ok(id));
            }
            assert_eq!(lot.notify(16, 9), 2);
        });
        assert!(lot.lock().is_empty());
    }

    #[test]
    fn an_interruption_ends_an_endless_wait() {
        let lot = ParkingLot::default();
        let mut polls = 0;
        let poll: &mut Poll<'_> = &mut || {
            polls += 1;
            assert!(lot.queues.try_lock().is_ok());
            if polls == 3 { Err(TrapKind::Interrupt) } else { Ok(()) }
        };
        assert_eq!(lot.wait(8, || true, None, Some(poll)), Err(TrapKind::Interrupt));
        assert_eq!(polls, 3);
        assert!(lot.lock().is_empty());
    }

    #[test]
    fn a_polling_waiter_is_woken() {
        let lot = ParkingLot::default();
        thread::scope(|scope| {
            scope.spawn(|| {
                let poll: &mut Poll<'_> = &mut || Ok(());
                assert_eq!(lot.wait(8, || true, None, Some(poll)), Ok(WaitOutcome::Woken));
            });
            lot.until_waiting(8, 1);
            assert_eq!(lot.notify(8, 1), 1);
        });
    }
}
