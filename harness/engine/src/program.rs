//! A plan: a case projected on the side we play, with one answer to every choice of ours.

mod blocks;
mod choices;
mod steps;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use protocol::{Role, Version};
use script::ast::{Begin, Case, ConstantType, GivenSource, Invocation, Item, Part, PartKind, Pattern, When};
use script::{Library, Procedure};
use serde_json::Value;
use verdict::{Diagnostic, Source, Verdict};

use crate::leaf::{Leaf, LeafKind};
use crate::rig::{Claim, Rig};
use crate::scope::{Argument, Scope, ScopeId, Scopes};
use crate::tree::Node;

pub use choices::{Choices, Cover};

/// A condition that is asked when the front reaches it.
#[derive(Clone, Debug)]
pub enum Condition {
    /// A configuration value of the station.
    Config(String, Pattern, ScopeId),
    /// A bound name.
    Name(script::ast::NameRef, Pattern, ScopeId),
    /// All of these.
    All(Vec<Condition>),
}

/// What a segment of a plan is for; it decides who is to blame when it fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Reaching the first state: a link and an accepted station. Skipped if the session is already there.
    Arrive(String),
    /// Storing something before the case.
    Remember(String),
    /// Reaching a state.
    Reach(String),
    /// The case itself.
    Steps,
}

/// A part of a plan.
#[derive(Clone, Debug)]
pub struct Segment {
    /// What for.
    pub purpose: Purpose,
    /// The conversation.
    pub node: Node,
}

/// What is done to a plan's configuration before it runs.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The 1.6 key or 2.x variable.
    pub key: String,
    /// The value wanted.
    pub value: Pattern,
    /// The scope it is read in.
    pub scope: ScopeId,
    /// Without it the case is not applicable.
    pub required: bool,
}

/// A plan, ready to be played.
#[derive(Clone, Debug)]
pub struct Program {
    /// The case.
    pub case: Arc<Case>,
    /// The side of the device.
    pub device: Role,
    /// The version.
    pub version: Version,
    /// Which of our choices; 0 takes every first option.
    pub variant: usize,
    /// How many variants cover the choices.
    pub variants: usize,
    /// The option that generated messages take where they have a choice.
    pub message_option: usize,
    /// The names.
    pub scopes: Scopes,
    /// The scope of the case itself.
    pub root: ScopeId,
    /// The segments in order; the configuration is set after the first if that is [`Purpose::Arrive`].
    pub segments: Vec<Segment>,
    /// Configuration to set.
    pub configure: Vec<Setting>,
    /// Configuration of the station that conditions ask for: to be read from a station under test, or given to
    /// ours (with the value that the plan chose).
    pub config: BTreeMap<String, Option<String>>,
    /// Capabilities of our own station that conditions asked for, as the plan answers them.
    pub assumed: BTreeMap<String, bool>,
    /// Stimuli and asked calls it needs of the device: `plug in`, `send`.
    pub needs: Vec<(Role, String)>,
    /// Tokens of the rig that it uses, in lower case: a CSMS may refuse one that another station charges with.
    pub tokens: BTreeSet<String>,
}

/// Why a case cannot be played.
#[derive(Debug)]
pub struct Refused {
    /// `NotApplicable`, `Inconclusive` or `Error`; `Fail` if the device keeps every case from being played.
    pub verdict: Verdict,
    /// One line.
    pub reason: String,
    /// The statements broken by a device that fails.
    pub rules: Vec<String>,
    /// The place, where there is one.
    pub diagnostic: Option<Box<Diagnostic>>,
}

impl Refused {
    /// For a reason that is nobody's mistake, and has no place in a file.
    pub fn new(verdict: Verdict, reason: impl Into<String>) -> Refused {
        Refused { verdict, reason: reason.into(), rules: Vec::new(), diagnostic: None }
    }

    fn error(source: &Arc<Source>, span: verdict::Span, reason: impl Into<String>) -> Refused {
        let reason = reason.into();
        Refused {
            diagnostic: Some(Box::new(Diagnostic::error("cannot-play", reason.clone()).at(source, span, ""))),
            ..Refused::new(Verdict::Error, reason)
        }
    }
}

