//! The local authorisation list (statements 16-LIST).

use serde_json::{Map, Value, json};

use super::authorisation::TagInfo;
use super::charge_point::ChargePoint;
use super::connector::same_tag;
use crate::frames::members;

/// The list, which only SendLocalList changes (16-LIST-01).
#[derive(Debug, Default)]
pub(super) struct LocalList {
    version: i64,
    entries: Vec<(String, TagInfo)>,
}

impl LocalList {
    pub(super) fn find(&self, tag: &str) -> Option<&TagInfo> {
        self.entries.iter().find(|(known, _)| same_tag(known, tag)).map(|(_, info)| info)
    }
}

impl ChargePoint {
    pub(super) fn get_local_list_version(&self) -> Value {
        let version = if !self.settings.local_list {
            -1
        } else if self.storage.list.entries.is_empty() {
            0
        } else {
            self.storage.list.version
        };
        json!({ "listVersion": version })
    }

    pub(super) fn send_local_list(&mut self, request: &Map<String, Value>) -> Value {
        json!({ "status": self.take_list(request) })
    }

    fn take_list(&mut self, request: &Map<String, Value>) -> &'static str {
        if !self.settings.local_list {
            return "NotSupported";
        }
        let version = request.get("listVersion").and_then(Value::as_i64).unwrap_or(0);
        let full = request.get("updateType").and_then(Value::as_str) == Some("Full");
        let Some(changes) = read_entries(request.get("localAuthorizationList")) else {
            return "Failed";
        };
        // 0 and -1 are no versions of a list (16-LIST-10).
        if version < 1 || changes.len() > self.list_limit("SendLocalListMaxLength") {
            return "Failed";
        }
        if full {
            let complete: Option<Vec<(String, TagInfo)>> =
                changes.into_iter().map(|(tag, info)| Some((tag, info?))).collect();
            let Some(entries) = complete else {
                return "Failed";
            };
            if entries.len() > self.list_limit("LocalAuthListMaxLength") {
                return "Failed";
            }
            self.storage.list = LocalList { version, entries };
            return "Accepted";
        }
        if version <= self.storage.list.version && !self.faults.hits("station-takes-old-list-version") {
            return "VersionMismatch";
        }
        let mut entries = self.storage.list.entries.clone();
        if !entries.is_empty() && self.faults.hits("station-takes-every-list-for-full") {
            entries.clear();
        }
        for (tag, info) in changes {
            let is_known = info.is_some() && entries.iter().any(|(known, _)| same_tag(known, &tag));
            if is_known && self.faults.hits("station-keeps-what-it-has-listed") {
                continue;
            }
            entries.retain(|(known, _)| !same_tag(known, &tag));
            if let Some(info) = info {
                entries.push((tag, info));
            }
        }
        if entries.len() > self.list_limit("LocalAuthListMaxLength") {
            return "Failed";
        }
        self.storage.list = LocalList { version, entries };
        "Accepted"
    }

    fn list_limit(&self, key: &str) -> usize {
        self.storage.configuration.integer(key).and_then(|limit| usize::try_from(limit).ok()).unwrap_or(0)
    }
}

/// The entries of a request; `None` if a tag stands in it twice (16-LIST-06).
fn read_entries(list: Option<&Value>) -> Option<Vec<(String, Option<TagInfo>)>> {
    let mut entries: Vec<(String, Option<TagInfo>)> = Vec::new();
    for entry in list.and_then(Value::as_array).into_iter().flatten() {
        let entry = members(entry);
        let tag = entry.get("idTag").and_then(Value::as_str)?;
        if entries.iter().any(|(known, _)| same_tag(known, tag)) {
            return None;
        }
        let info = entry.get("idTagInfo").and_then(TagInfo::read);
        entries.push((tag.to_owned(), info));
    }
    Some(entries)
}
