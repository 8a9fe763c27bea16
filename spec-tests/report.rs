//! What a run of scripts found. Every directive that was parsed ends in exactly one of passed, failed and skipped.

use std::fmt;

/// A place in a script.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The script's name.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A directive that failed, or a script that could not be read or parsed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// Where.
    pub location: Location,
    /// What happened instead of what the script asks for.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location, self.message)
    }
}

/// A directive that was not run, or whose outcome does not count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skip {
    /// Where.
    pub location: Location,
    /// Why.
    pub reason: SkipReason,
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location, self.reason)
    }
}

/// Why a directive was skipped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// It depends on a function or constant expression that the engine refuses by the name of this operator.
    Operator(String),
    /// A later version of the specification replaced what it asserts.
    Superseded(&'static str),
    /// It belongs to a proposal that the engine does not implement.
    Proposal(String),
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SkipReason::Operator(operator) => f.write_str(operator),
            SkipReason::Superseded(sentence) => write!(f, "superseded: {sentence}"),
            SkipReason::Proposal(name) => write!(f, "not supported: {name}"),
        }
    }
}

/// What a run found. Its [`Display`](fmt::Display) is a line for each failure and, last, the line
/// `N passed, N failed, N skipped`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The directives that were parsed.
    pub directives: usize,
    /// Those of them that assert something.
    pub assertions: usize,
    /// The assertions that were run and held.
    pub assertions_passed: usize,
    /// The directives that did what the script asks for.
    pub passed: usize,
    /// Those that did not.
    pub failures: Vec<Failure>,
    /// Those that were not run.
    pub skips: Vec<Skip>,
}

impl Report {
    /// Adds what another run found.
    pub fn merge(&mut self, other: Report) {
        self.directives += other.directives;
        self.assertions += other.assertions;
        self.assertions_passed += other.assertions_passed;
        self.passed += other.passed;
        self.failures.extend(other.failures);
        self.skips.extend(other.skips);
    }

    /// Whether nothing failed.
    pub fn is_success(&self) -> bool {
        self.failures.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            writeln!(f, "{failure}")?;
        }
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failures.len(), self.skips.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_ends_with_the_totals() {
        let location = Location { file: "a.wast".into(), line: 7 };
        let mut report = Report { directives: 3, passed: 1, ..Report::default() };
        report.failures.push(Failure { location: location.clone(), message: "expected trap".into() });
        report.skips.push(Skip { location, reason: SkipReason::Operator("struct.new".into()) });
        assert_eq!(report.to_string(), "a.wast:7: expected trap\n1 passed, 1 failed, 1 skipped");
        assert_eq!(report.skips[0].to_string(), "a.wast:7: struct.new");
    }
}
