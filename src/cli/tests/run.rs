//! What a guest gets and what comes back: results, exit codes, files, arguments, environment, streams.

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{Files, command, line, program, terrace, with_input};

const VALUES: &str = r#"(module
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "all") (param i32 i64 f32 f64 v128 funcref externref)
        (result i32 i64 f32 f64 v128 funcref externref)
        local.get 0 local.get 1 local.get 2 local.get 3 local.get 4 local.get 5 local.get 6)
    (func (export "self") (result funcref) (ref.func 2))
    (func (export "none")))"#;

#[test]
fn version_is_one_line() {
    assert_eq!(terrace(["--version"]).ok(), format!("terrace {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn results_are_printed_one_per_line() {
    let files = Files::new();
    let module = files.file("values.wat", VALUES);
    assert_eq!(line("run --invoke add FILE 0xfffffffe -3", &module).ok(), "-5\n");
    assert_eq!(
        line("run --invoke all FILE -1 0x10 nan:0x200000 -inf i32x4:1,2,3,4 null null", &module).ok(),
        "-1\n16\nnan:0x200000\n-inf\n0x00000004000000030000000200000001\nnull\nnull\n"
    );
    assert_eq!(line("run --invoke self FILE", &module).ok(), "funcref\n");
    assert_eq!(line("run --invoke none FILE", &module).ok(), "");
}

#[test]
fn modules_come_from_standard_input_too() {
    assert_eq!(with_input(["run", "--invoke", "add", "-", "2", "3"], VALUES.as_bytes()).ok(), "5\n");
    let binary = wat::parse_str(VALUES).expect("valid text");
    assert_eq!(with_input(["run", "--invoke", "add", "-", "2", "3"], &binary).ok(), "5\n");
}

#[test]
fn events_and_timelines_are_files() {
    let files = Files::new();
    let module = files.file("values.wat", VALUES);
    let (events, timeline) = (module.with_extension("events"), module.with_extension("timeline"));
    let options = format!("--record-events {} --timeline {}", events.display(), timeline.display());
    // Nothing is compiled.
    let run = format!("run --policy fixed:tier=interp {options} --invoke add FILE 2 3");
    assert_eq!(line(&run, &module).ok(), "5\n");
    assert_eq!(std::fs::read_to_string(events).expect("a file"), "");
    let timeline = std::fs::read_to_string(timeline).expect("a file");
    let timeline: serde_json::Value = serde_json::from_str(&timeline).expect("JSON");
    assert_eq!(timeline["traceEvents"], serde_json::json!([]));
}

#[test]
fn every_setting_gives_the_same_result() {
    let files = Files::new();
    let module = files.file("values.wat", VALUES);
    let settings = [
        "--level plain",
        "--level folded",
        "--translation eager",
        "--translation parallel",
        "--translation lazy",
        "--translation lazy-validation",
        "--explicit-bounds",
        "--policy fixed:tier=interp",
        "--deterministic",
        "--max-stack 1m",
        "--max-memory 1g",
        "--fuel 1000",
        "--timeout 1m",
        "--features all,-gc,+wide-arithmetic",
    ];
    let tiers = terrace::Engine::tiers().into_iter().map(|tier| format!("--tier {tier}"));
    for setting in settings.map(str::to_owned).into_iter().chain(tiers) {
        assert_eq!(line(&format!("run {setting} --invoke add FILE 2 3"), &module).ok(), "5\n", "{setting}");
    }
}

#[test]
fn the_exit_code_is_the_guests() {
    let files = Files::new();
    for code in [0, 1, 42, 255] {
        let text = format!(
            r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
                (memory (export "memory") 1)
                (func (export "_start") (call $exit (i32.const {code})) unreachable))"#
        );
        let run = line("run FILE", &files.file("exit.wat", text));
        assert_eq!((run.code, run.stderr.as_str()), (Some(code), ""));
    }
}

#[test]
fn reactors_are_initialized_before_the_call() {
    let files = Files::new();
    let module = files.file(
        "reactor.wat",
        r#"(module (global $ready (mut i32) (i32.const 0))
            (func (export "_initialize") (global.set $ready (i32.const 7)))
            (func (export "ready") (result i32) (global.get $ready)))"#,
    );
    assert_eq!(line("run --invoke ready FILE", &module).ok(), "7\n");
    assert_eq!(line("run FILE", &module).ok(), "");
}

