//! A case as a picture and as a page: a Mermaid sequence diagram, and Markdown around it.
//!
//! Patterns are shown as they are written in the file.

mod label;
mod page;

use std::collections::BTreeSet;

use verdict::Source;

use self::label::{escaped, written};
use crate::ast::{
    Act, Answer, Call, Case, Connection, ConnectionEvent, ConnectionOptions, DurationExpr, ForbiddenKind, Invocation,
    Item, ItemKind, Offset, Outcome, Party, Pattern, PatternKind, RawText, Scope, TextOutcomeKind, When, Within,
};

pub use page::page;

/// More fields than these are not shown in an arrow.
const MOST_FIELDS: usize = 6;

/// The sequence diagram of a case, in the language of Mermaid.
pub fn diagram(case: &Case) -> String {
    let mut parties = BTreeSet::new();
    case.steps.iter().for_each(|item| parties_of(item, &mut parties));
    if parties.is_empty() {
        parties.extend([name(Party::Station), name(Party::Csms)]);
    }
    let mut drawing =
        Drawing { source: &case.source, text: "sequenceDiagram\n".to_owned(), depth: 1, over: String::new() };
    // Left to right: stations before CSMSs, testers before devices.
    let order = [Party::Station, Party::Csms, Party::Tester, Party::Device];
    let present: Vec<&str> = order.into_iter().map(name).filter(|name| parties.contains(name)).collect();
    for party in &present {
        drawing.line(&format!("participant {party} as {}", if *party == "csms" { "CSMS" } else { party }));
    }
    drawing.over = match (present.first(), present.last()) {
        (Some(first), Some(last)) if first != last => format!("{first},{last}"),
        (Some(only), _) => (*only).to_owned(),
        _ => String::new(),
    };
    drawing.items(&case.steps);
    if let Some(procedure) = &case.procedure {
        drawing.note_over_all(&format!("procedure: {}", procedure.value.name()));
    }
    drawing.text
}

struct Drawing<'a> {
    source: &'a Source,
    text: String,
    depth: usize,
    /// Where notes about the whole conversation stand.
    over: String,
}

