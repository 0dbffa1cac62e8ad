//! What of the catalogue is meant: ids, official ids, folders, globs, and parts of a run for several machines.

use engine::suite::Job;
use protocol::Role;
use script::ast::Case;

/// A part of the selected cases, so that several machines share a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Partition {
    /// Every `of`-th, beginning with this one; counted from 1.
    Slice { part: u64, of: u64 },
    /// Those whose id falls into this part; the same case is always in the same part.
    Hash { part: u64, of: u64 },
}

impl Partition {
    /// `slice:1/3` or `hash:1/3`.
    pub(crate) fn parse(text: &str) -> Result<Partition, String> {
        let wrong = || format!("\"{text}\" is not like slice:1/3 or hash:1/3");
        let (kind, numbers) = text.split_once(':').ok_or_else(wrong)?;
        let (part, of) = numbers.split_once('/').ok_or_else(wrong)?;
        let part: u64 = part.parse().map_err(|_| wrong())?;
        let of: u64 = of.parse().map_err(|_| wrong())?;
        if part == 0 || part > of {
            return Err(format!("part {part} of {of} does not exist: parts are counted from 1"));
        }
        match kind {
            "slice" => Ok(Partition::Slice { part, of }),
            "hash" => Ok(Partition::Hash { part, of }),
            _ => Err(wrong()),
        }
    }

    /// The jobs that belong to this part.
    pub(crate) fn keep(self, jobs: Vec<Job>) -> Vec<Job> {
        let mut number = 0;
        jobs.into_iter()
            .filter(|job| {
                number += 1;
                match self {
                    Partition::Slice { part, of } => (number - 1) % of == part - 1,
                    Partition::Hash { part, of } => {
                        fnv1a(&format!("{} {} {}", job.case.id.value, job.device, job.version)) % of == part - 1
                    }
                }
            })
            .collect()
    }
}

/// The same on every machine and in every version of this program.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Whether a selection means this case. A selection that is an official id of one side means that side only.
pub(crate) fn means(select: &str, case: &Case, device: Role) -> bool {
    let select = select.trim_end_matches('/');
    if verdict::glob(select, &case.id.value) {
        return true;
    }
    let suffix = match device {
        Role::Station => "_CS",
        Role::Csms => "_CSMS",
    };
    if case.certifies.iter().any(|id| id.value.ends_with(suffix) && verdict::glob(select, &id.value)) {
        return true;
    }
    let path = case.source.path.strip_prefix("testcases/").unwrap_or(&case.source.path);
    let select = select.strip_prefix("testcases/").unwrap_or(select);
    let mut folder = path;
    while let Some((parent, _)) = folder.rsplit_once('/') {
        folder = parent;
        if verdict::glob(select, folder) {
            return true;
        }
    }
    verdict::glob(select, path)
}

/// The names a selection could have meant, for a suggestion.
pub(crate) fn names<'a>(cases: impl IntoIterator<Item = &'a Case>) -> Vec<String> {
    let mut names = Vec::new();
    for case in cases {
        names.push(case.id.value.clone());
        names.extend(case.certifies.iter().map(|id| id.value.clone()));
        let path = case.source.path.strip_prefix("testcases/").unwrap_or(&case.source.path);
        if let Some((folder, _)) = path.rsplit_once('/') {
            names.push(folder.to_owned());
        }
    }
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_read_and_wrong_ones_are_told_apart() {
        assert_eq!(Partition::parse("slice:2/3"), Ok(Partition::Slice { part: 2, of: 3 }));
        assert_eq!(Partition::parse("hash:1/1"), Ok(Partition::Hash { part: 1, of: 1 }));
        for wrong in ["", "slice", "slice:0/3", "slice:4/3", "slice:a/3", "part:1/2", "hash:1/0", "hash:1"] {
            assert!(Partition::parse(wrong).is_err(), "{wrong}");
        }
    }
}
