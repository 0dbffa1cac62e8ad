//! What holds for transactions in every case.

use std::collections::HashMap;

use protocol::{Role, Timestamp, Version};
use serde_json::Value;

use super::{Found, Oracles};
use crate::Verdict;

/// The transactions seen on the wire.
#[derive(Clone, Debug, Default)]
pub(super) struct Transactions {
    /// Counts links.
    pub(super) link: u32,
    /// 1.6: running transactions by id.
    running: HashMap<i64, Running>,
    /// 1.6: ids whose end was accepted; of a station under test with what ended them, of a CSMS with what began them.
    ended: HashMap<i64, Value>,
    /// 2.x: what was last told of a transaction, by its id.
    told: HashMap<String, Told>,
}

/// What was last told of a transaction of 2.x.
#[derive(Clone, Debug, Default)]
struct Told {
    /// The highest sequence number.
    number: i64,
    /// The kind, time and reason of the event that had it: the same again is a retry.
    event: [String; 3],
    /// The transaction has ended.
    is_over: bool,
    /// The latest time and value of the register of imported energy, by location.
    registers: Vec<(String, Timestamp, f64)>,
}

#[derive(Clone, Debug)]
struct Running {
    connector: i64,
    meter_start: i64,
    register: f64,
    /// The station has said that it is over, whatever we answered: the connector is free.
    is_over: bool,
    /// We gave its id to another transaction as well: which of them is meant, nobody can tell.
    is_shared: bool,
    /// What began it.
    start: Value,
}

impl Oracles {
    /// What has not come to its end by now is waited for no longer: whoever left it open has been judged, and the next
    /// start on its connector is none beside it.
    pub fn give_up_transactions(&mut self) {
        for running in self.transactions.running.values_mut() {
            running.is_over = true;
        }
    }

    pub(super) fn transaction_call(&mut self, now: Timestamp, text: &str, action: &str, payload: &Value) {
        if self.device != Role::Station || self.said_again.is_some() {
            return;
        }
        match (self.version, action) {
            (Version::V16, "StartTransaction") => self.start_16(now, text, payload),
            (Version::V16, "StopTransaction") => self.stop_16(now, text, payload),
            (Version::V16, "MeterValues") => self.meter_16(now, text, payload),
            (Version::V201 | Version::V21, "TransactionEvent") => self.event_2x(now, text, payload),
            _ => {}
        }
    }

    fn order(&mut self, now: Timestamp, text: &str, statement: &str, path: &str, sentence: String) {
        self.report(
            now,
            text,
            Found { oracle: "transaction-order", statement, path: path.to_owned(), verdict: Verdict::Fail, sentence },
        );
    }

    fn start_16(&mut self, now: Timestamp, text: &str, payload: &Value) {
        let Some(connector) = payload.get("connectorId").and_then(Value::as_i64) else { return };
        let mut running = self.transactions.running.iter();
        let running = running.find(|(_, running)| running.connector == connector && !running.is_over);
        if let Some((id, _)) = running {
            let sentence = format!("StartTransaction on connector {connector} while transaction {id} runs there");
            self.order(now, text, "16-TX-17", "StartTransaction", sentence);
        }
    }

    fn stop_16(&mut self, now: Timestamp, text: &str, payload: &Value) {
        let Some(id) = payload.get("transactionId").and_then(Value::as_i64) else { return };
        if id == -1 {
            return;
        }
        if self.transactions.ended.contains_key(&id) {
            let sentence = format!("StopTransaction of transaction {id}, whose end was accepted before");
            self.order(now, text, "16-TX-06", "StopTransaction", sentence);
            return;
        }
        let Some(running) = self.transactions.running.get_mut(&id) else { return };
        running.is_over = true;
        if running.is_shared {
            return;
        }
        let start = running.meter_start;
        #[expect(clippy::cast_precision_loss, reason = "meter registers are far below 2^52 Wh")]
        let meter_start = start as f64;
        let elsewhere = begin_register(payload).filter(|begin| (begin - meter_start).abs() > MAIN_METER_STEP);
        if let Some(begin) = elsewhere {
            let sentence =
                format!("meterStart was {start} Wh, the register at the begin of the transaction {begin} Wh");
            let (oracle, path) = ("transaction-order", "StopTransaction/transactionData".to_owned());
            self.report(now, text, Found { oracle, statement: "16-TX-16", path, verdict: Verdict::Warn, sentence });
        }
        let stop = payload.get("meterStop").and_then(Value::as_i64);
        if let Some(stop) = stop.filter(|stop| *stop < start) {
            let sentence = format!("meterStop {stop} is below meterStart {start}");
            self.order(now, text, "16-TX-15", "StopTransaction/meterStop", sentence);
        }
    }

