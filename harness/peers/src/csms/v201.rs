//! The answers of a 2.0.1 CSMS.

use serde_json::{Map, Value};

use super::Csms;

impl Csms {
    pub(super) fn answer_v201(
        &mut self,
        _identity: &str,
        _action: &str,
        _payload: &Value,
    ) -> Result<Value, &'static str> {
        Err("NotImplemented")
    }

    pub(super) fn fill_v201(&mut self, _station: &str, _action: &str, given: &Map<String, Value>) -> Value {
        Value::Object(given.clone())
    }
}
