//! Plays an episode: acts from somewhere, one after the other, watched by the model and the oracles.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use protocol::generate::Choices;
use protocol::{Role, Timestamp, Version};

use crate::act::Act;
use crate::coverage::Coverage;
use crate::generate::{Allowed, Generator};
use crate::model::{Model, Told};
use crate::oracles::{self, About, Oracle, Suspicion};
use crate::target::{How, Ready, Target};
use crate::view::View;
use crate::{Seen, What};

/// Where acts come from.
pub trait Source: Send {
    /// The next act; nothing when there are no more.
    fn next(&mut self, view: &View<'_>) -> Option<Act>;
}

/// Acts that were done before.
pub struct Frozen<'a>(std::slice::Iter<'a, Act>);

impl<'a> Frozen<'a> {
    /// These acts, in order.
    pub fn new(acts: &'a [Act]) -> Frozen<'a> {
        Frozen(acts.iter())
    }
}

impl Source for Frozen<'_> {
    fn next(&mut self, _: &View<'_>) -> Option<Act> {
        self.0.next().cloned()
    }
}

/// Acts of a generator.
pub struct Generated<C> {
    generator: Generator,
    choices: C,
    left: usize,
}

impl<C: Choices> Generated<C> {
    /// So many acts of this generator.
    pub fn new(generator: Generator, choices: C, left: usize) -> Generated<C> {
        Generated { generator, choices, left }
    }
}

impl<C: Choices + Send> Source for Generated<C> {
    fn next(&mut self, view: &View<'_>) -> Option<Act> {
        self.left = self.left.checked_sub(1)?;
        Some(self.generator.next(view, &mut self.choices))
    }
}

/// What came of an episode.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// When it began; a bystander's link may have been opened before.
    pub began: Timestamp,
    /// What was done.
    pub acts: Vec<Act>,
    /// What was noticed.
    pub suspicions: Vec<Suspicion>,
    /// Everything that was seen, as far as it was kept.
    pub seen: Vec<Seen>,
    /// Why nothing could be judged: the device could not be reached at the beginning.
    pub unreachable: Option<String>,
    /// Whether the device answered as it should when it was asked at the end.
    pub alive: bool,
    /// What was met.
    pub coverage: Coverage,
}

/// So much of what is seen is kept in an episode.
const KEPT: usize = 20_000;
/// An oracle that always wants more does not get it.
const WANTS: usize = 16;

/// Plays acts against a device.
pub async fn play(target: &mut Target, source: &mut dyn Source, allowed: &Allowed, how: How) -> Outcome {
    let Some(mut ready) = target.stage(how) else {
        return Outcome { unreachable: Some("another episode has the only link".to_owned()), ..Outcome::default() };
    };
    let drivable = target.drivable();
    let outcome = on_stage(target, &mut ready, source, allowed, &drivable).await;
    target.give_back(ready);
    outcome
}