    fn meter_16(&mut self, now: Timestamp, text: &str, payload: &Value) {
        let Some(id) = payload.get("transactionId").and_then(Value::as_i64) else { return };
        let running = self.transactions.running.get(&id).filter(|running| !running.is_shared);
        let Some(running) = running.cloned() else { return };
        let mut last = running.register;
        for meter in payload.get("meterValue").and_then(Value::as_array).into_iter().flatten() {
            for sample in meter.get("sampledValue").and_then(Value::as_array).into_iter().flatten() {
                let Some(register) = energy_register(sample) else { continue };
                if register + 0.5 < last {
                    let sentence = format!("the energy register fell from {last} Wh to {register} Wh");
                    self.order(now, text, "16-TX-15", "MeterValues/sampledValue", sentence);
                }
                last = last.max(register);
            }
        }
        if let Some(running) = self.transactions.running.get_mut(&id) {
            running.register = last;
        }
    }

    fn event_2x(&mut self, now: Timestamp, text: &str, payload: &Value) {
        let (Some(id), Some(number)) = (
            payload.pointer("/transactionInfo/transactionId").and_then(Value::as_str),
            payload.get("seqNo").and_then(Value::as_i64),
        ) else {
            return;
        };
        let text_of = |key: &str| payload.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
        let event = [text_of("eventType"), text_of("timestamp"), text_of("triggerReason")];
        let before = self.transactions.told.get(id).cloned();
        // A transaction that began before we looked has no known number yet.
        let mut told = before.clone().unwrap_or_else(|| Told { number, event: event.clone(), ..Told::default() });
        if let Some(before) = &before {
            let is_retry = number == before.number && event == before.event;
            let flaw = match event[0].as_str() {
                _ if is_retry => None,
                "Started" => Some(("E01.FR.07", format!("transaction {id} was started twice"))),
                // One that was in the queue, and is older.
                _ if number < before.number && before.is_over => None,
                _ if before.is_over => Some(("E-GEN-05", format!("an event of transaction {id} came behind its end"))),
                _ if number == before.number => {
                    Some(("E01.FR.07", format!("seqNo {number} stands for two events of transaction {id}")))
                }
                _ if number != before.number + 1 => {
                    let sentence = format!("seqNo {number} follows {} in transaction {id}", before.number);
                    Some(("E01.FR.07", sentence))
                }
                _ => None,
            };
            if let Some((statement, sentence)) = flaw {
                let path = "TransactionEvent/seqNo".to_owned();
                let verdict = Verdict::Fail;
                self.report(now, text, Found { oracle: "sequence-number", statement, path, verdict, sentence });
            }
        }
        if number >= told.number {
            told.number = number;
            told.event = event;
        }
        told.is_over |= told.event[0] == "Ended";
        if let Some((from, to)) = told.meter(payload) {
            let sentence = format!("the energy register fell from {from} Wh to {to} Wh in transaction {id}");
            self.order(now, text, "J02.FR.16", "TransactionEvent/meterValue", sentence);
        }
        self.transactions.told.insert(id.to_owned(), told);
    }

    /// A transaction may have begun, under an id that may have been given out before.
    pub(super) fn may_have_started(&mut self) {
        self.transactions.ended.clear();
    }

