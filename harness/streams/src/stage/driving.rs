//! What is done to the device from outside the wire, while our links go on.

use std::time::Duration;

use engine::drivers::Confirmation;
use protocol::stimulus::Stimulus;
use serde_json::Value;
use tokio::time::Instant;

use super::Stage;
use crate::What;

/// How long a driver may take at least before it counts as stuck, and so many times what it has shown to take.
const AT_LEAST: Duration = Duration::from_millis(500);
const TIMES: u32 = 8;

impl Stage {
    pub(super) async fn stimulate(&mut self, number: usize, stimulus: &Stimulus) {
        let verb = stimulus.verb.clone();
        let asked = stimulus.with.get("action").and_then(Value::as_str).map(str::to_owned);
        let confirmation = self.driven(number, stimulus, asked.as_deref().filter(|_| verb == "send")).await;
        let asked = asked.filter(|_| confirmation == Confirmation::Done);
        let failure = match confirmation {
            Confirmation::Done | Confirmation::CannotCarry(_) => None,
            Confirmation::NotBound(reason) | Confirmation::Undrivable(reason) | Confirmation::Failed(reason) => {
                Some(reason)
            }
        };
        self.saw(number, What::Stimulated { verb, asked, failure });
        if self.is_open(number) {
            // What it makes the device say is said before the sentinel is answered, or not yet.
            self.sentinel(number, self.setting.rig.timeouts.reply).await;
        }
    }

    /// What comes of a stimulus. Who drives a CSMS often waits with it for the station; where that one was not answered as
    /// it should be, or lost its link, until the time of the CSMS is up. That is not waited for, once it is known how long
    /// the drivers take, and on this link nothing more is asked of the device.
    async fn driven(&mut self, number: usize, stimulus: &Stimulus, asks: Option<&str>) -> Confirmation {
        let failed = |reason: &str| Confirmation::Failed(reason.to_owned());
        let Some(drivers) = self.drivers.clone() else { return failed("there is no driver") };
        if asks.is_some() && self.links.get(&number).is_some_and(|link| link.stuck) {
            return failed("the device still waits for an answer to its last call");
        }
        let station = self.links.get(&number).map(|link| link.name.clone()).unwrap_or_default();
        if let Some(action) = asks {
            self.saw(number, What::Asking { action: action.to_owned() });
        }
        let stimulus = stimulus.clone();
        let mut acting = Box::pin(async move { drivers.stimulate(&station, &stimulus).await });
        let began = Instant::now();
        let operator = self.setting.rig.timeouts.operator;
        let shown = self.setting.habits.drives_within.filter(|_| asks.is_some() && !self.setting.virtual_time);
        let patience = shown.map_or(operator, |within| (within * TIMES).max(AT_LEAST).min(operator));
        loop {
            tokio::select! {
                biased;
                confirmation = &mut acting => {
                    if asks.is_some() && confirmation == Confirmation::Done {
                        let habits = &mut self.setting.habits;
                        habits.drives_within = habits.drives_within.max(Some(began.elapsed()));
                    }
                    return confirmation;
                }
                more = self.turn(began + patience) => if !more {
                    break;
                },
            }
        }
        if let Some(link) = self.links.get_mut(&number) {
            link.stuck = asks.is_some();
        }
        failed(if patience < operator {
            "it takes longer than it has shown to take"
        } else {
            "it took longer than the rig allows"
        })
    }
}
