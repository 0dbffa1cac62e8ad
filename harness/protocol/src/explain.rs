//! Pages about what the protocol itself names: messages, types, enumerations, settings and rules of the text.

use std::fmt::Write;

use crate::catalogue::{Catalogue, Enumeration, Field, Kind, Message, Object, Sender, Type};
use crate::configuration::{self, Access, KeyType};
use crate::overlay::{self, Severity};
use crate::{Role, Version, capabilities};

/// How wide the lines are.
const WIDTH: usize = 100;

/// The message of this name in every version that has it, with its fields as a table; a version that has the same
/// fields as the one before is not written out again.
pub fn message(name: &str) -> Option<String> {
    let sections: Vec<(Version, String, String)> = Version::ALL
        .into_iter()
        .filter_map(|version| {
            let message = Catalogue::of(version).message(name)?;
            Some((version, heading(message), fields_of(message)))
        })
        .collect();
    (!sections.is_empty()).then(|| page(&format!("{name}: a message of OCPP"), sections))
}

/// The object type or the enumeration of this name in every version that has it.
pub fn named_type(name: &str) -> Option<String> {
    let sections: Vec<(Version, String, String)> = Version::ALL
        .into_iter()
        .filter_map(|version| {
            let ty = find_type(Catalogue::of(version), name)?;
            let mut table = Table::default();
            match &ty {
                Type::Object(object) => table.fields(&object.fields, 1),
                Type::Enum(enumeration) => table.values(enumeration, 2),
                _ => {}
            }
            Some((version, String::new(), table.finish()))
        })
        .collect();
    (!sections.is_empty()).then(|| page(&format!("{name}: a type of OCPP"), sections))
}

/// The rule of the text with this name.
pub fn rule(id: &str) -> Option<String> {
    let rule = overlay::rule(id)?;
    let weight = match rule.severity {
        Severity::Must => "demanded, a breach fails the device",
        Severity::Should => "recommended, a breach is a warning",
        Severity::Uncertain => "left open by the sources, a breach is only noted",
    };
    let side = rule.sender.map_or("both", Role::name);
    let versions: Vec<&str> = rule.versions.iter().map(|version| version.number()).collect();
    Some(format!(
        "{id}: a rule of the text that the schemas lack\n\n  {}\n\n  weight     {weight}\n  sent by    {side}\n  versions   {}\n  statement  {}",
        rule.sentence,
        versions.join(", "),
        rule.statement
    ))
}

/// The configuration key of 1.6 or the variable of 2.x with this name.
pub fn setting(name: &str) -> Option<String> {
    let mut lines = Vec::new();
    if let Some(key) = configuration::key(name) {
        let access = match key.access {
            Access::Read => "can be read",
            Access::Write => "can only be written",
            Access::ReadWrite => "can be read and written",
            Access::ReadMaybeWrite => "can be read, and written where the station allows it",
        };
        let needed = if key.required { "required" } else { "optional" };
        let unit = key.unit.map_or_else(String::new, |unit| format!(" in {unit}"));
        let kind = match key.ty {
            KeyType::Boolean => "true or false",
            KeyType::Integer => "a whole number",
            KeyType::Text => "text",
            KeyType::List => "words separated by commas",
            KeyType::DateTime => "a date-time",
            KeyType::Json => "JSON text",
        };
        lines.push(format!("  1.6    the key {}: {kind}{unit}, {access}; {needed} in {}", key.name, key.profile));
    }
    for version in [Version::V201, Version::V21] {
        if let Some(variable) = configuration::variable(version, name) {
            let instance = variable.instance.map_or_else(String::new, |instance| format!(", instance {instance}"));
            let place = format!("the variable {} of {}{instance}", variable.variable, variable.component);
            lines.push(format!("  {:<5}  {place}", version.number()));
        }
    }
    (!lines.is_empty()).then(|| format!("{name}: a setting of OCPP\n\n{}", lines.join("\n")))
}

