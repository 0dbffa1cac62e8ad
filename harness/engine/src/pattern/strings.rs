//! A text that a regular expression matches: the shortest, by the first way, with letters and digits from a seed.

use regex_syntax::hir::{Class, Hir, HirKind};

/// A text that the whole expression matches; `None` if it is no expression or wants something that cannot be met.
pub(super) fn text_matching(expression: &str, seed: u64) -> Option<String> {
    let hir = regex_syntax::parse(expression).ok()?;
    let mut text = String::new();
    write(&hir, &mut text, &mut Random(seed))?;
    Some(text)
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let length = u64::try_from(from.len()).ok().filter(|length| *length > 0)?;
        from.get(usize::try_from((mixed ^ (mixed >> 31)) % length).ok()?).copied()
    }
}

fn write(hir: &Hir, text: &mut String, random: &mut Random) -> Option<()> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(()),
        HirKind::Literal(literal) => {
            text.push_str(std::str::from_utf8(&literal.0).ok()?);
            Some(())
        }
        HirKind::Class(Class::Unicode(class)) => {
            let ranges = class.ranges();
            // A letter or a digit reads better than the first control character of a wide class.
            let plain: Vec<char> = ('0'..='9')
                .chain('A'..='Z')
                .chain('a'..='z')
                .filter(|c| ranges.iter().any(|range| range.start() <= *c && *c <= range.end()))
                .collect();
            text.push(random.pick(&plain).or_else(|| ranges.first().map(|range| range.start()))?);
            Some(())
        }
        HirKind::Class(Class::Bytes(class)) => {
            text.push(char::from(class.ranges().first()?.start()));
            Some(())
        }
        HirKind::Repetition(repetition) => {
            for _ in 0..repetition.min.min(10_000) {
                write(&repetition.sub, text, random)?;
            }
            Some(())
        }
        HirKind::Capture(capture) => write(&capture.sub, text, random),
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| write(part, text, random)),
        HirKind::Alternation(ways) => write(ways.first()?, text, random),
    }
}

#[cfg(test)]
mod tests {
    use super::text_matching;

    #[test]
    fn the_text_is_one_that_the_expression_matches() {
        for expression in ["[A-Z]{2}[0-9]{3,5}", "(ab|cd)+x?", ".{4}", "v\\d+\\.\\d+", ""] {
            for seed in 0..20 {
                let text = text_matching(expression, seed).unwrap();
                let whole = regex::Regex::new(&format!("^(?:{expression})$")).unwrap();
                assert!(whole.is_match(&text), "{expression}: {text}");
            }
        }
        assert_eq!(text_matching("(", 0), None);
        assert_ne!(text_matching("[a-z]{12}", 1), text_matching("[a-z]{12}", 2));
    }
}
