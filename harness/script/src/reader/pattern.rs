//! Patterns: values, names, subsets of objects, lists and operators, each read by the type of its place.

use protocol::Version;
use protocol::catalogue::{Object, Type};
use verdict::Span;

use super::want::{Wire, field_of};
use super::{Mistake, Reader, Want, names};
use crate::ast::{ConstantType, Operator, OperatorKind, Pattern, PatternKind, Spanned, TextPart};
use crate::yaml::{Key, Node, NodeKind};

/// The operators, and `$from` and `$with`, which belong to one of them.
const OPERATORS: [&str; 21] = [
    "$bind",
    "$present",
    "$absent",
    "$maybe",
    "$oneOf",
    "$not",
    "$min",
    "$max",
    "$length",
    "$matches",
    "$near",
    "$next",
    "$from",
    "$each",
    "$contains",
    "$unordered",
    "$number",
    "$csv",
    "$json",
    "$is",
    "$with",
];

/// The kinds that the language names; none is built.
const KINDS: [&str; 8] = [
    "csr",
    "chain for",
    "certificate hash",
    "ocsp response",
    "firmware signature",
    "password",
    "schedule",
    "upload location",
];

impl Reader<'_> {
    /// A pattern at a place.
    pub(super) fn pattern(&mut self, node: &Node, want: &Want) -> Option<Pattern> {
        let broken = self.invalid.is_some() && self.invalid.as_deref() == Some(self.path.join(".").as_str());
        let want = if broken { &Want::Free } else { want };
        let kind = match &node.kind {
            NodeKind::Map(members) if members.iter().any(|(key, _)| key.text.starts_with('$')) => {
                self.operators(members, want)
            }
            NodeKind::Map(members) => self.object(node.span, members, want),
            NodeKind::List(items) => self.elements(node, items, want).map(PatternKind::List),
            NodeKind::Scalar { text, plain } => self.scalar(node, text, *plain, want),
        };
        kind.map(|kind| Pattern { span: node.span, kind })
    }

    fn scalar(&mut self, node: &Node, text: &str, plain: bool, want: &Want) -> Option<PatternKind> {
        if node.is_empty() {
            let label = format!("expected {}", want.describe());
            self.say(Mistake::WrongShape, node.span, "nothing stands here", label);
            return None;
        }
        let moment = if want.is_time() { names::moment(text) } else { None };
        let name = if text.starts_with('$') && !text.starts_with("${") { Some(names::reference(text)) } else { moment };
        if let Some(name) = name {
            return self.named(node.span, name).map(PatternKind::Name);
        }
        if text.contains("${") && want.is_text() {
            return self.text_parts(node).map(PatternKind::Text);
        }
        match want.decode(text, plain) {
            Ok(value) => Some(PatternKind::Literal(value)),
            Err(misfit) => {
                self.misfit(node.span, misfit);
                None
            }
        }
    }

    /// Text with names inside.
    pub(super) fn text_parts(&mut self, node: &Node) -> Option<Vec<TextPart>> {
        let text = self.text(node, "the text")?;
        match names::text_parts(text) {
            Ok(parts) => {
                for part in &parts {
                    if let TextPart::Name(name) = part {
                        self.path_of(name, node.span);
                    }
                }
                Some(parts)
            }
            Err(why) => {
                self.say(Mistake::BadName, node.span, why, "expected `${name}`");
                None
            }
        }
    }

    fn object(&mut self, span: Span, members: &[(Key, Node)], want: &Want) -> Option<PatternKind> {
        let objects = want.objects();
        let is_record = |name| objects.is_some() || want.record_field(name).is_some();
        if !is_record(members.first().map_or("evse", |(key, _)| key.text.as_str())) {
            let label = format!("expected {}", want.describe());
            let title = format!("a map is not {}", want.describe());
            self.say(Mistake::WrongType, span, title, label);
            return None;
        }
        let mut fields = Vec::new();
        for (key, value) in members {
            self.path.push(key.text.clone());
            let want = match &objects {
                Some(objects) => self.field(key, objects),
                None => want.record_field(&key.text).unwrap_or_else(|| {
                    let what = format!("a part of {}", want.describe());
                    self.stranger(Mistake::UnknownField, key.span, &key.text, &what, []);
                    Want::Free
                }),
            };
            let name = Spanned { value: key.text.clone(), span: key.span };
            fields.extend(self.pattern(value, &want).map(|pattern| (name, pattern)));
            self.path.pop();
        }
        Some(PatternKind::Object(fields))
    }

    /// The type of a field; one that some version lacks is told.
    fn field(&mut self, key: &Key, objects: &[(Version, &'static Object)]) -> Want {
        let (want, lacking) = field_of(objects, &key.text);
        let broken = self.invalid.as_deref() == Some(self.path.join(".").as_str());
        if lacking.is_empty() || broken {
            return want;
        }
        let object = objects.iter().find_map(|(_, object)| object.name.as_deref()).unwrap_or(&self.message).to_owned();
        let what = format!("a field of {object} in {}", words(&lacking));
        let known = objects.iter().filter(|(version, _)| lacking.contains(version));
        let known = known.flat_map(|(_, object)| object.fields.iter().map(|field| field.name.as_str()));
        let help = self.for_some(&lacking, objects.len());
        let found = self.stranger(Mistake::UnknownField, key.span, &key.text, &what, known);
        found.help = help.or(found.help.take());
        Want::Free
    }

    fn elements(&mut self, node: &Node, items: &[Node], want: &Want) -> Option<Vec<Pattern>> {
        let Some(item) = want.item() else {
            let label = format!("expected {}", want.describe());
            let title = format!("a list is not {}", want.describe());
            self.say(Mistake::WrongType, node.span, title, label);
            return None;
        };
        if let Want::Wire(shapes) = want {
            for shape in shapes {
                if let Wire::Field(ty @ Type::List { min, max, .. }) = shape.ty
                    && (min.is_some_and(|min| (items.len() as u64) < min)
                        || max.is_some_and(|max| (items.len() as u64) > max))
                {
                    let title = format!("{} elements do not fit in {}", items.len(), shape.version);
                    let label = format!("expected {}", ty.describe());
                    self.say(Mistake::OutOfBounds, node.span, title, label);
                    break;
                }
            }
        }
        Some(self.each(items, &item))
    }

    fn each(&mut self, items: &[Node], want: &Want) -> Vec<Pattern> {
        let mut patterns = Vec::new();
        for (at, item) in items.iter().enumerate() {
            self.path.push(at.to_string());
            patterns.extend(self.pattern(item, want));
            self.path.pop();
        }
        patterns
    }

    fn operators(&mut self, members: &[(Key, Node)], want: &Want) -> Option<PatternKind> {
        let mut operators = Vec::new();
        for (key, value) in members {
            if !key.text.starts_with('$') {
                let title = format!("\"{}\" stands beside operators", key.text);
                let found = self.say(Mistake::UnknownOperator, key.span, title, "not an operator");
                found.help = Some("a map holds either fields or operators".to_owned());
                continue;
            }
            let span = Span { start: key.span.start, end: value.span.end.max(key.span.end) };
            let sibling = |name: &str| members.iter().find(|(key, _)| key.text == name).map(|(_, value)| value);
            let kind = self.operator(key, value, want, &sibling);
            operators.extend(kind.map(|kind| Operator { span, kind }));
        }
        Some(PatternKind::Operators(operators))
    }

    fn operator<'n>(
        &mut self,
        key: &Key,
        value: &'n Node,
        want: &Want,
        sibling: &dyn Fn(&str) -> Option<&'n Node>,
    ) -> Option<OperatorKind> {
        Some(match key.text.as_str() {
            "$bind" => {
                let name = self.new_name(value, "the name")?;
                self.wants.entry(name.value.clone()).or_insert_with(|| want.clone());
                OperatorKind::Bind(name)
            }
            "$present" | "$absent" => {
                if !self.yes_or_no(value, &key.text)? {
                    let title = format!("`{}` is always true", key.text);
                    let other = if key.text == "$present" { "$absent" } else { "$present" };
                    let found = self.say(Mistake::UnknownOperator, value.span, title, "expected true");
                    found.help = Some(format!("write `{other}: true`"));
                    return None;
                }
                if key.text == "$present" { OperatorKind::Present } else { OperatorKind::Absent }
            }
            "$maybe" => OperatorKind::Maybe(self.pattern(value, want)?),
            "$oneOf" => {
                let items = self.list(value, "`$oneOf`")?;
                let patterns: Vec<Pattern> = items.iter().filter_map(|item| self.pattern(item, want)).collect();
                OperatorKind::OneOf(patterns)
            }
            "$not" => OperatorKind::Not(self.pattern(value, want)?),
            "$min" => OperatorKind::Min(self.pattern(value, want)?),
            "$max" => OperatorKind::Max(self.pattern(value, want)?),
            "$length" => {
                let (low, high) = self.range(value)?;
                OperatorKind::Length(low, high)
            }
            "$matches" => {
                let expression = self.spanned(value, "the expression")?;
                if let Err(error) = regex::Regex::new(&format!("^(?:{})$", expression.value)) {
                    let text = error.to_string();
                    let why = text.lines().last().unwrap_or("").trim_start_matches("error: ").to_owned();
                    self.say(Mistake::BadExpression, value.span, "this expression cannot be read", why);
                    return None;
                }
                OperatorKind::Matches(expression)
            }
            "$near" => {
                let moment = Want::Constant(ConstantType::Time);
                let is_moment = want.is_time() || matches!(want, Want::Free | Want::Later);
                if !is_moment {
                    return self.unfit(key, want, "a moment");
                }
                OperatorKind::Near(self.pattern(value, &moment)?)
            }
            "$next" => {
                let counter = self.new_name(value, "the counter")?;
                self.wants.entry(counter.value.clone()).or_insert_with(|| want.clone());
                OperatorKind::Next(counter, sibling("$from").and_then(|from| self.pattern(from, want)))
            }
            "$from" | "$with" => {
                let owner = if key.text == "$from" { "$next" } else { "$is" };
                if sibling(owner).is_none() {
                    let title = format!("`{}` stands beside `{owner}`", key.text);
                    self.say(Mistake::UnknownOperator, key.span, title, format!("there is no `{owner}` here"));
                }
                return None;
            }
            "$each" | "$contains" | "$unordered" => {
                let Some(item) = want.item() else {
                    return self.unfit(key, want, "a list");
                };
                match key.text.as_str() {
                    "$each" => {
                        self.path.push("*".to_owned());
                        let inner = self.pattern(value, &item);
                        self.path.pop();
                        OperatorKind::Each(inner?)
                    }
                    name => {
                        let items = self.list(value, &format!("`{name}`"))?;
                        let patterns = self.each(items, &item);
                        if name == "$contains" {
                            OperatorKind::Contains(patterns)
                        } else {
                            OperatorKind::Unordered(patterns)
                        }
                    }
                }
            }
            "$number" | "$csv" | "$json" if !want.is_text() => return self.unfit(key, want, "a text"),
            "$number" => OperatorKind::Number(self.pattern(value, &Want::Constant(ConstantType::Decimal))?),
            "$csv" => OperatorKind::Csv(self.pattern(value, &Want::List(Box::new(Want::Text)))?),
            "$json" => OperatorKind::Json(self.pattern(value, &Want::Free)?),
            "$is" => {
                let kind = self.text(value, "the kind")?;
                if !KINDS.contains(&kind) {
                    self.stranger(Mistake::UnknownCheck, value.span, kind, "a kind", KINDS);
                    return None;
                }
                self.not_built(Span { start: key.span.start, end: value.span.end }, "kinds (`$is`)");
                return None;
            }
            other => {
                self.stranger(Mistake::UnknownOperator, key.span, other, "an operator", OPERATORS);
                return None;
            }
        })
    }

    fn unfit(&mut self, key: &Key, want: &Want, operand: &str) -> Option<OperatorKind> {
        let title = format!("`{}` is for {operand}, and here stands {}", key.text, want.describe());
        self.say(Mistake::UnknownOperator, key.span, title, "does not fit here");
        None
    }
}

impl Reader<'_> {
    /// What to do about something that some versions of the case have and others have not.
    pub(super) fn for_some(&self, lacking: &[Version], of: usize) -> Option<String> {
        let others: Vec<Version> = self.versions.iter().copied().filter(|version| !lacking.contains(version)).collect();
        (lacking.len() < of)
            .then(|| format!("{} has it: `when: {{ version: … }}` makes a step for some versions only", words(&others)))
    }
}

/// Versions in words: `1.6 and 2.1`.
pub(super) fn words(versions: &[Version]) -> String {
    versions.iter().map(|version| version.number()).collect::<Vec<_>>().join(" and ")
}
