//! `check: meter values`

use std::time::Duration;

use protocol::{Role, Timestamp, Version};
use serde_json::Value;

use super::{Arguments, Check, Conversation, Crossed, Flaw, Parameter, ParameterType, same_id};

const fn may(name: &'static str, kind: ParameterType) -> Parameter {
    Parameter { name, kind, required: false }
}

pub(super) const CHECK: Check = Check {
    name: "meter values",
    blames: Role::Station,
    page: "Looks at the samples of one context (`context`, by default Sample.Periodic) that the station has sent for a \
           connector (`connector`, in 1.6) or a transaction (2.x). There must be at least `least` of them. Within a \
           transaction each carries its id (`transaction`). Their times rise; with `interval` two neighbours are that \
           far apart, and with `aligned: true` each stands at a multiple of it counted from midnight, give or take \
           the clock tolerance of the rig. The register of imported energy never falls, nor does it lie below `start`, \
           the meterStart of the transaction in Wh. Each measurand of `measurands` (a comma list) is in every sample.",
    parameters: &[
        may("connector", ParameterType::Integer),
        may("transaction", ParameterType::Transaction),
        may("context", ParameterType::Text),
        may("interval", ParameterType::Duration),
        may("aligned", ParameterType::Boolean),
        may("measurands", ParameterType::Text),
        may("least", ParameterType::Integer),
        may("start", ParameterType::Integer),
    ],
    judge,
};

const REGISTER: &str = "Energy.Active.Import.Register";

/// One element of `meterValue` with the call it came in.
struct Sample<'a> {
    call: &'a Crossed,
    at: Timestamp,
    values: Vec<&'a Value>,
}

fn judge(conversation: &Conversation, arguments: &Arguments<'_>) -> Result<(), Flaw> {
    let context = arguments.text("context").unwrap_or("Sample.Periodic");
    let samples = samples(conversation, arguments, context)?;
    let least = usize::try_from(arguments.integer("least").unwrap_or(0)).unwrap_or(0);
    if samples.len() < least {
        return Err(Flaw::missing(format!("{} samples of {context} came, {least} were due", samples.len())));
    }
    if let Some(transaction) = arguments.value("transaction")
        && conversation.version() == Version::V16
    {
        for sample in &samples {
            match sample.call.payload.get("transactionId") {
                Some(id) if same_id(id, transaction) => {}
                Some(id) => {
                    let text = format!("the values are given for transaction {id}, which is {transaction}");
                    return Err(Flaw::of(sample.call, text));
                }
                None => return Err(Flaw::of(sample.call, "the values do not say to which transaction they belong")),
            }
        }
    }
    spacing(&samples, arguments)?;
    for measurand in arguments.text("measurands").unwrap_or("").split(',').map(str::trim).filter(|m| !m.is_empty()) {
        let lacking = samples.iter().find(|sample| !sample.values.iter().any(|value| measurand_of(value) == measurand));
        if let Some(sample) = lacking {
            return Err(Flaw::of(sample.call, format!("the sample of {} lacks {measurand}", sample.at)));
        }
    }
    register(&samples, arguments.integer("start"))
}

fn samples<'a>(
    conversation: &'a Conversation,
    arguments: &Arguments<'_>,
    context: &str,
) -> Result<Vec<Sample<'a>>, Flaw> {
    let mut samples = Vec::new();
    let is_v16 = conversation.version() == Version::V16;
    let action = if is_v16 { "MeterValues" } else { "TransactionEvent" };
    let begun = begin(conversation, arguments);
    for call in conversation.calls(Role::Station, action) {
        let ours = if is_v16 {
            let connector = call.payload.get("connectorId").and_then(Value::as_i64);
            arguments.integer("connector").is_none_or(|wanted| connector == Some(wanted))
        } else {
            let id = call.payload.pointer("/transactionInfo/transactionId").unwrap_or(&Value::Null);
            arguments.value("transaction").is_none_or(|wanted| same_id(wanted, id))
        };
        if !ours {
            continue;
        }
        for value in call.payload.get("meterValue").and_then(Value::as_array).into_iter().flatten() {
            let values: Vec<&Value> = value
                .get("sampledValue")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter(|value| value.get("context").and_then(Value::as_str).unwrap_or("Sample.Periodic") == context)
                .collect();
            if values.is_empty() {
                continue;
            }
            let at = value.get("timestamp").and_then(Value::as_str).and_then(Timestamp::parse);
            let at = at.ok_or_else(|| Flaw::of(call, "a sample has no time that can be read"))?;
            // A connector is metered before its transaction, too.
            let of_none = is_v16 && call.payload.get("transactionId").is_none();
            if of_none && begun.is_some_and(|begun| at < begun) {
                continue;
            }
            samples.push(Sample { call, at, values });
        }
    }
    Ok(samples)
}

