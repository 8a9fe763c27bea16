//! Makes a failing module smaller: bodies lose operators as long as the module is valid and fails.

use std::time::{Duration, Instant};

use wasm_encoder::{CodeSection, RawSection};
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

/// A body's locals and the bytes of each operator but the last `end`.
#[derive(Clone)]
struct Body {
    locals: Vec<u8>,
    operators: Vec<Vec<u8>>,
}

struct Parts {
    /// Ids and contents of all sections; the code section is empty.
    sections: Vec<(u8, Vec<u8>)>,
    bodies: Vec<Body>,
}

const CODE: u8 = 10;

fn split(wasm: &[u8]) -> Option<Parts> {
    let mut parts = Parts { sections: Vec::new(), bodies: Vec::new() };
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.ok()?;
        if let Payload::CodeSectionEntry(body) = &payload {
            let mut reader = body.get_operators_reader().ok()?;
            let range = body.range();
            let first = reader.original_position();
            let mut operators = Vec::new();
            while !reader.eof() {
                let start = reader.original_position();
                reader.read().ok()?;
                operators.push(wasm.get(start as usize..reader.original_position() as usize)?.to_vec());
            }
            operators.pop();
            parts.bodies.push(Body { locals: wasm.get(range.start as usize..first as usize)?.to_vec(), operators });
        }
        if let Some((id, range)) = payload.as_section() {
            let contents =
                if id == CODE { Vec::new() } else { wasm.get(range.start as usize..range.end as usize)?.to_vec() };
            parts.sections.push((id, contents));
        }
    }
    Some(parts)
}

fn join(parts: &Parts) -> Vec<u8> {
    let mut module = wasm_encoder::Module::new();
    for (id, contents) in &parts.sections {
        if *id == CODE {
            let mut code = CodeSection::new();
            for body in &parts.bodies {
                let mut bytes = body.locals.clone();
                bytes.extend(body.operators.iter().flatten());
                bytes.push(0x0b);
                code.raw(&bytes);
            }
            module.section(&code);
        } else {
            module.section(&RawSection { id: *id, data: contents });
        }
    }
    module.finish()
}

/// A smaller module for which `fails` holds, as far as it is found within `time`.
pub fn shrink(wasm: &[u8], time: Duration, mut fails: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
    let deadline = Instant::now() + time;
    let Some(mut parts) = split(wasm) else { return wasm.to_vec() };
    let mut best = wasm.to_vec();
    let mut attempt = |parts: &Parts| {
        let bytes = join(parts);
        let valid = Validator::new_with_features(WasmFeatures::all()).validate_all(&bytes).is_ok();
        (valid && fails(&bytes)).then_some(bytes)
    };
    let unreachable = vec![0x00];
    loop {
        let mut smaller = false;
        for index in 0..parts.bodies.len() {
            let mut size = parts.bodies[index].operators.len();
            while size > 0 {
                let mut at = 0;
                while at < parts.bodies[index].operators.len() {
                    if Instant::now() > deadline {
                        return best;
                    }
                    let before = parts.bodies[index].operators.clone();
                    let end = (at + size).min(before.len());
                    let replacements: [&[Vec<u8>]; 2] = [&[], std::slice::from_ref(&unreachable)];
                    let found = replacements.into_iter().find_map(|with| {
                        if end - at <= with.len() {
                            return None;
                        }
                        let mut after = before.clone();
                        after.splice(at..end, with.iter().cloned());
                        parts.bodies[index].operators = after;
                        attempt(&parts)
                    });
                    match found {
                        Some(bytes) => {
                            best = bytes;
                            smaller = true;
                        }
                        None => {
                            parts.bodies[index].operators = before;
                            at += size;
                        }
                    }
                }
                size /= 2;
            }
        }
        if !smaller {
            return best;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_matter_goes() {
        let mut function = wasm_encoder::Function::new([]);
        function.instructions().i32_const(1).drop().memory_size(0).drop().i32_const(2).drop().end();
        let mut module = wasm_encoder::Module::new();
        let mut types = wasm_encoder::TypeSection::new();
        types.ty().function([], []);
        let mut functions = wasm_encoder::FunctionSection::new();
        functions.function(0);
        let mut memories = wasm_encoder::MemorySection::new();
        let ty = wasm_encoder::MemoryType {
            minimum: 0,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        };
        memories.memory(ty);
        let mut code = CodeSection::new();
        code.function(&function);
        module.section(&types).section(&functions).section(&memories).section(&code);
        let size = [0x3f, 0x00];
        let small =
            shrink(&module.finish(), Duration::from_secs(60), |wasm| wasm.windows(2).any(|bytes| bytes == size));
        let body = split(&small).map(|parts| parts.bodies[0].operators.clone());
        assert_eq!(body, Some(vec![size.to_vec(), vec![0x00]]));
    }
}
