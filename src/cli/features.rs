//! Sets of proposals by name: `all,-gc,+wide-arithmetic`.

use terrace::Config;
use wasmparser::WasmFeatures;

/// Applies each item of a comma-separated list to the engine's default, in order.
pub fn parse(list: &str) -> Result<WasmFeatures, String> {
    list.split(',').try_fold(Config::default().features_enabled(), |features, item| {
        let item = item.trim();
        if let Some(set) = set(item) {
            return Ok(set);
        }
        match item.strip_prefix('-') {
            Some(name) => Ok(features - named(name)?),
            None => Ok(features | named(item.strip_prefix('+').unwrap_or(item))?),
        }
    })
}

fn set(name: &str) -> Option<WasmFeatures> {
    Some(match name {
        "all" => supported(),
        "none" => WasmFeatures::MVP,
        "wasm1" => WasmFeatures::WASM1,
        "wasm2" => WasmFeatures::WASM2,
        "wasm3" => WasmFeatures::WASM3,
        _ => return None,
    })
}

fn named(wanted: &str) -> Result<WasmFeatures, String> {
    let found = supported().iter_names().find(|&(constant, _)| name(constant) == wanted);
    found.map(|(_, feature)| feature).ok_or_else(|| {
        let names: Vec<_> = names(supported()).collect();
        format!("unknown feature `{wanted}`; there are {}", names.join(", "))
    })
}
