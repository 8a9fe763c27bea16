//! What the program tells about machine code and about time: to profilers, debuggers and people.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod common;

use std::process::{Command, Stdio};

use common::{Files, Run, command, line};

const MODULE: &str = r#"(module $sums
    (func $square (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
    (func $squares (export "squares") (param i32) (result i32) (local i32)
        (loop $next
            (local.set 1 (i32.add (local.get 1) (call $square (local.get 0))))
            (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1)))"#;

/// Runs a command in a directory; gives its process id, too.
fn run_in(files: &Files, mut command: Command) -> (u32, Run) {
    let child = command.current_dir(files.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.expect("the program starts");
    (child.id(), child.wait_with_output().expect("the program ends").into())
}

#[test]
fn perf_gets_a_map() {
    let files = Files::new();
    files.file("sums.wat", MODULE);
    let run = ["run", "--tier", "jit", "--perf", "map", "--invoke", "squares", "sums.wat", "3"];
    let (process, run) = run_in(&files, command(run));
    assert_eq!(run.ok(), "14\n");
    let path = format!("/tmp/perf-{process}.map");
    let map = std::fs::read_to_string(&path).expect("the map");
    std::fs::remove_file(&path).expect("the map");
    let lines: Vec<Vec<&str>> = map.lines().map(|line| line.splitn(3, ' ').collect()).collect();
    let names: Vec<&str> = lines.iter().map(|line| line[2]).collect();
    assert_eq!(names, ["wasm[sums]::square", "wasm[sums]::squares"]);
    let number = |text: &str| u64::from_str_radix(text, 16).expect("a number");
    assert!(number(lines[0][0]) + number(lines[0][1]) <= number(lines[1][0]), "{map}");
}

#[test]
fn perf_gets_a_dump() {
    let files = Files::new();
    files.file("sums.wat", MODULE);
    let run = ["run", "--tier", "jit", "--perf", "jitdump", "--invoke", "squares", "sums.wat", "3"];
    let (process, run) = run_in(&files, command(run));
    assert_eq!(run.ok(), "14\n");
    let dump = std::fs::read(files.path().join(format!("jit-{process}.dump"))).expect("the dump");
    assert_eq!(&dump[..4], b"DTiJ");
    let has = |name: &[u8]| dump.windows(name.len()).any(|window| window == name);
    assert!(has(b"wasm[sums]::square\0") && has(b"wasm[sums]::squares\0"));
    line("run --perf frob FILE", files.path()).stops(2, &["frob"]);
}

/// GDB, if there is one, stops where the program reports code, and is asked then for what it knows.
#[test]
fn debuggers_know_names() {
    if Command::new("gdb").arg("--version").output().is_err() {
        return;
    }
    let files = Files::new();
    files.file("sums.wat", MODULE);
    let program = command(["run", "--tier", "jit", "--debug-jit", "--invoke", "squares", "sums.wat", "3"]);
    let mut gdb = Command::new("gdb");
    gdb.args(["-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex", "set breakpoint pending on"]);
    gdb.args(["-ex", "break __jit_debug_register_code", "-ex", "run", "-ex", "finish"]);
    gdb.args(["-ex", "info functions wasm.sums", "-ex", "kill", "--args"]);
    let (_, run) = run_in(&files, {
        gdb.arg(program.get_program()).args(program.get_args());
        gdb
    });
    let denied = ["ptrace", "Operation not permitted"].iter().any(|reason| run.stderr.contains(reason));
    let known = ["wasm[sums]::square\n", "wasm[sums]::squares\n"].iter().all(|name| run.stdout.contains(name));
    assert!(known || denied, "{}\n{}", run.stdout, run.stderr);
}

#[test]
fn statistics_count_compilation() {
    let files = Files::new();
    let file = files.file("sums.wat", MODULE);
    let stats = |tier: &str| {
        let run = common::terrace(
            ["run", "--tier", tier, "--stats=json", "--invoke", "squares"]
                .map(Into::into)
                .iter()
                .chain(&[file.clone().into_os_string(), "3".into()]),
        );
        serde_json::from_str::<serde_json::Value>(&run.stderr).expect("JSON")
    };
    let jit = stats("jit");
    assert_eq!((&jit["compiled_functions"], &jit["translated_functions"]), (&2.into(), &2.into()));
    let bytes = |name: &str| jit[name].as_u64().expect("a number");
    assert!((50..2000).contains(&bytes("machine_code_bytes")), "{jit}");
    assert!(bytes("machine_code_memory") >= bytes("machine_code_bytes"), "{jit}");
    assert!(jit["compile"].as_f64().is_some_and(|seconds| seconds > 0.0), "{jit}");
    let interp = stats("interp");
    assert_eq!((&interp["compiled_functions"], &interp["compile"]), (&0.into(), &0.0.into()));
    let text = common::line("run --tier jit --stats FILE", &file).stderr;
    assert!(text.lines().any(|line| line.starts_with("compiled     2 functions to ")), "{text}");
}

#[test]
fn profiles_name_hot_functions_and_loops() {
    let files = Files::new();
    let file = files.file("sums.wat", MODULE);
    let listing = line("disasm --func squares FILE", &file).ok();
    let row = listing.lines().find(|line| line.contains(" loop ")).expect("the loop");
    let offset = row.split_once(' ').expect("its place").0.trim_start_matches("0x").trim_start_matches('0');
    for tier in ["interp", "jit"] {
        let options = ["profile", "--tier", tier, "--flame-graph", "graph.svg", "--folded", "stacks", "--invoke"];
        let (_, run) = run_in(&files, command(options.iter().chain(&["squares", "sums.wat", "20000000"])));
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let shares = |section: &str| -> Vec<(f64, String)> {
            let lines = run.stderr.lines().skip_while(|line| !line.ends_with(section)).skip(1);
            let lines = lines.take_while(|line| !line.is_empty());
            lines
                .map(|line| line.split_once('%').expect("a share"))
                .map(|(share, name)| (share.trim().parse().expect("a number"), name.to_owned()))
                .collect()
        };
        let functions = shares("function");
        assert!(functions.iter().any(|(_, name)| name.ends_with("100.0%  sums::squares")), "{}", run.stderr);
        assert!(functions.iter().map(|(share, _)| share).sum::<f64>() > 99.0, "{}", run.stderr);
        let loops = shares("loop");
        assert_eq!(loops.len(), 1, "{}", run.stderr);
        assert!(loops[0].0 > 1.0 && loops[0].1.ends_with(&format!("sums::squares at 0x{offset}")), "{}", run.stderr);

        let stacks = std::fs::read_to_string(files.path().join("stacks")).expect("the stacks");
        let counts = stacks.lines().map(|line| line.rsplit_once(' ').expect("a count").1);
        let count: u64 = counts.map(|count| count.parse::<u64>().expect("a number")).sum();
        assert!(run.stderr.starts_with(&format!("{count} samples in ")) && count > 5, "{stacks}{}", run.stderr);
        assert!(stacks.lines().all(|line| line.starts_with("sums::squares")), "{stacks}");
        let graph = std::fs::read_to_string(files.path().join("graph.svg")).expect("the graph");
        assert!(graph.contains("<svg") && graph.contains("sums::squares ("), "{graph}");
    }
}

#[test]
fn profiles_do_not_hide_how_the_guest_ended() {
    let files = Files::new();
    let trap = files.file("trap.wat", r#"(module (func (export "_start") unreachable))"#);
    let run = line("profile FILE", &trap);
    assert_eq!(run.code, Some(134));
    assert!(run.stderr.contains("0 samples in ") && run.stderr.contains("wasm trap: "), "{}", run.stderr);
    line("profile --interval 0ms FILE", &trap).fails(2, &["interval"]);
}
