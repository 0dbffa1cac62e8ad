//! Formatting keeps what a file says and its comments, and a formatted file stays as it is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod meaning;

use meaning::{meaning, source};

fn comments(text: &str) -> Vec<String> {
    let mut comments: Vec<String> = Vec::new();
    for line in text.lines() {
        if let Some(at) = line.find("# ") {
            comments.push(line[at..].trim_end().to_owned());
        }
    }
    comments.sort();
    comments
}

#[track_caller]
fn holds(path: &str, text: &str) -> String {
    let formatted = script::format(&source(text)).unwrap_or_else(|found| panic!("{path}: {found:#?}"));
    assert_eq!(meaning(text), meaning(&formatted), "{path}:\n{formatted}");
    assert_eq!(comments(text), comments(&formatted), "{path}:\n{formatted}");
    let again = script::format(&source(&formatted)).unwrap();
    assert_eq!(formatted, again, "{path} is not stable");
    formatted
}

#[test]
fn the_catalogue_keeps_its_meaning_and_comments() {
    for file in testcases::sources() {
        holds(&file.path, &file.text);
    }
}

#[test]
fn a_remark_at_any_line_survives() {
    for file in testcases::sources() {
        let mut remarked = String::new();
        let mut remarks = Vec::new();
        for (at, line) in file.text.lines().enumerate() {
            let indent = &line[..line.len() - line.trim_start().len()];
            let above = format!("# above {at}.");
            remarked.push_str(&format!("{indent}{above}\n{line}"));
            remarks.push(above);
            if !line.contains('#') && at % 2 == 0 {
                let behind = format!("# behind {at}.");
                remarked.push_str(&format!("  {behind}"));
                remarks.push(behind);
            }
            remarked.push('\n');
        }
        let formatted = holds(&file.path, &remarked);
        assert_eq!(meaning(&file.text), meaning(&formatted), "{}", file.path);
        for remark in remarks {
            assert_eq!(formatted.matches(&remark).count(), 1, "{}: {remark}\n{formatted}", file.path);
        }
    }
}

#[test]
fn a_file_is_written_like_the_worked_cases() {
    let rough = r#"
# Why this case exists.
title: 'Rough: how people type'
versions: [ '1.6' ]
case: rough

steps:
- fields: {idTag: $tag}   # shown before
  station -> csms: Authorize
  reply:
      idTagInfo: {status: Accepted}

# The second half.
- any order:
    - station connects:
    - {station -> csms: Heartbeat, optional: true}
- never:
    - station -> csms: "*"
  during:
    - station -> csms: StartTransaction
      fields: {connectorId: $c.connector, idTag: $tag, meterStart: {$bind: start, $min: 0}, timestamp: {$near: $started}}
traces: [16-BOOT-01]
# The end.
"#;
    let neat = r#"case: rough
# Why this case exists.
title: "Rough: how people type"
versions: ["1.6"]
traces: [16-BOOT-01]

steps:
  - station -> csms: Authorize
    fields: { idTag: $tag }                          # shown before
    reply: { idTagInfo: { status: Accepted } }

  # The second half.
  - any order:
      - station connects:
      - station -> csms: Heartbeat
        optional: true
  - never: [ { station -> csms: "*" } ]
    during:
      - station -> csms: StartTransaction
        fields:
          connectorId: $c.connector
          idTag: $tag
          meterStart: { $bind: start, $min: 0 }
          timestamp: { $near: $started }
# The end.
"#;
    assert_eq!(holds("rough", rough), neat);
}

#[test]
fn the_catalogue_is_formatted() {
    let rough: Vec<String> = testcases::sources()
        .into_iter()
        .filter(|file| script::format(file).as_deref() != Ok(file.text.as_str()))
        .map(|file| file.path.clone())
        .collect();
    assert!(rough.is_empty(), "plugfest fmt {}", rough.join(" "));
}

#[test]
fn a_rig_keeps_the_order_of_its_keys() {
    let rig = "device: csms\n\n# where\nurl: ws://127.0.0.1:9000/ocpp\nidentities: [A, B]\ntitle: mine\nocpp: 1.6\n";
    let formatted = holds("plugfest.yaml", rig);
    let keys: Vec<&str> = formatted.lines().filter_map(|line| line.split_once(':')).map(|(key, _)| key).collect();
    assert_eq!(keys, ["device", "url", "identities", "title", "ocpp"], "{formatted}");
}
