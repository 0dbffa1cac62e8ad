//! Calls and answers on one link: message ids, the one call that may be outstanding, and answers given.

use std::collections::VecDeque;
use std::time::Duration;

use protocol::Timestamp;
use serde_json::Value;

use crate::frames;

/// How many answers are kept so that a repeated call gets the answer it had.
const ANSWERS_KEPT: usize = 64;

/// The calls one side of a link has made and answered. `T` says what an outstanding call was for.
#[derive(Debug)]
pub(crate) struct Exchange<T> {
    prefix: Option<String>,
    count: u64,
    /// Calls without an answer so far, oldest first; never more than one in a clean peer.
    outstanding: VecDeque<Outstanding<T>>,
    answers: VecDeque<Answer>,
}

#[derive(Debug)]
struct Outstanding<T> {
    id: String,
    purpose: T,
    deadline: Timestamp,
}

#[derive(Debug)]
struct Answer {
    id: String,
    question: Vec<u8>,
    text: String,
}

impl<T> Exchange<T> {
    pub(crate) fn new() -> Exchange<T> {
        Exchange { prefix: None, count: 0, outstanding: VecDeque::new(), answers: VecDeque::new() }
    }

    /// Whether a call still waits for its answer.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.outstanding.is_empty()
    }

    /// What the outstanding calls are for.
    pub(crate) fn purposes(&self) -> impl Iterator<Item = &T> {
        self.outstanding.iter().map(|call| &call.purpose)
    }

    /// The text of a new call, from now on outstanding.
    pub(crate) fn call(
        &mut self,
        now: Timestamp,
        timeout: Duration,
        action: &str,
        payload: &Value,
        purpose: T,
    ) -> String {
        // Ids stay unique over connections and over restarts of the process.
        let prefix = self.prefix.get_or_insert_with(|| format!("{:x}", now.0));
        self.count += 1;
        let id = format!("{prefix}-{}", self.count);
        let text = frames::call(&id, action, payload);
        self.outstanding.push_back(Outstanding { id, purpose, deadline: now + timeout });
        text
    }

    /// The purpose of the call with this id, which is then no longer outstanding; `None` for an answer that
    /// nobody waits for.
    pub(crate) fn answered(&mut self, id: &str) -> Option<T> {
        let at = self.outstanding.iter().position(|call| call.id == id)?;
        self.outstanding.remove(at).map(|call| call.purpose)
    }

    /// The purpose of a call whose time is up; it counts as not sent.
    pub(crate) fn timed_out(&mut self, now: Timestamp) -> Option<T> {
        let at = self.outstanding.iter().position(|call| call.deadline <= now)?;
        self.outstanding.remove(at).map(|call| call.purpose)
    }

    /// When the next call runs out of time.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        self.outstanding.iter().map(|call| call.deadline).min()
    }

    /// The link is gone: the purposes of the calls that died with it.
    pub(crate) fn abandon(&mut self) -> Vec<T> {
        self.outstanding.drain(..).map(|call| call.purpose).collect()
    }

    /// The answer that this very message had before, if it is a repetition.
    pub(crate) fn earlier_answer(&self, id: &str, question: &[u8]) -> Option<String> {
        self.answers
            .iter()
            .find(|answer| answer.id == id && answer.question == question)
            .map(|answer| answer.text.clone())
    }

    /// Keeps an answer for repetitions of its question.
    pub(crate) fn keep_answer(&mut self, id: &str, question: &[u8], text: &str) {
        if self.answers.len() >= ANSWERS_KEPT {
            self.answers.pop_front();
        }
        self.answers.push_back(Answer { id: id.to_owned(), question: question.to_vec(), text: text.to_owned() });
    }
}
