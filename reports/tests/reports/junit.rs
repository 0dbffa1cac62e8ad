//! The report is read back, by the crate that wrote it and by a strict reader that has nothing to do with us.

use std::fs;
use std::io::Write as _;
use std::process::Command;
use std::sync::Once;

use quick_xml::XmlVersion;
use quick_xml::events::Event;
use verdict::{JunitKind, RunEvent, Standing, Verdict, junit_mapping};

use crate::fixture::{EVIL, events, judged, passed, report_named, results, run_of};

/// What a reader finds in a report: every case as (suite, name, element, message, text).
type Read = Vec<(String, String, String, String, String)>;

fn by_quick_xml(xml: &str) -> Read {
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    reader.config_mut().expand_empty_elements = true;
    let (mut suite, mut read, mut inside) = (String::new(), Read::new(), String::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                let attribute = |name: &str| {
                    start
                        .attributes()
                        .map(Result::unwrap)
                        .find(|attribute| attribute.key.as_ref() == name.as_bytes())
                        .map(|attribute| attribute.normalized_value(XmlVersion::Explicit1_0).unwrap().into_owned())
                        .unwrap_or_default()
                };
                inside = String::from_utf8(start.name().as_ref().to_vec()).unwrap();
                match inside.as_str() {
                    "testsuite" => suite = attribute("name"),
                    "testcase" => {
                        read.push((suite.clone(), attribute("name"), "passed".into(), "".into(), "".into()));
                    }
                    "failure" | "error" | "skipped" => {
                        let case = read.last_mut().unwrap();
                        case.2.clone_from(&inside);
                        case.3 = attribute("message");
                    }
                    _ => {}
                }
            }
            Event::CData(text) if ["failure", "error", "skipped"].contains(&inside.as_str()) => {
                read.last_mut().unwrap().4.push_str(std::str::from_utf8(&text).unwrap());
            }
            Event::Eof => return read,
            _ => {}
        }
    }
}

const STRICT: &str = r#"
import json, sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
cases = []
for suite in root.iter("testsuite"):
    kinds = {"failure": 0, "error": 0, "skipped": 0}
    for case in suite.iter("testcase"):
        found = [child for child in case if child.tag in kinds]
        assert len(found) <= 1
        for child in found:
            kinds[child.tag] += 1
        child = found[0] if found else None
        tag, message, text = ("passed", "", "") if child is None else (child.tag, child.get("message"), child.text or "")
        assert case.get("classname") and float(case.get("time")) >= 0
        cases.append([suite.get("name"), case.get("name"), tag, message, text])
    assert int(suite.get("tests")) == len(list(suite.iter("testcase")))
    assert int(suite.get("failures")) == kinds["failure"]
    assert int(suite.get("errors")) == kinds["error"]
    assert int(suite.get("skipped")) == kinds["skipped"]
print(json.dumps(cases))
"#;

/// By expat, which refuses whatever is not well-formed.
fn by_expat(xml: &str) -> Option<Read> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("junit.xml");
    fs::write(&path, xml).unwrap();
    let Ok(output) = Command::new("python3").args(["-c", STRICT]).arg(&path).output() else {
        static LOUD: Once = Once::new();
        LOUD.call_once(|| {
            // Not through eprintln, which the test harness keeps to itself.
            let text = b"\nNOT CHECKED AGAINST A STRICT READER: there is no python3 here\n";
            std::io::stderr().write_all(text).unwrap();
        });
        return None;
    };
    assert!(output.status.success(), "expat refuses the report: {}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn read(xml: &str) -> Read {
    let read = by_quick_xml(xml);
    if let Some(strictly) = by_expat(xml) {
        assert_eq!(read, strictly);
    }
    read
}

fn element(kind: JunitKind) -> &'static str {
    match kind {
        JunitKind::Failure => "failure",
        JunitKind::Error => "error",
        JunitKind::Skipped(_) => "skipped",
        JunitKind::Passed => "passed",
    }
}

fn junit_of(results: Vec<verdict::CaseResult>) -> String {
    let all = events();
    let mut events = vec![all[0].clone()];
    events.extend(results.into_iter().map(|result| RunEvent::CaseFinished(Box::new(result))));
    events.push(all[all.len() - 1].clone());
    reports::junit::render(&run_of(&events))
}

