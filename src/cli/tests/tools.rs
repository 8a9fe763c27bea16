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
