//! Operators on memories, tables, globals, references and vectors.

mod common;

use std::thread;

use common::{LEVELS, Vm};
use terrace_abi::TrapKind;
use terrace_core::runtime::memory::{MemoryTunables, MemoryType, SharedMemory};
use terrace_core::runtime::{Config, Extern};

fn each(wat: &str, check: impl Fn(&mut Vm)) {
    for level in LEVELS {
        check(&mut Vm::new(wat, level));
    }
}

#[test]
fn bulk_memory_operators() {
    let wat = r#"(module
        (memory $a (export "a") 64) (memory $b (export "b") 1 3) (data $d "abcdef") (data (memory $b) (i32.const 100) "xyz")
        (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
        (func (export "within") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
        (func (export "between") (param i32 i32 i32) (memory.copy $a $b (local.get 0) (local.get 1) (local.get 2)))
        (func (export "init") (param i32 i32 i32) (memory.init $b $d (local.get 0) (local.get 1) (local.get 2)))
        (func (export "drop") (data.drop $d))
        (func (export "size") (result i32 i32) (memory.size $a) (memory.size $b))
        (func (export "grow") (param i32) (result i32) (memory.grow $b (local.get 0))))"#;
    const OUT: Result<Vec<u64>, TrapKind> = Err(TrapKind::MemoryOutOfBounds);
    const SIZE: u64 = 64 << 16;
    each(wat, |vm| {
        assert_eq!(vm.call("fill", &[10, 0x1ff, SIZE - 10], 0), Ok(vec![]));
        assert_eq!(vm.call("fill", &[SIZE - 1, 7, 2], 0), OUT);
        assert_eq!(vm.call("fill", &[SIZE, 7, 0], 0), Ok(vec![]));
        assert_eq!(vm.call("fill", &[SIZE + 1, 7, 0], 0), OUT);
        let expected: Vec<u8> = (0..SIZE).map(|i| if i < 10 { 0 } else { 0xff }).collect();
        assert!(vm.memory("a").data() == Some(&expected[..]));

        let mut bytes: Vec<u8> = (0..SIZE).map(|i| (i * 7 + (i >> 8)) as u8).collect();
        vm.memory("a").write(0, &bytes).unwrap();
        for (dst, src, len) in [(5, 0, SIZE - 5), (0, 5, SIZE - 5), (3 << 20, 1 << 20, 1 << 20), (9, 9, 100)] {
            assert_eq!(vm.call("within", &[dst, src, len], 0), Ok(vec![]));
            bytes.copy_within(src as usize..(src + len) as usize, dst as usize);
            assert!(vm.memory("a").data() == Some(&bytes[..]), "{dst} {src} {len}");
        }
        assert_eq!(vm.call("within", &[0, SIZE - 1, 2], 0), OUT);
        assert_eq!(vm.call("between", &[50, 99, 5], 0), Ok(vec![]));
        assert_eq!(vm.memory("a").load(50), Some(*b"\0xyz\0"));
        assert_eq!(vm.call("between", &[0, 65_536, 1], 0), OUT);

        assert_eq!(vm.call("init", &[7, 1, 4], 0), Ok(vec![]));
        assert_eq!(vm.memory("b").load(6), Some(*b"\0bcde\0"));
        assert_eq!(vm.call("init", &[7, 3, 4], 0), OUT);
        assert_eq!(vm.call("init", &[65_535, 0, 2], 0), OUT);
        assert_eq!(vm.call("drop", &[], 0), Ok(vec![]));
        assert_eq!(vm.call("init", &[0, 0, 1], 0), OUT);
        assert_eq!(vm.call("init", &[0, 0, 0], 0), Ok(vec![]));

        assert_eq!(vm.call("grow", &[2], 1), Ok(vec![1]));
        assert_eq!(vm.call("grow", &[1], 1), Ok(vec![u32::MAX.into()]));
        assert_eq!(vm.call("size", &[], 2), Ok(vec![64, 3]));
    });
}

#[test]
fn memories_with_64_bit_addresses() {
    let wat = r#"(module (memory i64 1 4)
        (func (export "load") (param i64) (result i32) (i32.load offset=4 (local.get 0)))
        (func (export "far") (param i64) (result i32) (i32.load offset=0xffffffffffffffff (local.get 0)))
        (func (export "store") (param i64 i32) (i32.store offset=4 (local.get 0) (local.get 1)))
        (func (export "fill") (param i64 i32 i64) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
        (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))
        (func (export "size") (result i64) (memory.size)))"#;
    each(wat, |vm| {
        assert_eq!(vm.call("store", &[8, 0xdead_beef], 0), Ok(vec![]));
        assert_eq!(vm.call("load", &[8], 1), Ok(vec![0xdead_beef]));
        for address in [65_529, 1 << 32, u64::MAX, u64::MAX - 3, u64::MAX - 7] {
            assert_eq!(vm.call("load", &[address], 1), Err(TrapKind::MemoryOutOfBounds));
            assert_eq!(vm.call("store", &[address, 1], 0), Err(TrapKind::MemoryOutOfBounds));
        }
        for address in [0, 1, 5] {
            assert_eq!(vm.call("far", &[address], 1), Err(TrapKind::MemoryOutOfBounds));
        }
        assert_eq!(vm.call("fill", &[u64::MAX, 1, 2], 0), Err(TrapKind::MemoryOutOfBounds));
        assert_eq!(vm.call("grow", &[2], 1), Ok(vec![1]));
        assert_eq!(vm.call("grow", &[u64::MAX], 1), Ok(vec![u64::MAX]));
        assert_eq!(vm.call("size", &[], 1), Ok(vec![3]));
        assert_eq!(vm.call("load", &[65_536], 1), Ok(vec![0]));
    });
}

