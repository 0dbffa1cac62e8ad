//! The statement catalogue: every numbered rule that a case or an oracle can rest on.
//!
//! `R-031` is a rule of the frames and connections, `16-BOOT-02` one of 1.6, `B01.FR.03` a requirement of 2.x
//! under its own number. The sentences are ours.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::{Role, Version};

/// How binding a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// The specification demands it.
    Must,
    /// The specification recommends it.
    Should,
    /// The specification allows it.
    May,
    /// The sources conflict or are silent: never a reason to fail a device.
    Uncertain,
}

impl Strength {
    /// The word in the catalogue.
    pub fn name(self) -> &'static str {
        match self {
            Strength::Must => "must",
            Strength::Should => "should",
            Strength::May => "may",
            Strength::Uncertain => "uncertain",
        }
    }
}

impl fmt::Display for Strength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whom a statement binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The station.
    Station,
    /// The CSMS.
    Csms,
    /// Both sides.
    Both,
}

impl Side {
    /// Whether it binds this side.
    pub fn includes(self, role: Role) -> bool {
        match self {
            Side::Station => role == Role::Station,
            Side::Csms => role == Role::Csms,
            Side::Both => true,
        }
    }

    /// The word in the catalogue.
    pub fn name(self) -> &'static str {
        match self {
            Side::Station => "station",
            Side::Csms => "csms",
            Side::Both => "both",
        }
    }
}

/// A numbered rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// `R-031`, `16-BOOT-02`, `B01.FR.03`.
    pub id: &'static str,
    /// What it says, in our words.
    pub sentence: &'static str,
    /// How binding it is; where a version differs, [`Statement::strength_in`] knows.
    pub strength: Strength,
    other: Option<(Version, Strength)>,
    /// Whom it binds.
    pub side: Side,
    /// The versions it belongs to.
    pub versions: Vec<Version>,
}

impl Statement {
    /// How binding it is in a version.
    pub fn strength_in(&self, version: Version) -> Strength {
        match self.other {
            Some((other, strength)) if other == version => strength,
            _ => self.strength,
        }
    }

    /// Whether it belongs to this version.
    pub fn is_of(&self, version: Version) -> bool {
        self.versions.contains(&version)
    }
}

/// The statement with this id.
pub fn statement(id: &str) -> Option<&'static Statement> {
    let catalogue = catalogue();
    catalogue.by_id.get(id).map(|&at| &catalogue.statements[at])
}

/// Every statement, in the order of the catalogue.
pub fn statements() -> &'static [Statement] {
    &catalogue().statements
}

/// The id that was probably meant by one that is none.
pub fn suggest(id: &str) -> Option<&'static str> {
    crate::catalogue::suggest(id, statements().iter().map(|statement| statement.id))
}

/// By what they are about, see the README beside them.
const TEXTS: [&str; 4] = [
    include_str!("../catalogue/statements/rpc.txt"),
    include_str!("../catalogue/statements/1.6.txt"),
    include_str!("../catalogue/statements/2.0.1.txt"),
    include_str!("../catalogue/statements/2.1.txt"),
];

struct Statements {
    statements: Vec<Statement>,
    by_id: HashMap<&'static str, usize>,
}

fn catalogue() -> &'static Statements {
    static STATEMENTS: OnceLock<Statements> = OnceLock::new();
    STATEMENTS.get_or_init(|| {
        // A line that does not fit is left out here; a test finds it.
        let statements: Vec<Statement> =
            TEXTS.iter().flat_map(|text| text.lines()).filter_map(read).flatten().collect();
        let by_id = statements.iter().enumerate().map(|(at, statement)| (statement.id, at)).collect();
        Statements { statements, by_id }
    })
}

/// One line: `E01.FR.08 E02.FR.08 | must | station | 2.0.1 2.1 | The sentence.`, a statement for each id.
fn read(line: &'static str) -> Option<Vec<Statement>> {
    if line.starts_with('#') {
        return None;
    }
    let mut cells = line.splitn(5, '|').map(str::trim);
    let ids = cells.next()?.split_whitespace();
    let (strength, other) = match cells.next()?.split_once(", in ") {
        None => (strength(line.split('|').nth(1)?)?, None),
        Some((most, exception)) => {
            let (version, other) = exception.split_once(' ')?;
            (strength(most)?, Some((version.parse().ok()?, strength(other)?)))
        }
    };
    let side = match cells.next()? {
        "station" => Side::Station,
        "csms" => Side::Csms,
        "both" => Side::Both,
        _ => return None,
    };
    let versions: Option<Vec<Version>> = cells.next()?.split_whitespace().map(|version| version.parse().ok()).collect();
    let versions = versions?;
    let sentence = cells.next()?;
    Some(ids.map(|id| Statement { id, sentence, strength, other, side, versions: versions.clone() }).collect())
}

fn strength(word: &str) -> Option<Strength> {
    let known = [Strength::Must, Strength::Should, Strength::May, Strength::Uncertain];
    known.into_iter().find(|strength| strength.name() == word.trim())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_line_is_a_statement_with_its_own_id() {
        let mut known = HashSet::new();
        for line in TEXTS.iter().flat_map(|text| text.lines()) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let statements = read(line).unwrap_or_else(|| panic!("no statement: {line}"));
            assert!(!statements.is_empty(), "no id: {line}");
            for statement in statements {
                assert!(known.insert(statement.id), "{} twice", statement.id);
                assert!(!statement.versions.is_empty(), "{}", statement.id);
                assert!(statement.sentence.ends_with('.'), "{}", statement.id);
            }
        }
    }

    #[test]
    fn a_version_may_demand_less_than_the_others() {
        let statement = statement("R-030").unwrap();
        assert_eq!(statement.strength_in(Version::V201), Strength::Must);
        assert_eq!(statement.strength_in(Version::V16), Strength::Should);
    }

    #[test]
    fn ids_tell_their_version() {
        for statement in statements() {
            let is_16 = statement.id.starts_with("16-");
            let is_common = statement.id.starts_with("R-");
            assert_eq!(statement.is_of(Version::V16), is_16 || (is_common && statement.is_of(Version::V16)));
            assert!(!is_16 || statement.versions == [Version::V16], "{}", statement.id);
        }
    }

    #[test]
    fn a_requirement_of_2x_is_found_by_its_own_id() {
        let statement = statement("E02.FR.08").unwrap();
        assert_eq!(statement.versions, [Version::V201, Version::V21]);
        assert_eq!(statement.side, Side::Station);
        assert_eq!(suggest("B01.FR.O3"), Some("B01.FR.03"));
    }

    #[test]
    fn a_statement_is_found_by_its_id() {
        let statement = statement("16-BOOT-02").unwrap();
        assert_eq!(statement.strength, Strength::Must);
        assert_eq!(statement.side, Side::Station);
        assert!(statement.is_of(Version::V16));
        assert_eq!(suggest("16-BOOT-O2"), Some("16-BOOT-02"));
    }
}
