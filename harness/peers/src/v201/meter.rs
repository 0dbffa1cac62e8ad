//! The meter: energy, values in transactions, and clock-aligned values (functional block J).

use std::time::Duration;

use protocol::Timestamp;
use serde_json::{Value, json};

use super::charging_station::{ChargingStation, Sent};
use super::evse::Evse;
use super::transaction::Cause;

/// What the station can measure.
pub(super) const MEASURANDS: [&str; 4] =
    ["Energy.Active.Import.Register", "Power.Active.Import", "Current.Import", "Voltage"];

/// How many values Ended carries at most; beyond, those between are thinned out (E06.FR.12).
const MOST_SAMPLES: usize = 100;
/// After a long sleep no more than this many missed samples are made up for.
const MOST_MISSED: usize = 100;

impl ChargingStation {
    /// Energy that has flown since the last look.
    pub(super) fn pass_energy(&mut self, elapsed: Duration) {
        let watt_hours = f64::from(self.settings.power_w) * elapsed.as_secs_f64() / 3600.0;
        for id in self.ids() {
            self.charge(id, watt_hours);
        }
    }

    /// Lets energy flow into the EV, as far as it may.
    pub(super) fn charge(&mut self, id: u32, watt_hours: f64) {
        if !self.evse(id).is_some_and(|evse| self.energy_flows(evse)) {
            return;
        }
        if let Some(evse) = self.evse_mut(id) {
            evse.register_wh += watt_hours;
            if evse.energy_until_wh.is_some_and(|limit| evse.register() >= limit) {
                evse.energy_until_wh = None;
                evse.withheld = true;
            }
        }
    }

    /// Whether the EV gets energy.
    pub(super) fn energy_flows(&self, evse: &Evse) -> bool {
        self.is_powered()
            && evse.ev_connected()
            && evse.authorised.is_some()
            && !evse.ev_paused
            && !evse.withheld
            && evse.fault.is_none()
    }

    /// The moment after an interval of the sampled data from now; `None` if it is switched off.
    pub(super) fn due(&self, interval: &str) -> Option<Timestamp> {
        let interval = self.storage.model.seconds("SampledDataCtrlr", interval);
        (!interval.is_zero()).then(|| self.now + interval)
    }

    /// An interval of the samples was changed.
    pub(super) fn schedule_samples(&mut self) {
        let (update, sample) = (self.due("TxUpdatedInterval"), self.due("TxEndedInterval"));
        for transaction in self.evses.iter_mut().filter_map(|evse| evse.transaction.as_mut()) {
            transaction.update_due = update;
            transaction.sample_due = sample;
        }
    }

    /// The next clock-aligned moment: a multiple of the interval counted from midnight.
    pub(super) fn schedule_aligned(&mut self) {
        const DAY: i64 = 86_400_000_000;
        let interval = self.storage.model.seconds("AlignedDataCtrlr", "Interval");
        let micros = i64::try_from(interval.as_micros()).unwrap_or(0);
        self.aligned_due = (micros > 0).then(|| {
            let of_day = self.clock().0.rem_euclid(DAY);
            let next = (of_day / micros + 1).saturating_mul(micros).min(DAY);
            Timestamp(self.now.0.saturating_add(next - of_day))
        });
    }

    pub(super) fn meter_wakeup(&self) -> Option<Timestamp> {
        if !self.is_powered() {
            return None;
        }
        let transactions = self.evses.iter().filter_map(|evse| evse.transaction.as_ref());
        let samples = transactions.flat_map(|transaction| [transaction.update_due, transaction.sample_due]).flatten();
        let limits = self.evses.iter().filter_map(|evse| self.limit_reached_at(evse));
        samples.chain(self.aligned_due).chain(limits).min()
    }

