//! Acts become plain ones: fragments one message, odd frames usual ones, handshakes ordinary.

use link::frame::TEXT;

use crate::act::Manner;
use crate::{Act, Sequence};

/// Goes through the plainer forms of every act.
#[derive(Debug, Default)]
pub(super) struct Forms {
    act: usize,
    form: usize,
}

impl Forms {
    pub(super) fn next(&mut self, best: &Sequence) -> Option<Sequence> {
        loop {
            let act = best.acts.get(self.act)?;
            let Some(plainer) = plainer(act).into_iter().nth(self.form) else {
                self.act += 1;
                self.form = 0;
                continue;
            };
            let mut smaller = best.clone();
            smaller.acts[self.act] = plainer;
            return Some(smaller);
        }
    }

    pub(super) fn told(&mut self, taken: bool) {
        // The forms of what was taken are others.
        self.form = if taken { 0 } else { self.form + 1 };
    }
}

/// The plainer forms of an act, the plainest first. None of them leads back to it.
fn plainer(act: &Act) -> Vec<Act> {
    let mut forms = Vec::new();
    match act {
        Act::Fragments { link, text, cuts } => {
            forms.push(Act::Send { link: *link, text: text.clone() });
            if cuts.len() > 1 {
                forms.push(Act::Fragments { link: *link, text: text.clone(), cuts: cuts[..cuts.len() / 2].to_vec() });
                forms.push(Act::Fragments { link: *link, text: text.clone(), cuts: cuts[cuts.len() / 2..].to_vec() });
            }
        }
        Act::Frame { link, fin, rsv, opcode, masked, claims, payload } => {
            let frame = |fin, rsv, masked, claims| Act::Frame {
                link: *link,
                fin,
                rsv,
                opcode: *opcode,
                masked,
                claims,
                payload: payload.clone(),
            };
            if *opcode == TEXT {
                forms.push(Act::Send { link: *link, text: payload.clone() });
            }
            if !*fin {
                forms.push(frame(true, *rsv, *masked, *claims));
            }
            if *rsv != 0 {
                forms.push(frame(*fin, 0, *masked, *claims));
            }
            if !*masked {
                forms.push(frame(*fin, *rsv, true, *claims));
            }
            if claims.is_some() {
                forms.push(frame(*fin, *rsv, *masked, None));
            }
        }
        Act::Connect { link, identity, manner } => {
            forms.extend(plainer_manners(manner).into_iter().map(|manner| Act::Connect {
                link: *link,
                identity: *identity,
                manner,
            }));
        }
        Act::Answer { link, action, text, times } if *times > 1 => {
            forms.push(Act::Answer { link: *link, action: action.clone(), text: text.clone(), times: 1 });
        }
        Act::Receive { reception, times } if *times > 1 => {
            forms.push(Act::Receive { reception: reception.clone(), times: times - 1 });
        }
        Act::Close { link, code: Some(code) } if *code != 1000 => {
            forms.push(Act::Close { link: *link, code: Some(1000) });
        }
        Act::Pass { ms } => {
            let shorter = [1, ms / 100, ms / 10, ms / 2];
            forms.extend(shorter.into_iter().filter(|less| *less > 0 && less < ms).map(|ms| Act::Pass { ms }));
        }
        // A message without its fields is another message.
        Act::Stimulate { link, stimulus } if stimulus.verb != "send" => {
            for key in stimulus.with.keys() {
                let mut stimulus = stimulus.clone();
                stimulus.with.remove(key);
                forms.push(Act::Stimulate { link: *link, stimulus });
            }
        }
        _ => {}
    }
    forms
}

fn plainer_manners(manner: &Manner) -> Vec<Manner> {
    if manner.is_plain() {
        return Vec::new();
    }
    let mut plainer = vec![Manner::default()];
    let mut without = |change: &dyn Fn(&mut Manner)| {
        let mut less = manner.clone();
        change(&mut less);
        if less != *manner && !less.is_plain() {
            plainer.push(less);
        }
    };
    without(&|manner| manner.unbooted = false);
    without(&|manner| manner.credentials = None);
    without(&|manner| manner.identity = None);
    without(&|manner| manner.offers = None);
    without(&|manner| manner.request = None);
    without(&|manner| manner.headers.clear());
    for at in 0..manner.headers.len().min(50) {
        without(&|manner| {
            manner.headers.remove(at);
        });
    }
    plainer
}
