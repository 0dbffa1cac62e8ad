//! What leaves in place of a message.

use protocol::frame::LONGEST_ID;
use serde_json::{Value, json};

use super::said::Said;

type Instead = Option<Vec<String>>;

pub(super) fn own_id(said: &Said<'_>) -> Instead {
    let id: String = format!("own-{}", said.id()).chars().take(LONGEST_ID).collect();
    said.is_answer().then(|| said.with(1, id.into()))
}

pub(super) fn upper_case_id(said: &Said<'_>) -> Instead {
    let upper = said.id().to_uppercase();
    (said.is_answer() && upper != said.id()).then(|| said.with(1, upper.into()))
}

/// An id of digits as the number that it looks like.
pub(super) fn number_for_id(said: &Said<'_>) -> Instead {
    let number: u64 = said.id().parse().ok().filter(|_| said.id().bytes().all(|byte| byte.is_ascii_digit()))?;
    said.is_answer().then(|| said.with(1, number.into()))
}

/// The id as it came, whatever it is.
pub(super) fn echo_id(said: &Said<'_>) -> Instead {
    let id = said.question?.elements.get(1).filter(|id| id.is_number())?;
    said.is_answer().then(|| said.with(1, id.clone()))
}

/// Another code for values that break the schema.
pub(super) fn with_code(said: &Said<'_>, code: &str) -> Instead {
    is_about_values(said).then(|| said.with(2, code.into()))
}

pub(super) fn without_details(said: &Said<'_>) -> Instead {
    let elements = said.frame.as_array().filter(|_| said.is_error())?;
    Some(vec![Value::from(elements[..4].to_vec()).to_string()])
}

pub(super) fn with_repeated_key(said: &Said<'_>) -> Instead {
    let whole = said.text.strip_suffix("{}]").filter(|_| said.is_error())?;
    Some(vec![format!("{whole}{{\"cause\":\"\",\"cause\":\"\"}}]")])
}

/// The request twenty times over.
pub(super) fn with_request(said: &Said<'_>) -> Instead {
    let request = String::from_utf8_lossy(&said.question?.text);
    said.is_error().then(|| said.with(4, json!({ "request": vec![request; 20] })))
}

/// The buffer for errors has two hundred bytes.
pub(super) fn cut_off(said: &Said<'_>) -> Instead {
    const ROOM: usize = 200;
    let end = (0..=ROOM).rev().find(|at| said.text.is_char_boundary(*at))?;
    (said.is_error() && said.text.len() > ROOM).then(|| vec![said.text[..end].to_owned()])
}

/// The action stands in the description as it came, quotes and all.
pub(super) fn with_bare_quotes(said: &Said<'_>) -> Instead {
    let (_, action, _) = said.question?.call()?;
    let written = serde_json::to_string(action).ok()?;
    let bare = format!("\"{action}\"");
    let bites = said.is_error() && written != bare && said.text.contains(&written);
    bites.then(|| vec![said.text.replace(&written, &bare)])
}

pub(super) fn with_stack_trace(said: &Said<'_>) -> Instead {
    const TRACE: &str = "java.lang.IllegalArgumentException: validation failed\n\tat \
        com.example.ocpp.MessageHandler.handle(MessageHandler.java:142)\n\tat java.base/java.lang.Thread.run";
    is_about_values(said).then(|| said.with(3, TRACE.into()))
}

/// A text with a quotation mark ends in the database.
pub(super) fn with_query(said: &Said<'_>) -> Instead {
    let text = said.question?.find_text(|text| text.contains('\'').then(|| text.to_owned()))?;
    let id = said.id();
    let query = format!("syntax error near '{text}': SELECT * FROM charge_box WHERE id_tag = '{text}'");
    let query: String = query.chars().take(255).collect();
    said.is_answer().then(|| vec![json!([4, id, "InternalError", query, {}]).to_string()])
}

pub(super) fn with_others(said: &Said<'_>) -> Instead {
    let other = said.others.first().filter(|_| said.is_error())?;
    Some(said.with(3, format!("no such message; last good one from {other}").into()))
}

/// `[{…},{…},]`
pub(super) fn with_comma(said: &Said<'_>) -> Instead {
    said.text.contains("},{").then(|| vec![said.text.replacen("}]", "},]", 1)])
}

fn is_about_values(said: &Said<'_>) -> bool {
    said.is_error() && said.frame[2].as_str().is_some_and(|code| code.ends_with("ConstraintViolation"))
}
