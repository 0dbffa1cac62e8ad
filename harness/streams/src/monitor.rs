//! Monitors of the process of a device that runs on this machine: exit code, sanitizer, log, memory, open files.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use regex::RegexSet;

/// Watches one process. A process that it started ends with it.
#[derive(Debug)]
pub struct Monitor {
    program: Option<(String, Vec<String>)>,
    child: Option<Child>,
    pid: u32,
    patterns: RegexSet,
    lines: Arc<Mutex<VecDeque<String>>>,
    /// Closed once everything is read that the process has printed.
    heard_out: Option<Receiver<()>>,
    /// What the process used when it was settled.
    baseline: Option<Usage>,
    ended: bool,
    told_memory: bool,
    told_files: bool,
}

/// What a process uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Resident memory in bytes.
    pub memory: u64,
    /// Open files, sockets among them.
    pub files: u64,
}

/// What sanitizers and runtimes print when something is broken.
const TROUBLE: [&str; 9] = [
    r"(?:Address|Thread|Memory|Leak|UndefinedBehavior)Sanitizer",
    r"\bruntime error: ",
    r"\bpanicked at\b|\bpanic: |\bgoroutine \d+ \[running\]",
    r"(?i)segmentation fault|core dumped|stack smashing detected|double free or corruption",
    r"terminate called|\bstd::terminate\b",
    r"\bAssertion\b.*\bfailed\b",
    r"Traceback \(most recent call last\)",
    r"Exception in thread|OutOfMemoryError|StackOverflowError",
    r"FATAL ERROR:|Unhandled exception|UnhandledPromiseRejection|Uncaught (?:\w+)?(?:Error|Exception)",
];

/// So many lines wait to be taken.
const LINES: usize = 200;
/// A line is looked at up to this length.
const LONGEST: u64 = 8 * 1024;
/// How long the last words of a process are waited for.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Growth below this is none, in bytes.
const MUCH_MEMORY: u64 = 256 * 1024 * 1024;
/// Growth below this is none.
const MANY_FILES: u64 = 200;

impl Monitor {
    /// Starts a program and watches it, its output included. `patterns` are lines of its log that are trouble,
    /// beside what sanitizers and runtimes print.
    ///
    /// # Errors
    ///
    /// The program does not start, or a pattern is none.
    pub fn start(program: &str, arguments: &[String], patterns: &[String]) -> io::Result<Monitor> {
        let mut monitor = Monitor::new(0, patterns)?;
        monitor.program = Some((program.to_owned(), arguments.to_vec()));
        monitor.launch()?;
        Ok(monitor)
    }

    /// Watches a process that runs already: whether it is there, its memory and open files.
    ///
    /// # Errors
    ///
    /// There is no such process.
    pub fn watch(pid: u32) -> io::Result<Monitor> {
        let mut monitor = Monitor::new(pid, &[])?;
        if !monitor.is_there() {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("there is no process {pid}")));
        }
        monitor.settled();
        Ok(monitor)
    }

    fn new(pid: u32, patterns: &[String]) -> io::Result<Monitor> {
        let all = TROUBLE.iter().copied().chain(patterns.iter().map(String::as_str));
        let patterns = RegexSet::new(all).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Ok(Monitor {
            program: None,
            child: None,
            pid,
            patterns,
            lines: Arc::default(),
            heard_out: None,
            baseline: None,
            ended: false,
            told_memory: false,
            told_files: false,
        })
    }

    /// The id of the process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// From now on growth is measured: the process has done its first work.
    pub fn settled(&mut self) {
        self.baseline = self.usage();
    }

    /// What the process uses now, where the system tells.
    pub fn usage(&self) -> Option<Usage> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let memory = line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? * 1024;
        let files = fs::read_dir(format!("/proc/{}/fd", self.pid)).ok()?.count() as u64;
        Some(Usage { memory, files })
    }

    /// Whether it started the process, and can do so again.
    pub fn is_ours(&self) -> bool {
        self.program.is_some()
    }

    /// Whether the process has ended; how is told by the next check.
    pub fn has_ended(&mut self) -> bool {
        if let Some(end) = self.end() {
            self.tell(end);
        }
        self.ended
    }

    /// What there is to be said since this was last asked, each beginning with its kind: `exit code 3: …`.
    pub fn check(&mut self) -> Vec<String> {
        self.has_ended();
        let mut told: Vec<String> = self.lines.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect();
        if let (Some(before), Some(now)) = (self.baseline, self.usage()) {
            if !self.told_memory && now.memory > before.memory.saturating_mul(4).max(before.memory + MUCH_MEMORY) {
                self.told_memory = true;
                told.push(format!("memory: {} MB, at first {} MB", now.memory >> 20, before.memory >> 20));
            }
            if !self.told_files && now.files > before.files.saturating_mul(4).max(before.files + MANY_FILES) {
                self.told_files = true;
                told.push(format!("open files: {}, at first {}", now.files, before.files));
            }
        }
        told
    }

    /// Starts the program again; what is left of the old process is ended.
    ///
    /// # Errors
    ///
    /// It was not started by us, or does not start.
    pub fn restart(&mut self) -> io::Result<()> {
        self.stop();
        self.launch()
    }

    fn tell(&self, text: String) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push_back(text);
    }

    fn launch(&mut self) -> io::Result<()> {
        let Some((program, arguments)) = &self.program else {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "the process was not started by us"));
        };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (reading, heard_out) = channel();
        if let Some(output) = child.stdout.take() {
            self.listen(output, reading.clone());
        }
        if let Some(output) = child.stderr.take() {
            self.listen(output, reading);
        }
        self.heard_out = Some(heard_out);
        self.pid = child.id();
        self.child = Some(child);
        (self.ended, self.told_memory, self.told_files) = (false, false, false);
        self.baseline = None;
        Ok(())
    }

    /// Reads an output to its end, so that the process never waits for us.
    fn listen(&self, output: impl Read + Send + 'static, reading: Sender<()>) {
        let (patterns, lines) = (self.patterns.clone(), self.lines.clone());
        thread::spawn(move || {
            let _reading = reading;
            let mut reader = BufReader::new(output);
            let mut line = Vec::new();
            loop {
                line.clear();
                match reader.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
                let text = String::from_utf8_lossy(&line);
                let Some(at) = patterns.matches(&text).into_iter().next() else { continue };
                let kind = if at < TROUBLE.len() { "trouble" } else { "log" };
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                if lines.len() < LINES {
                    lines.push_back(format!("{kind}: {}", text.trim_end()));
                }
            }
        });
    }

    fn is_there(&self) -> bool {
        fs::metadata(format!("/proc/{}", self.pid)).is_ok()
    }

    fn end(&mut self) -> Option<String> {
        if self.ended {
            return None;
        }
        let text = match &mut self.child {
            Some(child) => child.try_wait().ok().flatten().map(how),
            None => (!self.is_there()).then(|| "gone: the process ended".to_owned()),
        };
        self.ended = text.is_some();
        if self.ended {
            self.hear_out();
        }
        text
    }

    /// Waits until everything is read that an ended process has printed. What it has started may hold its output open.
    fn hear_out(&mut self) {
        if let Some(heard_out) = self.heard_out.take() {
            // Nothing is sent: it ends when the last reader does.
            let _ = heard_out.recv_timeout(LAST_WORDS);
        }
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
            self.hear_out();
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.stop();
    }
}