#[test]
fn start_functions_run_without_an_entry() {
    let files = Files::new();
    let module = files.file("start.wat", "(module (func $start unreachable) (start $start))");
    line("run FILE", &module).stops(134, &["unreachable"]);
}

#[test]
fn preloads_provide_imports() {
    let files = Files::new();
    let base = files.file("base.wat", r#"(module (func (export "seven") (result i32) (i32.const 7)))"#);
    let next = files.file(
        "next.wat",
        r#"(module (import "base" "seven" (func $seven (result i32)))
            (func (export "eight") (result i32) (i32.add (call $seven) (i32.const 1))))"#,
    );
    let main = files.file(
        "main.wat",
        r#"(module (import "next" "eight" (func $eight (result i32)))
            (func (export "nine") (result i32) (i32.add (call $eight) (i32.const 1))))"#,
    );
    let preload = |name: &str, file: &std::path::Path| format!("--preload={name}={}", file.display());
    let main = main.display().to_string();
    let args = ["run", &preload("base", &base), &preload("next", &next), "--invoke", "nine", &main];
    assert_eq!(terrace(args).ok(), "9\n");
    terrace(["run", &preload("next", &next), &main]).fails(1, &["next.wat", "base", "seven"]);
}

#[test]
fn arguments_environment_and_names_reach_the_guest() {
    let tour = program("tour");
    let out = line("run --argv0 guide --env A=b=c --env EMPTY= FILE --dir -x -- y", &tour).ok();
    assert!(out.contains("guide, --dir, -x, --, y"), "{out}");
    assert!(out.contains("A=b=c"), "{out}");
    assert!(line("run FILE", &tour).ok().contains("environment  empty"));
    let run = command(["run", "--env", "OURS", "--env", "MISSING"]).arg(&tour).env("OURS", "passed on").output();
    let out = String::from_utf8(run.expect("the program starts").stdout).expect("text");
    assert!(out.contains("OURS=passed on") && !out.contains("MISSING"), "{out}");
}

#[test]
fn files_and_standard_input_are_counted() {
    let files = Files::new();
    files.file("one.txt", "a b\nc\n");
    let dir = format!("{}::/", files.path().display());
    let wordcount = program("wordcount").display().to_string();
    let out = terrace(["run", "--dir", &dir, &wordcount, "one.txt"]).ok();
    let numbers: Vec<&str> = out.lines().next().unwrap_or_default().split_whitespace().take(3).collect();
    assert_eq!(numbers, ["2", "3", "6"], "{out}");
    assert!(with_input(["run", &wordcount], b"a b\nc\n").ok().split_whitespace().take(3).eq(["2", "3", "6"]));
    let run = terrace(["run", &wordcount, "one.txt"]);
    assert_ne!(run.code, Some(0), "no directory was given");
}

/// Creates `new` in the first directory and exits with the error number.
const CREATE: &str = r#"(module
    (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1) (data (i32.const 16) "new")
    (func (export "_start")
        (call $exit (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 3) (i32.const 1)
            (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 0)))))"#;

#[test]
fn read_only_directories_stay_as_they_are() {
    let files = Files::new();
    let module = files.file("create.wat", CREATE).display().to_string();
    let given = Files::new();
    let host = given.path().display().to_string();
    let run = terrace(["run", "--dir", &format!("{host}::/::ro"), &module]);
    assert_ne!(run.code, Some(0));
    assert!(!given.path().join("new").exists());
    terrace(["run", "--dir", &format!("{host}::/"), &module]).ok();
    assert!(given.path().join("new").exists());
    let run = terrace(["run", &module]);
    assert_eq!(run.code, Some(8), "badf: no directory was given");
}

