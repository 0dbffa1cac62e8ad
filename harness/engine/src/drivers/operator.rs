//! A person as a driver.

use std::time::Duration;

use protocol::stimulus::Stimulus;
use serde_json::Value;

use super::bound::Task;
use super::{Confirmation, Pending};
use crate::rig::{Filling, TextTemplate};

/// Somebody who can be asked to do something to the device, or to look at it.
pub trait Operator: Send + Sync {
    /// Asks, and waits for the answer no longer than the question says.
    fn ask<'a>(&'a self, question: &'a Question) -> Pending<'a, Answer>;
}

/// What a person is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// One or a few lines: what is to be done, or looked at.
    pub text: String,
    /// Whether it is a question about what is seen, to be answered yes or no.
    pub looks: bool,
    /// How long the person has.
    pub within: Duration,
}

/// What a person answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is done; or: yes, that is to be seen.
    Yes,
    /// It could not be done, with the person's words; or: no, that is not to be seen.
    No(String),
    /// It can never be done with this device; or: it cannot be seen.
    Never,
    /// No answer in time.
    Silence,
}

/// Asks for a stimulus.
pub(super) async fn stimulate(
    task: &Task<'_>,
    words: Option<&TextTemplate>,
    operator: Option<&dyn Operator>,
) -> Confirmation {
    let Some(operator) = operator else {
        return task.not_bound();
    };
    let question = question(task, words, false);
    match operator.ask(&question).await {
        Answer::Yes => Confirmation::Done,
        Answer::No(words) if words.trim().is_empty() => Confirmation::Failed("the operator could not do it".to_owned()),
        Answer::No(words) => Confirmation::Failed(format!("the operator could not do it: {}", words.trim())),
        Answer::Never => Confirmation::Undrivable("the operator says that it cannot be done".to_owned()),
        Answer::Silence => {
            Confirmation::Failed(format!("the operator did not answer within {} s", question.within.as_secs_f64()))
        }
    }
}

/// Asks for a look.
pub(super) async fn look(
    task: &Task<'_>,
    words: Option<&TextTemplate>,
    operator: Option<&dyn Operator>,
) -> Option<bool> {
    match operator?.ask(&question(task, words, true)).await {
        Answer::Yes => Some(true),
        Answer::No(_) => Some(false),
        Answer::Never | Answer::Silence => None,
    }
}

fn question(task: &Task<'_>, words: Option<&TextTemplate>, looks: bool) -> Question {
    let text = match words {
        Some(words) => words.fill(task),
        None => sentence(task, looks),
    };
    Question { text, looks, within: task.patience }
}

fn sentence(task: &Task<'_>, looks: bool) -> String {
    let stimulus = task.stimulus;
    if stimulus.verb == "send" {
        let action = stimulus.with.get("action").and_then(Value::as_str);
        let mut text = format!("Make the CSMS send {} to {}", action.unwrap_or("a call"), task.station);
        if let Some(fields) = stimulus.with.get("fields") {
            text.push_str(&format!(" with {fields}"));
        }
        return text;
    }
    let who = if task.station.is_empty() {
        format!("At the {}", stimulus.party)
    } else {
        format!("At {} ({})", task.station, stimulus.party)
    };
    let arguments = arguments(task, stimulus);
    let arguments = if arguments.is_empty() { String::new() } else { format!(" ({arguments})") };
    if looks { format!("{who}: {}{arguments}?", stimulus.verb) } else { format!("{who}: {}{arguments}", stimulus.verb) }
}

fn arguments(task: &Task<'_>, stimulus: &Stimulus) -> String {
    let mut shown: Vec<String> = Vec::new();
    if let Some(at) = task.lookup(&["at".to_owned()]) {
        shown.push(readable("at", &at));
    }
    for (name, value) in stimulus.with.iter().filter(|(name, _)| *name != "at") {
        shown.push(readable(name, value));
    }
    shown.join(", ")
}

fn readable(name: &str, value: &Value) -> String {
    if let (Some(evse), Some(connector)) = (value.get("evse"), value.get("connector")) {
        return format!("EVSE {evse}, connector {connector}");
    }
    if let Some(token) = value.get("idToken").and_then(Value::as_str) {
        return format!("{name} {token}");
    }
    match value {
        Value::String(text) => format!("{name} {text}"),
        Value::Number(seconds) if name == "for" => format!("for {seconds} s"),
        other => format!("{name} {other}"),
    }
}