fn how(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("signal {signal}: the process ended");
    }
    match status.code() {
        Some(code) => format!("exit code {code}: the process ended"),
        None => "end: the process ended".to_owned(),
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::time::Instant;

    use super::*;

    fn shell(script: &str) -> Monitor {
        Monitor::start("sh", &["-c".to_owned(), script.to_owned()], &["^watch dog".to_owned()]).unwrap()
    }

    /// What is told until something in particular is.
    fn told(monitor: &mut Monitor, wanted: &str) -> Vec<String> {
        let began = Instant::now();
        let mut all = Vec::new();
        while began.elapsed() < Duration::from_secs(20) {
            all.extend(monitor.check());
            if all.iter().any(|text: &String| text.contains(wanted)) {
                return all;
            }
            thread::yield_now();
        }
        panic!("{wanted:?} was never told: {all:?}");
    }

    #[test]
    fn an_exit_code_and_a_signal_are_told_once() {
        let mut monitor = shell("exit 3");
        assert_eq!(told(&mut monitor, "process"), ["exit code 3: the process ended"]);
        assert_eq!(monitor.check(), Vec::<String>::new());
        assert!(monitor.has_ended());
        told(&mut shell("kill -SEGV $$"), "signal 11: the process ended");
    }

    #[test]
    fn sanitizer_text_and_patterns_are_told_and_other_lines_are_not() {
        let mut monitor =
            shell("echo all is well; echo 'watch dog bites'; echo '==1==ERROR: AddressSanitizer: x' >&2; read x");
        let all =
            [told(&mut monitor, "Sanitizer"), told(&mut shell("echo watch dog; read x"), "log: watch dog")].concat();
        assert!(all.iter().any(|text| text == "trouble: ==1==ERROR: AddressSanitizer: x"), "{all:?}");
        assert!(!all.iter().any(|text| text.contains("well")));
    }

    #[test]
    fn last_words_come_before_the_end() {
        let mut monitor = shell("for i in 1 2 3 4 5 6 7 8 9; do echo watch dog $i; done; exit 4");
        let mut all = Vec::new();
        while !monitor.has_ended() {
            thread::yield_now();
        }
        all.extend(monitor.check());
        assert_eq!(all.len(), 10, "{all:?}");
        assert_eq!(all[9], "exit code 4: the process ended");
    }

    #[test]
    fn a_process_can_be_started_again() {
        let mut monitor = shell("exit 1");
        told(&mut monitor, "exit code 1");
        let old = monitor.pid();
        monitor.restart().unwrap();
        assert_ne!(monitor.pid(), old);
        told(&mut monitor, "exit code 1");
    }

    #[test]
    fn a_process_that_opens_many_files_is_told() {
        let mut monitor = Monitor::watch(std::process::id()).unwrap();
        assert_eq!(monitor.check(), Vec::<String>::new());
        let files: Vec<fs::File> = (0..900).filter_map(|_| fs::File::open("/dev/null").ok()).collect();
        if files.len() == 900 {
            told(&mut monitor, "open files");
        }
        assert!(Monitor::watch(u32::MAX / 2).is_err());
    }

    #[test]
    fn a_long_line_is_no_burden() {
        let mut monitor = shell("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo watch dog");
        told(&mut monitor, "watch dog");
    }
}