#[test]
fn the_elements_are_those_of_the_mapping_for_every_verdict_and_standing() {
    use Standing::{Expected, Unexpected};
    use Verdict::{Error, Fail, Inconclusive, NotApplicable, Pass, Warn};
    for verdict in [NotApplicable, Pass, Warn, Inconclusive, Error, Fail] {
        for standing in [Expected, Unexpected] {
            let read = read(&junit_of(vec![judged("a", verdict, standing, "the reason")]));
            assert_eq!(read[0].2, element(junit_mapping(verdict, standing)), "{verdict:?} {standing:?}");
            if read[0].2 != "passed" {
                assert_eq!(read[0].3, "the reason");
            }
        }
    }
}

#[test]
fn every_result_of_a_run_is_there_once_under_its_own_name() {
    let read = read(&report_named("junit.xml"));
    let mut names: Vec<(&str, &str)> = read.iter().map(|case| (case.0.as_str(), case.1.as_str())).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), read.len());
    for result in results() {
        let wanted = element(junit_mapping(result.verdict, result.standing));
        let name = verdict::safe_line(&result.case, 1000);
        let found = read.iter().find(|case| case.1 == name && case.0.ends_with(result.device.name())).unwrap();
        assert_eq!(found.2, wanted, "{name}");
    }
}

#[test]
fn a_failure_tells_the_rule_the_place_the_frames_and_the_command() {
    let read = read(&report_named("junit.xml"));
    let (suite, _, _, message, text) = read.iter().find(|case| case.1 == "remote-start-plugged-in").unwrap();
    assert_eq!(suite, "1.6/core.station");
    assert!(message.contains("16-REM-03"), "{message}");
    for part in [
        message.as_str(),
        "testcases/1.6/core/remote-start-plugged-in.yaml:9:14",
        "expected \"04E12345\"",
        "> +2.310 s  station → csms",
        "plugfest run remote-start-plugged-in",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn any_bytes_of_a_device_leave_the_report_well_formed() {
    let mut texts: Vec<String> = (0..0x3000)
        .chain(0xD7F0..0xE010)
        .chain(0xFD00..0x10010)
        .chain(0x10FFF0..0x110000)
        .filter_map(char::from_u32)
        .collect::<Vec<char>>()
        .chunks(64)
        .map(|chunk| chunk.iter().collect())
        .collect();
    texts.extend([
        EVIL.to_owned(),
        "]]>".to_owned(),
        "]]".to_owned(),
        "]]]]>>]]>".to_owned(),
        "<![CDATA[".to_owned(),
        "\\ud800 \\udfff".to_owned(),
        "&#0; &#xFFFE; &lt; <!-- --> <?xml?>".to_owned(),
        "]]>".repeat(1 << 19),
        "\u{0}".repeat(1 << 20),
        "é".repeat(1 << 19),
    ]);
    let results = texts.iter().map(|text| {
        let mut result = judged(text, Verdict::Fail, Standing::Unexpected, text);
        result.notes = vec![text.clone()];
        result.diagnostics = vec![verdict::Diagnostic::error("mismatch", text.clone()).note(text.clone())];
        for field in [&mut result.title, &mut result.file, &mut result.identity, &mut result.repeat] {
            field.clone_from(text);
        }
        result
    });
    let xml = junit_of(results.collect());
    let read = read(&xml);
    assert_eq!(read.len(), texts.len());
    assert!(read.iter().all(|case| case.2 == "failure" && case.4.len() < 70_000));
    assert!(xml.len() < texts.len() * 100_000);
}

#[test]
fn the_end_of_a_section_in_a_frame_is_read_back_as_it_was() {
    let read = read(&junit_of(vec![judged("a", Verdict::Fail, Standing::Unexpected, "x ]]> y ]]]]>> z")]));
    assert!(read[0].4.contains("x ]]> y ]]]]>> z"), "{}", read[0].4);
}

#[test]
fn two_cases_of_one_name_are_told_apart() {
    let mut other = passed("a");
    other.configuration = "fixed cable".to_owned();
    let read = read(&junit_of(vec![passed("a"), other]));
    assert_eq!(read.iter().map(|case| case.1.as_str()).collect::<Vec<_>>(), ["a", "a #2"]);
}

#[test]
fn seed_and_version_are_properties_of_every_suite() {
    let xml = report_named("junit.xml");
    let suites = xml.matches("<testsuite ").count();
    assert!(suites > 2);
    assert_eq!(xml.matches("<property name=\"seed\" value=\"17\"/>").count(), suites);
    assert_eq!(xml.matches("<property name=\"plugfest\" value=\"0.1.0\"/>").count(), suites);
}
