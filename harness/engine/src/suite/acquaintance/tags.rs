//! Ready-made tags: a CSMS that nobody has told about them does not know them as what their names say.

use std::collections::BTreeMap;

use crate::rig::{Assumed, Rig};

/// What cannot be relied on, given the status that a CSMS has for each tag of a rig.
///
/// A CSMS that refuses strangers was told of whatever tag it knows, and is held to it. One that accepts strangers was
/// told of none.
pub(in crate::suite) fn doubts(rig: &Rig, statuses: &BTreeMap<String, (String, bool)>) -> Assumed {
    let status = |name: &str| statuses.get(name).map_or("", |(status, _)| status.as_str());
    let accepts_strangers = ["unknown", "invalid"].iter().any(|name| status(name) == "Accepted");
    let mut told = Assumed::default();
    for (name, (said, in_group)) in statuses {
        if rig.stated_tags.contains(name) {
            continue;
        }
        let is_right = match name.as_str() {
            "blocked" => said == "Blocked",
            "expired" => said == "Expired",
            "invalid" | "unknown" => said != "Accepted",
            _ => said == "Accepted",
        };
        let is_stranger = said == "Invalid" || (accepts_strangers && said == "Accepted");
        // These two are there for their group.
        let lacks_group = matches!(name.as_str(), "valid2" | "group") && said == "Accepted" && !in_group;
        if lacks_group || (!is_right && is_stranger) {
            let said = if lacks_group { "in no group" } else { said };
            let text = rig.tags.get(name).map_or("", |token| token.id_token.as_str());
            let why = format!(
                "the tag \"{name}\" ({text}) is {said} at this CSMS; register it, or name another in the rig \
                 (--tag {name}=…)"
            );
            told.doubtful_tags.insert(name.clone(), why);
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use protocol::Role;

    use super::*;

    fn doubtful(statuses: &[(&str, &str)], stated: &[&str]) -> Vec<String> {
        let mut rig = Rig::default_for(Some(Role::Csms));
        rig.stated_tags = stated.iter().map(|name| (*name).to_owned()).collect();
        let statuses =
            statuses.iter().map(|(name, status)| ((*name).to_owned(), ((*status).to_owned(), false))).collect();
        doubts(&rig, &statuses).doubtful_tags.into_keys().collect()
    }

    #[test]
    fn a_csms_that_accepts_everybody_knows_no_tag_as_blocked() {
        let all = [("valid", "Accepted"), ("blocked", "Accepted"), ("unknown", "Accepted"), ("invalid", "Accepted")];
        assert_eq!(doubtful(&all, &[]), ["blocked", "invalid", "unknown"]);
        assert_eq!(doubtful(&all, &["blocked"]), ["invalid", "unknown"]);
    }

    #[test]
    fn a_csms_that_knows_nobody_gives_no_valid_tag() {
        let none = [("valid", "Invalid"), ("blocked", "Invalid"), ("unknown", "Invalid")];
        assert_eq!(doubtful(&none, &[]), ["blocked", "valid"]);
    }

    #[test]
    fn a_csms_that_was_told_of_the_tags_is_held_to_them() {
        let told = [("valid", "Accepted"), ("blocked", "Accepted"), ("unknown", "Invalid"), ("invalid", "Invalid")];
        assert!(doubtful(&told, &[]).is_empty());
        assert_eq!(doubtful(&[("valid", "Accepted"), ("valid2", "Accepted"), ("unknown", "Invalid")], &[]), ["valid2"]);
    }
}