/// What the compiler needs to know of the outside.
pub struct Outside<'a> {
    /// All cases and parts.
    pub library: &'a Library,
    /// The rig.
    pub rig: &'a Rig,
    /// Whether the device can be made to do this: a stimulus or an asked call.
    pub can: &'a dyn Fn(Role, &str) -> bool,
    /// The fields of a call that do not survive the way to a CSMS under test: judged by the schema alone.
    pub cannot_carry: &'a dyn Fn(&str) -> Vec<String>,
    /// How choices are combined.
    pub cover: Cover,
    /// Both sides are played by ourselves: the case is projected on a side even if the other is the device.
    pub both_sides: bool,
}

/// Projects a case.
pub fn compile(
    case: &Arc<Case>,
    device: Role,
    version: Version,
    variant: usize,
    outside: &Outside<'_>,
) -> Result<Program, Refused> {
    let mut compiler = Compiler {
        device,
        version,
        outside,
        scopes: Scopes::default(),
        choices: Choices::new(variant, outside.cover),
        config: BTreeMap::new(),
        assumed: BTreeMap::new(),
        needs: Vec::new(),
        tokens: BTreeSet::new(),
        rules: Arc::default(),
    };
    compiler.requirements(case)?;
    let root = compiler.case_scope(case)?;
    let mut segments = Vec::new();
    if let Begin::State(invocation) = &case.begin {
        compiler.reach(&case.source, invocation, root, &mut segments, 0)?;
    }
    // What is to be remembered is stored as soon as the device can be talked to.
    let arrived = usize::from(matches!(segments.first(), Some(Segment { purpose: Purpose::Arrive(_), .. })));
    for (at, memory) in case.remember.iter().enumerate() {
        let part = compiler.part(&case.source, PartKind::Memory, memory)?;
        let scope = compiler.part_scope(&case.source, &part, memory, root)?;
        let node = compiler.items(&part.source, scope, &part.steps, 0)?;
        let node = end(node, &part.source, part.name.span, scope);
        let purpose = Purpose::Remember(memory.name.value.clone());
        segments.insert(arrived + at, Segment { purpose, node });
    }
    let node = match &case.procedure {
        Some(procedure) => {
            compiler.procedure_requirements(procedure.value)?;
            for action in procedure.value.asks_for(version) {
                compiler.need(Role::Csms, &format!("send {action}"));
            }
            leaf_of_ours(LeafKind::Procedure(procedure.value), &case.source, procedure.span, root)
        }
        None => compiler.items(&case.source, root, &case.steps, 0)?,
    };
    let node = end(node, &case.source, case.id.span, root);
    segments.push(Segment { purpose: Purpose::Steps, node });
    let configure = case
        .configure
        .iter()
        .map(|wanted| Setting {
            key: wanted.key.value.clone(),
            value: wanted.value.clone(),
            scope: root,
            required: wanted.required,
        })
        .collect();
    Ok(Program {
        case: case.clone(),
        device,
        version,
        variant,
        variants: compiler.choices.variants(),
        message_option: compiler.choices.of_messages(),
        scopes: compiler.scopes,
        root,
        segments,
        configure,
        config: compiler.config,
        assumed: compiler.assumed,
        needs: compiler.needs,
        tokens: compiler.tokens,
    })
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// A segment with its end, which is an item of ours: optional items before it have their grace.
fn end(node: Node, source: &Arc<Source>, span: verdict::Span, scope: ScopeId) -> Node {
    Node::Seq(vec![node, leaf_of_ours(LeafKind::End, source, span, scope)])
}

fn leaf_of_ours(kind: LeafKind, source: &Arc<Source>, span: verdict::Span, scope: ScopeId) -> Node {
    Node::Leaf(Box::new(Leaf {
        source: source.clone(),
        span,
        scope,
        kind,
        within: None,
        grace: None,
        mark: None,
        warn: None,
        rules: Arc::default(),
        reached: None,
    }))
}

pub(crate) struct Compiler<'a> {
    device: Role,
    version: Version,
    outside: &'a Outside<'a>,
    scopes: Scopes,
    choices: Choices,
    config: BTreeMap<String, Option<String>>,
    /// Capabilities of our own station that a `when` asked for: one answer for the whole case.
    assumed: BTreeMap<String, bool>,
    needs: Vec<(Role, String)>,
    tokens: BTreeSet<String>,
    /// The rules of the blocks around, for items that have none of their own.
    rules: Arc<[script::ast::Rule]>,
}

