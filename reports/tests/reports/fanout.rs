//! Errors, interruptions, and where files end up.

use std::fs;
use std::io;
use std::sync::{Arc, Mutex};

use reports::json_lines::JsonLines;
use reports::junit::Junit;
use reports::{Fanout, Reporter};
use verdict::{Redactor, RunEvent};

use crate::fixture::{all_reports, events};

struct Fails;

impl Reporter for Fails {
    fn name(&self) -> String {
        "full/disk.xml".to_owned()
    }

    fn event(&mut self, _: &RunEvent) -> io::Result<()> {
        Err(io::Error::other("no space left"))
    }

    fn finish(&mut self) -> io::Result<()> {
        panic!("who has failed is told nothing more")
    }
}

struct Counts(Arc<Mutex<(usize, bool)>>);

impl Reporter for Counts {
    fn name(&self) -> String {
        "counts".to_owned()
    }

    fn event(&mut self, _: &RunEvent) -> io::Result<()> {
        self.0.lock().unwrap().0 += 1;
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.0.lock().unwrap().1 = true;
        Ok(())
    }
}

#[test]
fn a_reporter_that_fails_is_named_once_and_does_not_stop_the_others() {
    let seen = Arc::new(Mutex::new((0, false)));
    let mut fanout = Fanout::new(Redactor::default(), vec![Box::new(Fails), Box::new(Counts(seen.clone()))]);
    let events = events();
    events.iter().for_each(|event| fanout.event(event));
    let errors = fanout.finish();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].to_string(), "cannot write the report full/disk.xml: no space left");
    assert_eq!(*seen.lock().unwrap(), (events.len(), true));
}

#[test]
fn a_run_that_is_left_by_another_door_still_ends_its_reports() {
    let seen = Arc::new(Mutex::new((0, false)));
    let mut fanout = Fanout::new(Redactor::default(), vec![Box::new(Counts(seen.clone()))]);
    fanout.event(&events()[0]);
    drop(fanout);
    assert_eq!(*seen.lock().unwrap(), (1, true));
}

#[test]
fn a_file_that_cannot_be_written_is_a_clear_error_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let in_the_way = folder.path().join("file");
    fs::write(&in_the_way, "").unwrap();
    let error = Junit::to_file(&in_the_way.join("junit.xml")).unwrap_err();
    assert!(error.to_string().starts_with("cannot write the report "), "{error}");
    assert!(error.to_string().contains("junit.xml: "), "{error}");
    assert!(JsonLines::to_file(folder.path()).is_err());
    assert!(Junit::to_file(folder.path()).is_err());
}

#[test]
fn what_is_left_of_a_killed_run_is_well_formed_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out/junit.xml");
    let junit = Junit::to_file(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("<error type=\"incomplete\" message=\"the run has not ended"), "{text}");
    drop(junit);
}

#[test]
fn a_run_that_was_interrupted_says_so_wherever_people_look() {
    let mut events = events();
    events.truncate(8);
    events.push(RunEvent::RunFinished {
        counts: verdict::Counts::default(),
        duration_ms: 7,
        exit_code: 130,
        interrupted: true,
    });
    for (name, text) in all_reports(&events, Redactor::default()) {
        assert!(text.contains("interrupted"), "{name}");
    }
}

#[test]
fn a_whole_report_replaces_what_was_there_and_follows_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("junit.xml");
    fs::write(&path, "an older and much longer report".repeat(10_000)).unwrap();
    drop(Junit::to_file(&path).unwrap());
    assert!(fs::read_to_string(&path).unwrap().ends_with("</testsuites>\n"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    #[cfg(unix)]
    {
        let link = folder.path().join("link.xml");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        fs::write(&path, "old").unwrap();
        drop(Junit::to_file(&link).unwrap());
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(fs::read_to_string(&path).unwrap().starts_with("<?xml"));
    }
}