    /// We answered a call of the station.
    pub(super) fn answered_by_us(&mut self, action: &str, request: &Value, result: &Value) {
        if self.version != Version::V16 {
            return;
        }
        match action {
            "StartTransaction" => {
                let Some(id) = result.get("transactionId").and_then(Value::as_i64) else { return };
                let whole = |key: &str| request.get(key).and_then(Value::as_i64).unwrap_or(0);
                let meter_start = whole("meterStart");
                #[expect(clippy::cast_precision_loss, reason = "meter registers are far below 2^52 Wh")]
                let register = meter_start as f64;
                let before = self.transactions.running.get(&id).map(|other| (&other.start, other.is_shared));
                let is_shared = before.is_some_and(|(start, is_shared)| is_shared || start != request)
                    || self.transactions.ended.contains_key(&id);
                let running = Running {
                    connector: whole("connectorId"),
                    meter_start,
                    register,
                    is_over: false,
                    is_shared,
                    start: request.clone(),
                };
                self.transactions.ended.remove(&id);
                self.transactions.running.insert(id, running);
            }
            "StopTransaction" => {
                let Some(id) = request.get("transactionId").and_then(Value::as_i64) else { return };
                let running = self.transactions.running.get(&id);
                if running.is_some_and(|running| running.is_shared) {
                    // The other one may yet end.
                    return;
                }
                self.transactions.running.remove(&id);
                self.transactions.ended.insert(id, request.clone());
            }
            _ => {}
        }
    }

    /// The device answered a call of ours.
    pub(super) fn answered_by_device(
        &mut self,
        now: Timestamp,
        text: &str,
        action: &str,
        request: &Value,
        result: &Value,
    ) {
        if self.device != Role::Csms || self.version != Version::V16 {
            return;
        }
        let whole = |value: &Value, key: &str| value.get(key).and_then(Value::as_i64);
        match action {
            "StartTransaction" => {
                let accepted = result.pointer("/idTagInfo/status").is_some_and(|status| status == "Accepted");
                // What is refused is no transaction, whatever stands for its id.
                let Some(id) = whole(result, "transactionId").filter(|_| accepted) else { return };
                let running = self.transactions.running.get(&id).map(|running| &running.start);
                let what = match (running, self.transactions.ended.get(&id)) {
                    // Sent again, it is the same transaction.
                    (Some(start), _) | (None, Some(start)) if start == request => return,
                    (Some(_), _) => Some("given to a second running transaction"),
                    (None, Some(_)) => Some("that of a transaction that has ended"),
                    (None, None) => None,
                };
                if let Some(what) = what {
                    self.report(
                        now,
                        text,
                        Found {
                            oracle: "transaction-order",
                            statement: "16-TX-04",
                            path: "StartTransaction.conf/transactionId".to_owned(),
                            verdict: Verdict::Warn,
                            sentence: format!("transactionId {id} was {what}"),
                        },
                    );
                }
                let running = Running {
                    connector: whole(request, "connectorId").unwrap_or(0),
                    meter_start: whole(request, "meterStart").unwrap_or(0),
                    register: 0.0,
                    is_over: false,
                    is_shared: false,
                    start: request.clone(),
                };
                self.transactions.running.insert(id, running);
            }
            "StopTransaction" => {
                if let Some(id) = whole(request, "transactionId")
                    && let Some(running) = self.transactions.running.remove(&id)
                {
                    self.transactions.ended.insert(id, running.start);
                }
            }
            _ => {}
        }
    }
}

impl Told {
    /// Reads the registers of an event: from where to where one has fallen. The end may tell earlier samples once more,
    /// so the time of a sample decides what is behind what.
    fn meter(&mut self, payload: &Value) -> Option<(f64, f64)> {
        let mut fallen = None;
        for meter in payload.get("meterValue").and_then(Value::as_array).into_iter().flatten() {
            let time = meter.get("timestamp").and_then(Value::as_str);
            let Some(time) = time.and_then(Timestamp::parse) else { continue };
            for sample in meter.get("sampledValue").and_then(Value::as_array).into_iter().flatten() {
                let Some((location, value)) = energy_register_2x(sample) else { continue };
                let known = self.registers.iter_mut().find(|(known, _, _)| *known == location);
                if let Some((_, latest, last)) = known {
                    if time > *latest {
                        if value + 0.5 < *last {
                            fallen = Some((*last, value));
                        }
                        (*latest, *last) = (time, value);
                    }
                } else if self.registers.len() < LOCATIONS {
                    self.registers.push((location, time, value));
                }
            }
        }
        fallen
    }
}

/// More places than this are not measured.
const LOCATIONS: usize = 8;

