//! Named checks over what has crossed so far.

use protocol::Timestamp;
use script::ast::Invocation;
use serde_json::Map;
use verdict::Diagnostic;
use verdict::checks;

use super::Player;
use crate::leaf::Leaf;
use crate::pattern::shorten;
use crate::scope::Tentative;

impl Player {
    pub(super) fn check(&mut self, now: Timestamp, leaf: &Leaf, invocation: &Invocation) {
        let name = &invocation.name;
        let Some(check) = checks::check(&name.value) else {
            let reason = format!("the check \"{}\" is not built yet", name.value);
            self.own_fault(leaf, &reason, Some(name.span), "");
            return;
        };
        let mut with = Map::new();
        for (argument, pattern) in &invocation.with {
            let Some(value) = self.names(now).plain(leaf.scope, pattern, &Tentative::new()) else {
                self.own_fault(leaf, "this argument is bound to nothing", Some(pattern.span), "");
                return;
            };
            with.insert(argument.value.clone(), value);
        }
        // What we play ourselves is not on trial.
        if check.blames != self.program.device {
            return;
        }
        let Err(flaw) = check.judge(&self.conversation, &with, self.rig.timeouts.clock) else { return };
        if let Some(text) = &leaf.warn {
            self.warn(format!("{text}: {} ({}:{})", flaw.text, leaf.source.path, leaf.line()));
            return;
        }
        let title = format!("{}: {}", name.value, flaw.text);
        let mut diagnostic = leaf.blame(Diagnostic::error("check", title.clone()), flaw.text.clone());
        if let Some(frame) = &flaw.frame {
            diagnostic = diagnostic.note(format!("seen in {}", shorten(frame)));
        }
        match (flaw.at, flaw.frame) {
            (Some(at), Some(frame)) => {
                self.pointing_at(at, &frame, |player| player.fail(leaf, title, diagnostic));
            }
            _ => self.fail(leaf, title, diagnostic),
        }
    }
}
