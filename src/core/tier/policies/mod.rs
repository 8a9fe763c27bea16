//! The built-in policies, by name and with parameters.
//!
//! A [`PolicySpec`] is a value: it is written `name` or `name:parameter=value,...` on command lines and in results, or as a TOML table
//! with the policy's name under `name`. The lists below are all there is to say about names, parameters and defaults.

mod counters;
mod fixed;
mod oracle;
mod random;

use std::fmt;
use std::fs;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::policy::{Mode, Policy};

/// Why there is no such policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// No policy has this name.
    #[error("no policy has the name {0:?}; there are {list}", list = PolicySpec::NAMES.join(", "))]
    Name(String),
    /// The policy has no such parameter.
    #[error("policy {policy} has no parameter {parameter:?}; {}", list(known))]
    Parameter {
        /// The policy.
        policy: &'static str,
        /// What was given.
        parameter: String,
        /// What it has.
        known: &'static [&'static str],
    },
    /// A parameter that was given twice.
    #[error("policy {policy}: {parameter} is given twice")]
    Twice {
        /// The policy.
        policy: &'static str,
        /// The parameter.
        parameter: &'static str,
    },
    /// Not a value of the parameter's type.
    #[error("policy {policy}: {parameter} is {expected}, not {value:?}")]
    Value {
        /// The policy.
        policy: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// What it takes.
        expected: &'static str,
        /// What was given.
        value: String,
    },
    /// Not a description of a policy in TOML.
    #[error("{0}")]
    Toml(String),
    /// A file that a policy needs cannot be used.
    #[error("{path}: {message}")]
    File {
        /// The file.
        path: String,
        /// Why.
        message: String,
    },
}

fn list(known: &[&str]) -> String {
    if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) }
}

/// The type of a parameter.
trait Parameter: FromStr + fmt::Display {
    /// What it takes, as errors say it.
    const EXPECTED: &'static str;
}

impl Parameter for u32 {
    const EXPECTED: &'static str = "a number of 32 bits";
}

impl Parameter for u64 {
    const EXPECTED: &'static str = "a number of 64 bits";
}

impl Parameter for bool {
    const EXPECTED: &'static str = "true or false";
}

impl Parameter for Mode {
    const EXPECTED: &'static str = "sync or background";
}

impl Parameter for FixedTier {
    const EXPECTED: &'static str = "interp or jit";
}

impl Parameter for String {
    const EXPECTED: &'static str = "a path";
}

/// The tier that everything runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FixedTier {
    /// The interpreter.
    #[default]
    Interp,
    /// Machine code, made before anything runs.
    Jit,
}

impl fmt::Display for FixedTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FixedTier::Interp => "interp",
            FixedTier::Jit => "jit",
        })
    }
}

impl FromStr for FixedTier {
    type Err = ();

    fn from_str(text: &str) -> Result<FixedTier, ()> {
        [FixedTier::Interp, FixedTier::Jit].into_iter().find(|tier| tier.to_string() == text).ok_or(())
    }
}