/// The imported energy of a sample of 2.x in Wh and where it was measured, if that is what it is.
fn energy_register_2x(sample: &Value) -> Option<(String, f64)> {
    let text = |key: &str| sample.get(key).and_then(Value::as_str);
    if text("measurand").is_some_and(|measurand| measurand != "Energy.Active.Import.Register")
        || text("phase").is_some()
    {
        return None;
    }
    let unit = |key: &str| sample.pointer(&format!("/unitOfMeasure/{key}"));
    let multiplier = i32::try_from(unit("multiplier").map_or(Some(0), Value::as_i64)?).ok()?;
    let value = sample.get("value")?.as_f64()? * 10f64.powi(multiplier.clamp(-30, 30));
    let value = match unit("unit").map_or(Some("Wh"), Value::as_str)? {
        "Wh" => value,
        "kWh" => value * 1000.0,
        _ => return None,
    };
    Some((text("location").unwrap_or("Outlet").to_owned(), value))
}

/// The coarsest step of a register, in Wh: two readings of one moment differ by no more.
const MAIN_METER_STEP: f64 = 1000.0;

/// The register that StopTransaction tells of the begin of its transaction.
fn begin_register(stop: &Value) -> Option<f64> {
    let meters = stop.get("transactionData")?.as_array()?.iter();
    let mut samples = meters.filter_map(|meter| meter.get("sampledValue")?.as_array()).flatten();
    let begin = samples.find(|sample| {
        sample.get("context").and_then(Value::as_str) == Some("Transaction.Begin") && energy_register(sample).is_some()
    })?;
    energy_register(begin)
}

