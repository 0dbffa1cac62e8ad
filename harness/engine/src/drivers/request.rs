//! A stimulus as a request that the rig describes.

use std::time::Duration;

use super::Confirmation;
use super::bound::Task;
use super::http::{self, Request};
use crate::rig::{Http, TextTemplate};

/// Carries a stimulus out.
pub(super) async fn stimulate(binding: &Http, task: &Task<'_>) -> Confirmation {
    confirm(&build(binding, task), &binding.expect, task.request).await
}

/// Looks: `{"seen": true}` or `true` in the answer. An answer that says neither yes nor no tells nothing.
pub(super) async fn look(binding: &Http, task: &Task<'_>) -> Option<bool> {
    let reply = http::send(&build(binding, task), task.request).await.ok()?;
    if !is_expected(reply.status, &binding.expect) {
        return None;
    }
    reply.seen()
}

fn build(binding: &Http, task: &Task<'_>) -> Request {
    let mut request = Request::new(&binding.method, binding.url.fill_url(task));
    request.headers = headers(&binding.headers, task);
    if let Some(body) = binding.body.as_ref().and_then(|body| body.fill(task)) {
        request.json(&body);
    }
    request
}

/// Headers with their places filled.
pub(super) fn headers(headers: &[(String, TextTemplate)], task: &Task<'_>) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.clone(), value.fill(task))).collect()
}

/// Sends a request and reads its status: expected (or any 2xx) is done, 501 can never be done, everything else
/// failed.
pub(super) async fn confirm(request: &Request, expect: &[u16], limit: Duration) -> Confirmation {
    let reply = match http::send(request, limit).await {
        Ok(reply) => reply,
        Err(why) => return Confirmation::Failed(why),
    };
    if is_expected(reply.status, expect) {
        return Confirmation::Done;
    }
    let said = reply.text();
    if reply.status == 501 {
        return Confirmation::Undrivable(if said.is_empty() {
            "the device's control interface does not implement it (501)".to_owned()
        } else {
            said
        });
    }
    let mut why = format!("the device's control interface answered {}", reply.status);
    if let Some(location) = reply.location.filter(|_| (300..400).contains(&reply.status)) {
        why.push_str(&format!(" and points to {location}; give that URL"));
    }
    if !said.is_empty() {
        why.push_str(&format!(": {said}"));
    }
    Confirmation::Failed(why)
}

fn is_expected(status: u16, expect: &[u16]) -> bool {
    if expect.is_empty() { (200..300).contains(&status) } else { expect.contains(&status) }
}
