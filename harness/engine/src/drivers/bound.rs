//! One stimulus through one binding.

use std::time::Duration;

use protocol::stimulus::{Stimulus, observation, verb};
use protocol::{Role, Version};
use serde_json::{Map, Value, json};

use super::http::{self, Request};
use super::{Confirmation, context, exec, octt, provides, request, tzi};
use crate::rig::{Binding, Connector, Endpoint};

/// A stimulus on its way, with what is known around it.
pub(super) struct Task<'a> {
    /// The identity of the station that it is about.
    pub(super) station: &'a str,
    pub(super) version: Version,
    pub(super) stimulus: &'a Stimulus,
    /// The connector of a stimulus that names none.
    pub(super) default_connector: Option<Connector>,
    /// For people and commands.
    pub(super) patience: Duration,
    /// For one HTTP request.
    pub(super) request: Duration,
}

impl Task<'_> {
    /// The stimulus as control endpoints and commands get it.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "party": self.stimulus.party.name(),
            "station": self.station,
            "ocpp": self.version.number(),
            "verb": self.stimulus.verb,
            "with": self.stimulus.with,
        })
    }

    /// That nothing here can do this.
    pub(super) fn not_bound(&self) -> Confirmation {
        Confirmation::NotBound(self.stimulus.verb.clone())
    }
}

/// Whether a binding has a way to carry out a verb. One that is written in the rig does if it uses no name that
/// the verb lacks: a request with `${action}` is for calls only.
pub(super) fn serves(binding: &Binding, party: Role, name: &str, version: Version) -> bool {
    let has = |path: &[String]| path.first().is_some_and(|root| provides(party, name, root));
    match binding {
        Binding::Plugfest(endpoint) => {
            verb(party, name).is_some() || observation(party, name).is_some() || endpoint.paths.contains_key(name)
        }
        Binding::OcttSut(endpoint) => octt::path(endpoint, party, name).is_some(),
        Binding::TziTrigger(endpoint) => tzi::serves(endpoint, party, name, version),
        Binding::Http(http) => {
            http.url.names().all(has)
                && http.headers.iter().all(|(_, value)| value.names().all(has))
                && http.body.as_ref().is_none_or(|body| body.names().into_iter().all(has))
        }
        Binding::Exec(exec) => exec.command.iter().all(|word| word.names().all(has)),
        Binding::Prompt(_) | Binding::None => true,
    }
}

/// Carries a stimulus out. What lasts as long as it says is over when it is confirmed, whether the binding answers
/// when it begins or when it ends; only Plugfest's own endpoint knows.
pub(super) async fn stimulate(binding: &Binding, task: &Task<'_>) -> Confirmation {
    let carried_out = carry_out(binding, task);
    match binding {
        Binding::Http(_) | Binding::Exec(_) | Binding::OcttSut(_) => {
            lasting(context::length(task.stimulus), carried_out).await
        }
        _ => carried_out.await,
    }
}

/// Confirms no earlier than `length` after the beginning; what failed is told at once.
async fn lasting(length: Duration, carried_out: impl Future<Output = Confirmation>) -> Confirmation {
    let over = tokio::time::Instant::now().checked_add(length);
    let confirmation = carried_out.await;
    if let Some(over) = over.filter(|_| confirmation == Confirmation::Done) {
        tokio::time::sleep_until(over).await;
    }
    confirmation
}

async fn carry_out(binding: &Binding, task: &Task<'_>) -> Confirmation {
    match binding {
        Binding::Plugfest(endpoint) => plugfest(endpoint, task).await,
        Binding::OcttSut(endpoint) => octt::stimulate(endpoint, task).await,
        Binding::TziTrigger(endpoint) => tzi::stimulate(endpoint, task).await,
        Binding::Http(http) => request::stimulate(http, task).await,
        Binding::Exec(command) => exec::stimulate(command, task).await,
        Binding::Prompt(_) | Binding::None => task.not_bound(),
    }
}

/// Looks; `None` if this binding cannot tell.
pub(super) async fn look(binding: &Binding, task: &Task<'_>) -> Option<bool> {
    match binding {
        Binding::Plugfest(endpoint) => {
            let reply = http::send(&endpoint_request(endpoint, task, "/look"), task.request).await;
            reply.ok().filter(|reply| reply.is_success())?.seen()
        }
        Binding::Http(http) => request::look(http, task).await,
        Binding::Exec(command) => exec::look(command, task).await,
        Binding::OcttSut(endpoint) => {
            let path = endpoint.paths.get(&task.stimulus.verb)?;
            let url = format!("{}{}", endpoint.url, path.fill_url(task));
            let mut request = Request::new("POST", url);
            request.headers = request::headers(&endpoint.headers, task);
            let reply = http::send(&request, task.request).await.ok()?;
            reply.is_success().then(|| reply.seen())?
        }
        Binding::TziTrigger(_) | Binding::Prompt(_) | Binding::None => None,
    }
}

async fn plugfest(endpoint: &Endpoint, task: &Task<'_>) -> Confirmation {
    let request = endpoint_request(endpoint, task, "/stimulus");
    request::confirm(&request, &[], task.request).await
}

fn endpoint_request(endpoint: &Endpoint, task: &Task<'_>, path: &str) -> Request {
    let path = match endpoint.paths.get(&task.stimulus.verb) {
        Some(own) => own.fill_url(task),
        None => path.to_owned(),
    };
    let mut request = Request::new("POST", format!("{}{path}", endpoint.url));
    request.headers = request::headers(&endpoint.headers, task);
    request.json(&task.to_json());
    request
}

/// An object with these members; those without a value are left out.
pub(super) fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let members: Map<String, Value> =
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_lasts_is_confirmed_when_it_is_over_and_what_failed_at_once() {
        let hour = Duration::from_secs(3600);
        let begun = tokio::time::Instant::now();
        assert_eq!(lasting(hour, async { Confirmation::Done }).await, Confirmation::Done);
        assert_eq!(begun.elapsed(), hour);
        let failed = || Confirmation::Failed("no car".to_owned());
        assert_eq!(lasting(hour, async { failed() }).await, failed());
        assert_eq!(begun.elapsed(), hour);
    }
}