/// When the last transaction at the connector began (1.6), where samples of a transaction are looked for.
fn begin(conversation: &Conversation, arguments: &Arguments<'_>) -> Option<Timestamp> {
    arguments.value("transaction")?;
    let connector = arguments.integer("connector")?;
    let at_it = |call: &&Crossed| call.payload.get("connectorId").and_then(Value::as_i64) == Some(connector);
    let start = conversation.calls(Role::Station, "StartTransaction").filter(at_it).last()?;
    start.payload.get("timestamp").and_then(Value::as_str).and_then(Timestamp::parse)
}

/// Times that rise, at the interval, at full multiples of it.
fn spacing(samples: &[Sample<'_>], arguments: &Arguments<'_>) -> Result<(), Flaw> {
    let tolerance = arguments.tolerance;
    let interval = arguments.duration("interval").filter(|interval| !interval.is_zero());
    for (before, after) in samples.iter().zip(samples.iter().skip(1)) {
        if after.at < before.at {
            let text = format!("the sample of {} comes behind that of {}", after.at, before.at);
            return Err(Flaw::of(after.call, text));
        }
        let Some(interval) = interval else { continue };
        let gap = after.at.since(before.at);
        // Samples of one moment may be spread over several elements.
        if gap.is_zero() || gap.abs_diff(interval) <= tolerance {
            continue;
        }
        let text = format!(
            "from {} to {} are {} s, the interval is {} s",
            before.at,
            after.at,
            gap.as_secs_f64(),
            interval.as_secs_f64()
        );
        return Err(Flaw::of(after.call, text));
    }
    let Some(interval) = interval.filter(|_| arguments.is_true("aligned")) else { return Ok(()) };
    for sample in samples {
        let beyond = beyond_multiple(sample.at, interval);
        if beyond > tolerance && interval.saturating_sub(beyond) > tolerance {
            let text = format!(
                "{} is {} s beyond a multiple of {} s counted from midnight",
                sample.at,
                beyond.as_secs_f64(),
                interval.as_secs_f64()
            );
            return Err(Flaw::of(sample.call, text));
        }
    }
    Ok(())
}

fn beyond_multiple(at: Timestamp, interval: Duration) -> Duration {
    const DAY: i64 = 86_400_000_000;
    let of_day = at.0.rem_euclid(DAY);
    let micros = i64::try_from(interval.as_micros()).unwrap_or(DAY).max(1);
    Duration::from_micros(u64::try_from(of_day % micros).unwrap_or(0))
}

/// The register of a meter never falls (16-TX-15).
fn register(samples: &[Sample<'_>], start: Option<i64>) -> Result<(), Flaw> {
    let mut last: Vec<(&str, f64)> = Vec::new();
    for sample in samples {
        for value in &sample.values {
            if measurand_of(value) != REGISTER || value.get("phase").is_some() {
                continue;
            }
            let Some(watt_hours) = watt_hours(value) else {
                return Err(Flaw::of(sample.call, "the register is no number"));
            };
            #[expect(clippy::cast_precision_loss, reason = "a meter shows far less than 2^53 Wh")]
            let start = start.map(|start| start as f64 - rounding(value));
            if let Some(start) = start.filter(|start| watt_hours < *start) {
                let text = format!("the register shows {watt_hours} Wh, less than the {start} Wh at the start");
                return Err(Flaw::of(sample.call, text));
            }
            let place = value.get("location").and_then(Value::as_str).unwrap_or("Outlet");
            match last.iter_mut().find(|(known, _)| *known == place) {
                Some((_, before)) if watt_hours < *before => {
                    let text = format!("the register fell from {before} Wh to {watt_hours} Wh");
                    return Err(Flaw::of(sample.call, text));
                }
                Some((_, before)) => *before = watt_hours,
                None => last.push((place, watt_hours)),
            }
        }
    }
    Ok(())
}

fn measurand_of(value: &Value) -> &str {
    value.get("measurand").and_then(Value::as_str).unwrap_or(REGISTER)
}

/// How much a register may lose by being rounded to its unit, in watt-hours.
fn rounding(value: &Value) -> f64 {
    let unit = value.get("unit").or_else(|| value.pointer("/unitOfMeasure/unit")).and_then(Value::as_str);
    if unit == Some("kWh") { 100.0 } else { 1.0 }
}

fn watt_hours(value: &Value) -> Option<f64> {
    let number = match value.get("value")? {
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        number => number.as_f64()?,
    };
    let unit = value.get("unit").or_else(|| value.pointer("/unitOfMeasure/unit")).and_then(Value::as_str);
    let multiplier = value.pointer("/unitOfMeasure/multiplier").and_then(Value::as_i64).unwrap_or(0);
    let exponent = i32::try_from(multiplier).ok()? + if unit == Some("kWh") { 3 } else { 0 };
    Some(number * 10f64.powi(exponent))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{judge, told};
    use super::*;

    fn sample(seconds: i64, transaction: i64, context: &str, wh: &str) -> (i64, &'static str, Value) {
        let at = Timestamp(1_767_225_600_000_000 + seconds * 1_000_000).to_string();
        let values = json!([{ "value": wh, "context": context }]);
        let payload = json!({ "connectorId": 1, "transactionId": transaction,
            "meterValue": [{ "timestamp": at, "sampledValue": values }] });
        (seconds, "MeterValues", payload)
    }

    fn with() -> Value {
        json!({ "connector": 1, "transaction": 7, "interval": 10, "least": 2 })
    }

    #[test]
    fn samples_at_the_interval_with_a_rising_register_hold() {
        let calls = [10, 20, 31].map(|s| sample(s, 7, "Sample.Periodic", &s.to_string()));
        assert_eq!(judge("meter values", &told(Version::V16, &calls), &with()), Ok(()));
    }

    #[test]
    fn a_sample_that_is_missing_or_out_of_time_does_not() {
        let calls = [10, 30].map(|s| sample(s, 7, "Sample.Periodic", "1"));
        let flaw = judge("meter values", &told(Version::V16, &calls), &with()).unwrap_err();
        assert_eq!(flaw, "from 2026-01-01T00:00:10Z to 2026-01-01T00:00:30Z are 20 s, the interval is 10 s");
        let flaw = judge("meter values", &told(Version::V16, &calls[..1]), &with()).unwrap_err();
        assert_eq!(flaw, "1 samples of Sample.Periodic came, 2 were due");
    }

    #[test]
    fn what_was_metered_before_the_transaction_is_no_part_of_it() {
        let without = |seconds: i64| {
            let (at, action, mut payload) = sample(seconds, 7, "Sample.Clock", "1");
            payload.as_object_mut().unwrap().remove("transactionId");
            (at, action, payload)
        };
        let start = json!({ "connectorId": 1, "idTag": "A", "meterStart": 1, "timestamp": "2026-01-01T00:00:40Z" });
        let clock = json!({ "connector": 1, "transaction": 7, "interval": 30, "least": 2, "context": "Sample.Clock" });
        let [in_it, later] = [60, 90].map(|at| sample(at, 7, "Sample.Clock", "1"));
        let before = [without(30), (40, "StartTransaction", start.clone()), in_it.clone(), later.clone()];
        assert_eq!(judge("meter values", &told(Version::V16, &before), &clock), Ok(()));
        let within = [(40, "StartTransaction", start), without(60), later];
        let flaw = judge("meter values", &told(Version::V16, &within), &clock).unwrap_err();
        assert_eq!(flaw, "the values do not say to which transaction they belong");
    }

    #[test]
    fn another_transaction_a_fallen_register_and_times_out_of_order_are_noticed() {
        let wrong = [sample(10, 8, "Sample.Periodic", "1"), sample(20, 8, "Sample.Periodic", "2")];
        let flaw = judge("meter values", &told(Version::V16, &wrong), &with()).unwrap_err();
        assert_eq!(flaw, "the values are given for transaction 8, which is 7");
        let fallen = [sample(10, 7, "Sample.Periodic", "5"), sample(20, 7, "Sample.Periodic", "4.5")];
        let flaw = judge("meter values", &told(Version::V16, &fallen), &with()).unwrap_err();
        assert_eq!(flaw, "the register fell from 5 Wh to 4.5 Wh");
        let swapped = [sample(20, 7, "Sample.Periodic", "1"), sample(10, 7, "Sample.Periodic", "2")];
        assert!(judge("meter values", &told(Version::V16, &swapped), &with()).unwrap_err().contains("comes behind"));
    }

    #[test]
    fn a_register_that_begins_anew_is_noticed() {
        let calls = [sample(10, 7, "Sample.Periodic", "5"), sample(20, 7, "Sample.Periodic", "6")];
        let with = json!({ "connector": 1, "start": 1000 });
        let flaw = judge("meter values", &told(Version::V16, &calls), &with).unwrap_err();
        assert_eq!(flaw, "the register shows 5 Wh, less than the 999 Wh at the start");
    }

    #[test]
    fn aligned_samples_stand_at_multiples_from_midnight() {
        let with = json!({ "connector": 1, "context": "Sample.Clock", "interval": 30, "aligned": true });
        let good = [30, 61, 90].map(|s| sample(s, 7, "Sample.Clock", "1"));
        assert_eq!(judge("meter values", &told(Version::V16, &good), &with), Ok(()));
        let bad = [40, 70].map(|s| sample(s, 7, "Sample.Clock", "1"));
        let flaw = judge("meter values", &told(Version::V16, &bad), &with).unwrap_err();
        assert_eq!(flaw, "2026-01-01T00:00:40Z is 10 s beyond a multiple of 30 s counted from midnight");
    }

    #[test]
    fn kilowatt_hours_count_as_such() {
        assert_eq!(watt_hours(&json!({ "value": "1.5", "unit": "kWh" })), Some(1500.0));
        assert_eq!(watt_hours(&json!({ "value": 2, "unitOfMeasure": { "multiplier": 3 } })), Some(2000.0));
        assert_eq!(watt_hours(&json!({ "value": "much" })), None);
    }
}
