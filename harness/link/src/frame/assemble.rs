//! Frames to messages (RFC 6455 5.4), with what is wrong between frames.

use super::{BINARY, CLOSE, CONTINUATION, Frame, TEXT, close_code_allowed, close_parts, is_control};
use crate::{Finding, FindingKind};

/// A message or control frame as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Opcode of its first frame. A stray continuation keeps 0, an undefined opcode stays what it is.
    pub opcode: u8,
    /// The joined payload, unmasked.
    pub payload: Vec<u8>,
    /// How many frames it came in.
    pub frames: u32,
    /// What is wrong with it and its frames.
    pub findings: Vec<Finding>,
    /// It grew beyond the limit and was not read to its end; the payload is empty.
    pub over_limit: bool,
}

/// Joins frames. Holds at most one unfinished message of the permitted length.
#[derive(Debug)]
pub struct Assembler {
    limit: usize,
    open: Option<Open>,
    closed: bool,
}

#[derive(Debug)]
struct Open {
    message: Message,
    compressed: bool,
    at: u64,
}

impl Assembler {
    /// An assembler for messages up to `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, open: None, closed: false }
    }

    /// Whether a message was begun and not finished.
    #[must_use]
    pub fn is_mid_message(&self) -> bool {
        self.open.is_some()
    }

    /// Takes a frame; gives back a message when one is complete.
    pub fn take(&mut self, mut frame: Frame) -> Option<Message> {
        if self.closed && !is_control(frame.opcode) {
            let detail = "a data frame came after the close frame".to_owned();
            frame.findings.push(Finding::new(FindingKind::DataAfterClose, frame.at, detail));
        }
        match frame.opcode {
            CONTINUATION => self.continue_message(frame),
            TEXT | BINARY => self.begin_message(frame),
            _ => Some(self.lone_frame(frame)),
        }
    }

    fn lone_frame(&mut self, frame: Frame) -> Message {
        let at = frame.at;
        let mut message = single(frame);
        if message.opcode == CLOSE {
            self.closed = true;
            check_close(&mut message, at);
        }
        message
    }

    fn begin_message(&mut self, mut frame: Frame) -> Option<Message> {
        let mut inherited = Vec::new();
        if let Some(open) = self.open.take() {
            inherited = open.message.findings;
            let detail = format!(
                "a new message began while one of {} bytes in {} frames was unfinished; that one is dropped",
                open.message.payload.len(),
                open.message.frames
            );
            Finding::new(FindingKind::InterleavedData, frame.at, detail).merge_into(&mut inherited);
        }
        for finding in std::mem::take(&mut frame.findings) {
            finding.merge_into(&mut inherited);
        }
        frame.findings = inherited;
        let open = Open { compressed: frame.rsv != 0, at: frame.at, message: single_unfinished(&mut frame) };
        self.advance(open, frame.fin)
    }

    fn continue_message(&mut self, mut frame: Frame) -> Option<Message> {
        let Some(mut open) = self.open.take() else {
            let detail = format!("a continuation of {} bytes continues nothing", frame.payload.len());
            frame.findings.push(Finding::new(FindingKind::StrayContinuation, frame.at, detail));
            return Some(single(frame));
        };
        open.message.frames = open.message.frames.saturating_add(1);
        for finding in frame.findings {
            finding.merge_into(&mut open.message.findings);
        }
        if open.message.payload.len() + frame.payload.len() <= self.limit {
            open.message.payload.extend_from_slice(&frame.payload);
            return self.advance(open, frame.fin);
        }
        self.give_up(open)
    }

    fn advance(&mut self, open: Open, fin: bool) -> Option<Message> {
        if open.message.payload.len() > self.limit {
            return self.give_up(open);
        }
        if !fin {
            self.open = Some(open);
            return None;
        }
        let Open { mut message, compressed, at } = open;
        // With a reserved bit set the bytes may mean anything, so they are not blamed for not being UTF-8 as well.
        if message.opcode == TEXT
            && !compressed
            && let Err(error) = std::str::from_utf8(&message.payload)
        {
            let detail = format!("the text is not UTF-8 from byte {} on", error.valid_up_to());
            Finding::new(FindingKind::InvalidUtf8, at, detail).merge_into(&mut message.findings);
        }
        Some(message)
    }

    fn give_up(&mut self, open: Open) -> Option<Message> {
        let Open { mut message, at, .. } = open;
        let detail = format!("a message grows beyond the {} bytes that are accepted", self.limit);
        Finding::new(FindingKind::MessageOverLimit, at, detail).merge_into(&mut message.findings);
        message.payload = Vec::new();
        message.over_limit = true;
        Some(message)
    }
}

fn single(mut frame: Frame) -> Message {
    single_unfinished(&mut frame)
}

fn single_unfinished(frame: &mut Frame) -> Message {
    Message {
        opcode: frame.opcode,
        payload: std::mem::take(&mut frame.payload),
        frames: 1,
        findings: std::mem::take(&mut frame.findings),
        over_limit: false,
    }
}

fn check_close(message: &mut Message, at: u64) {
    if message.payload.len() == 1 {
        let detail = "a close frame has a body of one byte, which can hold no code".to_owned();
        message.findings.push(Finding::new(FindingKind::CloseOneByte, at, detail));
    }
    let (code, reason) = close_parts(&message.payload);
    let bad_code = code.filter(|code| !close_code_allowed(*code));
    let bad_reason = std::str::from_utf8(reason).is_err();
    if let Some(code) = bad_code {
        let detail = format!("close code {code} must not be sent");
        message.findings.push(Finding::new(FindingKind::CloseCode, at, detail));
    }
    if bad_reason {
        let detail = "the reason in a close frame is not UTF-8".to_owned();
        message.findings.push(Finding::new(FindingKind::CloseReasonUtf8, at, detail));
    }
}