async fn on_stage(
    target: &mut Target,
    ready: &mut Ready,
    source: &mut dyn Source,
    allowed: &Allowed,
    drivable: &[String],
) -> Outcome {
    let (device, version) = (target.device, target.version);
    let stage = &mut ready.stage;
    let means = target.means(allowed, drivable);
    let (told, identities) = (means.told.clone(), means.identities);
    let mut watch = Watch::new(target, told.clone(), stage.now());
    let begun = stage.begin().await;
    watch.take(begun);
    if !stage.is_ready() {
        let refused = watch.seen.iter().rev().find_map(|seen| match &seen.what {
            What::Refused { reason, .. } => Some(reason.clone()),
            _ => None,
        });
        let reason = refused.unwrap_or_else(|| "the link ended at once".to_owned());
        return Outcome { unreachable: Some(reason), ..watch.outcome(Vec::new()) };
    }
    let mut acts = Vec::new();
    loop {
        let links = stage.links();
        let canary = stage.canary();
        let view = View {
            device,
            version,
            now: engine::clock::system_now(),
            model: &watch.model,
            known: stage.known(),
            links: &links,
            identities,
            tokens: &told.tokens,
            connectors: told.connectors,
            acts: acts.len(),
            allowed,
            drivable,
            longest_pass_ms: if target.is_embedded() { u64::MAX } else { 0 },
            canary: canary.as_deref(),
        };
        let Some(mut act) = source.next(&view) else { break };
        if let (Some(address), Some(text)) = (&canary, act.text()) {
            act = act.with_text(text.with_canary(address));
        }
        let seen = stage.perform(&act, false).await;
        acts.push(act);
        watch.take(seen);
        let mut wants = 0;
        while wants < WANTS
            && let Some(act) = watch.wants()
        {
            wants += 1;
            let seen = stage.perform(&act, true).await;
            watch.take(seen);
        }
        if watch.lost {
            break;
        }
    }
    let ended = stage.end().await;
    watch.take(ended);
    if stage.canary().is_some() {
        if target.is_embedded() {
            // Who calls did so at once; time is virtual.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        watch.take(stage.callers());
    }
    for text in target.process(watch.alive && !watch.lost).await {
        let at = engine::clock::system_now();
        watch.take(vec![Seen { at, act: acts.len(), own: false, link: 0, what: What::Monitor { text } }]);
    }
    watch.outcome(acts)
}

/// The model and the oracles of an episode.
struct Watch {
    began: Timestamp,
    device: Role,
    version: Version,
    has_password: bool,
    model: Model,
    oracles: Vec<Box<dyn Oracle>>,
    suspicions: Vec<Suspicion>,
    seen: Vec<Seen>,
    last_sent: HashMap<usize, String>,
    /// The device is deaf, or takes no links any more.
    lost: bool,
    alive: bool,
    coverage: Coverage,
}

impl Watch {
    fn new(target: &Target, told: Arc<Told>, began: Timestamp) -> Watch {
        let (device, version) = (target.device, target.version);
        Watch {
            began,
            device,
            version,
            has_password: target.rig.password.is_some(),
            model: Model::new(device, version).knowing(told),
            oracles: oracles::with(device, version, &target.lasting),
            suspicions: Vec::new(),
            seen: Vec::new(),
            last_sent: HashMap::new(),
            lost: false,
            alive: true,
            coverage: Coverage::default(),
        }
    }

    fn take(&mut self, seen: Vec<Seen>) {
        for seen in seen {
            match &seen.what {
                What::Deaf => self.lost = true,
                What::Refused { .. } if seen.own => self.lost = true,
                What::StayedAway { .. } => self.lost = true,
                What::Probed { alive: false, .. } => self.alive = false,
                What::Sent { bytes, .. } if !seen.own => {
                    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]).into_owned();
                    self.last_sent.insert(seen.link, text);
                }
                _ => {}
            }
            self.coverage.saw(&self.model, &seen);
            self.model.saw(&seen);
            self.suspicions.append(&mut self.model.judged());
            let state = self.model.state(seen.link);
            let about = About {
                device: self.device,
                version: self.version,
                state,
                last_sent: self.last_sent.get(&seen.link).map_or("", String::as_str),
                has_password: self.has_password,
                can: &|_| false,
            };
            for oracle in &mut self.oracles {
                oracle.saw(&seen, &about, &mut self.suspicions);
            }
            if self.seen.len() < KEPT {
                self.seen.push(seen);
            }
        }
    }

    fn wants(&mut self) -> Option<Act> {
        self.oracles.iter_mut().find_map(|oracle| oracle.wants())
    }

    fn outcome(self, acts: Vec<Act>) -> Outcome {
        Outcome {
            began: self.began,
            acts,
            suspicions: self.suspicions,
            seen: self.seen,
            unreachable: None,
            alive: self.alive,
            coverage: self.coverage,
        }
    }
}