/// What it means that a device has a capability.
pub fn capability(name: &str) -> Option<String> {
    let capability = capabilities::capability(name)?;
    Some(format!("{name}: a capability that cases ask for\n\n  {}", capability.meaning))
}

/// Every name that has a page here, for suggestions.
pub fn names() -> impl Iterator<Item = &'static str> {
    let messages = Version::ALL.into_iter().flat_map(|version| Catalogue::of(version).messages());
    messages
        .map(|message| message.action.as_str())
        .chain(overlay::RULES.iter().map(|rule| rule.id))
        .chain(capabilities::CAPABILITIES.iter().map(|capability| capability.name))
        .chain(configuration::keys().iter().map(|key| key.name))
        .chain(configuration::variables(Version::V21).map(|variable| variable.alias))
}

fn page(title: &str, sections: Vec<(Version, String, String)>) -> String {
    let mut text = title.to_owned();
    let mut sections = sections.into_iter().peekable();
    while let Some((version, heading, fields)) = sections.next() {
        let mut versions = version.number().to_owned();
        while let Some((version, ..)) = sections.next_if(|(_, h, f)| (h, f) == (&heading, &fields)) {
            versions.push_str(" and ");
            versions.push_str(version.number());
        }
        let heading = if heading.is_empty() { heading } else { format!("  {heading}") };
        text.push_str(&format!("\n\nOCPP {versions}{heading}\n{fields}"));
    }
    text
}

fn heading(message: &Message) -> String {
    let way = match message.from {
        Sender::Station => "station > csms",
        Sender::Csms => "csms > station",
        Sender::Both => "either way",
    };
    let kind = match message.kind {
        Kind::Call => "",
        Kind::Send => ", a SEND without answer",
    };
    format!("{way}, {}{kind}", message.profile)
}

fn fields_of(message: &Message) -> String {
    let mut table = Table::default();
    table.line(1, "request", "");
    table.fields(&message.request.fields, 2);
    if let Some(response) = message.response() {
        table.line(1, "response", "");
        table.fields(&response.fields, 2);
    }
    table.finish()
}

/// Rows of an indented name and what may stand there.
#[derive(Default)]
struct Table {
    rows: Vec<(String, String)>,
    /// Types that are written out already.
    shown: Vec<String>,
    has_custom_data: bool,
}

impl Table {
    fn line(&mut self, depth: usize, name: &str, what: &str) {
        self.rows.push((format!("{}{name}", "  ".repeat(depth)), what.to_owned()));
    }

    fn fields(&mut self, fields: &[Field], depth: usize) {
        if fields.iter().all(|field| field.name == "customData") {
            self.line(depth, "(no fields)", "");
        }
        for field in fields {
            if field.name == "customData" {
                self.has_custom_data = true;
                continue;
            }
            let name = if field.required { field.name.clone() } else { format!("{}?", field.name) };
            self.line(depth, &name, &field.ty.describe());
            self.below(&field.ty, depth + 1);
        }
    }

    fn below(&mut self, ty: &Type, depth: usize) {
        match ty {
            Type::List { item, .. } => self.below(item, depth),
            Type::Object(object) if self.is_new(object.name.as_deref()) => self.fields(&object.fields, depth),
            Type::Enum(enumeration) if self.is_new(Some(&enumeration.name)) => self.values(enumeration, depth),
            _ => {}
        }
    }

    fn is_new(&mut self, name: Option<&str>) -> bool {
        let name = name.unwrap_or_default();
        let is_new = !self.shown.iter().any(|known| known == name);
        if is_new {
            self.shown.push(name.to_owned());
        }
        is_new
    }

    fn values(&mut self, enumeration: &Enumeration, depth: usize) {
        let indent = "  ".repeat(depth);
        let mut line = String::new();
        for value in &enumeration.values {
            if !line.is_empty() && indent.len() + line.len() + value.len() + 3 > WIDTH {
                self.rows.push((format!("{indent}{line}"), String::new()));
                line.clear();
            }
            line.push_str("| ");
            line.push_str(value);
            line.push(' ');
        }
        self.rows.push((format!("{indent}{}", line.trim_end()), String::new()));
    }