impl Drawing<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(&"  ".repeat(self.depth));
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn note(&mut self, over: &str, text: &str) {
        self.line(&format!("Note over {over}: {}", escaped(text)));
    }

    fn note_over_all(&mut self, text: &str) {
        let over = self.over.clone();
        self.note(&over, text);
    }

    fn block(&mut self, word: &str, title: &str, inside: impl FnOnce(&mut Self)) {
        self.line(format!("{word} {}", escaped(title)).trim_end());
        self.depth += 1;
        inside(self);
        self.depth -= 1;
        self.line("end");
    }

    /// A block with several compartments, such as `alt … else … end`.
    fn compartments(&mut self, word: &str, title: &str, other: &str, items: &[Item]) {
        for (at, item) in items.iter().enumerate() {
            match at {
                0 => self.line(&format!("{word} {}", escaped(title))),
                _ => self.line(other),
            }
            self.depth += 1;
            self.item(item);
            self.depth -= 1;
        }
        if !items.is_empty() {
            self.line("end");
        }
    }

    fn items(&mut self, items: &[Item]) {
        items.iter().for_each(|item| self.item(item));
    }

    /// An item inside the blocks that its conditions and counts make.
    fn item(&mut self, item: &Item) {
        if !item.when.is_empty() {
            let title = format!("when {}", self.conditions(&item.when));
            return self.block("opt", &title, |drawing| drawing.counted(item));
        }
        self.counted(item);
    }

    fn counted(&mut self, item: &Item) {
        let (min, max) = (item.repeat.min, item.repeat.max);
        if let Some(warn) = &item.warn {
            let title = format!("recommended: {}", warn.value);
            return self.block("opt", &title, |drawing| drawing.plain(item));
        }
        match (min, max) {
            (1, 1) => self.plain(item),
            (0, 1) => self.block("opt", "optional", |drawing| drawing.plain(item)),
            (min, u32::MAX) => self.block("loop", &format!("{min} times or more"), |drawing| drawing.plain(item)),
            (min, max) if min == max => self.block("loop", &format!("{min} times"), |drawing| drawing.plain(item)),
            (min, max) => self.block("loop", &format!("{min} to {max} times"), |drawing| drawing.plain(item)),
        }
    }

    fn plain(&mut self, item: &Item) {
        let time = item.within.as_ref().map(within);
        let suffix = time.as_ref().map(|time| format!(" ({time})")).unwrap_or_default();
        match &item.kind {
            ItemKind::Call(call) => self.call(call, &suffix),
            ItemKind::At(act) => {
                let text = format!("{}{suffix}", self.act(act));
                self.note(name(act.party.value), &text);
            }
            ItemKind::Look(act) => {
                let text = format!("look: {}", self.act(act));
                self.note(name(act.party.value), &text);
            }
            ItemKind::Connection(connection) => self.connection(connection, &suffix),
            ItemKind::Text(text) => self.raw_text(text),
            ItemKind::Run(invocation) => {
                let text = self.invocation(invocation);
                self.note_over_all(&text);
            }
            ItemKind::Check(invocation) => {
                let text = format!("check: {}", self.invocation(invocation));
                self.note_over_all(&text);
            }
            ItemKind::Steps(items) => self.items(items),
            ItemKind::AnyOrder(items) => self.compartments("par", &format!("any order{suffix}"), "and", items),
            ItemKind::OneOf(items) => self.compartments("alt", &format!("one of{suffix}"), "else", items),
            ItemKind::ForEach { name, list, steps } => {
                let title = format!("for each {} of rig.{}", name.value, list.value);
                self.block("loop", &title, |drawing| drawing.items(steps));
            }
            ItemKind::Never { events, scope } => {
                let events: Vec<String> = events.iter().map(|event| self.forbidden(&event.kind)).collect();
                let events = events.join(", ");
                match scope {
                    Scope::For(length) => self.note_over_all(&format!("for {} never: {events}", duration(length))),
                    Scope::During(items) => {
                        self.note_over_all(&format!("from here never: {events}"));
                        self.items(items);
                        self.note_over_all(&format!("until here never: {events}"));
                    }
                }
            }
            ItemKind::Quiet(length) => self.note_over_all(&format!("quiet for {}", duration(length))),
            ItemKind::Offline(items, options) if items.is_empty() => {
                let text = format!("station reconnects{}{suffix}", self.options(options));
                self.note_over_all(&text);
            }
            ItemKind::Offline(items, options) => {
                self.note_over_all("the link is down");
                self.items(items);
                let text = format!("the link is up again{}", self.options(options));
                self.note_over_all(&text);
            }
        }
    }

    fn call(&mut self, call: &Call, suffix: &str) {
        let (from, to) = (name(call.from.value), name(call.to.value));
        let mut lines = vec![format!("{}{suffix}", call.action.value)];
        if let Some(fields) = &call.fields {
            lines.extend(self.fields(fields));
        }
        if let Some(invalid) = &call.invalid {
            lines.push(format!("(invalid on purpose: {})", invalid.value));
        }
        self.arrow(from, "->>", to, &lines);
        self.items(&call.before_reply);
        self.answer(&call.answer, from, to);
    }

    fn answer(&mut self, answer: &Answer, from: &str, to: &str) {
        match answer {
            Answer::AnyResult => {}
            Answer::Reply(reply) => {
                let lines = self.fields(reply);
                self.arrow(to, "-->>", from, &if lines.is_empty() { vec!["any result".to_owned()] } else { lines });
            }
            Answer::Nothing(_) => self.note(to, "no answer"),
            Answer::Error(codes, _) => {
                let codes: Vec<&str> = codes.iter().map(|code| code.value.as_str()).collect();
                let text = if codes.is_empty() { "error".to_owned() } else { format!("error: {}", codes.join(" or ")) };
                self.arrow(to, "--x", from, &[text]);
            }
            Answer::Replies(branches) => {
                for (at, branch) in branches.iter().enumerate() {
                    let mut title = String::new();
                    if !branch.when.is_empty() {
                        title = format!("when {}", self.conditions(&branch.when));
                    }
                    if let Some(warn) = &branch.warn {
                        title = format!("{title} tolerated: {}", warn.value).trim().to_owned();
                    }
                    let word = if at == 0 { "alt" } else { "else" };
                    self.line(format!("{word} {}", escaped(&title)).trim_end());
                    self.depth += 1;
                    self.answer(&branch.answer, from, to);
                    self.items(&branch.then);
                    self.depth -= 1;
                }
                if !branches.is_empty() {
                    self.line("end");
                }
            }
        }
    }

    fn arrow(&mut self, from: &str, arrow: &str, to: &str, lines: &[String]) {
        let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
        self.line(&format!("{from}{arrow}{to}: {}", lines.join("<br/>")));
    }

    fn raw_text(&mut self, text: &RawText) {
        let from = text.from.value;
        let to = match from {
            Party::Station => Party::Csms,
            Party::Csms => Party::Station,
            Party::Tester => Party::Device,
            Party::Device => Party::Tester,
        };
        let sent = written(self.source, text.text.span);
        self.arrow(name(from), "-)", name(to), &[format!("text {sent}")]);
        let outcomes: Vec<String> = text
            .outcome
            .iter()
            .map(|outcome| match &outcome.kind {
                TextOutcomeKind::Ignored => "ignored".to_owned(),
                TextOutcomeKind::Answered => "answered".to_owned(),
                TextOutcomeKind::Error(codes) if codes.is_empty() => "refused".to_owned(),
                TextOutcomeKind::Error(codes) => format!("refused as {}", codes.join(" or ")),
                TextOutcomeKind::Closed(_) => "the link closed".to_owned(),
                TextOutcomeKind::Cut => "the link cut".to_owned(),
            })
            .collect();
        self.note(name(to), &outcomes.join(", or "));
    }

    fn connection(&mut self, connection: &Connection, suffix: &str) {
        let what = match connection.event {
            ConnectionEvent::StationConnects => "station connects",
            ConnectionEvent::StationDrops => "station ends the link",
            ConnectionEvent::CsmsDrops => "CSMS ends the link",
        };
        let text = format!("{what}{}{suffix}", self.options(&connection.options));
        self.note_over_all(&text);
    }

    fn options(&self, options: &ConnectionOptions) -> String {
        let mut said = Vec::new();
        for (name, pattern) in [("identity", &options.identity), ("password", &options.password)] {
            said.extend(pattern.as_ref().map(|pattern| format!("{name} {}", written(self.source, pattern.span))));
        }
        said.extend(options.offers.as_ref().map(|offers| format!("offers {}", offers.value.join(", "))));
        said.extend(
            options.answers.as_ref().map(|answer| format!("answers {}", answer.value.as_deref().unwrap_or("none"))),
        );
        match options.outcome.as_ref().map(|outcome| outcome.value) {
            Some(Outcome::RefusedByStation) => said.push("refused by the station".to_owned()),
            Some(Outcome::RefusedByCsms) => said.push("refused by the CSMS".to_owned()),
            Some(Outcome::ClosedByCsms) => said.push("closed by the CSMS".to_owned()),
            Some(Outcome::Open) | None => {}
        }
        if said.is_empty() { String::new() } else { format!(": {}", said.join(", ")) }
    }

    fn fields(&self, pattern: &Pattern) -> Vec<String> {
        let PatternKind::Object(fields) = &pattern.kind else {
            return vec![written(self.source, pattern.span)];
        };
        let mut lines: Vec<String> = fields
            .iter()
            .take(MOST_FIELDS)
            .map(|(key, field)| format!("{}: {}", key.value, written(self.source, field.span)))
            .collect();
        if fields.len() > MOST_FIELDS {
            lines.push("…".to_owned());
        }
        lines
    }

    fn act(&self, act: &Act) -> String {
        let with: Vec<String> = act
            .with
            .iter()
            .map(|(name, value)| format!("{} {}", name.value, written(self.source, value.span)))
            .collect();
        if with.is_empty() { act.verb.value.clone() } else { format!("{} ({})", act.verb.value, with.join(", ")) }
    }

    fn invocation(&self, invocation: &Invocation) -> String {
        let with = invocation.with.iter();
        let with: Vec<String> =
            with.map(|(name, value)| format!("{} {}", name.value, written(self.source, value.span))).collect();
        let name = &invocation.name.value;
        if with.is_empty() { name.clone() } else { format!("{name} ({})", with.join(", ")) }
    }

    fn forbidden(&self, kind: &ForbiddenKind) -> String {
        match kind {
            ForbiddenKind::Call { from, action, fields } => {
                let action = action.as_deref().unwrap_or("any call");
                let fields = fields.as_ref().map(|fields| format!(" {}", written(self.source, fields.span)));
                format!("{action} of the {}{}", shown(*from), fields.unwrap_or_default())
            }
            ForbiddenKind::Drops(party) => format!("the {} ends the link", shown(*party)),
        }
    }

    fn conditions(&self, when: &[When]) -> String {
        let said: Vec<String> = when
            .iter()
            .map(|when| match when {
                When::Capability(capability) => {
                    format!("{}{}", if capability.value.negated { "not " } else { "" }, capability.value.name)
                }
                When::Config(key, pattern) => format!("{} is {}", key.value, written(self.source, pattern.span)),
                When::Version(versions) => {
                    let versions: Vec<&str> = versions.iter().map(|version| version.value.number()).collect();
                    format!("version {}", versions.join(" or "))
                }
                When::Name(name, pattern) => format!("{} is {}", name.value.root, written(self.source, pattern.span)),
            })
            .collect();
        said.join(" and ")
    }
}