#[test]
fn table_operators() {
    let wat = r#"(module
        (table $t 8 10 funcref) (table $u 4 funcref) (table $w i64 2 funcref)
        (elem $e func $one $two $three) (elem declare func $one)
        (func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2)) (func $three (result i32) (i32.const 3))
        (func (export "init") (param i32 i32 i32) (table.init $t $e (local.get 0) (local.get 1) (local.get 2)))
        (func (export "drop") (elem.drop $e))
        (func (export "within") (param i32 i32 i32) (table.copy $t $t (local.get 0) (local.get 1) (local.get 2)))
        (func (export "between") (param i32 i32 i32) (table.copy $u $t (local.get 0) (local.get 1) (local.get 2)))
        (func (export "fill") (param i32 i32) (table.fill $t (local.get 0) (ref.func $one) (local.get 1)))
        (func (export "clear") (param i32) (table.set $t (local.get 0) (ref.null func)))
        (func (export "grow") (param i32) (result i32) (table.grow $t (ref.func $three) (local.get 0)))
        (func (export "grow64") (param i64) (result i64) (table.grow $w (ref.null func) (local.get 0)))
        (func (export "sizes") (result i32 i32 i64) (table.size $t) (table.size $u) (table.size $w))
        (func (export "null64") (param i64) (result i32) (ref.is_null (table.get $w (local.get 0))))
        (func (export "null") (param i32) (result i32) (ref.is_null (table.get $t (local.get 0))))
        (func (export "t") (param i32) (result i32) (call_indirect $t (result i32) (local.get 0)))
        (func (export "u") (param i32) (result i32) (call_indirect $u (result i32) (local.get 0))))"#;
    const OUT: Result<Vec<u64>, TrapKind> = Err(TrapKind::TableOutOfBounds);
    each(wat, |vm| {
        let done = Ok(vec![]);
        assert_eq!(vm.call("init", &[2, 0, 3], 0), done);
        assert_eq!(vm.call("init", &[6, 0, 3], 0), OUT);
        assert_eq!(vm.call("init", &[0, 2, 2], 0), OUT);
        assert_eq!(vm.call("null", &[1], 1), Ok(vec![1]));
        assert_eq!(vm.call("null", &[8], 1), OUT);
        assert_eq!(vm.call("within", &[3, 2, 3], 0), done);
        for (i, expected) in [(2, 1), (3, 1), (4, 2), (5, 3)] {
            assert_eq!(vm.call("t", &[i], 1), Ok(vec![expected]));
        }
        assert_eq!(vm.call("between", &[0, 3, 3], 0), done);
        assert_eq!(vm.call("u", &[2], 1), Ok(vec![3]));
        assert_eq!(vm.call("between", &[2, 3, 3], 0), OUT);
        assert_eq!(vm.call("fill", &[4, 4], 0), done);
        assert_eq!(vm.call("fill", &[4, 5], 0), OUT);
        assert_eq!(vm.call("t", &[7], 1), Ok(vec![1]));
        assert_eq!(vm.call("clear", &[7], 0), done);
        assert_eq!(vm.call("clear", &[8], 0), OUT);
        assert_eq!(vm.call("t", &[7], 1), Err(TrapKind::UninitializedElement));
        assert_eq!(vm.call("grow", &[2], 1), Ok(vec![8]));
        assert_eq!(vm.call("t", &[9], 1), Ok(vec![3]));
        assert_eq!(vm.call("grow", &[1], 1), Ok(vec![u32::MAX.into()]));
        assert_eq!(vm.call("grow64", &[3], 1), Ok(vec![2]));
        assert_eq!(vm.call("grow64", &[u64::MAX], 1), Ok(vec![u64::MAX]));
        assert_eq!(vm.call("sizes", &[], 3), Ok(vec![10, 4, 5]));
        assert_eq!(vm.call("null64", &[4], 1), Ok(vec![1]));
        assert_eq!(vm.call("null64", &[1 << 32], 1), OUT);
        assert_eq!(vm.call("drop", &[], 0), done);
        assert_eq!(vm.call("init", &[0, 0, 1], 0), OUT);
    });
}