#[test]
fn deterministic_runs_are_equal() {
    let files = Files::new();
    // Time and random bytes, written as they are.
    let module = files.file(
        "chance.wat",
        r#"(module
            (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "chance") (result i64 i64)
                (drop (call $random (i32.const 0) (i32.const 8)))
                (drop (call $time (i32.const 0) (i64.const 0) (i32.const 8)))
                (i64.load (i32.const 0)) (i64.load (i32.const 8))))"#,
    );
    let run = |line: &str| common::line(line, &module).ok();
    assert_eq!(run("run --deterministic --invoke chance FILE"), run("run --deterministic --invoke chance FILE"));
    assert_ne!(run("run --invoke chance FILE"), run("run --invoke chance FILE"));
}

#[test]
fn a_listening_socket_is_passed_on() {
    let files = Files::new();
    // Accepts one connection at descriptor 3 and echoes what comes first.
    let module = files.file(
        "echo.wat",
        r#"(module
            (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "\40\00\00\00\10\00\00\00")
            (func (export "_start") (local $fd i32)
                (if (call $accept (i32.const 3) (i32.const 0) (i32.const 16)) (then unreachable))
                (local.set $fd (i32.load (i32.const 16)))
                (if (call $read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 20)) (then unreachable))
                (i32.store (i32.const 4) (i32.load (i32.const 20)))
                (if (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 20)) (then unreachable))))"#,
    );
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let mut command = command(["run", "--timeout", "20s", "--tcp-listen", &free.to_string()]);
    let child = command.arg(&module).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let start = Instant::now();
    let mut stream = loop {
        match TcpStream::connect(free) {
            Ok(stream) => break stream,
            Err(error) => assert!(start.elapsed() < Duration::from_secs(20), "{error}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    stream.write_all(b"hello").expect("connected");
    let mut echoed = String::new();
    stream.read_to_string(&mut echoed).expect("connected");
    assert_eq!(echoed, "hello");
    let run: common::Run = child.wait_with_output().expect("the program ends").into();
    run.ok();
}

#[test]
fn shared_memories_reach_the_host() {
    let files = Files::new();
    let module = files.file(
        "shared.wat",
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1 1 shared)
            (data (i32.const 0) "\10\00\00\00\03\00\00\00") (data (i32.const 16) "hi\n")
            (func (export "write") (result i32 i32)
                (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.load (i32.const 8))))"#,
    );
    assert_eq!(line("run --invoke write FILE", &module).ok(), "hi\n0\n3\n");
}

#[test]
fn statistics_are_complete() {
    let files = Files::new();
    let module = files.file("values.wat", VALUES);
    for translation in ["lazy", "eager"] {
        let run =
            line(&format!("run --translation {translation} --stats=json --fuel 100 --invoke add FILE 2 3"), &module);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), "5\n"));
        let stats: serde_json::Value = serde_json::from_str(&run.stderr).expect("JSON");
        for time in ["load", "translate", "execute", "peak_memory"] {
            assert!(stats[time].as_f64().is_some_and(|value| value > 0.0), "{time}: {stats}");
        }
        let translated = stats["translated_functions"].as_u64();
        assert!(if translation == "eager" { translated == Some(4) } else { translated == Some(1) }, "{stats}");
        assert!(stats["code_bytes"].as_u64() > stats["translated_bytes"].as_u64(), "{stats}");
        assert_eq!(stats["functions"], 4);
        assert!(stats["fuel_left"].as_u64().is_some_and(|left| left < 100), "{stats}");
    }
    let text = line("run --stats --invoke add FILE 2 3", &module).stderr;
    for word in ["load", "validate", "translate", "execute", "peak memory"] {
        assert!(text.lines().any(|line| line.starts_with(word)), "{text}");
    }
}
