//! The SUT API of the official tool, as stations implement it: POST, parameters in the query.

use protocol::Role;

use super::Confirmation;
use super::bound::Task;
use super::http::Request;
use super::request;
use crate::rig::{Endpoint, TextTemplate};

/// The ready-made paths by verb.
const PATHS: [(&str, &str); 7] = [
    ("plug in", "/plugin?evse_id=${at.evse}&connector_id=${at.connector}"),
    ("unplug", "/plugout?evse_id=${at.evse}&connector_id=${at.connector}"),
    ("present token", "/authorize?id=${token.idToken}&type=${token.type}&evse_id=${at.evse}"),
    ("charge", "/state?ready=true&evse_id=${at.evse}&connector_id=${at.connector}"),
    ("pause by ev", "/state?ready=false&evse_id=${at.evse}&connector_id=${at.connector}"),
    ("resume by ev", "/state?ready=true&evse_id=${at.evse}&connector_id=${at.connector}"),
    ("x-end charging", "/end"),
];

/// The path of a verb: the rig's, else the ready-made one.
pub(super) fn path(endpoint: &Endpoint, party: Role, verb: &str) -> Option<TextTemplate> {
    if party != Role::Station {
        return None;
    }
    endpoint
        .paths
        .get(verb)
        .cloned()
        .or_else(|| PATHS.iter().find(|(name, _)| *name == verb).map(|(_, path)| TextTemplate::own(path)))
}

/// Carries a stimulus out.
pub(super) async fn stimulate(endpoint: &Endpoint, task: &Task<'_>) -> Confirmation {
    let Some(path) = path(endpoint, task.stimulus.party, &task.stimulus.verb) else {
        return task.not_bound();
    };
    let mut request = Request::new("POST", format!("{}{}", endpoint.url, path.fill_url(task)));
    request.headers = request::headers(&endpoint.headers, task);
    request::confirm(&request, &[], task.request).await
}