#[test]
fn globals_references_and_constants() {
    let wat = r#"(module
        (global $i (mut i32) (i32.const 3)) (global $v (mut v128) (v128.const i64x2 1 2)) (global $f (mut f64) (f64.const 0.5))
        (global $x (mut externref) (ref.null extern))
        (func (export "swap") (param i32 f64) (result i32 f64) (global.get $i) (global.get $f) (global.set $f (local.get 1)) (global.set $i (local.get 0)))
        (func (export "vector") (result v128) (local v128)
            (local.set 0 (global.get $v)) (global.set $v (i64x2.add (local.get 0) (v128.const i64x2 10 20))) (global.get $v))
        (func (export "extern") (param externref) (result externref i32) (global.set $x (local.get 0)) (global.get $x) (ref.is_null (global.get $x)))
        (func (export "non_null") (param externref) (result externref) (ref.as_non_null (local.get 0)))
        (func (export "br_on_null") (param externref) (result i32) (block $l (drop (br_on_null $l (local.get 0))) (return (i32.const 1))) (i32.const 0))
        (func (export "constants") (result i32 i64 i64 f32) (i32.const -1) (i64.const -1) (i64.const 0x123456789abcdef0) (f32.const -0)))"#;
    each(wat, |vm| {
        let half = 0.5f64.to_bits();
        assert_eq!(vm.call("swap", &[u32::MAX.into(), 9], 2), Ok(vec![3, half]));
        assert_eq!(vm.call("swap", &[1, half], 2), Ok(vec![u32::MAX.into(), 9]));
        assert_eq!(vm.call("vector", &[], 2), Ok(vec![11, 22]));
        assert_eq!(vm.call("vector", &[], 2), Ok(vec![21, 42]));
        let value = vm.store.new_extern(Box::new(1u8)).unwrap().to_slot();
        assert_eq!(vm.call("extern", &[value], 2), Ok(vec![value, 0]));
        assert_eq!(vm.call("extern", &[0], 2), Ok(vec![0, 1]));
        assert_eq!(vm.call("non_null", &[0], 1), Err(TrapKind::NullReference));
        assert_eq!(vm.call("br_on_null", &[0], 1), Ok(vec![0]));
        assert_eq!(
            vm.call("constants", &[], 4),
            Ok(vec![u32::MAX.into(), u64::MAX, 0x1234_5678_9abc_def0, 0x8000_0000])
        );
    });
}