/// The imported energy of a sample in Wh, if that is what it is (16-MV-08 gives the defaults).
fn energy_register(sample: &Value) -> Option<f64> {
    let text = |key: &str| sample.get(key).and_then(Value::as_str);
    if text("measurand").is_some_and(|measurand| measurand != "Energy.Active.Import.Register")
        || text("phase").is_some()
        || text("format").is_some_and(|format| format != "Raw")
        || text("location").is_some_and(|location| location != "Outlet")
    {
        return None;
    }
    let value: f64 = text("value")?.trim().parse().ok()?;
    match text("unit") {
        None | Some("Wh") => Some(value),
        Some("kWh") => Some(value * 1000.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is said of a second start on a connector, after this was done with the first transaction there.
    fn statements(before: impl FnOnce(&mut Oracles)) -> Vec<String> {
        let mut oracles = Oracles::new(Role::Station, Version::V16);
        oracles.opened();
        let start = |id: u32| {
            let start = json!({ "connectorId": 1, "idTag": "A", "meterStart": 5, "timestamp": "2026-01-01T12:00:00Z" });
            json!([2, id.to_string(), "StartTransaction", start]).to_string()
        };
        oracles.received(Timestamp(1), start(1).as_bytes());
        oracles.sent_answer("1", Some(&json!({ "idTagInfo": { "status": "Accepted" }, "transactionId": 7 })));
        before(&mut oracles);
        oracles.received(Timestamp(3), start(3).as_bytes());
        oracles.take().into_iter().map(|found| found.statement).collect()
    }

    /// What is said of a transaction that began at 5 Wh, whose begin is told as this sample.
    fn begun_with(sample: &Value) -> Vec<(String, Verdict)> {
        let mut oracles = Oracles::new(Role::Station, Version::V16);
        oracles.opened();
        oracles.received(Timestamp(1), br#"[2,"1","StartTransaction",{"connectorId":1,"idTag":"A","meterStart":5,"timestamp":"2026-01-01T12:00:00Z"}]"#);
        oracles.sent_answer("1", Some(&json!({ "idTagInfo": { "status": "Accepted" }, "transactionId": 7 })));
        let data = json!([{ "timestamp": "2026-01-01T12:00:00Z", "sampledValue": [sample] }]);
        let stop =
            json!({ "transactionId": 7, "meterStop": 9, "timestamp": "2026-01-01T12:01:00Z", "transactionData": data });
        oracles.received(Timestamp(2), json!([2, "2", "StopTransaction", stop]).to_string().as_bytes());
        oracles.take().into_iter().map(|found| (found.statement, found.verdict)).collect()
    }

    #[test]
    fn the_start_of_a_transaction_is_best_told_as_the_register_shows_it() {
        let begin = |value: &str, unit: &str| json!({ "value": value, "unit": unit, "context": "Transaction.Begin" });
        assert_eq!(begun_with(&begin("1234500", "Wh")), [("16-TX-16".to_owned(), Verdict::Warn)]);
        assert_eq!(begun_with(&begin("1234.5", "kWh")), [("16-TX-16".to_owned(), Verdict::Warn)]);
        assert_eq!(begun_with(&begin("5", "Wh")), []);
        assert_eq!(begun_with(&begin("0", "kWh")), [], "a register of whole kilowatt-hours");
        assert_eq!(begun_with(&json!({ "value": "1234500", "context": "Sample.Periodic" })), []);
    }

    #[test]
    fn an_id_that_may_have_been_given_again_may_end_again() {
        for (again, wanted) in [(false, vec!["16-TX-06"]), (true, vec![])] {
            let mut oracles = Oracles::new(Role::Station, Version::V16);
            oracles.opened();
            let stop = json!({ "transactionId": 7, "meterStop": 5, "timestamp": "2026-01-01T12:00:00Z" });
            oracles.received(Timestamp(1), json!([2, "1", "StopTransaction", stop]).to_string().as_bytes());
            oracles.sent_answer("1", Some(&json!({})));
            if again {
                oracles.received(Timestamp(2), br#"[2,"2","StartTransaction",{"connectorId":1,"idTag":"A","meterStart":5,"timestamp":"2026-01-01T12:00:00Z"}]"#);
                oracles.sent_damaged_answer("2");
            }
            oracles.received(Timestamp(3), json!([2, "3", "StopTransaction", stop]).to_string().as_bytes());
            let found: Vec<String> = oracles.take().into_iter().map(|found| found.statement).collect();
            assert_eq!(found, wanted);
        }
    }

    #[test]
    fn an_id_that_we_gave_twice_accuses_no_station() {
        for (second, wanted) in [(8, vec!["16-TX-15", "16-TX-06"]), (7, vec![])] {
            let mut oracles = Oracles::new(Role::Station, Version::V16);
            oracles.opened();
            let time = "2026-01-01T12:00:00Z";
            for (connector, meter, id) in [(1, 900, 7), (2, 5, second)] {
                let start = json!({ "connectorId": connector, "idTag": "A", "meterStart": meter, "timestamp": time });
                let id_of_call = connector.to_string();
                let call = json!([2, id_of_call, "StartTransaction", start]).to_string();
                oracles.received(Timestamp(1), call.as_bytes());
                let answer = json!({ "idTagInfo": { "status": "Accepted" }, "transactionId": id });
                oracles.sent_answer(&id_of_call, Some(&answer));
            }
            for (number, meter) in [(3, 8), (4, 950)] {
                let stop = json!({ "transactionId": 7, "meterStop": meter, "timestamp": time });
                let call = json!([2, number.to_string(), "StopTransaction", stop]).to_string();
                oracles.received(Timestamp(2), call.as_bytes());
                oracles.sent_answer(&number.to_string(), Some(&json!({})));
            }
            let found: Vec<String> = oracles.take().into_iter().map(|found| found.statement).collect();
            assert_eq!(found, wanted);
        }
    }

    /// What is said of a CSMS that gives 7 to one transaction, and this answer to the next call, which comes after the
    /// end of the first or before, and is another or the same once more.
    fn given(ends: bool, repeats: bool, (again, status): (i64, &str)) -> Vec<(String, Verdict)> {
        let mut oracles = Oracles::new(Role::Csms, Version::V16);
        oracles.opened();
        let mut call = |id: &str, action: &str, request: Value, result: Value| {
            oracles.sent_call(id, action, &request);
            let answer = protocol::frame::Frame::Result { id: id.to_owned(), payload: result };
            oracles.answer(Timestamp(1), answer.to_text().as_bytes(), &answer);
        };
        let start = |meter: u32| json!({ "connectorId": 1, "idTag": "A", "meterStart": meter, "timestamp": "2026-01-01T12:00:00Z" });
        let with = |id: i64, status: &str| json!({ "idTagInfo": { "status": status }, "transactionId": id });
        call("1", "StartTransaction", start(5), with(7, "Accepted"));
        if ends {
            let stop = json!({ "transactionId": 7, "meterStop": 5, "timestamp": "2026-01-01T12:00:00Z" });
            call("2", "StopTransaction", stop, json!({}));
        }
        call("3", "StartTransaction", start(if repeats { 5 } else { 6 }), with(again, status));
        oracles.take().into_iter().map(|found| (found.statement, found.verdict)).collect()
    }

    #[test]
    fn an_id_given_twice_is_best_avoided_even_after_the_end_of_the_first_transaction() {
        for ends in [true, false] {
            assert_eq!(given(ends, false, (7, "Accepted")), [("16-TX-04".to_owned(), Verdict::Warn)]);
            assert_eq!(given(ends, false, (8, "Accepted")), []);
        }
    }

    #[test]
    fn what_is_sent_again_has_its_id_and_what_is_refused_has_none() {
        for ends in [true, false] {
            assert_eq!(given(ends, true, (7, "Accepted")), []);
            assert_eq!(given(ends, false, (7, "ConcurrentTx")), []);
        }
    }

    #[test]
    fn a_connector_is_free_once_the_station_has_told_the_end_whatever_we_answered() {
        let stopped = |oracles: &mut Oracles| {
            let stop = json!({ "transactionId": 7, "meterStop": 5, "timestamp": "2026-01-01T12:00:00Z" });
            oracles.received(Timestamp(2), json!([2, "2", "StopTransaction", stop]).to_string().as_bytes());
            // With an error, which does not bring the transaction back.
            oracles.sent_answer("2", None);
        };
        assert_eq!(statements(stopped), [""; 0]);
        assert_eq!(statements(|_| {}), ["16-TX-17"]);
    }

    #[test]
    fn a_transaction_that_was_given_up_is_not_told_of_again() {
        assert_eq!(statements(Oracles::give_up_transactions), [""; 0]);
    }

    /// What is said of a station of 2.0.1 that sends these events of one transaction: kind, number, second, register.
    fn told(events: &[(&str, i64, u32, f64)]) -> Vec<String> {
        let mut oracles = Oracles::new(Role::Station, Version::V201);
        oracles.opened();
        for (at, (kind, number, second, register)) in events.iter().enumerate() {
            let time = format!("2026-01-01T12:00:{second:02}Z");
            let sample = json!({ "value": register, "unitOfMeasure": { "unit": "kWh" } });
            let request = json!({
                "eventType": kind, "timestamp": time, "triggerReason": "Trigger", "seqNo": number,
                "transactionInfo": { "transactionId": "t", "chargingState": "Charging" },
                "meterValue": [{ "timestamp": time, "sampledValue": [sample] }],
            });
            let id = at.to_string();
            let call = protocol::frame::Frame::Call {
                id: id.clone(),
                action: "TransactionEvent".to_owned(),
                payload: request,
            };
            oracles.received(Timestamp(1), call.to_text().as_bytes());
            oracles.sent_answer(&id, Some(&json!({})));
        }
        oracles.take().into_iter().map(|found| found.statement).collect()
    }

    #[test]
    fn the_events_of_a_transaction_are_numbered_and_the_end_is_the_last() {
        let (start, middle, end) = (("Started", 0, 0, 1.0), ("Updated", 1, 1, 1.0), ("Ended", 2, 2, 1.0));
        assert_eq!(told(&[start, middle, end]), [""; 0]);
        assert_eq!(told(&[start, start, middle, middle, end, end]), [""; 0], "a retry is the same again");
        assert_eq!(told(&[start, middle, ("Updated", 1, 2, 1.0)]), ["E01.FR.07"]);
        assert_eq!(told(&[start, end]), ["E01.FR.07"]);
        assert_eq!(told(&[start, middle, end, ("Updated", 3, 3, 1.0)]), ["E-GEN-05"]);
        assert_eq!(told(&[start, middle, end, ("Ended", 3, 3, 1.0)]), ["E-GEN-05"]);
    }

    #[test]
    fn a_register_of_2_x_never_falls_and_its_samples_may_be_told_again() {
        assert_eq!(told(&[("Started", 0, 0, 1.0), ("Updated", 1, 1, 0.9)]), ["J02.FR.16"]);
        assert_eq!(told(&[("Started", 0, 5, 1.0), ("Updated", 1, 1, 0.9)]), [""; 0]);
        assert_eq!(told(&[("Started", 0, 0, 1.0), ("Updated", 1, 1, 1.0)]), [""; 0]);
    }
}
