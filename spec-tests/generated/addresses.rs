//! Loads and stores whose address is computed: what is added in wasm wraps, what the instruction's offset adds does not.

use super::written;

/// One page, whose bytes are [`byte`]s.
const SIZE: u128 = 1 << 16;

fn byte(address: u128) -> u64 {
    (address * 167 + (address >> 8) * 31) as u64 & 0xff
}

/// Little-endian.
fn value(address: u128, width: u128) -> u64 {
    (0..width).map(|i| byte(address + i) << (8 * i)).sum()
}

const LOADS: [(&str, &str, u128); 4] =
    [("i32.load8_u", "i32", 1), ("i32.load16_u", "i32", 2), ("i32.load", "i32", 4), ("i64.load", "i64", 8)];

pub(super) fn memory32() -> String {
    let edges =
        [0, 1, 4, 0x7fff, 0x8000, 0xfff8, 0xfffc, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_0000, 0xffff_ffff];
    script("i32", 32, &edges, &[0, 1, 4, 0x7fff, 0xffff, 0x1_0000, 0x8000_0000, 0xffff_fffc, 0xffff_ffff])
}

pub(super) fn memory64() -> String {
    let edges =
        [0, 1, 4, 0x8000, 0xfff8, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000, 1 << 63, u64::MAX - 0xffff, u64::MAX];
    script("i64", 64, &edges, &[0, 4, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000, 1 << 63, u64::MAX - 3, u64::MAX])
}

fn script(ty: &str, bits: u32, edges: &[u64], offsets: &[u64]) -> String {
    let wrap = |address: u128| address & ((1 << bits) - 1);
    let index = if bits == 64 { "i64 " } else { "" };
    let mut module = format!(
        "(module (memory {index}1)
        (func $byte (param $a {ty}) (result {ty})
            ({ty}.add ({ty}.mul (local.get $a) ({ty}.const 167)) ({ty}.mul ({ty}.shr_u (local.get $a) ({ty}.const 8)) ({ty}.const 31))))
        (func $fill (local $a {ty})
            (loop $next
                ({ty}.store8 (local.get $a) (call $byte (local.get $a)))
                (local.set $a ({ty}.add (local.get $a) ({ty}.const 1)))
                (br_if $next ({ty}.lt_u (local.get $a) ({ty}.const {SIZE})))))
        (start $fill)\n"
    );
    let mut assertions = String::new();
    for (load, result, width) in LOADS {
        for offset in offsets {
            let name = format!("{load} {offset}");
            written(
                &mut module,
                format_args!(
                    "(func (export \"{name}\") (param {ty}) (result {result}) ({load} offset={offset} (local.get 0)))
                 (func (export \"{name} <<\") (param {ty}) (result {result})
                    ({load} offset={offset} ({ty}.shl (local.get 0) ({ty}.const 2))))
                 (func (export \"{name} ++\") (param {ty} {ty}) (result {result})
                    ({load} offset={offset} ({ty}.add (local.get 0) (local.get 1))))
                 (func (export \"{name} +<<\") (param {ty} {ty}) (result {result})
                    ({load} offset={offset} ({ty}.add (local.get 0) ({ty}.shl (local.get 1) ({ty}.const 3)))))\n"
                ),
            );
            let mut check = |export: &str, args: &[u64], address: u128| {
                let args: String = args.iter().map(|arg| format!("({ty}.const {arg})")).collect();
                let address = wrap(address) + u128::from(*offset);
                match address + width <= SIZE {
                    true => written(
                        &mut assertions,
                        format_args!(
                            "(assert_return (invoke \"{export}\" {args}) ({result}.const {}))\n",
                            value(address, width)
                        ),
                    ),
                    false => written(
                        &mut assertions,
                        format_args!("(assert_trap (invoke \"{export}\" {args}) \"out of bounds memory access\")\n"),
                    ),
                }
            };
            for &x in edges {
                check(&name, &[x], x.into());
                check(&format!("{name} <<"), &[x], u128::from(x) << 2);
                for &y in edges {
                    check(&format!("{name} ++"), &[x, y], u128::from(x) + u128::from(y));
                    check(&format!("{name} +<<"), &[x, y], u128::from(x) + (u128::from(y) << 3));
                }
            }
            for (i, k) in edges.iter().enumerate() {
                written(
                    &mut module,
                    format_args!(
                        "(func (export \"{name} +{i}\") (param {ty}) (result {result})
                        ({load} offset={offset} ({ty}.add (local.get 0) ({ty}.const {k}))))
                     (func (export \"{name} -{i}\") (param {ty}) (result {result})
                        ({load} offset={offset} ({ty}.sub (local.get 0) ({ty}.const {k}))))
                     (func (export \"{name} @{i}\") (result {result}) ({load} offset={offset} ({ty}.const {k})))\n"
                    ),
                );
                check(&format!("{name} @{i}"), &[], (*k).into());
                for &x in edges {
                    check(&format!("{name} +{i}"), &[x], u128::from(x) + u128::from(*k));
                    check(&format!("{name} -{i}"), &[x], u128::from(x) + (1 << bits) - u128::from(*k));
                }
            }
        }
    }
    // A store that reaches beyond the end writes nothing.
    module.push_str(&format!(
        "(func (export \"store\") (param {ty}) (i64.store offset=3 ({ty}.add (local.get 0) ({ty}.const -3)) (i64.const -1)))
         (func (export \"last\") (result i64) (i64.load ({ty}.const {})))\n)\n",
        SIZE - 8
    ));
    for beyond in [SIZE - 7, SIZE - 1, SIZE, SIZE + 2] {
        written(
            &mut assertions,
            format_args!("(assert_trap (invoke \"store\" ({ty}.const {beyond})) \"out of bounds memory access\")\n"),
        );
    }
    written(
        &mut assertions,
        format_args!(
            "(assert_return (invoke \"last\") (i64.const {}))
         (assert_return (invoke \"store\" ({ty}.const {})))
         (assert_return (invoke \"last\") (i64.const -1))\n",
            value(SIZE - 8, 8),
            SIZE - 8,
        ),
    );
    module + &assertions
}
