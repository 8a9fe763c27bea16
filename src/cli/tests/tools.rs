//! The subcommands that look at modules without running them, and the one that runs scripts.

mod common;

use common::{Files, line, program, terrace, with_input};

const MODULE: &str = r#"(module $shapes
    (import "env" "log" (func $log (param i32)))
    (memory (export "memory") 1 2)
    (global (export "counter") (mut i64) (i64.const 0))
    (table 3 funcref)
    (tag (export "oops") (param i32))
    (func $area (export "area") (param i32 i32) (result i32)
        (i32.mul (local.get 0) (i32.load offset=8 (local.get 1))))
    (func $widen (param i32) (result i32) (i32.extend8_s (local.get 0)))
    (data (i32.const 0) "abc")
    (@custom "notes" "some bytes"))"#;

#[test]
fn validate_is_silent_about_what_is_valid() {
    assert_eq!(line("validate FILE", &program("tour")).ok(), "");
    assert_eq!(with_input(["validate", "-"], MODULE.as_bytes()).ok(), "");
}

#[test]
fn inspect_shows_everything() {
    let out = with_input(["inspect", "-"], MODULE.as_bytes()).ok();
    for piece in [
        "name      \"shapes\"",
        "features  mutable-global, sign-extension, exceptions",
        "functions 1 imported, 2 defined",
        "func \"env\" \"log\" (param i32)",
        "func \"area\" (param i32 i32) (result i32)",
        "memory \"memory\" 1 2",
        "global \"counter\" (mut i64)",
        "tag \"oops\" (param i32)",
        "custom \"notes\"",
        "data: 9 bytes, 1 entry",
    ] {
        assert!(out.contains(piece), "no `{piece}` in:\n{out}");
    }
}

#[test]
fn inspect_gives_json() {
    let out = with_input(["inspect", "--json", "-"], MODULE.as_bytes()).ok();
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(json["name"], "shapes");
    assert_eq!(json["features"], serde_json::json!(["mutable-global", "sign-extension", "exceptions"]));
    assert_eq!(json["functions"], serde_json::json!({"imported": 1, "defined": 2}));
    assert_eq!(json["tables"]["defined"], 1);
    assert_eq!(
        json["imports"][0],
        serde_json::json!({"module": "env", "name": "log", "kind": "func", "type": "(param i32)"})
    );
    let exports = json["exports"].as_array().expect("exports");
    assert!(exports.iter().any(|export| export["name"] == "area" && export["index"] == 1 && export["kind"] == "func"));
    let sections = json["sections"].as_array().expect("sections");
    let size = |section: &serde_json::Value| section["size"].as_u64().expect("a size");
    assert!(sections.iter().map(size).sum::<u64>() < json["size"].as_u64().expect("a size"));
    assert!(sections.iter().any(|section| section["name"] == "notes" && section["custom"] == true));
}

#[test]
fn disasm_shows_wasm_beside_bytecode() {
    let files = Files::new();
    let file = files.file("shapes.wat", MODULE);
    let all = line("disasm FILE", &file).ok();
    assert!(all.contains("(func $area") && all.contains("(func $widen"), "{all}");
    for func in ["area", "$area", "1"] {
        let one = line(&format!("disasm --func {func} FILE"), &file).ok();
        assert!(one.contains("(func $area") && !one.contains("(func $widen"), "{one}");
        let load = one.lines().find(|line| line.contains("i32.load offset=8")).expect("the operator");
        assert!(load.contains("i32.load [l1 + 8]"), "{one}");
    }
    let plain = line("disasm --level plain --func area FILE", &file).ok();
    assert!(plain.contains("copy l0") && !line("disasm --func area FILE", &file).ok().contains("copy"), "{plain}");
    line("disasm --func frob FILE", &file).fails(1, &["no function is named frob"]);
    line("disasm --func 0 FILE", &file).fails(1, &["function 0", "imported"]);
    line("disasm --func 9 FILE", &file).fails(1, &["function 9"]);
}

