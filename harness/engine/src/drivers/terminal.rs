//! The operator at the terminal: a question, a countdown, a line typed in answer.

use std::io::Write;
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc as channel};
use tokio::time::{Instant, MissedTickBehavior};

use super::Pending;
use super::operator::{Answer, Operator, Question};

/// Asks on standard error and reads lines from standard input. One question at a time, however many cases run.
pub struct Terminal {
    lines: Mutex<Lines>,
}

/// Lines of standard input, each read only when one is wanted.
struct Lines {
    wanted: mpsc::Sender<()>,
    typed: channel::UnboundedReceiver<String>,
    /// A line was asked for and has not come yet.
    outstanding: bool,
}

impl Terminal {
    /// The terminal of this process.
    pub fn new() -> Terminal {
        let (wanted, want) = mpsc::channel::<()>();
        let (type_in, typed) = channel::unbounded_channel();
        // Reading a terminal cannot be cancelled, so it has a thread of its own that ends with the process.
        std::thread::spawn(move || {
            while want.recv().is_ok() {
                let mut line = String::new();
                match std::io::stdin().read_line(&mut line) {
                    Ok(0) | Err(_) => return,
                    Ok(_) if type_in.send(line).is_err() => return,
                    Ok(_) => {}
                }
            }
        });
        Terminal { lines: Mutex::new(Lines { wanted, typed, outstanding: false }) }
    }
}

impl Default for Terminal {
    fn default() -> Terminal {
        Terminal::new()
    }
}

impl Operator for Terminal {
    fn ask<'a>(&'a self, question: &'a Question) -> Pending<'a, Answer> {
        Box::pin(async move {
            let mut lines = self.lines.lock().await;
            // What was typed after an earlier question ran out is no answer to this one.
            while lines.typed.try_recv().is_ok() {
                lines.outstanding = false;
            }
            let deadline = Instant::now() + question.within;
            show(&format!("\n{}\n", printable(&question.text)));
            loop {
                match line(&mut lines, deadline, question.looks).await {
                    Some(line) => {
                        if let Some(answer) = understand(&line, question.looks) {
                            return answer;
                        }
                    }
                    None => {
                        show("\n");
                        return Answer::Silence;
                    }
                }
            }
        })
    }
}

async fn line(lines: &mut Lines, deadline: Instant, looks: bool) -> Option<String> {
    if !lines.outstanding {
        lines.outstanding = lines.wanted.send(()).is_ok();
    }
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            typed = lines.typed.recv() => {
                lines.outstanding = false;
                return typed;
            }
            () = tokio::time::sleep_until(deadline) => return None,
            _ = second.tick() => {
                let left = deadline.saturating_duration_since(Instant::now()).as_secs_f64().ceil();
                let keys = if looks {
                    "y: yes, n: no, Enter: cannot tell"
                } else {
                    "Enter: done, n: could not (with a reason), x: can never be done"
                };
                show(&format!("\r{keys}  [{left:>4} s] "));
            }
        }
    }
}

/// What a typed line means; `None` if nothing.
fn understand(line: &str, looks: bool) -> Option<Answer> {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    Some(match (word.to_lowercase().as_str(), looks) {
        ("" | "?" | "x", true) => Answer::Never,
        ("", false) | ("y" | "yes" | "d" | "done", _) => Answer::Yes,
        ("n" | "no", _) => Answer::No(rest.trim().to_owned()),
        ("x" | "never", false) => Answer::Never,
        _ => return None,
    })
}

/// Names come from cases and devices; none of their control characters reaches the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

fn show(text: &str) {
    let mut terminal = std::io::stderr().lock();
    // Nobody can be told that nobody can be told.
    let _ = terminal.write_all(text.as_bytes());
    let _ = terminal.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_line_is_an_answer_or_asked_again() {
        assert_eq!(understand("\n", false), Some(Answer::Yes));
        assert_eq!(understand("n the lock is stuck\n", false), Some(Answer::No("the lock is stuck".to_owned())));
        assert_eq!(understand("x\n", false), Some(Answer::Never));
        assert_eq!(understand("Y\n", true), Some(Answer::Yes));
        assert_eq!(understand("\n", true), Some(Answer::Never));
        assert_eq!(understand("hello\n", true), None);
    }
}
