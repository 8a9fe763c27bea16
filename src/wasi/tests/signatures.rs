//! The table against the signatures that guests import.

use terrace_wasi::{FUNCTIONS, Function, MODULE, ValType};

/// Name, then one digit per parameter: 3 for `i32`, 6 for `i64`.
const SIGNATURES: &str = "
    args_get 33
    args_sizes_get 33
    environ_get 33
    environ_sizes_get 33
    clock_res_get 33
    clock_time_get 363
    fd_advise 3663
    fd_allocate 366
    fd_close 3
    fd_datasync 3
    fd_fdstat_get 33
    fd_fdstat_set_flags 33
    fd_fdstat_set_rights 366
    fd_filestat_get 33
    fd_filestat_set_size 36
    fd_filestat_set_times 3663
    fd_pread 33363
    fd_prestat_get 33
    fd_prestat_dir_name 333
    fd_pwrite 33363
    fd_read 3333
    fd_readdir 33363
    fd_renumber 33
    fd_seek 3633
    fd_sync 3
    fd_tell 33
    fd_write 3333
    path_create_directory 333
    path_filestat_get 33333
    path_filestat_set_times 3333663
    path_link 3333333
    path_open 333336633
    path_readlink 333333
    path_remove_directory 333
    path_rename 333333
    path_symlink 33333
    path_unlink_file 333
    poll_oneoff 3333
    proc_exit 3
    proc_raise 3
    sched_yield -
    random_get 33
    sock_accept 333
    sock_recv 333333
    sock_send 33333
    sock_shutdown 33
";

#[test]
fn table_has_the_signatures_of_preview_1() {
    let expected: Vec<(&str, &str)> = SIGNATURES
        .lines()
        .filter_map(|line| line.trim().split_once(' '))
        .map(|(name, params)| (name, params.trim_matches('-')))
        .collect();
    let actual: Vec<(&str, String)> = FUNCTIONS
        .iter()
        .map(|function| {
            let params = function.params.iter().map(|ty| match ty {
                ValType::I32 => '3',
                ValType::I64 => '6',
            });
            (function.name, params.collect())
        })
        .collect();
    assert_eq!(actual.len(), 46);
    for ((name, params), (actual_name, actual_params)) in expected.iter().zip(&actual) {
        assert_eq!((name, *params), (actual_name, actual_params.as_str()));
    }
    assert_eq!(MODULE, "wasi_snapshot_preview1");
}

#[test]
fn all_but_proc_exit_return_an_error_number() {
    for function in FUNCTIONS {
        let expected: &[ValType] = match function.name {
            "proc_exit" => &[],
            _ => &[ValType::I32],
        };
        assert_eq!(function.results, expected, "{}", function.name);
    }
    assert!(Function::find("fd_dup").is_none());
}

#[test]
fn a_context_can_move_to_another_thread() {
    fn assert_send<T: Send>() {}
    assert_send::<terrace_wasi::WasiCtx>();
}
