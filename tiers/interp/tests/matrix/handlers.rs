//! The handlers in this program, by their symbols.

use std::collections::{BTreeMap, BTreeSet};

use object::{Object, ObjectSymbol};

/// Bytes per unit of handler offsets.
const UNIT: u64 = 8;

pub struct Handlers(BTreeMap<u64, String>);

impl Handlers {
    pub fn of_this_program() -> Handlers {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let file = object::File::parse(&*bytes).unwrap();
        let symbols: Vec<(&str, u64)> =
            file.symbols().filter_map(|symbol| Some((symbol.name().ok()?, symbol.address()))).collect();
        let base = symbols.iter().find(|(name, _)| *name == "terrace_interp").expect("the handlers have a symbol").1;
        let handlers = symbols.iter().filter_map(|(name, address)| {
            let name = name.strip_prefix("terrace_interp_")?;
            // What is out of reach of offsets is entered nearer.
            let near = name.strip_suffix("_near");
            (near.is_some() || is_handler(name)).then(|| (address - base, near.unwrap_or(name).to_owned()))
        });
        Handlers(handlers.filter(|(_, name)| is_handler(name)).collect())
    }

    /// The handler at an offset in units; of a fused one, that of its first instruction.
    pub fn name(&self, offset: u16) -> Option<&str> {
        let name = self.0.get(&(u64::from(offset) * UNIT))?;
        Some(name.split_once("__").map_or(name, |(first, _)| first))
    }

    /// Those of one instruction.
    pub fn all(&self) -> BTreeSet<&str> {
        self.0.values().map(String::as_str).filter(|name| !name.contains("__")).collect()
    }
}

/// Handlers end with a form, three classes, and perhaps more.
fn is_handler(name: &str) -> bool {
    let name = name.trim_end_matches("_explicit");
    let name = name.rsplit_once("_loop").map_or(name, |(name, _)| name);
    let mut parts = name.rsplitn(3, '_');
    let (Some(classes), Some(form)) = (parts.next(), parts.next()) else { return false };
    classes.len() == 3 && classes.chars().all(|c| "sa01fr".contains(c)) && form.parse::<u8>().is_ok()
}

/// The op and form.
pub fn family(name: &str) -> &str {
    let mut end = name.match_indices('_').filter(|&(at, _)| {
        let rest = &name[at + 1..];
        rest.len() >= 3
            && rest.chars().take(3).all(|c| "sa01fr".contains(c))
            && (rest.len() == 3 || rest[3..].starts_with('_'))
    });
    end.next_back().map_or(name, |(at, _)| &name[..at])
}