macro_rules! policies {
    ($(
        $(#[$doc:meta])*
        $variant:ident $name:literal {
            $($(#[$field_doc:meta])* $field:ident $key:literal: $ty:ty = $default:expr,)*
        }
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
            #[serde(default, deny_unknown_fields)]
            pub struct $variant {
                $($(#[$field_doc])* #[serde(rename = $key)] pub $field: $ty,)*
            }

            impl Default for $variant {
                fn default() -> $variant {
                    $variant { $($field: $default,)* }
                }
            }

            impl $variant {
                const PARAMETERS: &[&str] = &[$($key),*];

                #[allow(unused_variables, unused_mut, reason = "policies without parameters")]
                fn parse(parameters: &[(&str, &str)]) -> Result<$variant, PolicyError> {
                    let mut spec = $variant::default();
                    let mut given: Vec<&str> = Vec::new();
                    for &(key, value) in parameters {
                        match key {
                            $($key => {
                                if given.contains(&$key) {
                                    return Err(PolicyError::Twice { policy: $name, parameter: $key });
                                }
                                given.push($key);
                                spec.$field = value.parse().map_err(|_| PolicyError::Value {
                                    policy: $name,
                                    parameter: $key,
                                    expected: <$ty as Parameter>::EXPECTED,
                                    value: value.to_owned(),
                                })?;
                            })*
                            _ => {
                                return Err(PolicyError::Parameter {
                                    policy: $name,
                                    parameter: key.to_owned(),
                                    known: $variant::PARAMETERS,
                                });
                            }
                        }
                    }
                    Ok(spec)
                }
            }
        )*

        /// A built-in policy with its parameters.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(tag = "name")]
        pub enum PolicySpec {
            $($(#[$doc])* #[serde(rename = $name)] $variant($variant),)*
        }

        impl PolicySpec {
            /// The names of all policies.
            pub const NAMES: &[&str] = &[$($name),*];

            /// The policy's name.
            pub fn name(&self) -> &'static str {
                match self {
                    $(PolicySpec::$variant(_) => $name,)*
                }
            }

            fn parse(name: &str, parameters: &[(&str, &str)]) -> Result<PolicySpec, PolicyError> {
                match name {
                    $($name => $variant::parse(parameters).map(PolicySpec::$variant),)*
                    _ => Err(PolicyError::Name(name.to_owned())),
                }
            }

            /// The parameters and their values, as text.
            fn parameters(&self) -> Vec<(&'static str, String)> {
                match self {
                    $(PolicySpec::$variant(spec) => {
                        let $variant { $($field),* } = spec;
                        vec![$(($key, $field.to_string())),*]
                    })*
                }
            }
        }
    };
}

policies! {
    /// Everything runs on one tier.
    Fixed "fixed" {
        /// The tier.
        tier "tier": FixedTier = FixedTier::Interp,
    }
    /// A function is compiled at its first call.
    Lazy "lazy" {
        /// Who compiles.
        mode "mode": Mode = Mode::Sync,
    }
    /// A function is compiled when its entries and back edges add up to a threshold.
    Counter "counter" {
        /// The threshold.
        threshold "threshold": u32 = 1000,
        /// What an entry counts for.
        entry "entry": u32 = 15,
        /// What a back edge counts for.
        loop_ "loop": u32 = 1,
        /// Who compiles.
        mode "mode": Mode = Mode::Sync,
        /// Whether loops that run go over to machine code.
        osr "osr": bool = true,
    }
    /// A function is compiled when so many bytes of its code have run, as V8 counts: an entry is as much as the whole function, a back
    /// edge as much as its loop.
    Bytes "bytes" {
        /// The bytes, of bytecode.
        budget "budget": u32 = 1_800_000,
        /// Who compiles.
        mode "mode": Mode = Mode::Sync,
        /// Whether loops that run go over to machine code.
        osr "osr": bool = true,
    }
    /// As [`Counter`], with a threshold that grows with the function, as JavaScriptCore's do: by the threshold once more for a body of
    /// `size` bytes, and by the square root of the body's size.
    Scaled "scaled" {
        /// The threshold of a function without a body.
        threshold "threshold": u32 = 150,
        /// What an entry counts for.
        entry "entry": u32 = 15,
        /// What a back edge counts for.
        loop_ "loop": u32 = 1,
        /// Body bytes at which the threshold is doubled.
        size "size": u32 = 1000,
        /// Who compiles.
        mode "mode": Mode = Mode::Sync,
        /// Whether loops that run go over to machine code.
        osr "osr": bool = true,
    }
    /// Everything is compiled in the background from the start, as WAMR does.
    BackgroundAll "background-all" {
        /// Whether loops that run go over to machine code.
        osr "osr": bool = false,
    }
    /// Budgets and decisions by chance, for fuzzing.
    Random "random" {
        /// What chance starts from.
        seed "seed": u64 = 0,
        /// The largest budget.
        max "max": u32 = 100,
    }
    /// The functions that a recorded run compiled are compiled at their first call, and no others.
    Oracle "oracle" {
        /// The trace of that run.
        file "file": String = String::new(),
    }
}

/// Makes the policy of a module.
pub type MakePolicy = Arc<dyn Fn() -> Box<dyn Policy> + Send + Sync>;

impl PolicySpec {
    /// Whether execution has to be counted for it: if not, bytecode has no `profile` instructions.
    pub fn counts(&self) -> bool {
        match self {
            PolicySpec::Fixed(_) => false,
            PolicySpec::BackgroundAll(spec) => spec.osr,
            _ => true,
        }
    }

    /// Whether it compiles anything, ever.
    pub fn compiles(&self) -> bool {
        *self != PolicySpec::Fixed(Fixed { tier: FixedTier::Interp })
    }

    /// Reads a policy's TOML table.
    pub fn from_toml(text: &str) -> Result<PolicySpec, PolicyError> {
        toml::from_str(text).map_err(|error| PolicyError::Toml(error.to_string()))
    }

    /// What an argument says: a policy's text, or the path of a `.toml` file.
    pub fn from_argument(argument: &str) -> Result<PolicySpec, PolicyError> {
        if Path::new(argument).extension().is_some_and(|extension| extension == "toml") {
            return PolicySpec::from_toml(&read(argument)?);
        }
        argument.parse()
    }

    /// Reads the files that the policy needs, if any, and gives what makes policies of it.
    pub fn load(&self) -> Result<MakePolicy, PolicyError> {
        fn stateless<P: Policy + Clone + Sync + 'static>(spec: &P) -> MakePolicy {
            let spec = spec.clone();
            Arc::new(move || Box::new(spec.clone()))
        }
        Ok(match self {
            PolicySpec::Fixed(spec) => stateless(spec),
            PolicySpec::Lazy(spec) => stateless(spec),
            PolicySpec::Counter(spec) => stateless(spec),
            PolicySpec::Bytes(spec) => stateless(spec),
            PolicySpec::Scaled(spec) => stateless(spec),
            PolicySpec::BackgroundAll(spec) => stateless(spec),
            PolicySpec::Random(spec) => {
                let spec = spec.clone();
                Arc::new(move || Box::new(random::RandomPolicy::new(&spec)))
            }
            PolicySpec::Oracle(spec) => {
                let path = &spec.file;
                let failed = |message: String| PolicyError::File { path: path.clone(), message };
                let oracle = oracle::OraclePolicy::new(&read(path)?).map_err(|error| failed(error.to_string()))?;
                stateless(&oracle)
            }
        })
    }
}

fn read(path: &str) -> Result<String, PolicyError> {
    fs::read_to_string(path).map_err(|error| PolicyError::File { path: path.to_owned(), message: error.to_string() })
}

impl Default for PolicySpec {
    fn default() -> PolicySpec {
        PolicySpec::Fixed(Fixed::default())
    }
}

/// The canonical text: the name with all parameters.
impl fmt::Display for PolicySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        if let PolicySpec::Oracle(spec) = self {
            return write!(f, ":{}", spec.file);
        }
        for (index, (key, value)) in self.parameters().into_iter().enumerate() {
            write!(f, "{}{key}={value}", if index == 0 { ':' } else { ',' })?;
        }
        Ok(())
    }
}

impl FromStr for PolicySpec {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<PolicySpec, PolicyError> {
        let (name, parameters) = text.split_once(':').unwrap_or((text, ""));
        if name == "oracle" {
            // The file's name may hold anything.
            return PolicySpec::parse(name, &[("file", parameters)]);
        }
        let parameters = parameters.split(',').filter(|parameter| !parameter.is_empty());
        let pairs: Vec<_> = parameters.map(|text| text.split_once('=').unwrap_or((text, ""))).collect();
        PolicySpec::parse(name, &pairs)
    }
}

#[cfg(test)]
mod tests;
