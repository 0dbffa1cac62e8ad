//! O8: the device does not become slower for good, and does not flood or multiply what it is sent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::Timestamp;
use protocol::frame::Frame;

use super::{About, Charge, Class, Code, HARM, Oracle, Suspicion};
use crate::{Seen, What};

/// What oracles keep beyond one episode: for the whole of a campaign. Copies share it.
#[derive(Clone, Debug, Default)]
pub struct Lasting {
    /// The address of the canary, if one listens: `127.0.0.1:40123`.
    pub canary: Option<String>,
    /// Latencies; only where time is real.
    latency: Option<Arc<Mutex<Latency>>>,
}

impl Lasting {
    /// For a campaign against a device on the network.
    pub fn in_real_time(canary: Option<String>) -> Lasting {
        Lasting { canary, latency: Some(Arc::default()) }
    }
}

/// Latencies of plain calls, in windows.
#[derive(Debug, Default)]
struct Latency {
    window: Vec<u64>,
    /// The 95th percentile of each window that is full, in microseconds.
    percentiles: Vec<u64>,
    baseline: Option<u64>,
    told: Option<Class>,
}

/// So many calls make a window.
const WINDOW: usize = 500;
/// So many windows make the baseline, and as many in a row have to be slow.
const WINDOWS: usize = 6;

impl Latency {
    /// Notes how long a call took; tells when the device has become slow for good: how much.
    fn took(&mut self, took: Duration) -> Option<(Class, u64, u64)> {
        self.window.push(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        if self.window.len() < WINDOW {
            return None;
        }
        self.window.sort_unstable();
        let percentile = self.window[WINDOW * 95 / 100];
        self.window.clear();
        self.percentiles.push(percentile);
        if self.percentiles.len() > WINDOWS {
            self.percentiles.remove(0);
        }
        if self.percentiles.len() < WINDOWS {
            return None;
        }
        let Some(baseline) = self.baseline else {
            let mut sorted = self.percentiles.clone();
            sorted.sort_unstable();
            self.baseline = Some(sorted[WINDOWS / 2]);
            self.percentiles.clear();
            return None;
        };
        // The best of the last windows: a slow moment of the machine that we run on is no drift.
        let least = self.percentiles.iter().copied().min().unwrap_or(0);
        let class = if least > (baseline * 20).max(baseline + 100_000) {
            Class::Robustness
        } else if least > (baseline * 5).max(baseline + 20_000) {
            Class::Compatibility
        } else {
            return None;
        };
        if self.told.is_some_and(|told| told <= class) {
            return None;
        }
        self.told = Some(class);
        Some((class, baseline, least))
    }
}

/// Watches the latency of plain calls, floods and amplification.
#[derive(Debug)]
pub(super) struct Drift {
    latency: Option<Arc<Mutex<Latency>>>,
    since: Timestamp,
    sent: usize,
    called: usize,
    flooded: bool,
    multiplied: bool,
}

/// The time over which calls of the device are counted.
const SPELL: Duration = Duration::from_secs(10);
/// So many calls of its own are never a flood in that time.
const CALLS: usize = 300;
/// So many more for each message of ours: one can ask for many.
const CALLS_EACH: usize = 100;
/// An error this long, and this much longer than what caused it, multiplies what it is sent.
const LONG_ERROR: usize = 64 * 1024;

impl Drift {
    pub(super) fn new(lasting: &Lasting) -> Drift {
        let latency = lasting.latency.clone();
        Drift { latency, since: Timestamp(0), sent: 0, called: 0, flooded: false, multiplied: false }
    }
}

impl Oracle for Drift {
    fn code(&self) -> Code {
        Code::O8
    }

