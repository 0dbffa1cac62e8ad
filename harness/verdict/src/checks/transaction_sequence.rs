//! `check: transaction sequence`

use protocol::{Role, Timestamp};
use serde_json::Value;

use super::{Arguments, Check, Conversation, Crossed, Flaw, Parameter, ParameterType, same_id};

pub(super) const CHECK: Check = Check {
    name: "transaction sequence",
    blames: Role::Station,
    page: "Puts the TransactionEvents of a transaction (`transaction`) in the order of their seqNo. The first is \
           Started and tells the charging state, the last Ended if `ended: true` is asked for, and there is one of \
           each at most. The numbers have no gap and no number stands twice. The times do not fall. EVSE, \
           remoteStartId and reservation do not change once they were told.",
    parameters: &[
        Parameter { name: "transaction", kind: ParameterType::Transaction, required: true },
        Parameter { name: "ended", kind: ParameterType::Boolean, required: false },
    ],
    judge,
};

fn judge(conversation: &Conversation, arguments: &Arguments<'_>) -> Result<(), Flaw> {
    let transaction = arguments.value("transaction").unwrap_or(&Value::Null);
    let id = |call: &&Crossed| {
        let id = call.payload.pointer("/transactionInfo/transactionId");
        id.is_some_and(|id| same_id(id, transaction))
    };
    let mut events: Vec<&Crossed> = conversation.calls(Role::Station, "TransactionEvent").filter(id).collect();
    events.sort_by_key(|call| number(call));
    let kind = |call: &Crossed| call.payload.get("eventType").and_then(Value::as_str).unwrap_or("").to_owned();
    let (Some(first), Some(last)) = (events.first(), events.last()) else {
        return Err(Flaw::missing(format!("no event of transaction {transaction} came")));
    };
    if kind(first) != "Started" {
        return Err(Flaw::of(first, format!("the event with the lowest seqNo is {}, not Started", kind(first))));
    }
    if first.payload.pointer("/transactionInfo/chargingState").is_none() {
        return Err(Flaw::of(first, "Started does not tell the charging state"));
    }
    if arguments.is_true("ended") && kind(last) != "Ended" {
        return Err(Flaw::of(last, format!("the event with the highest seqNo is {}, not Ended", kind(last))));
    }
    for (before, after) in events.iter().zip(events.iter().skip(1)) {
        match (number(before), number(after)) {
            (Some(a), Some(b)) if a == b => return Err(Flaw::of(after, format!("seqNo {b} stands twice"))),
            (Some(a), Some(b)) if a.checked_add(1) != Some(b) => {
                return Err(Flaw::of(after, format!("behind seqNo {a} comes {b}")));
            }
            (Some(_), Some(_)) => {}
            _ => return Err(Flaw::of(after, "an event has no seqNo")),
        }
        match kind(after).as_str() {
            "Started" => return Err(Flaw::of(after, "the transaction is Started twice")),
            _ if kind(before) == "Ended" => return Err(Flaw::of(after, "the transaction goes on behind Ended")),
            _ => {}
        }
        if let (Some(a), Some(b)) = (time(before), time(after))
            && b < a
        {
            return Err(Flaw::of(after, format!("its time {b} lies before {a}, that of the event before it")));
        }
    }
    for (pointer, what) in [
        ("/evse/id", "the EVSE"),
        ("/transactionInfo/remoteStartId", "the remoteStartId"),
        ("/reservationId", "the reservation"),
    ] {
        let mut told: Option<&Value> = None;
        for event in &events {
            let Some(value) = event.payload.pointer(pointer) else { continue };
            if let Some(before) = told.filter(|before| *before != value) {
                return Err(Flaw::of(event, format!("{what} changes from {before} to {value}")));
            }
            told = Some(value);
        }
    }
    Ok(())
}

fn number(call: &Crossed) -> Option<i64> {
    call.payload.get("seqNo").and_then(Value::as_i64)
}

fn time(call: &Crossed) -> Option<Timestamp> {
    call.payload.get("timestamp").and_then(Value::as_str).and_then(Timestamp::parse)
}

#[cfg(test)]
mod tests {
    use protocol::Version;
    use serde_json::json;

    use super::super::tests::{judge, told};
    use super::*;

    fn event(seconds: i64, number: i64, kind: &str, evse: i64) -> (i64, &'static str, Value) {
        let at = Timestamp(1_767_225_600_000_000 + seconds * 1_000_000).to_string();
        let payload = json!({ "eventType": kind, "timestamp": at, "seqNo": number, "evse": { "id": evse },
            "transactionInfo": { "transactionId": "t", "chargingState": "Charging" } });
        (seconds, "TransactionEvent", payload)
    }

    fn flaw(events: &[(i64, &'static str, Value)]) -> String {
        let with = json!({ "transaction": "t", "ended": true });
        judge("transaction sequence", &told(Version::V201, events), &with).err().unwrap_or_default()
    }

    #[test]
    fn a_whole_transaction_holds_even_if_its_events_came_out_of_order() {
        assert_eq!(flaw(&[event(1, 4, "Started", 1), event(3, 6, "Ended", 1), event(2, 5, "Updated", 1)]), "");
    }

    #[test]
    fn gaps_doubles_and_wrong_ends_are_noticed() {
        assert_eq!(flaw(&[event(1, 0, "Started", 1), event(2, 2, "Ended", 1)]), "behind seqNo 0 comes 2");
        assert_eq!(flaw(&[event(1, 0, "Started", 1), event(2, 0, "Ended", 1)]), "seqNo 0 stands twice");
        assert!(flaw(&[event(1, 0, "Updated", 1), event(2, 1, "Ended", 1)]).ends_with("is Updated, not Started"));
        assert!(flaw(&[event(1, 0, "Started", 1)]).ends_with("is Started, not Ended"));
        assert!(flaw(&[event(1, 0, "Started", 1), event(2, 1, "Started", 1)]).contains("not Ended"));
        assert_eq!(flaw(&[]), "no event of transaction \"t\" came");
    }

    #[test]
    fn times_that_fall_and_an_evse_that_changes_are_noticed() {
        assert!(flaw(&[event(5, 0, "Started", 1), event(2, 1, "Ended", 1)]).starts_with("its time"));
        assert_eq!(flaw(&[event(1, 0, "Started", 1), event(2, 1, "Ended", 2)]), "the EVSE changes from 1 to 2");
    }
}
