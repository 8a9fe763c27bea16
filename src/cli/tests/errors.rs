//! Whatever goes wrong: one clear error, the right exit code, no panic and no hang.

mod common;

use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{Files, Run, command, line, program, terrace, with_input};
use proptest::prelude::*;

const CALLS: &str = r#"(module
    (memory (export "memory") 1 100)
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func $divide (export "divide") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
    (func $deep (export "deep") (call $deep))
    (func (export "nested") (param i32) (result i32) (local.get 0)
        (if (result i32) (then (i32.sub (local.get 0) (i32.const 1)) (call 3)) (else (i32.const 0))))
    (func $tail (export "tail") (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
        (return_call $tail (i32.sub (local.get 0) (i32.const 1))))
    (func (export "spin") (loop (br 0)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (tag $oops (param i32))
    (func (export "throw") (throw $oops (i32.const 1))))"#;

fn calls(text: &str) -> Run {
    let files = Files::new();
    line(text, &files.file("calls.wat", CALLS))
}

#[test]
fn unreadable_files() {
    line("run FILE", Path::new("/no/such/file.wasm")).fails(1, &["/no/such/file.wasm", "No such file"]);
    let files = Files::new();
    for command in ["run", "validate", "inspect", "disasm", "wast"] {
        line(&format!("{command} FILE"), &files.path().join("missing.wast"))
            .fails(1, &["missing.wast", "No such file"]);
    }
    line("run FILE", files.path()).fails(1, &["cannot read", "directory"]);
}

#[test]
fn modules_that_are_none() {
    let files = Files::new();
    let wasm = std::fs::read(program("primes")).expect("our own program");
    let mut flipped = wasm.clone();
    flipped[3] ^= 0x10;
    let cases: &[(&str, &[u8], &[&str])] = &[
        ("empty.wasm", b"", &["empty"]),
        ("magic.wasm", &flipped, &["magic", "(at offset 0x0)"]),
        ("short.wasm", &wasm[..6], &["unexpected end", "(at offset 0x"]),
        ("half.wasm", &wasm[..wasm.len() / 2], &["unexpected end", "(at offset 0x"]),
        ("type.wat", b"(module (func (result i32) i64.const 1))", &["type mismatch", "(at offset 0x"]),
        ("text.wat", b"(module\n (func i32.frob))", &["text.wat:2:8: ", "(at offset 0xf of the text)"]),
        ("binary.wat", b"\xff\xfe", &["UTF-8", "(at offset 0x0)"]),
        ("component.wasm", b"\0asm\x0d\0\x01\0", &["component"]),
        ("component.wat", b"(component)", &["component"]),
    ];
    for (name, bytes, pieces) in cases {
        let file = files.file(name, bytes);
        for command in ["run", "validate", "inspect", "disasm"] {
            line(&format!("{command} FILE"), &file).fails(1, pieces);
        }
    }
}

#[test]
fn features_that_are_off() {
    let files = Files::new();
    let simd = files.file("simd.wat", "(module (func (result v128) (v128.const i32x4 0 0 0 0)))");
    line("validate FILE", &simd).ok();
    line("validate --features -simd FILE", &simd).fails(1, &["SIMD", "(at offset 0x"]);
    line("run --features wasm1 FILE", &simd).fails(1, &["(at offset 0x"]);
}

#[test]
fn imports_that_are_missing() {
    let files = Files::new();
    line("run FILE", &files.file("a.wat", r#"(module (import "env" "f" (func)))"#)).fails(1, &["a.wat", "env", "f"]);
    let wrong = r#"(module (import "wasi_snapshot_preview1" "fd_close" (func (param i64))))"#;
    line("run FILE", &files.file("b.wat", wrong)).fails(1, &["incompatible", "fd_close"]);
}

#[test]
fn calls_that_do_not_fit() {
    calls("run --invoke add FILE 1").fails(2, &["`add` takes 2 arguments (i32 i32), got 1"]);
    calls("run --invoke add FILE 1 2 3").fails(2, &["got 3"]);
    calls("run --invoke add FILE 1 two").fails(2, &["argument 2 of `add`", "`two`", "i32"]);
    calls("run --invoke add FILE 1 1.5").fails(2, &["`1.5`"]);
    calls("run --invoke subtract FILE").fails(1, &["no export is named `subtract`"]);
    calls("run --invoke memory FILE").fails(1, &["`memory` is not a function"]);
    let files = Files::new();
    let start = files.file("start.wat", r#"(module (func (export "_start") (param i32)))"#);
    line("run FILE", &start).fails(1, &["_start"]);
}

#[test]
fn bad_usage() {
    for usage in [
        "run",
        "run --frob FILE",
        "run --fuel x FILE",
        "run --timeout 1y FILE",
        "run --dir a::b::rw FILE",
        "frob",
        "wast",
    ] {
        calls(usage).stops(2, &[]);
    }
    calls("run --tier frob FILE").fails(2, &["unknown tier `frob`", "reference"]);
    calls("run --policy frob FILE").stops(2, &["frob", "background-all"]);
    calls("run --policy counter:frob=1 FILE").stops(2, &["frob", "threshold"]);
    calls("run --policy /no/such/policy.toml FILE").stops(2, &["/no/such/policy.toml"]);
    calls("run --tier reference --policy lazy FILE").fails(2, &["policy lazy needs a tier that compiles"]);
    calls("run --record-events /no/such/file FILE").fails(1, &["/no/such/file"]);
    calls("run --features frob FILE").fails(2, &["unknown feature `frob`"]);
    calls("run --max-stack 1 FILE").fails(2, &["stack"]);
    calls("run --dir /no/such/dir FILE").fails(1, &["/no/such/dir"]);
    calls("run --tcp-listen nowhere FILE").fails(1, &["nowhere"]);
}

#[test]
fn traps_say_what_and_where() {
    let run = calls("run --invoke divide FILE 0");
    run.stops(134, &["integer divide by zero"]);
    assert!(run.stderr.contains("divide") && run.stderr.contains("0x"), "{}", run.stderr);
    calls("run --invoke deep FILE").stops(134, &["call stack exhausted"]);
    calls("run --invoke throw FILE").stops(134, &["exception"]);
}

#[test]
fn depth_has_a_limit_that_is_far_away() {
    assert_eq!(calls("run --invoke nested FILE 50000").ok(), "0\n");
    assert_eq!(calls("run --invoke tail FILE 10000000").ok(), "1\n");
    calls("run --max-stack 64k --invoke nested FILE 50000").stops(134, &["call stack exhausted"]);
}

#[test]
fn fuel_and_memory_have_limits() {
    calls("run --fuel 10000 --invoke spin FILE").stops(134, &["all fuel consumed"]);
    assert_eq!(calls("run --max-memory 128k --invoke grow FILE 1").ok(), "1\n");
    assert_eq!(calls("run --max-memory 128k --invoke grow FILE 2").ok(), "-1\n");
    calls("run --max-memory 1000 --invoke grow FILE 1").fails(1, &["memory", "limit"]);
}

/// Runs with a timeout, which must take effect long before the run would end by itself.
fn times_out(text: &str, args: &str) {
    let files = Files::new();
    let file = files.file("slow.wat", text);
    let start = Instant::now();
    let mut command = command(format!("run --timeout 200ms {args}").split_whitespace());
    let mut child = command
        .arg(file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // The input stays open: a read waits.
    let stdin = child.stdin.take();
    let run: Run = child.wait_with_output().expect("the program ends").into();
    drop(stdin);
    run.stops(134, &["timeout", "200ms"]);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn timeouts_end_loops_and_start_functions() {
    times_out(CALLS, "--invoke spin");
    times_out("(module (func $start (loop (br 0))) (start $start))", "");
}

#[test]
fn timeouts_end_waiting_calls() {
    let wasi = r#"
        (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\40\00\00\00\10\00\00\00")"#;
    let read =
        "(func $start (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))) (start $start)";
    // A clock that wakes in some decades.
    let poll = r#"(data (i32.const 128) "\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\ff\ff\ff\ff\ff\ff\ff\0f")
        (func (export "_start") (drop (call $poll (i32.const 128) (i32.const 256) (i32.const 1) (i32.const 512))))"#;
    for function in [read, poll] {
        times_out(&format!("(module {wasi} {function})"), "");
    }
}

#[test]
fn timeouts_end_bulk_operations() {
    let fill = r#"(module (memory 65536) (func $start
        (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const -1)) (br 0))) (start $start))"#;
    times_out(fill, "");
}

#[test]
fn interrupts_from_the_terminal_end_a_blocked_read() {
    let mut command = command(["run"]);
    // SAFETY: between fork and exec this makes one system call.
    unsafe {
        // Interrupts are ignored in a shell's background, which children inherit.
        command.pre_exec(|| match libc::signal(libc::SIGINT, libc::SIG_DFL) {
            libc::SIG_ERR => Err(std::io::Error::last_os_error()),
            _ => Ok(()),
        });
    }
    let mut child = command.arg(program("wordcount")).stdin(Stdio::piped()).spawn().expect("the program starts");
    std::thread::sleep(Duration::from_millis(300));
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.expect("kill is everywhere").success());
    assert_eq!(child.wait().expect("the program ends").signal(), Some(2));
}

#[test]
fn closed_pipes_end_quietly() {
    let files = Files::new();
    let yes = files.file(
        "yes.wat",
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "\10\00\00\00\02\00\00\00") (data (i32.const 16) "y\n")
            (func (export "_start")
                (loop (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (br 0))))"#,
    );
    let large: String = (0..20_000).map(|i| format!("(func (export \"f{i}\"))")).collect();
    let large = files.file("large.wat", format!("(module {large})"));
    for (subcommand, file) in [("run", &yes), ("inspect", &large), ("disasm", &large)] {
        let mut command = command([subcommand]);
        let mut child =
            command.arg(file).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut stdout = child.stdout.take().expect("a pipe");
        let _ = stdout.read_exact(&mut [0; 2]);
        drop(stdout);
        let run: Run = child.wait_with_output().expect("the program ends").into();
        assert_eq!(run.stderr, "", "{subcommand}");
    }
}

#[test]
fn traps_in_host_functions_show_the_wasm_below() {
    let files = Files::new();
    let module = files.file(
        "pointer.wat",
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func $caller (export "_start")
                (drop (call $write (i32.const 1) (i32.const -8) (i32.const 1) (i32.const 0)))))"#,
    );
    let run = line("run FILE", &module);
    run.stops(134, &["pointer"]);
    assert!(run.stderr.contains("caller"), "{}", run.stderr);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Damaged modules end in some way that is not ours to be ashamed of.
    #[test]
    fn damaged_modules_are_no_trouble(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        keep in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = std::fs::read(program("wordcount")).expect("our own program");
        for (index, mask) in &flips {
            let at = index.index(bytes.len());
            bytes[at] ^= mask;
        }
        if let Some(keep) = keep {
            bytes.truncate(keep.index(bytes.len()));
        }
        let files = Files::new();
        let file = files.file("damaged.wasm", &bytes);
        for command in ["validate FILE", "inspect FILE", "run --timeout 10s --fuel 1000000 --max-memory 64m FILE"] {
            let run = line(command, &file);
            prop_assert!(run.signal.is_none() && !run.stderr.contains("panicked"), "{command}: {}", run.stderr);
            if run.code == Some(1) && !run.stderr.is_empty() && !command.starts_with("run") {
                run.fails(1, &["damaged.wasm"]);
            }
        }
    }
}

#[test]
fn text_can_be_anything() {
    for text in
        ["(", ")", "(module", "(module (func (", "\u{202e}", ";;", "(;", "\"", "(module binary \"\\00asm\")", "$"]
    {
        let run = with_input(["validate", "-"], text.as_bytes());
        assert!(matches!(run.code, Some(0 | 1)) && !run.stderr.contains("panicked"), "{text}: {}", run.stderr);
    }
    terrace(["completions", "frob"]).stops(2, &["frob"]);
}
