//! Who is told about machine code: profilers and debuggers.

use std::fmt;
use std::ops::Range;

/// Machine code of a function, where it runs.
#[derive(Clone, Copy, Debug)]
pub struct InstalledCode<'a> {
    /// The module's name, if it has one.
    pub module: Option<&'a str>,
    /// The function's name, if it has one.
    pub function: Option<&'a str>,
    /// The function's index in its module, imports included.
    pub index: u32,
    /// The code and its constants, at their place.
    pub code: &'a [u8],
}

/// What tools show: `wasm[module]::function`, in one line whatever the module says. A function without a name has its index.
impl fmt::Display for InstalledCode<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |name: &str| name.replace(char::is_control, "?");
        write!(f, "wasm[{}]::", plain(self.module.unwrap_or_default()))?;
        match self.function {
            Some(name) => f.write_str(&plain(name)),
            None => write!(f, "function[{}]", self.index),
        }
    }
}

/// Is told what code there is.
///
/// Both functions are called while the engine installs or frees code, on whatever thread does that, so they must not call the engine.
pub trait CodeListener: fmt::Debug + Send + Sync {
    /// Functions were installed at once, in order of their addresses, and will run.
    fn installed(&self, functions: &[InstalledCode<'_>]);

    /// What was installed at these addresses is gone: the range is from the first function's first byte to the last one's last.
    fn removed(&self, addresses: Range<usize>) {
        let _ = addresses;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_line() {
        let code = InstalledCode { module: Some("a\nb"), function: Some("f\0 g"), index: 3, code: &[] };
        assert_eq!(code.to_string(), "wasm[a?b]::f? g");
        assert_eq!(InstalledCode { module: None, function: None, ..code }.to_string(), "wasm[]::function[3]");
    }
}