/// What stands below a row of bytecode until the next one.
#[cfg(target_arch = "x86_64")]
fn machine_code_of<'a>(listing: &'a str, row: &str) -> Vec<&'a str> {
    let column = |line: &'a str| line.split_once(" | ").map_or("", |(_, column)| column);
    let rows = listing.lines().map(column).skip_while(|line| !line.contains(row));
    rows.skip(1).take_while(|line| line.starts_with("        ")).map(str::trim).collect()
}

#[test]
#[cfg(target_arch = "x86_64")]
fn disasm_shows_machine_code_below_bytecode() {
    let files = Files::new();
    let file = files.file("shapes.wat", MODULE);
    let out = line("disasm --tier jit --func area FILE", &file).ok();
    assert!(out.contains("bytes of machine code") && out.contains("frame.stack_left"), "{out}");
    let load = machine_code_of(&out, "i32.load [l1 + 8]").join("\n");
    assert!(load.contains("; l1") && load.contains("may trap: out of bounds memory access, memory"), "{out}");
    assert!(!load.contains("imul"), "{out}");
    let multiplication = machine_code_of(&out, "i32.mul");
    assert!(multiplication.iter().any(|line| line.contains("imul")), "{out}");
    assert!(machine_code_of(&out, "return.one").iter().any(|line| line.ends_with("ret")), "{out}");
    assert!(out.contains("; stub Overflow"), "{out}");
    assert!(!line("disasm --func area FILE", &file).ok().contains("imul"));
    line("disasm --tier frob FILE", &file).stops(2, &["frob"]);

    let control = r#"(module
        (func $even (param i32) (result i32)
            (loop $l
                (block (block (block (br_table 0 1 2 (local.get 0))) (return (i32.const 1))) (return (i32.const 0)))
                (local.set 0 (i32.sub (local.get 0) (i32.const 2)))
                (drop (i32.div_u (i32.const 4) (local.get 0)))
                (br $l))
            unreachable)
        (func $run (result i32) (call $even (i32.const 9))))"#;
    let out = line("disasm --tier jit FILE", &files.file("control.wat", control)).ok();
    let table = machine_code_of(&out, "br_table");
    let entries: Vec<_> = table.iter().filter(|line| line.contains(" dd ")).collect();
    assert!(entries.len() == 3 && entries[0].contains("; to "), "{out}");
    assert!(out.contains("; on-stack replacement") && out.contains("trap: integer divide by zero"), "{out}");
    assert!(machine_code_of(&out, "call base").iter().any(|line| line.ends_with("; func $even")), "{out}");
    assert!(!out.contains("(bad)"), "{out}");
}

#[test]
fn scripts_end_with_their_totals() {
    let files = Files::new();
    let module = r#"(module (func (export "one") (result i32) (i32.const 1)))"#;
    let good = format!("{module}\n(assert_return (invoke \"one\") (i32.const 1))\n");
    let bad = format!("{good}(assert_return (invoke \"one\") (i32.const 2))\n");
    files.file("good.wast", &good);
    assert_eq!(line("wast FILE", files.path()).ok(), "2 passed, 0 failed, 0 skipped\n");
    assert_eq!(line("wast --tier reference --level plain FILE", files.path()).ok(), "2 passed, 0 failed, 0 skipped\n");
    files.file("bad.wast", &bad);
    let run = line("wast FILE", files.path());
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
    assert!(run.stdout.lines().any(|line| line.contains("bad.wast:3: ")), "{}", run.stdout);
    assert_eq!(run.stdout.lines().last(), Some("4 passed, 1 failed, 0 skipped"));
    line("wast --tier frob FILE", files.path()).fails(2, &["unknown tier `frob`"]);
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = terrace(["completions", shell]).ok();
        assert!(script.contains("explicit-bounds"), "{shell}");
    }
}
