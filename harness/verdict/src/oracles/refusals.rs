//! What stands in a CALLERROR beside its code.

use protocol::Timestamp;
use protocol::frame::Frame;
use serde_json::Value;

use super::{Found, Oracles};
use crate::{Verdict, inside};

/// A refusal that is so many times as long as its call, and holds as many copies of it, multiplies what it is sent.
const MULTIPLE: usize = 10;
/// From this length on.
const AMPLE: usize = 2 * 1024;

impl Oracles {
    /// The device refused the call, or the raw text, with this id.
    pub(super) fn refusal(&mut self, now: Timestamp, text: &str, id: &str, description: &str, details: &Value) {
        let ours = self.said_under(id);
        let said = format!("{description}\n{details}");
        if let Some((kind, words)) = inside::trace_in(&said, &ours) {
            self.report(
                now,
                text,
                Found {
                    oracle: "says-nothing-of-the-inside",
                    statement: "R-241",
                    path: kind.to_owned(),
                    verdict: Verdict::Warn,
                    sentence: format!("what looks like a {kind} stands in a refusal: {words}"),
                },
            );
        }
        // The id stands in every copy of the call. What is long by what it says itself does not grow.
        let copies = if id.is_empty() { 0 } else { text.matches(id).count().saturating_sub(1) };
        if copies >= MULTIPLE && text.len() > AMPLE.max(MULTIPLE * ours.len()) && !ours.is_empty() {
            self.report(
                now,
                text,
                Found {
                    oracle: "refusal-in-proportion",
                    statement: "R-243",
                    path: "refusal".to_owned(),
                    verdict: Verdict::Warn,
                    sentence: format!(
                        "a refusal of {} bytes to {} bytes, with what it refuses {copies} times over",
                        text.len(),
                        ours.len()
                    ),
                },
            );
        }
    }

    /// What we sent under this id.
    fn said_under(&self, id: &str) -> String {
        match (self.strays.get(id), self.ours.get(id)) {
            (Some(text), _) if !text.is_empty() => text.clone(),
            (_, Some(call)) => {
                let (id, action, payload) = (id.to_owned(), call.action.clone(), call.request.clone());
                Frame::Call { id, action, payload }.to_text()
            }
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Role, Version};
    use serde_json::json;

    use super::*;

    fn found(answer: &str) -> Vec<(String, Verdict)> {
        let mut oracles = Oracles::new(Role::Csms, Version::V16);
        oracles.opened();
        oracles.sent_call("call-1", "Authorize", &json!({ "idTag": "at a.b(C.java:1)" }));
        let reading = oracles.received(Timestamp(1), answer.as_bytes());
        oracles.answer(Timestamp(1), answer.as_bytes(), &reading.frame.unwrap());
        oracles.take().into_iter().map(|found| (found.statement, found.verdict)).collect()
    }

    fn refused(description: &str, details: Value) -> Vec<(String, Verdict)> {
        found(&json!([4, "call-1", "InternalError", description, details]).to_string())
    }

    #[test]
    fn a_stack_trace_in_a_refusal_is_a_warning() {
        let warning = [("R-241".to_owned(), Verdict::Warn)];
        assert_eq!(refused("java.lang.Error at x.y.Z.run(Z.java:12)", json!({})), warning);
        assert_eq!(refused("", json!({ "cause": "Traceback (most recent call last)" })), warning);
        assert_eq!(refused("the field idTag is missing", json!({})), []);
        assert_eq!(refused("no such tag: at a.b(C.java:1)", json!({})), []);
    }

    #[test]
    fn a_refusal_with_its_call_many_times_over_is_a_warning() {
        let call = r#"[2,"call-1","Authorize",{"idTag":"at a.b(C.java:1)"}]"#;
        assert_eq!(refused("", json!({ "request": vec![call; 60] })), [("R-243".to_owned(), Verdict::Warn)]);
        assert_eq!(refused("", json!({ "request": call })), []);
        assert_eq!(refused(&"x".repeat(5000), json!({})), []);
    }
}
