//! O8: the device does not become slower for good, and does not flood or multiply what it is sent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::Timestamp;
use protocol::frame::Frame;
use serde_json::Value;

use super::validity::Given;
use super::{About, Charge, Class, Code, HARM, Oracle, Suspicion};
use crate::{Seen, What};

/// What oracles keep beyond one episode: for the whole of a campaign. Copies share it.
#[derive(Clone, Debug, Default)]
pub struct Lasting {
    /// The address of the canary, if one listens: `127.0.0.1:40123`.
    pub canary: Option<String>,
    /// Latencies; only where time is real.
    latency: Option<Arc<Mutex<Latency>>>,
    /// The odd values that a device has from us; one that is made anew for each episode has none of before.
    given: Option<Arc<Mutex<Given>>>,
}

impl Lasting {
    /// For a campaign against a device on the network.
    pub fn in_real_time(canary: Option<String>) -> Lasting {
        Lasting { canary, latency: Some(Arc::default()), given: Some(Arc::default()) }
    }

    /// What the device has from us.
    pub(super) fn given(&self) -> Arc<Mutex<Given>> {
        self.given.clone().unwrap_or_default()
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

/// Latencies where time is virtual: there a device is slow only of its own will.
#[derive(Debug, Default)]
struct Climb {
    last: Duration,
    rises: usize,
}

/// So many answers in a row, each slower than the one before, are no accident.
const RISES: usize = 12;
/// What takes less than this, nobody feels.
const FELT: Duration = Duration::from_millis(20);

impl Climb {
    /// Notes how long an answer took; whether it is slow, after it took longer again and again. Tells so once.
    fn took(&mut self, took: Duration) -> bool {
        self.rises = if took > self.last { self.rises + 1 } else { 0 };
        self.last = took;
        self.rises == RISES && took >= FELT
    }
}

/// Watches the latency of plain calls, floods and amplification.
#[derive(Debug)]
pub(super) struct Drift {
    latency: Option<Arc<Mutex<Latency>>>,
    climb: Climb,
    since: Timestamp,
    sent: usize,
    /// How long what we sent under an id was.
    lengths: HashMap<String, usize>,
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
/// An error so many times as long as what caused it may multiply what it is sent.
const MULTIPLE: usize = 10;
/// From this length on, if it holds as many copies.
const AMPLE: usize = 2 * 1024;
/// From this length on, whatever it holds.
const LONG_ERROR: usize = 64 * 1024;
/// So many calls are remembered.
const REMEMBERED: usize = 1024;

impl Drift {
    pub(super) fn new(lasting: &Lasting) -> Drift {
        let latency = lasting.latency.clone();
        Drift {
            latency,
            climb: Climb::default(),
            since: Timestamp(0),
            sent: 0,
            lengths: HashMap::new(),
            called: 0,
            flooded: false,
            multiplied: false,
        }
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
        if let What::Received { took: Some(took), .. } = &seen.what
            && self.latency.is_none()
            && self.climb.took(*took)
        {
            let sentence = format!("each of {RISES} answers took longer than the one before, the last one {took:?}");
            suspect(Class::Robustness, "latency", sentence, &[]);
        }
        match &seen.what {
            What::Sent { bytes, deserved } => {
                self.sent += 1;
                if let Some(id) = &deserved.id {
                    if self.lengths.len() >= REMEMBERED {
                        self.lengths.clear();
                    }
                    self.lengths.insert(id.clone(), bytes.len());
                }
            }
            What::Received { bytes, reading, answers, took } => match &reading.frame {
                // What waited for a link, or for an answer, comes all at once.
                Some(Frame::Call { action, payload, .. }) if is_late(action, payload, seen.at) => {}
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
                Some(Frame::Error { id, .. }) if !self.multiplied => {
                    let Some(length) = self.lengths.get(id).filter(|length| bytes.len() > MULTIPLE * **length) else {
                        return;
                    };
                    // The id stands in every copy of the call. What is long by what it says itself does not grow.
                    let copies = occurrences(bytes, id).saturating_sub(1);
                    let sentence = format!("a refusal of {} bytes to {length} bytes", bytes.len());
                    if copies >= MULTIPLE && bytes.len() > AMPLE {
                        self.multiplied = true;
                        let sentence = format!("{sentence}, with what it refuses {copies} times over");
                        suspect(Class::Robustness, "amplification", sentence, bytes);
                    } else if bytes.len() > LONG_ERROR {
                        self.multiplied = true;
                        suspect(Class::Compatibility, "amplification", sentence, bytes);
                    }
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

/// How often an id stands in a message.
fn occurrences(bytes: &[u8], id: &str) -> usize {
    // A short one may stand there by chance.
    let id = Some(id.as_bytes()).filter(|id| id.len() >= 8);
    id.map_or(0, |id| bytes.windows(id.len()).filter(|window| *window == id).count())
}

/// Whether a transaction message tells of a time that is over: those are kept and delivered later (R-151).
fn is_late(action: &str, payload: &Value, now: Timestamp) -> bool {
    const LATE: Duration = Duration::from_secs(10);
    let told = match action {
        "MeterValues" => payload.pointer("/meterValue/0/timestamp"),
        "StartTransaction" | "StopTransaction" | "TransactionEvent" => payload.get("timestamp"),
        _ => None,
    };
    told.and_then(Value::as_str).and_then(Timestamp::parse).is_some_and(|told| now.since(told) > LATE)
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
    fn where_time_is_virtual_a_climb_is_found_and_one_long_wait_is_not() {
        let climbs = |waits: &[u64]| {
            let mut climb = Climb::default();
            waits.iter().filter(|wait| climb.took(Duration::from_millis(**wait))).count()
        };
        assert_eq!(climbs(&(0..40).map(|at| at * 5).collect::<Vec<_>>()), 1);
        assert_eq!(climbs(&[0, 0, 5000, 0, 60_000, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]), 0);
        assert_eq!(climbs(&[10; 40]), 0);
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

    fn refused(call: &str, description: &str) -> Vec<Suspicion> {
        let mut told = Told::new(Role::Csms, Version::V16);
        told.call(0, "f00-123456", call);
        told.answer(0, &format!(r#"[4,"f00-123456","NotImplemented","{description}",{{}}]"#));
        told.judge(&mut Drift::new(&Lasting::default()))
    }

    #[test]
    fn a_queue_that_is_delivered_at_last_is_no_flood() {
        for (time, count) in [("2025-12-31T23:00:00Z", 0), ("2026-01-01T00:00:00Z", 1)] {
            let mut told = Told::new(Role::Station, Version::V16);
            told.booted(0);
            let values = format!(
                r#"[2,"1","MeterValues",{{"connectorId":1,"meterValue":[{{"timestamp":"{time}","sampledValue":[{{"value":"1"}}]}}]}}]"#
            );
            for _ in 0..2 * CALLS {
                told.received(0, &values);
            }
            assert_eq!(told.judge(&mut Drift::new(&Lasting::default())).len(), count, "{time}");
        }
    }

    #[test]
    fn a_refusal_that_multiplies_is_found() {
        let call = r#"[2,"f00-123456","Foo",{}]"#;
        let found = refused(call, &"x".repeat(LONG_ERROR));
        assert_eq!((found[0].path.as_str(), found[0].class), ("amplification", Class::Compatibility));
        let long = call.replace("Foo", &"Foo".repeat(100));
        let found = refused(&long, &long.replace('"', "").repeat(20));
        assert_eq!((found[0].path.as_str(), found[0].class), ("amplification", Class::Robustness));
    }

    #[test]
    fn a_refusal_with_a_copy_or_with_many_words_is_in_order() {
        let long = format!(r#"[2,"f00-123456","{}",{{}}]"#, "Foo".repeat(3000));
        assert_eq!(refused(&long, &long.replace('"', "").repeat(3)), []);
        assert_eq!(refused(r#"[2,"f00-123456","Foo",{}]"#, &"x".repeat(LONG_ERROR / 2)), []);
    }
}