    fn saw(&mut self, seen: &Seen, about: &About<'_>, suspicions: &mut Vec<Suspicion>) {
        let mut suspect = |class, path: &str, sentence: String, bytes: &[u8]| {
            let (path, reply) = (path.to_owned(), "drift".to_owned());
            let charge = Charge { oracle: Code::O8, rule: HARM, class, action: "?", path, reply, sentence, bytes };
            about.suspect(seen, charge, suspicions);
        };
        match &seen.what {
            What::Sent { .. } => self.sent += 1,
            What::Received { bytes, reading, answers, took } => match &reading.frame {
                Some(Frame::Call { .. }) => {
                    if seen.at.since(self.since) > SPELL {
                        (self.since, self.called, self.sent) = (seen.at, 0, 0);
                    }
                    self.called += 1;
                    if !self.flooded && self.called > CALLS + CALLS_EACH * self.sent {
                        self.flooded = true;
                        let sentence = format!("{} calls of its own within {} s", self.called, SPELL.as_secs());
                        suspect(Class::Robustness, "flood", sentence, bytes);
                    }
                }
                Some(Frame::Result { .. }) => {
                    let plain = answers.as_ref().filter(|call| call.deserved.is_legal_call());
                    if let (Some(_), Some(took), Some(latency)) = (plain, took, &self.latency)
                        && let Ok(mut latency) = latency.lock()
                        && let Some((class, before, now)) = latency.took(*took)
                    {
                        let (before, now) = (Duration::from_micros(before), Duration::from_micros(now));
                        let sentence =
                            format!("95 of 100 calls took up to {before:?} at first, and now take {now:?} for good");
                        suspect(class, "latency", sentence, &[]);
                    }
                }
                Some(Frame::Error { .. })
                    if !self.multiplied
                        && bytes.len() > LONG_ERROR
                        && bytes.len() > 10 * about.last_sent.len().max(1) =>
                {
                    self.multiplied = true;
                    let sentence = format!("a refusal of {} bytes", bytes.len());
                    suspect(Class::Compatibility, "amplification", sentence, bytes);
                }
                _ => {}
            },
            What::Other { name: "flood", length } if !self.flooded => {
                self.flooded = true;
                let sentence = format!("more than {length} messages after one of ours");
                suspect(Class::Robustness, "flood", sentence, about.last_sent.as_bytes());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Role, Version};

    use super::super::told::Told;
    use super::*;

    fn run(latency: &mut Latency, count: usize, micros: u64) -> Vec<Class> {
        (0..count)
            .filter_map(|at| latency.took(Duration::from_micros(micros + at as u64 % 50)).map(|(class, ..)| class))
            .collect()
    }

    #[test]
    fn a_device_that_becomes_slow_for_good_is_found_once() {
        let mut latency = Latency::default();
        assert_eq!(run(&mut latency, WINDOW * WINDOWS * 3, 200), []);
        assert_eq!(run(&mut latency, WINDOW * WINDOWS * 3, 30_000), [Class::Compatibility]);
        assert_eq!(run(&mut latency, WINDOW * WINDOWS * 3, 300_000), [Class::Robustness]);
    }

    #[test]
    fn a_slow_moment_is_no_drift() {
        let mut latency = Latency::default();
        run(&mut latency, WINDOW * WINDOWS, 200);
        for _ in 0..20 {
            assert_eq!(run(&mut latency, WINDOW * (WINDOWS - 1), 300_000), []);
            assert_eq!(run(&mut latency, WINDOW * 2, 200), []);
        }
    }

    #[test]
    fn a_flood_is_found_and_ordinary_traffic_is_not() {
        let mut told = Told::new(Role::Station, Version::V16);
        told.booted(0);
        for _ in 0..CALLS - 1 {
            told.received(0, r#"[2,"1","Heartbeat",{}]"#);
        }
        assert_eq!(told.judge(&mut Drift::new(&Lasting::default())), []);
        for _ in 0..10 {
            told.received(0, r#"[2,"1","Heartbeat",{}]"#);
        }
        assert_eq!(told.judge(&mut Drift::new(&Lasting::default()))[0].path, "flood");
    }

    #[test]
    fn a_refusal_that_multiplies_is_found() {
        let mut told = Told::new(Role::Csms, Version::V16);
        told.call(0, "1", r#"[2,"1","Foo",{}]"#);
        told.answer(0, &format!(r#"[4,"1","NotImplemented","{}",{{}}]"#, "x".repeat(LONG_ERROR)));
        assert_eq!(told.judge(&mut Drift::new(&Lasting::default()))[0].path, "amplification");
    }
}
