//! A stimulus as a command: JSON on standard input, the same in `PLUGFEST_…` variables, the exit code as answer.

use std::process::{ExitStatus, Stdio};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, Command};

use super::Confirmation;
use super::bound::Task;
use super::context::joined;
use super::http::shortened;
use crate::rig::Exec;

/// The exit code that says: this can never be done here.
const UNDRIVABLE: i32 = 3;
/// How much of what a command says is kept.
const TAIL: usize = 2048;

/// Runs the command: 0 is done, 3 can never be done, everything else failed with the end of standard error.
pub(super) async fn stimulate(exec: &Exec, task: &Task<'_>) -> Confirmation {
    let (status, said) = match run(exec, task).await {
        Ok(ended) => ended,
        Err(why) => return Confirmation::Failed(why),
    };
    if status.success() {
        return Confirmation::Done;
    }
    if status.code() == Some(UNDRIVABLE) {
        return Confirmation::Undrivable(if said.is_empty() {
            "the command says that it cannot be done (exit code 3)".to_owned()
        } else {
            said
        });
    }
    let ended = match status.code() {
        Some(code) => format!("the command ended with exit code {code}"),
        None => format!("the command was ended: {status}"),
    };
    Confirmation::Failed(if said.is_empty() { ended } else { format!("{ended}: {said}") })
}

/// Runs the command: 0 is yes, 1 is no, everything else tells nothing.
pub(super) async fn look(exec: &Exec, task: &Task<'_>) -> Option<bool> {
    match run(exec, task).await.ok()?.0.code() {
        Some(0) => Some(true),
        Some(1) => Some(false),
        _ => None,
    }
}

async fn run(exec: &Exec, task: &Task<'_>) -> Result<(ExitStatus, String), String> {
    let mut words = exec.command.iter().map(|word| word.fill(task));
    let program = words.next().ok_or("the command is empty")?;
    let mut command = Command::new(&program);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    for (name, value) in variables(task) {
        command.env(name, value);
    }
    // Its own group, so that a time-out ends the children of a script as well.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(|why| format!("{program} cannot be run: {why}"))?;
    let mut group = Group::of(&child);
    let input = task.to_json().to_string();
    let stdin = child.stdin.take();
    let feed = async move {
        if let Some(mut stdin) = stdin {
            // A command that does not read its input is none the worse for it.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let mut stderr = child.stderr.take();
    let mut tail = Vec::new();
    let ended = {
        let patience = tokio::time::sleep(task.patience);
        tokio::pin!(feed, patience);
        let mut fed = false;
        let mut chunk = [0_u8; 4096];
        loop {
            tokio::select! {
                ended = child.wait() => break ended.map_err(|why| why.to_string()),
                () = &mut feed, if !fed => fed = true,
                read = next_chunk(&mut stderr, &mut chunk), if stderr.is_some() => match read {
                    0 => stderr = None,
                    read => keep_tail(&mut tail, chunk.get(..read).unwrap_or_default()),
                },
                () = &mut patience => break Err(format!(
                    "{program} did not end within {} s and was killed",
                    task.patience.as_secs_f64()
                )),
            }
        }
    };
    let status = match ended {
        Ok(status) => status,
        Err(why) => {
            group.kill();
            let _ = child.kill().await;
            let said = shortened(&String::from_utf8_lossy(&tail));
            return Err(if said.is_empty() { why } else { format!("{why}: {said}") });
        }
    };
    // What the command left running, such as the device it started again, stays.
    group.release();
    if let Some(stderr) = stderr {
        drain(&stderr, &mut tail);
    }
    Ok((status, shortened(&String::from_utf8_lossy(&tail))))
}

async fn next_chunk(stderr: &mut Option<ChildStderr>, chunk: &mut [u8]) -> usize {
    match stderr {
        Some(stderr) => stderr.read(chunk).await.unwrap_or(0),
        None => 0,
    }
}

fn keep_tail(tail: &mut Vec<u8>, more: &[u8]) {
    tail.extend_from_slice(more);
    let surplus = tail.len().saturating_sub(TAIL);
    tail.drain(..surplus);
}

/// Reads what already lies in the pipe. Its end need not come: a child of the command may keep it open.
#[cfg(unix)]
fn drain(stderr: &ChildStderr, tail: &mut Vec<u8>) {
    let mut chunk = [0_u8; 4096];
    // More than a pipe holds is being written by somebody who stayed behind.
    for _ in 0..64 {
        match rustix::io::read(stderr, &mut chunk) {
            Ok(read) if read > 0 => keep_tail(tail, chunk.get(..read).unwrap_or_default()),
            _ => return,
        }
    }
}

#[cfg(not(unix))]
fn drain(_stderr: &ChildStderr, _tail: &mut Vec<u8>) {}

/// The process group of a command; killed if it is dropped before the command ended.
struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

impl Group {
    #[cfg(unix)]
    fn of(child: &Child) -> Group {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Group { leader: id.and_then(rustix::process::Pid::from_raw) }
    }

    #[cfg(not(unix))]
    fn of(_child: &Child) -> Group {
        Group {}
    }

    fn release(&mut self) {
        #[cfg(unix)]
        {
            self.leader = None;
        }
    }

    fn kill(&mut self) {
        #[cfg(unix)]
        if let Some(leader) = self.leader.take() {
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `PLUGFEST_VERB`, `PLUGFEST_STATION`, …, and every argument: `PLUGFEST_AT_EVSE`, `PLUGFEST_TOKEN_ID_TOKEN`.
fn variables(task: &Task<'_>) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    for (name, value) in [
        ("PARTY", task.stimulus.party.name()),
        ("STATION", task.station),
        ("OCPP", task.version.number()),
        ("VERB", &task.stimulus.verb),
    ] {
        variables.push((format!("PLUGFEST_{name}"), value.to_owned()));
    }
    for (name, value) in &task.stimulus.with {
        flatten("PLUGFEST", name, value, 0, &mut variables);
    }
    // The environment cannot hold a zero byte; standard input carries the value all the same.
    variables.retain(|(_, value)| !value.contains('\0') && value.len() < 64 * 1024);
    variables
}

fn flatten(prefix: &str, name: &str, value: &Value, depth: usize, variables: &mut Vec<(String, String)>) {
    let word: String =
        joined(name, '_').to_uppercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let name = format!("{prefix}_{word}");
    match value {
        // A payload is one value; only the records of a stimulus are taken apart.
        Value::Object(object) if depth == 0 && word != "FIELDS" => {
            for (inner, value) in object {
                flatten(&name, inner, value, depth + 1, variables);
            }
        }
        Value::String(text) => variables.push((name, text.clone())),
        other => variables.push((name, other.to_string())),
    }
}
