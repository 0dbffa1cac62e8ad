//! The ids of the official certification cases, by version and device side: ids only, so that a report can say
//! which of them a case of ours stands for.

use std::sync::OnceLock;

use crate::{Role, Version};

/// An official case for one kind of device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfficialCase {
    /// Its id: `TC_010_CS`.
    pub id: &'static str,
    /// The version of the protocol.
    pub version: Version,
    /// The device it tests.
    pub device: Role,
    /// The feature profile (1.6) or the letter of the functional block (2.x) it is listed under.
    pub block: &'static str,
    /// The certification profiles of 2.x, separated by commas; often only `Core`, empty if none is named.
    pub profiles: &'static str,
    /// Whether the id is no longer in use (1.6).
    pub retired: bool,
}

/// The cases of this version, for both kinds of device.
pub fn cases(version: Version) -> &'static [OfficialCase] {
    static CASES: [OnceLock<Vec<OfficialCase>>; 3] = [OnceLock::new(), OnceLock::new(), OnceLock::new()];
    let at = match version {
        Version::V16 => 0,
        Version::V201 => 1,
        Version::V21 => 2,
    };
    CASES[at].get_or_init(|| {
        read(include_str!("../catalogue/official.txt")).into_iter().filter(|case| case.version == version).collect()
    })
}

/// The case with this id.
pub fn find(id: &str, version: Version) -> Option<&'static OfficialCase> {
    cases(version).iter().find(|case| case.id == id)
}

/// The id that was probably meant by one that is none.
pub fn suggest(id: &str, version: Version) -> Option<&'static str> {
    crate::catalogue::suggest(id, cases(version).iter().map(|case| case.id))
}

/// Headings `1.6 station Core` or `2.1 csms C: Core` with lines of ids below them; an id in parentheses is retired.
fn read(text: &'static str) -> Vec<OfficialCase> {
    let mut cases = Vec::new();
    let mut heading = None;
    for line in text.lines() {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        if !line.starts_with(' ') {
            heading = read_heading(line);
            continue;
        }
        let Some((version, device, block, profiles)) = heading else {
            continue;
        };
        for word in line.split_whitespace() {
            let retired = word.starts_with('(');
            cases.push(OfficialCase {
                id: word.trim_start_matches('(').trim_end_matches(')'),
                version,
                device,
                block,
                profiles,
                retired,
            });
        }
    }
    cases
}

fn read_heading(line: &'static str) -> Option<(Version, Role, &'static str, &'static str)> {
    let mut words = line.splitn(3, ' ');
    let version = words.next()?.parse().ok()?;
    let device = words.next()?.parse().ok()?;
    let block = words.next()?;
    let (block, profiles) = block.split_once(':').unwrap_or((block, ""));
    Some((version, device, block.trim(), profiles.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_has_all_its_cases() {
        assert_eq!(cases(Version::V16).len(), 189);
        assert_eq!(cases(Version::V201).len(), 676);
        assert_eq!(cases(Version::V21).len(), 908);
    }

    #[test]
    fn the_suffix_of_an_id_names_the_device() {
        for version in Version::ALL {
            for case in cases(version) {
                if case.id.ends_with("_CS") {
                    assert_eq!(case.device, Role::Station, "{}", case.id);
                }
                if case.id.ends_with("_CSMS") {
                    assert_eq!(case.device, Role::Csms, "{}", case.id);
                }
            }
        }
    }

    #[test]
    fn an_id_is_found() {
        assert!(find("TC_010_CS", Version::V16).is_some_and(|case| !case.retired));
        assert!(find("TC_010_CS", Version::V201).is_none());
        assert_eq!(suggest("TC_01O_CS", Version::V16).map(str::len), Some("TC_010_CS".len()));
    }
}
