//! The meter: energy, periodic and clock-aligned values (statements 16-MV).

use std::time::Duration;

use protocol::Timestamp;
use serde_json::{Value, json};

use super::charge_point::{ChargePoint, Sent};
use super::connector::Connector;
use super::queue::Kind;

/// What the station can measure.
pub(super) const MEASURANDS: [&str; 4] =
    ["Energy.Active.Import.Register", "Power.Active.Import", "Current.Import", "Voltage"];

/// A sample kept for StopTransaction.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    at: Timestamp,
    context: &'static str,
    values: Vec<Value>,
}

/// After a long sleep no more than this many missed samples are made up for.
const MOST_MISSED: usize = 100;

impl ChargePoint {
    /// Energy that has flown since the last look.
    pub(super) fn pass_energy(&mut self, elapsed: Duration) {
        let watt_hours = f64::from(self.settings.power_w) * elapsed.as_secs_f64() / 3600.0;
        for index in 0..self.connectors.len() {
            self.charge(index, watt_hours);
        }
    }

    /// Lets energy flow into the EV, as far as it may.
    pub(super) fn charge(&mut self, index: usize, watt_hours: f64) {
        if !self.energy_flows(index) {
            return;
        }
        let Some(connector) = self.connectors.get_mut(index) else {
            return;
        };
        connector.register_wh += watt_hours;
        let register = connector.register();
        if let Some(transaction) = &mut connector.transaction
            && transaction.energy_until_wh.is_some_and(|limit| register >= limit)
        {
            transaction.energy_until_wh = None;
            transaction.energy_withheld = true;
        }
    }

    /// Whether the EV at this connector gets energy.
    pub(super) fn energy_flows(&self, index: usize) -> bool {
        self.is_powered()
            && self.connectors.get(index).is_some_and(|connector| {
                connector.ev_connected()
                    && !connector.ev_paused
                    && !connector.is_faulted()
                    && connector.transaction.as_ref().is_some_and(|transaction| !transaction.energy_withheld)
            })
    }

    /// The next clock-aligned moment: a multiple of the interval counted from midnight (16-MV-03).
    pub(super) fn schedule_aligned(&mut self) {
        let interval = self.storage.configuration.seconds("ClockAlignedDataInterval");
        let micros = i64::try_from(interval.as_micros()).unwrap_or(0);
        self.aligned_due = (micros > 0).then(|| {
            const DAY: i64 = 86_400_000_000;
            let clock = self.clock().0;
            let of_day = clock.rem_euclid(DAY);
            let next = (of_day / micros + 1).saturating_mul(micros).min(DAY);
            Timestamp(self.now.0.saturating_add(next - of_day))
        });
    }

    /// The interval of the periodic samples was changed.
    pub(super) fn schedule_samples(&mut self) {
        let interval = self.sample_interval();
        let due = (!interval.is_zero()).then(|| self.now + interval);
        for connector in &mut self.connectors {
            if let Some(transaction) = &mut connector.transaction {
                transaction.sample_due = due;
            }
        }
    }

    pub(super) fn meter_wakeup(&self) -> Option<Timestamp> {
        if !self.is_powered() {
            return None;
        }
        let samples = self.connectors.iter().filter_map(|connector| connector.transaction.as_ref()?.sample_due);
        let limits = (0..self.connectors.len()).filter_map(|index| self.limit_reached_at(index));
        samples.chain(self.aligned_due).chain(limits).min()
    }

    /// When the energy allowed to an unaccepted driver will be used up.
    fn limit_reached_at(&self, index: usize) -> Option<Timestamp> {
        if !self.energy_flows(index) || self.settings.power_w == 0 {
            return None;
        }
        let connector = self.connectors.get(index)?;
        let limit = connector.transaction.as_ref()?.energy_until_wh?;
        #[expect(clippy::cast_precision_loss, reason = "a meter shows far less than 2^53 Wh")]
        let left = (limit as f64 - connector.register_wh).max(0.0);
        let seconds = left * 3600.0 / f64::from(self.settings.power_w);
        Some(self.now + Duration::try_from_secs_f64(seconds + 0.001).unwrap_or(Duration::MAX))
    }

    pub(super) fn pass_meter(&mut self) {
        for number in 1..=self.connectors.len() {
            self.pass_samples(u32::try_from(number).unwrap_or(u32::MAX));
        }
        if self.aligned_due.is_some_and(|due| due <= self.now) {
            self.aligned_values();
            self.schedule_aligned();
        }
    }

    /// How often a transaction is sampled; 0: never.
    pub(super) fn sample_interval(&mut self) -> Duration {
        let interval = self.storage.configuration.seconds("MeterValueSampleInterval");
        let never_off = interval.is_zero() && self.faults.hits("station-samples-at-interval-zero");
        if never_off { Duration::from_secs(60) } else { interval }
    }

    fn pass_samples(&mut self, number: u32) {
        let interval = self.sample_interval();
        for _ in 0..MOST_MISSED {
            let due = self.transaction_mut(number).and_then(|t| t.sample_due);
            let Some(due) = due.filter(|due| *due <= self.now) else {
                return;
            };
            if let Some(transaction) = self.transaction_mut(number) {
                transaction.sample_due = (!interval.is_zero()).then(|| due + interval);
            }
            let at = Timestamp(due.0.saturating_add(self.clock_offset));
            self.periodic_values(number, at);
        }
        let next = self.now + interval;
        if let Some(transaction) = self.transaction_mut(number) {
            transaction.sample_due = (!interval.is_zero()).then_some(next);
        }
    }

    fn periodic_values(&mut self, number: u32, at: Timestamp) {
        let values = self.measure(number, "MeterValuesSampledData", "Sample.Periodic");
        self.queue_values(number, at, values);
        let kept = self.measure(number, "StopTxnSampledData", "Sample.Periodic");
        self.keep(number, at, "Sample.Periodic", kept);
    }