impl Compiler<'_> {
    fn requirements(&self, case: &Case) -> Result<(), Refused> {
        if self.outside.both_sides {
            return Ok(());
        }
        if !case.is_for(self.device) {
            return Err(Refused::new(Verdict::NotApplicable, format!("the case is not for a {}", self.device)));
        }
        let wanted = match self.device {
            Role::Station => &case.requires.station,
            Role::Csms => &case.requires.csms,
        };
        for capability in wanted {
            let wanted = &capability.value;
            if let Some(reason) = self.outside.rig.capabilities.objection(&wanted.name, wanted.negated) {
                return Err(Refused::new(Verdict::NotApplicable, reason));
            }
        }
        Ok(())
    }

    /// What a procedure takes, beside what it asks for.
    fn procedure_requirements(&mut self, procedure: Procedure) -> Result<(), Refused> {
        if self.outside.both_sides {
            return Ok(());
        }
        let rig = self.outside.rig;
        let refused = |reason: &str| Err(Refused::new(Verdict::NotApplicable, reason));
        if procedure.plays_another_station() && rig.identities.len() < 2 {
            return refused("it takes two stations, and the rig names one");
        }
        if procedure.tries_passwords() && rig.password.is_none() {
            return refused("the rig names no password");
        }
        if procedure.charges() {
            self.note_token("tags.valid");
        }
        Ok(())
    }

    fn case_scope(&mut self, case: &Arc<Case>) -> Result<ScopeId, Refused> {
        let mut scope = Scope::default();
        for given in &case.given {
            let value = self.constant(&case.source, &given.source)?;
            scope.arguments.insert(given.name.value.clone(), Argument::Value(value));
        }
        Ok(self.scopes.add(scope))
    }

    fn constant(&mut self, source: &Arc<Source>, given: &GivenSource) -> Result<Value, Refused> {
        match given {
            GivenSource::Constant(kind, value) => Ok(match (kind, &value.value) {
                (ConstantType::Decimal, Value::Number(number)) => Value::Number(number.clone()),
                (_, value) => value.clone(),
            }),
            GivenSource::Rig(path) => {
                self.note_token(&path.value);
                let rig = self.outside.rig;
                let tag = path.value.strip_prefix("tags.").and_then(|rest| rest.split('.').next());
                if let Some(why) = tag.and_then(|tag| rig.doubtful_tags.get(tag)) {
                    return Err(Refused::new(Verdict::Inconclusive, why.clone()));
                }
                if path.value.starts_with("connectors.") && !rig.states_connectors && rig.value(&path.value).is_none() {
                    let count = rig.connectors.len();
                    let reason = format!("the station says that it has {count} connector{}", plural(count));
                    return Err(Refused::new(Verdict::NotApplicable, reason));
                }
                rig.value(&path.value).map(|value| value.to_json()).ok_or_else(|| {
                    let reason = format!("the rig has no {}", path.value);
                    let lacks = Diagnostic::error("rig-lacks-value", reason.clone());
                    let diagnostic = Some(Box::new(lacks.at(source, path.span, "asked for here")));
                    Refused { diagnostic, ..Refused::new(Verdict::Inconclusive, reason) }
                })
            }
        }
    }

    fn note_token(&mut self, path: &str) {
        let name = path.strip_prefix("tags.").and_then(|rest| rest.split('.').next());
        let text = name.and_then(|name| self.outside.rig.value(&format!("tags.{name}.idToken")));
        if let Some(text) = text.map(|text| text.to_json()).as_ref().and_then(Value::as_str) {
            self.tokens.insert(text.to_lowercase());
        }
    }

    fn part(&self, source: &Arc<Source>, kind: PartKind, invocation: &Invocation) -> Result<Arc<Part>, Refused> {
        self.outside.library.part(kind, &invocation.name.value, self.version).ok_or_else(|| {
            Refused::error(source, invocation.name.span, format!("there is no \"{}\" here", invocation.name.value))
        })
    }

    /// The segments that lead to a state, first things first.
    fn reach(
        &mut self,
        source: &Arc<Source>,
        invocation: &Invocation,
        caller: ScopeId,
        segments: &mut Vec<Segment>,
        depth: usize,
    ) -> Result<(), Refused> {
        if depth > 16 {
            return Err(Refused::error(source, invocation.name.span, "states that lead to themselves"));
        }
        let part = self.part(source, PartKind::State, invocation)?;
        let scope = self.part_scope(source, &part, invocation, caller)?;
        let from_nothing = match &part.from {
            Some(Begin::State(from)) => {
                self.reach(&part.source, from, scope, segments, depth + 1)?;
                false
            }
            Some(Begin::Nothing) | None => true,
        };
        let node = self.items(&part.source, scope, &part.steps, 0)?;
        let node = end(node, &part.source, part.name.span, scope);
        let name = invocation.name.value.clone();
        let purpose = if from_nothing { Purpose::Arrive(name) } else { Purpose::Reach(name) };
        segments.push(Segment { purpose, node });
        Ok(())
    }

    pub(crate) fn part_scope(
        &mut self,
        source: &Arc<Source>,
        part: &Arc<Part>,
        invocation: &Invocation,
        caller: ScopeId,
    ) -> Result<ScopeId, Refused> {
        let mut scope = Scope::default();
        for param in &part.params {
            let written = invocation.with.iter().find(|(name, _)| name.value == param.name.value);
            let argument = match (written, &param.default) {
                (Some((_, pattern)), _) => Argument::Written(pattern.clone(), caller),
                (None, Some(default)) => Argument::Value(self.constant(&part.source, default)?),
                (None, None) => {
                    let reason = format!("\"{}\" needs {}", part.name.value, param.name.value);
                    return Err(Refused::error(source, invocation.name.span, reason));
                }
            };
            scope.arguments.insert(param.name.value.clone(), argument);
        }
        for given in &part.gives {
            let outer = invocation
                .rename
                .iter()
                .find(|(name, _)| name.value == given.value)
                .map_or(&given.value, |(_, name)| &name.value);
            scope.aliases.insert(given.value.clone(), (caller, outer.clone()));
        }
        Ok(self.scopes.add(scope))
    }

    /// One after the other.
    pub(crate) fn items(
        &mut self,
        source: &Arc<Source>,
        scope: ScopeId,
        items: &[Item],
        depth: usize,
    ) -> Result<Node, Refused> {
        let mut nodes = Vec::new();
        for item in items {
            nodes.push(self.item(source, scope, item, depth)?);
        }
        Ok(Node::Seq(nodes))
    }

    /// A capability of the station: of one under test by the rig, of ours by the plan, unless the rig says that a
    /// CSMS under test knows nothing of it.
    fn capability(&mut self, name: &str, negated: bool) -> bool {
        let said = &self.outside.rig.capabilities;
        if self.device == Role::Station {
            return said.has(name) != negated;
        }
        let choices = &mut self.choices;
        let denied = said.claim(name) == Claim::Denied;
        let has = *self.assumed.entry(name.to_owned()).or_insert_with(|| {
            let wanted = choices.pick(2) == 0;
            !denied && wanted != negated
        });
        has != negated
    }

    /// The conditions of an item: `None` if one is already known to fail, the rest to be asked later.
    pub(crate) fn conditions(&mut self, scope: ScopeId, when: &[When]) -> Option<Vec<Condition>> {
        let mut later = Vec::new();
        for condition in when {
            match condition {
                When::Capability(capability) => {
                    if !self.capability(&capability.value.name, capability.value.negated) {
                        return None;
                    }
                }
                When::Version(versions) => {
                    if !versions.iter().any(|version| version.value == self.version) {
                        return None;
                    }
                }
                When::Config(key, pattern) => {
                    self.wish(&key.value, pattern);
                    later.push(Condition::Config(key.value.clone(), pattern.clone(), scope));
                }
                When::Name(name, pattern) => {
                    later.push(Condition::Name(name.value.clone(), pattern.clone(), scope));
                }
            }
        }
        Some(later)
    }

    /// Notes that a configuration value is asked for; for a station of ours the plan decides what it is.
    fn wish(&mut self, key: &str, pattern: &Pattern) {
        if self.config.contains_key(key) {
            return;
        }
        let value = if self.device == Role::Csms {
            choices::configuration_value(pattern, self.choices.pick(2) == 0)
        } else {
            None
        };
        self.config.insert(key.to_owned(), value);
    }
}