#[test]
fn vectors_and_wide_integers() {
    let wat = r#"(module (memory (export "m") 1) (data (i32.const 0) "\01\82\03\84\05\86\07\88\09\8a\0b\8c\0d\8e\0f\90")
        (func (export "shuffle") (result v128) (i8x16.shuffle 31 30 29 28 27 26 25 24 7 6 5 4 3 2 1 0
            (v128.load (i32.const 0)) (v128.const i8x16 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31)))
        (func (export "lanes") (param i32) (result i32 i32 i64 f32)
            (i8x16.extract_lane_s 1 (v128.load (local.get 0))) (i16x8.extract_lane_u 3 (v128.load (local.get 0)))
            (i64x2.extract_lane 1 (i64x2.replace_lane 1 (v128.load (local.get 0)) (i64.const -5)))
            (f32x4.extract_lane 2 (f32x4.replace_lane 2 (v128.load (local.get 0)) (f32.const 1.5))))
        (func (export "load8x8") (param i32) (result v128) (v128.load8x8_s (local.get 0)))
        (func (export "splat") (param i32) (result v128) (v128.load16_splat (local.get 0)))
        (func (export "zero") (param i32) (result v128) (v128.load32_zero (local.get 0)))
        (func (export "load_lane") (param i32) (result v128) (v128.load16_lane 5 (local.get 0) (v128.const i64x2 -1 -1)))
        (func (export "store_lane") (param i32) (v128.store32_lane offset=100 2 (local.get 0) (v128.const i32x4 1 2 3 4)))
        (func (export "bitselect") (result v128) (v128.bitselect (v128.const i64x2 -1 0) (v128.const i64x2 0 -1) (v128.const i64x2 0xff 0xff)))
        (func (export "shift") (param i32) (result v128) (i16x8.shr_s (v128.const i16x8 -2 2 -4 4 -8 8 -16 16) (local.get 0)))
        (func (export "select") (param i32) (result v128) (select (v128.const i64x2 1 2) (v128.const i64x2 3 4) (local.get 0)))
        (func (export "madd") (result v128) (f64x2.relaxed_madd (v128.const f64x2 2 3) (v128.const f64x2 5 7) (v128.const f64x2 1 1)))
        (func (export "add128") (param i64 i64 i64 i64) (result i64 i64) (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
        (func (export "sub128") (param i64 i64 i64 i64) (result i64 i64) (i64.sub128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
        (func (export "mul_s") (param i64 i64) (result i64 i64) (i64.mul_wide_s (local.get 0) (local.get 1)))
        (func (export "mul_u") (param i64 i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 1))))"#;
    each(wat, |vm| {
        assert_eq!(vm.call("shuffle", &[], 2), Ok(vec![0x1819_1a1b_1c1d_1e1f, 0x0182_0384_0586_0788]));
        let lanes = vec![0xffff_ff82, 0x8807, -5i64 as u64, 1.5f32.to_bits().into()];
        assert_eq!(vm.call("lanes", &[0], 4), Ok(lanes));
        assert_eq!(vm.call("load8x8", &[0], 2), Ok(vec![0xff84_0003_ff82_0001, 0xff88_0007_ff86_0005]));
        assert_eq!(vm.call("splat", &[1], 2), Ok(vec![0x0382_0382_0382_0382; 2]));
        assert_eq!(vm.call("zero", &[0], 2), Ok(vec![0x8403_8201, 0]));
        assert_eq!(vm.call("load_lane", &[0], 2), Ok(vec![u64::MAX, 0xffff_ffff_8201_ffff]));
        assert_eq!(vm.call("load_lane", &[65_535], 2), Err(TrapKind::MemoryOutOfBounds));
        assert_eq!(vm.call("load8x8", &[65_529], 2), Err(TrapKind::MemoryOutOfBounds));
        assert_eq!(vm.call("store_lane", &[5], 0), Ok(vec![]));
        assert_eq!(vm.memory("m").load(104), Some([0, 3, 0, 0, 0, 0]));
        assert_eq!(vm.call("store_lane", &[65_433], 0), Err(TrapKind::MemoryOutOfBounds));
        assert_eq!(vm.call("bitselect", &[], 2), Ok(vec![0xff, !0xff]));
        assert_eq!(vm.call("shift", &[17], 2), Ok(vec![0x0002_fffe_0001_ffff, 0x0008_fff8_0004_fffc]));
        assert_eq!(vm.call("select", &[1], 2), Ok(vec![1, 2]));
        assert_eq!(vm.call("select", &[0], 2), Ok(vec![3, 4]));
        assert_eq!(vm.call("madd", &[], 2), Ok(vec![11f64.to_bits(), 22f64.to_bits()]));
        assert_eq!(vm.call("add128", &[u64::MAX, 1, 1, 5], 2), Ok(vec![0, 7]));
        assert_eq!(vm.call("sub128", &[0, 7, 1, 5], 2), Ok(vec![u64::MAX, 1]));
        assert_eq!(vm.call("mul_s", &[u64::MAX, 2], 2), Ok(vec![-2i64 as u64, u64::MAX]));
        assert_eq!(vm.call("mul_u", &[u64::MAX, 2], 2), Ok(vec![-2i64 as u64, 1]));
    });
}

const ATOMICS: &str = r#"
    (func (export "load") (param i32) (result i64) (i64.atomic.load32_u offset=4 (local.get 0)))
    (func (export "store") (param i32 i32) (i32.atomic.store16 offset=4 (local.get 0) (local.get 1)))
    (func (export "add") (param i32 i64) (result i64) (i64.atomic.rmw.add (local.get 0) (local.get 1)))
    (func (export "xchg8") (param i32 i32) (result i32) (i32.atomic.rmw8.xchg_u (local.get 0) (local.get 1)))
    (func (export "cmpxchg") (param i32 i32 i32) (result i32) (i32.atomic.rmw16.cmpxchg_u (local.get 0) (local.get 1) (local.get 2)))
    (func (export "wait") (param i32 i32 i64) (result i32) (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
    (func (export "wait64") (param i32 i64 i64) (result i32) (memory.atomic.wait64 (local.get 0) (local.get 1) (local.get 2)))
    (func (export "notify") (param i32 i32) (result i32) (atomic.fence) (memory.atomic.notify (local.get 0) (local.get 1)))"#;

#[test]
fn atomics_on_both_kinds_of_memory() {
    for (shared, declaration) in [(false, "(memory 1 1)"), (true, "(memory 1 1 shared)")] {
        each(&format!("(module {declaration} {ATOMICS})"), |vm| {
            const UNALIGNED: Result<Vec<u64>, TrapKind> = Err(TrapKind::UnalignedAtomic);
            const OUT: Result<Vec<u64>, TrapKind> = Err(TrapKind::MemoryOutOfBounds);
            assert_eq!(vm.call("store", &[4, 0x1_2345], 0), Ok(vec![]));
            assert_eq!(vm.call("load", &[4], 1), Ok(vec![0x2345]));
            assert_eq!(vm.call("load", &[5], 1), UNALIGNED);
            assert_eq!(vm.call("load", &[65_532], 1), OUT);
            assert_eq!(vm.call("add", &[8, u64::MAX], 1), Ok(vec![0x2345]));
            assert_eq!(vm.call("xchg8", &[8, 0x7ff], 1), Ok(vec![0x44]));
            assert_eq!(vm.call("cmpxchg", &[8, 0xffff_23ff, 1], 1), Ok(vec![0x23ff]));
            assert_eq!(vm.call("cmpxchg", &[8, 5, 6], 1), Ok(vec![1]));
            assert_eq!(vm.call("add", &[8, 0], 1), Ok(vec![1]));
            assert_eq!(vm.call("notify", &[8, 9], 1), Ok(vec![0]));
            assert_eq!(vm.call("notify", &[9, 9], 1), UNALIGNED);
            if shared {
                assert_eq!(vm.call("wait", &[8, 2, 0], 1), Ok(vec![1]));
                assert_eq!(vm.call("wait", &[8, 1, 1000], 1), Ok(vec![2]));
                assert_eq!(vm.call("wait64", &[8, 1, 1000], 1), Ok(vec![2]));
                vm.store.interrupt_handle().interrupt();
                assert_eq!(vm.call("wait", &[8, 1, u64::MAX], 1), Err(TrapKind::Interrupt));
            } else {
                assert_eq!(vm.call("wait", &[8, 1, 0], 1), Err(TrapKind::ExpectedSharedMemory));
            }
        });
    }
}

#[test]
fn threads_share_a_memory_and_wake_each_other() {
    let ty = MemoryType { minimum: 1, maximum: Some(1), memory64: false, shared: true, page_size_log2: 16 };
    let memory = SharedMemory::new(ty, &MemoryTunables::default()).unwrap();
    let wat = format!(r#"(module (import "" "" (memory 1 1 shared)) {ATOMICS})"#);
    let vm = |level| {
        Vm::with(&wat, Config { level, ..Config::default() }, |store| {
            vec![Extern::Memory(store.add_shared_memory(memory.clone()).unwrap())]
        })
    };
    thread::scope(|scope| {
        for level in LEVELS {
            scope.spawn(move || assert_eq!(vm(level).call("wait", &[0, 0, u64::MAX], 1), Ok(vec![0])));
        }
        let mut vm = vm(LEVELS[0]);
        let mut woken = 0;
        while woken < 2 {
            woken += vm.call("notify", &[0, 1], 1).unwrap()[0];
        }
        for _ in 0..1000 {
            vm.call("add", &[16, 3], 1).unwrap();
        }
        assert_eq!(vm.call("add", &[16, 0], 1), Ok(vec![3000]));
    });
}