fn name(party: Party) -> &'static str {
    match party {
        Party::Station => "station",
        Party::Csms => "csms",
        Party::Tester => "tester",
        Party::Device => "device",
    }
}

/// A party in a sentence.
fn shown(party: Party) -> &'static str {
    if party == Party::Csms { "CSMS" } else { name(party) }
}

fn parties_of(item: &Item, into: &mut BTreeSet<&'static str>) {
    let all = |items: &[Item], into: &mut BTreeSet<&'static str>| {
        items.iter().for_each(|item| parties_of(item, into));
    };
    match &item.kind {
        ItemKind::Call(call) => {
            into.extend([name(call.from.value), name(call.to.value)]);
            all(&call.before_reply, into);
            if let Answer::Replies(branches) = &call.answer {
                branches.iter().for_each(|branch| all(&branch.then, into));
            }
        }
        ItemKind::At(act) | ItemKind::Look(act) => {
            into.insert(name(act.party.value));
        }
        ItemKind::Text(text) => {
            let pair = match text.from.value {
                Party::Station | Party::Csms => [Party::Station, Party::Csms],
                Party::Tester | Party::Device => [Party::Tester, Party::Device],
            };
            into.extend(pair.map(name));
        }
        ItemKind::Connection(_) | ItemKind::Run(_) => into.extend([name(Party::Station), name(Party::Csms)]),
        ItemKind::Steps(items) | ItemKind::AnyOrder(items) | ItemKind::OneOf(items) => all(items, into),
        ItemKind::ForEach { steps, .. } => all(steps, into),
        ItemKind::Never { scope: Scope::During(items), .. } => all(items, into),
        ItemKind::Offline(items, _) => {
            into.extend([name(Party::Station), name(Party::Csms)]);
            all(items, into);
        }
        ItemKind::Never { .. } | ItemKind::Quiet(_) | ItemKind::Check(_) => {}
    }
}

