//! `check: transaction data`

use protocol::{Role, Version};
use serde_json::Value;

use super::{Arguments, Check, Conversation, Flaw, Parameter, ParameterType, same_id};

pub(super) const CHECK: Check = Check {
    name: "transaction data",
    blames: Role::Station,
    page: "Looks at the meter values in the message that ends a transaction (`transaction`): transactionData of \
           StopTransaction in 1.6, meterValue of the Ended event in 2.x. A sample of the context Transaction.Begin \
           and one of Transaction.End are among them.",
    parameters: &[Parameter { name: "transaction", kind: ParameterType::Transaction, required: true }],
    judge,
};

fn judge(conversation: &Conversation, arguments: &Arguments<'_>) -> Result<(), Flaw> {
    let (action, id, data) = match conversation.version() {
        Version::V16 => ("StopTransaction", "/transactionId", "/transactionData"),
        Version::V201 | Version::V21 => ("TransactionEvent", "/transactionInfo/transactionId", "/meterValue"),
    };
    let transaction = arguments.value("transaction").unwrap_or(&Value::Null);
    let end = conversation.calls(Role::Station, action).find(|call| {
        let ends = call.payload.get("eventType").is_none_or(|kind| kind == "Ended");
        ends && call.payload.pointer(id).is_some_and(|id| same_id(id, transaction))
    });
    let Some(end) = end else {
        return Err(Flaw::missing(format!("the end of transaction {transaction} was not told")));
    };
    let contexts: Vec<&str> = end
        .payload
        .pointer(data)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|value| value.get("sampledValue")?.as_array())
        .flatten()
        .filter_map(|value| value.get("context")?.as_str())
        .collect();
    match ["Transaction.Begin", "Transaction.End"].into_iter().find(|wanted| !contexts.contains(wanted)) {
        Some(lacking) => Err(Flaw::of(end, format!("no sample of the context {lacking}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{judge, told};
    use super::*;

    fn flaw(contexts: &[&str]) -> String {
        let values: Vec<Value> = contexts
            .iter()
            .map(|context| json!({ "timestamp": "x", "sampledValue": [{ "value": "1", "context": context }] }))
            .collect();
        let stop = json!({ "transactionId": 7, "transactionData": values });
        let with = json!({ "transaction": 7 });
        let conversation = told(Version::V16, &[(0, "StopTransaction", stop)]);
        judge("transaction data", &conversation, &with).err().unwrap_or_default()
    }

    #[test]
    fn begin_and_end_are_looked_for() {
        assert_eq!(flaw(&["Transaction.Begin", "Sample.Periodic", "Transaction.End"]), "");
        assert_eq!(flaw(&["Transaction.End"]), "no sample of the context Transaction.Begin");
        assert_eq!(flaw(&["Transaction.Begin"]), "no sample of the context Transaction.End");
    }
}
