//! A decoder of the operators that functions mostly consist of, in front of the general one.
//!
//! The general decoder knows every operator of every proposal, and is too large for a compiler to make it part of a loop, so
//! that each operator pays for calls. This one is small enough. It takes plain encodings of operators of WebAssembly 1.0; all
//! else, errors included, it leaves to the general one, which remains the only judge of what is well-formed.

use wasmparser::{BinaryReader, BinaryReaderError, BlockType, FrameStack, MemArg, MemArgTarget, VisitOperator};

/// Visits the operator at `offset`, where `reader` is. Means what [`BinaryReader::visit_operator`] means. `whole` is the reader at
/// an earlier place, to go back from: a copy before every operator would take more time than the decoder saves.
#[inline(always)]
pub(super) fn visit<'a, V>(
    reader: &mut BinaryReader<'a>,
    whole: &BinaryReader<'a>,
    offset: u64,
    visitor: &mut V,
) -> Result<V::Output, BinaryReaderError>
where
    V: VisitOperator<'a> + FrameStack,
{
    match visit_common(reader, visitor) {
        Some(output) => Ok(output),
        None => {
            *reader = whole.clone();
            reader.read_bytes((offset - whole.original_position()) as usize)?;
            reader.visit_operator(visitor)
        }
    }
}

/// The argument of an access to memory 0 with at most the natural alignment.
#[inline(always)]
fn memarg(reader: &mut BinaryReader<'_>, max_align: u8) -> Option<MemArg> {
    let align = reader.read_u8().ok().filter(|&align| align <= max_align)?;
    let offset = reader.read_var_u32().ok()?;
    Some(MemArg { align, max_align, offset: offset.into(), target: MemArgTarget::Memory(0), ordering: None })
}

/// The type of a block without parameters and results.
#[inline(always)]
fn block_type(reader: &mut BinaryReader<'_>) -> Option<BlockType> {
    (reader.read_u8().ok()? == 0x40).then_some(BlockType::Empty)
}

macro_rules! common {
    (
        $reader:ident, $visitor:ident;
        block { $($block:literal $visit_block:ident)* }
        plain { $($plain:literal $visit_plain:ident)* }
        index { $($index:literal $visit_index:ident)* }
        memory { $($memory:literal $align:literal $visit_memory:ident)* }
    ) => {
        match $reader.read_u8().ok()? {
            $($block => $visitor.$visit_block(block_type($reader)?),)*
            $($plain => $visitor.$visit_plain(),)*
            $($index => $visitor.$visit_index($reader.read_var_u32().ok()?),)*
            $($memory => $visitor.$visit_memory(memarg($reader, $align)?),)*
            0x41 => $visitor.visit_i32_const($reader.read_var_i32().ok()?),
            0x42 => $visitor.visit_i64_const($reader.read_var_i64().ok()?),
            _ => return None,
        }
    };
}

/// Visits the next operator if it is a common one. Otherwise the reader may be anywhere, and the visitor has seen nothing.
#[inline(always)]
fn visit_common<'a, V>(reader: &mut BinaryReader<'a>, visitor: &mut V) -> Option<V::Output>
where
    V: VisitOperator<'a> + FrameStack,
{
    visitor.current_frame()?;
    Some(common! {
        reader, visitor;
        block { 0x02 visit_block 0x03 visit_loop 0x04 visit_if }
        plain {
            0x0b visit_end 0x0f visit_return 0x1a visit_drop 0x1b visit_select
            0x45 visit_i32_eqz 0x46 visit_i32_eq 0x47 visit_i32_ne 0x48 visit_i32_lt_s 0x49 visit_i32_lt_u
            0x4a visit_i32_gt_s 0x4b visit_i32_gt_u 0x4c visit_i32_le_s 0x4d visit_i32_le_u
            0x4e visit_i32_ge_s 0x4f visit_i32_ge_u
            0x6a visit_i32_add 0x6b visit_i32_sub 0x6c visit_i32_mul 0x71 visit_i32_and 0x72 visit_i32_or
            0x73 visit_i32_xor 0x74 visit_i32_shl 0x75 visit_i32_shr_s 0x76 visit_i32_shr_u
            0x7c visit_i64_add 0x83 visit_i64_and 0xa7 visit_i32_wrap_i64 0xad visit_i64_extend_i32_u
        }
        index {
            0x0c visit_br 0x0d visit_br_if 0x10 visit_call
            0x20 visit_local_get 0x21 visit_local_set 0x22 visit_local_tee
            0x23 visit_global_get 0x24 visit_global_set
        }
        memory {
            0x28 2 visit_i32_load 0x29 3 visit_i64_load 0x2c 0 visit_i32_load8_s 0x2d 0 visit_i32_load8_u
            0x2e 1 visit_i32_load16_s 0x2f 1 visit_i32_load16_u
            0x36 2 visit_i32_store 0x37 3 visit_i64_store 0x3a 0 visit_i32_store8 0x3b 1 visit_i32_store16
        }
    })
}

#[cfg(test)]
mod tests {
    use wasmparser::{FrameKind, Operator, WasmFeatures};

    use super::*;

    /// Tells what it is shown. There are frames if it says so.
    struct Teller(bool);

    impl FrameStack for Teller {
        fn current_frame(&self) -> Option<FrameKind> {
            self.0.then_some(FrameKind::Block)
        }
    }

    macro_rules! tell {
        ($(@$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            impl<'a> VisitOperator<'a> for Teller {
                type Output = Operator<'a>;

                $(fn $visit(&mut self $($(, $arg: $argty)*)?) -> Operator<'a> {
                    Operator::$op $({ $($arg),* })?
                })*
            }
        };
    }

    wasmparser::for_each_visit_operator!(tell);

    fn check(bytes: &[u8], frames: bool) -> bool {
        let features = WasmFeatures::all();
        let mut reader = BinaryReader::new_features(bytes, 7, features);
        let mut general = reader.clone();
        let common = visit_common(&mut reader.clone(), &mut Teller(frames)).is_some();
        let whole = reader.clone();
        let told = visit(&mut reader, &whole, 7, &mut Teller(frames)).map_err(|error| error.to_string());
        let expected = general.visit_operator(&mut Teller(frames)).map_err(|error| error.to_string());
        assert_eq!(format!("{told:?}"), format!("{expected:?}"), "{bytes:x?}");
        if told.is_ok() {
            assert_eq!(reader.original_position(), general.original_position(), "{bytes:x?}");
        }
        common
    }

    #[test]
    fn both_decoders_agree() {
        let mut common = 0;
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                for rest in [
                    &[][..],
                    &[0],
                    &[1, 2],
                    &[0x80],
                    &[0x80, 1],
                    &[0xff, 0x7f, 1],
                    &[0xff; 12],
                    &[0x80, 0x80, 0x80, 0x80, 0x80, 0, 9],
                ] {
                    let bytes = [&[first, second], rest].concat();
                    common += usize::from(check(&bytes, true));
                    assert!(!check(&bytes, false), "{bytes:x?}");
                }
            }
            check(&[first], true);
        }
        assert!(common > 50_000, "{common}");
        check(&[], true);
    }
}
