//! The file name patterns of `.helmignore`: those of Go's `filepath.Match`, in which no wildcard
//! matches a slash.

/// A pattern that has been checked and can be matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(char),
    AnyChar,
    AnyChars,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Pattern {
    /// Fails with what is wrong with the pattern.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut pieces = Vec::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            pieces.push(match c {
                '*' => Piece::AnyChars,
                '?' => Piece::AnyChar,
                '\\' => Piece::Literal(rest.next().ok_or("it ends in a backslash")?),
                '[' => parse_class(&mut rest)?,
                literal => Piece::Literal(literal),
            });
        }
        Ok(Self(pieces))
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        matches_from(&self.0, &name)
    }
}

fn parse_class(rest: &mut std::str::Chars<'_>) -> Result<Piece, &'static str> {
    const OPEN: &str = "a character class is not closed";
    let negated = rest.as_str().starts_with('^');
    if negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    loop {
        if rest.as_str().starts_with(']') && !ranges.is_empty() {
            rest.next();
            return Ok(Piece::Class { negated, ranges });
        }
        let low = parse_class_char(rest)?;
        let mut high = low;
        if rest.as_str().starts_with('-') {
            rest.next();
            high = parse_class_char(rest)?;
        }
        if rest.as_str().is_empty() {
            return Err(OPEN);
        }
        ranges.push((low, high));
    }
}

fn parse_class_char(rest: &mut std::str::Chars<'_>) -> Result<char, &'static str> {
    const MISPLACED: &str = "a character class has a misplaced '-' or ']'";
    match rest.next() {
        None | Some('-' | ']') => Err(MISPLACED),
        Some('\\') => rest.next().ok_or("it ends in a backslash"),
        Some(c) => Ok(c),
    }
}

/// Greedy with one point to come back to: a later star makes an earlier one final.
fn matches_from(pieces: &[Piece], name: &[char]) -> bool {
    let (mut at_piece, mut at_char) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at_char < name.len() {
        match pieces.get(at_piece) {
            Some(Piece::AnyChars) => {
                star = Some((at_piece, at_char));
                at_piece += 1;
                continue;
            }
            Some(piece) if matches_char(piece, name[at_char]) => {
                at_piece += 1;
                at_char += 1;
                continue;
            }
            _ => {}
        }
        match star {
            Some((star_piece, star_char)) if name[star_char] != '/' => {
                star = Some((star_piece, star_char + 1));
                at_piece = star_piece + 1;
                at_char = star_char + 1;
            }
            _ => return false,
        }
    }
    pieces[at_piece..].iter().all(|piece| *piece == Piece::AnyChars)
}

fn matches_char(piece: &Piece, c: char) -> bool {
    match piece {
        Piece::Literal(literal) => *literal == c,
        Piece::AnyChar => c != '/',
        Piece::AnyChars => false,
        Piece::Class { negated, ranges } => {
            c != '/' && ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn check(pattern: &str, name: &str, expected: bool) {
        let parsed = Pattern::parse(pattern).expect("a valid pattern");
        assert_eq!(parsed.matches(name), expected, "{pattern} on {name}");
    }

    #[test]
    fn matches_as_go_does() {
        check("*", "abc", true);
        check("*", "a/b", false);
        check("a*/b", "axx/b", true);
        check("a*b*c", "aXbYbZc", true);
        check("a*b*c", "aXbY/bZc", false);
        check("?b", "ab", true);
        check("?", "/", false);
        check("[a-c]x", "bx", true);
        check("[^a-c]x", "bx", false);
        check("\\*", "*", true);
        check("\\*", "a", false);
        check("", "", true);
        check("a*", "a", true);
        check("templates/.?*", "templates/.a", true);
        check("templates/.?*", "templates/.", false);
    }

    #[test]
    fn refuses_what_go_refuses() {
        for bad in ["[", "[a", "[]a]", "a\\", "[a-", "[-x]"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }
}