    fn finish(self) -> String {
        let width = self.rows.iter().filter(|row| !row.1.is_empty()).map(|row| row.0.len()).max().unwrap_or(0);
        let mut text = String::new();
        for (name, what) in &self.rows {
            let line = format!("{name:<width$}  {what}");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}", line.trim_end());
        }
        if self.has_custom_data {
            text.push_str("  Every object may also have customData.\n");
        }
        text.trim_end().to_owned()
    }
}

/// The first use of a type or enumeration of this name.
fn find_type(catalogue: &Catalogue, name: &str) -> Option<Type> {
    let objects = catalogue.messages().iter().flat_map(|message| [Some(&*message.request), message.response()]);
    objects.flatten().find_map(|object| in_object(object, name))
}

fn in_object(object: &Object, name: &str) -> Option<Type> {
    object.fields.iter().find_map(|field| in_type(&field.ty, name))
}

fn in_type(ty: &Type, name: &str) -> Option<Type> {
    match ty {
        Type::Enum(enumeration) if enumeration.name == name => Some(ty.clone()),
        Type::Object(object) if object.name.as_deref() == Some(name) => Some(ty.clone()),
        Type::Object(object) => in_object(object, name),
        Type::List { item, .. } => in_type(item, name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_a_table_for_each_version() {
        let expected = "\
Authorize: a message of OCPP

OCPP 1.6  station > csms, Core
  request
    idTag           cistring[20]
  response
    idTagInfo       IdTagInfo
      expiryDate?   dateTime
      parentIdTag?  cistring[20]
      status        AuthorizationStatus
        | Accepted | Blocked | Expired | Invalid | ConcurrentTx";
        let page = message("Authorize").unwrap();
        assert!(page.starts_with(expected), "{page}");
        assert!(page.contains("\n\nOCPP 2.0.1  station > csms, C\n"), "{page}");
    }

    #[test]
    fn versions_that_agree_share_a_table() {
        let page = message("Heartbeat").unwrap();
        let shared = "OCPP 2.0.1 and 2.1  station > csms, G\n  request\n    (no fields)\n  response\n    currentTime  dateTime\n";
        assert!(page.contains(shared), "{page}");
    }

    #[test]
    fn every_field_of_every_message_is_on_its_page() {
        for version in Version::ALL {
            for message in Catalogue::of(version).messages() {
                let page = super::message(&message.action).unwrap();
                for field in message.request.fields.iter().filter(|field| field.name != "customData") {
                    assert!(page.contains(&field.name), "{version} {}: {}", message.action, field.name);
                }
                for line in page.lines() {
                    assert!(line.len() <= WIDTH + 40 && line.trim_end() == line, "{line}");
                }
            }
        }
    }

    #[test]
    fn a_setting_has_its_place_in_each_version() {
        let page = setting("HeartbeatInterval").unwrap();
        let key = "the key HeartbeatInterval: a whole number in s, can be read and written; required in Core";
        assert!(page.contains(key), "{page}");
        assert!(setting("CostEnabled").unwrap().contains("the variable Enabled of TariffCostCtrlr, instance Cost"));
        assert!(setting("Nothing").is_none());
    }

    #[test]
    fn types_and_rules_have_pages() {
        assert_eq!(
            named_type("AuthorizationStatus").unwrap(),
            "AuthorizationStatus: a type of OCPP\n\nOCPP 1.6\n    | Accepted | Blocked | Expired | Invalid | ConcurrentTx"
        );
        assert!(named_type("IdTagInfo").unwrap().contains("parentIdTag?"));
        assert!(named_type("Nothing").is_none());
        for each in overlay::RULES {
            assert!(rule(each.id).unwrap().contains(each.statement));
        }
    }
}