fn within(within: &Within) -> String {
    let of = within.of.as_ref().map(|mark| format!(" of {}", mark.value)).unwrap_or_default();
    match (&within.lower, &within.upper) {
        (None, Some(upper)) => format!("within {}{of}", duration(upper)),
        (Some(lower), Some(upper)) => format!("{} to {}{of}", duration(lower), duration(upper)),
        (Some(lower), None) => format!("not before {}{of}", duration(lower)),
        (None, None) => String::new(),
    }
}

fn duration(length: &DurationExpr) -> String {
    match length {
        DurationExpr::Fixed(length) if length.subsec_millis() == 0 => format!("{} s", length.as_secs()),
        DurationExpr::Fixed(length) => format!("{} ms", length.as_millis()),
        DurationExpr::Class(class) => class.value.clone(),
        DurationExpr::Name(name) => {
            let parts: String = name.value.parts.iter().map(|part| format!(".{part}")).collect();
            let plus = match &name.value.plus {
                Some(Offset::Micros(micros)) if *micros < 0 => format!(" - {} s", -micros / 1_000_000),
                Some(Offset::Micros(micros)) => format!(" + {} s", micros / 1_000_000),
                Some(Offset::Number(number)) => format!(" + {number}"),
                None => String::new(),
            };
            format!("${}{parts}{plus}", name.value.root)
        }
    }
}