    /// Values at a full interval of the clock, with their own context (16-MV-03).
    fn aligned_values(&mut self) {
        let at = self.aligned_due.map_or(self.clock(), |due| Timestamp(due.0.saturating_add(self.clock_offset)));
        for number in 1..=self.connectors.len() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let values = self.measure(number, "MeterValuesAlignedData", "Sample.Clock");
            self.queue_values(number, at, values);
            let kept = self.measure(number, "StopTxnAlignedData", "Sample.Clock");
            self.keep(number, at, "Sample.Clock", kept);
        }
    }

    /// MeterValues asked for by TriggerMessage (16-MV-15).
    pub(super) fn triggered_values(&mut self, number: u32) {
        let values = self.measure(number, "MeterValuesSampledData", "Trigger");
        if values.is_empty() {
            return;
        }
        let mut payload = json!({
            "connectorId": number,
            "meterValue": [{ "timestamp": self.timestamp(), "sampledValue": values }],
        });
        let id = self
            .connector(number)
            .and_then(|connector| connector.transaction.as_ref())
            .and_then(|transaction| self.storage.transaction_ids.get(&transaction.number));
        if let Some(id) = id {
            payload["transactionId"] = (*id).into();
        }
        self.post("MeterValues", payload, Sent::Other, true);
    }

    fn queue_values(&mut self, number: u32, at: Timestamp, values: Vec<Value>) {
        if values.is_empty() {
            return;
        }
        let payload = json!({
            "connectorId": number,
            "meterValue": [{ "timestamp": at.to_string(), "sampledValue": values }],
        });
        // A sample belongs to the transaction that runs while it is taken (16-MV-05).
        let local = self.transaction_mut(number).map_or(0, |t| t.number);
        self.queue("MeterValues", payload, Kind::Meter, local);
    }

    /// The configured measurands of a connector, or of the whole station for 0.
    fn measure(&self, number: u32, key: &str, context: &str) -> Vec<Value> {
        self.storage.configuration.list(key).map(|measurand| self.sampled_value(number, measurand, context)).collect()
    }

    fn sampled_value(&self, number: u32, measurand: &str, context: &str) -> Value {
        let flowing = |index: usize| u32::from(self.energy_flows(index));
        let (register, flows) = match usize::try_from(number).unwrap_or(usize::MAX).checked_sub(1) {
            Some(index) => (self.connector(number).map_or(0, Connector::register), flowing(index)),
            None => {
                (self.connectors.iter().map(Connector::register).sum(), (0..self.connectors.len()).map(flowing).sum())
            }
        };
        let watts = self.settings.power_w.saturating_mul(flows);
        let (value, unit) = match measurand {
            "Power.Active.Import" => (watts.to_string(), "W"),
            "Current.Import" => (format!("{:.1}", f64::from(watts) / 230.0), "A"),
            "Voltage" => ("230".to_owned(), "V"),
            _ => (register.to_string(), "Wh"),
        };
        // The value is a text even for numbers (16-MV-09).
        json!({ "value": value, "context": context, "measurand": measurand, "unit": unit })
    }

    /// The first of the values that StopTransaction will carry (16-MV-13).
    pub(super) fn keep_begin_sample(&mut self, number: u32) {
        let values = self.stop_values(number, "Transaction.Begin");
        let at = self.clock();
        self.keep(number, at, "Transaction.Begin", values);
    }

    fn keep(&mut self, number: u32, at: Timestamp, context: &'static str, values: Vec<Value>) {
        let limit = self
            .storage
            .configuration
            .integer("StopTransactionMaxMeterValues")
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(usize::MAX)
            .max(4);
        let drops = !values.is_empty()
            && context == "Sample.Periodic"
            && self.faults.hits("station-keeps-no-samples-for-the-stop");
        let Some(transaction) = self.transaction_mut(number) else {
            return;
        };
        if values.is_empty() || drops {
            return;
        }
        if transaction.samples.len() + 1 >= limit {
            // Values between are thinned out evenly, the first and the last never (16-MV-13, 16-MV-14).
            let mut place = 0;
            transaction.samples.retain(|_| {
                place += 1;
                place == 1 || place % 2 == 0
            });
        }
        transaction.samples.push(Sample { at, context, values });
    }

    /// transactionData, if any measurand is configured for it (16-MV-12).
    pub(super) fn transaction_data(
        &self,
        number: u32,
        transaction: &super::transaction::Transaction,
        at: Timestamp,
    ) -> Option<Value> {
        let end = self.stop_values(number, "Transaction.End");
        let mut data: Vec<Value> = transaction
            .samples
            .iter()
            .filter(|sample| !end.is_empty() || sample.context != "Transaction.Begin")
            .map(|sample| meter_value(sample.at, &sample.values))
            .collect();
        if !end.is_empty() {
            data.push(meter_value(at, &end));
        }
        (!data.is_empty()).then_some(Value::Array(data))
    }

    /// The measurands of both StopTxn keys, each once.
    fn stop_values(&self, number: u32, context: &str) -> Vec<Value> {
        let configuration = &self.storage.configuration;
        let mut measurands: Vec<&str> = configuration.list("StopTxnSampledData").collect();
        for measurand in configuration.list("StopTxnAlignedData") {
            if !measurands.contains(&measurand) {
                measurands.push(measurand);
            }
        }
        measurands.into_iter().map(|measurand| self.sampled_value(number, measurand, context)).collect()
    }
}

fn meter_value(at: Timestamp, values: &[Value]) -> Value {
    json!({ "timestamp": at.to_string(), "sampledValue": values })
}
