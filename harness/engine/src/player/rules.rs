//! Which statements a failure breaks: what the step names for the place, and what the kind of failure says by itself.

use protocol::statements::{self, Strength};
use protocol::{Role, Version};
use script::ast::Rule;

/// Whether a statement can be broken by a device of this side.
pub(crate) fn binds(id: &str, device: Role, version: Version) -> bool {
    statements::statement(id).is_none_or(|statement| {
        statement.is_of(version) && statement.side.includes(device) && statement.strength_in(version) == Strength::Must
    })
}

/// The statements that are broken by what stands in a field of the device's message (`idTagInfo.status`), or with an
/// empty field by the message as a whole, its absence included.
pub(super) fn broken(rules: &[Rule], field: &str, device: Role, version: Version) -> Vec<String> {
    let nearest = rules.iter().filter(|rule| covers(&rule.field, field)).max_by_key(|rule| rule.field.len());
    let mut found = Vec::new();
    for id in nearest.iter().flat_map(|rule| &rule.statements) {
        if binds(&id.value, device, version) && !found.contains(&id.value) {
            found.push(id.value.clone());
        }
    }
    found
}

/// Whether a rule about one field covers another: itself, what is inside it, and everything if it is about no field.
/// Positions in lists do not count.
fn covers(rule: &str, field: &str) -> bool {
    if rule.is_empty() {
        return true;
    }
    let mut names = field.split('.').filter(|name| name.parse::<usize>().is_err());
    rule.split('.').all(|name| names.next() == Some(name))
}

#[cfg(test)]
mod tests {
    use script::ast::Spanned;
    use verdict::Span;

    use super::*;

    fn rules(of: &[(&str, &str)]) -> Vec<Rule> {
        let spanned = |id: &str| Spanned { value: id.to_owned(), span: Span::default() };
        of.iter()
            .map(|(field, ids)| Rule { field: (*field).to_owned(), statements: ids.split(' ').map(spanned).collect() })
            .collect()
    }

    #[test]
    fn the_nearest_field_names_the_rule() {
        let rules = rules(&[("", "16-TX-06"), ("meterStop", "16-TX-15"), ("transactionData", "16-MV-09")]);
        let of = |field| broken(&rules, field, Role::Station, Version::V16);
        assert_eq!(of("meterStop"), ["16-TX-15"]);
        assert_eq!(of("transactionData.0.sampledValue"), ["16-MV-09"]);
        assert_eq!(of("reason"), ["16-TX-06"]);
        assert_eq!(of(""), ["16-TX-06"]);
    }

    #[test]
    fn rules_of_the_other_side_and_rules_that_are_only_recommended_do_not_count() {
        let rules = rules(&[("", "16-AUTH-02 16-AUTH-08 16-TX-04 E01.FR.08")]);
        assert_eq!(broken(&rules, "", Role::Csms, Version::V16), ["16-AUTH-08"]);
        assert_eq!(broken(&rules, "", Role::Station, Version::V16), ["16-AUTH-02"]);
    }
}
