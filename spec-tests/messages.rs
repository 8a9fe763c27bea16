//! Whether an error is the one that a script expects.
//!
//! Scripts name traps by the reference interpreter's messages, and an expected message need only be the beginning of the
//! actual one. The differences that are allowed for are those of [`trap_matches`].

/// Expected messages that older scripts use for traps which the specification names differently today.
const ALIASES: &[(&str, &str)] = &[
    // `call_indirect` beyond the table's end, before reference types split it from the null element.
    ("undefined", "undefined element"),
    ("uninitialized", "uninitialized element"),
    // Structures and arrays behind a null reference.
    ("null structure reference", "null reference"),
    ("null array reference", "null reference"),
    ("null i31 reference", "null reference"),
];

/// Whether a trap with the message `actual` is what a script means by `expected`.
///
/// * `expected` is a prefix of `actual`: "out of bounds" stands for memories, tables and arrays.
/// * An element index at the end of `expected` ("uninitialized element 2") is not compared: traps do not carry it.
/// * Otherwise the pair is one of a closed list of old names.
pub fn trap_matches(expected: &str, actual: &str) -> bool {
    let expected = expected.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end();
    !expected.is_empty() && (actual.starts_with(expected) || ALIASES.contains(&(expected, actual)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_aliases_match() {
        assert!(trap_matches("out of bounds", "out of bounds table access"));
        assert!(trap_matches("uninitialized element 2", "uninitialized element"));
        assert!(trap_matches("null array reference", "null reference"));
        assert!(!trap_matches("undefined element", "uninitialized element"));
        assert!(!trap_matches("integer overflow", "integer divide by zero"));
        assert!(!trap_matches("", "unreachable"));
    }
}