    /// When the energy allowed to an unaccepted driver will be used up.
    fn limit_reached_at(&self, evse: &Evse) -> Option<Timestamp> {
        let limit = evse.energy_until_wh?;
        if !self.energy_flows(evse) || self.settings.power_w == 0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "a meter shows far less than 2^53 Wh")]
        let left = (limit as f64 - evse.register_wh).max(0.0);
        let seconds = left * 3600.0 / f64::from(self.settings.power_w);
        Some(self.now + Duration::try_from_secs_f64(seconds + 0.001).unwrap_or(Duration::MAX))
    }

    pub(super) fn pass_meter(&mut self) {
        for id in self.ids() {
            self.pass_updates(id);
            self.pass_kept_samples(id);
        }
        if self.aligned_due.is_some_and(|due| due <= self.now) {
            self.aligned_values();
            self.schedule_aligned();
        }
    }

    fn pass_updates(&mut self, id: u32) {
        let interval = self.storage.model.seconds("SampledDataCtrlr", "TxUpdatedInterval");
        let mut missed = 0;
        while let Some(due) = self.update_due(id).filter(|due| *due <= self.now) {
            missed += 1;
            let next = if missed < MOST_MISSED { due + interval } else { self.now + interval };
            if let Some(transaction) = self.evse_mut(id).and_then(|evse| evse.transaction.as_mut()) {
                transaction.update_due = (!interval.is_zero()).then_some(next);
            }
            let values =
                self.measure(id, "SampledDataCtrlr", "TxUpdatedMeasurands", "Sample.Periodic", self.own_time(due));
            if !values.is_empty() {
                self.happened(id, Cause::new("MeterValuePeriodic").with(values));
            }
        }
    }

    fn update_due(&self, id: u32) -> Option<Timestamp> {
        self.evse(id)?.transaction.as_ref()?.update_due
    }

    fn pass_kept_samples(&mut self, id: u32) {
        let due = self.evse(id).and_then(|evse| evse.transaction.as_ref()?.sample_due);
        if due.is_some_and(|due| due <= self.now) {
            let next = self.due("TxEndedInterval");
            if let Some(transaction) = self.evse_mut(id).and_then(|evse| evse.transaction.as_mut()) {
                transaction.sample_due = next;
            }
            self.keep_sample(id, "Sample.Periodic", self.clock());
        }
    }

    /// Values at a full interval of the clock (J01.FR.14, J01.FR.22).
    fn aligned_values(&mut self) {
        let at = self.aligned_due.map_or(self.clock(), |due| self.own_time(due));
        for id in self.ids() {
            let values = self.measure(id, "AlignedDataCtrlr", "Measurands", "Sample.Clock", at);
            let charging = self.evse(id).is_some_and(|evse| evse.transaction.is_some());
            if values.is_empty() {
                continue;
            }
            if charging {
                self.happened(id, Cause::new("MeterValueClock").with(values));
            } else if self.can_ask() {
                let payload = json!({ "evseId": id, "meterValue": values });
                self.post("MeterValues", payload, Sent::Other, false);
            }
        }
    }

    /// Keeps a value for Ended (E06.FR.11).
    pub(super) fn keep_sample(&mut self, id: u32, context: &str, at: Timestamp) {
        let mut values = self.measure(id, "SampledDataCtrlr", "TxEndedMeasurands", context, at);
        let Some(transaction) = self.evse_mut(id).and_then(|evse| evse.transaction.as_mut()) else {
            return;
        };
        if transaction.samples.len() >= MOST_SAMPLES {
            let mut place = 0;
            transaction.samples.retain(|_| {
                place += 1;
                place == 1 || place % 2 == 0
            });
        }
        transaction.samples.append(&mut values);
    }

    /// The measurands of a list variable as one meter value; none if the list is empty.
    pub(super) fn measure(&mut self, id: u32, component: &str, list: &str, context: &str, at: Timestamp) -> Vec<Value> {
        let Some(evse) = self.evse(id) else {
            return Vec::new();
        };
        let measurands = self.storage.model.list(component, list);
        let mut sampled: Vec<Value> =
            measurands.map(|measurand| self.sampled_value(evse, measurand, context)).collect();
        if sampled.is_empty() {
            return Vec::new();
        }
        if self.faults.hits("station-sends-meter-values-as-texts") {
            for sample in &mut sampled {
                sample["value"] = sample["value"].to_string().into();
            }
        }
        vec![json!({ "timestamp": at.to_string(), "sampledValue": sampled })]
    }

    fn sampled_value(&self, evse: &Evse, measurand: &str, context: &str) -> Value {
        let watts = if self.energy_flows(evse) { self.settings.power_w } else { 0 };
        let (value, unit) = match measurand {
            "Power.Active.Import" => (json!(watts), "W"),
            "Current.Import" => (json!(watts / 230), "A"),
            "Voltage" => (json!(230), "V"),
            _ => (json!(evse.register()), "Wh"),
        };
        json!({
            "value": value,
            "context": context,
            "measurand": measurand,
            "location": "Outlet",
            "unitOfMeasure": { "unit": unit },
        })
    }

    /// A moment as the station's own clock shows it.
    fn own_time(&self, moment: Timestamp) -> Timestamp {
        Timestamp(moment.0.saturating_add(self.clock_offset))
    }
}
