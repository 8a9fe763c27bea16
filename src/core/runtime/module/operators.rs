//! A decoder of the operators that functions mostly consist of, in front of the general one.
//!
//! The general decoder knows every operator of every proposal, and is too large for a compiler to make it part of a loop, so
//! that each operator pays for calls and the reader lives in memory. This one is small enough, and its cursor is two pointers
//! in registers. It takes well-formed encodings of operators of WebAssembly 1.0; all else, errors included, it leaves to the
//! general one, which remains the only judge of what is well-formed.

use std::slice;

use wasmparser::{
    BinaryReader, BinaryReaderError, BlockType, FrameKind, FrameStack, Ieee32, Ieee64, MemArg, MemArgTarget, ValType,
    VisitOperator, WasmFeatures,
};

/// A place in a function's operators.
#[derive(Clone)]
pub(super) struct Operators<'a> {
    rest: slice::Iter<'a, u8>,
    /// The offset in the binary behind the last byte.
    end: u64,
    features: WasmFeatures,
}

impl<'a> Operators<'a> {
    /// What `reader` has not read.
    pub(super) fn new(mut reader: BinaryReader<'a>) -> Result<Operators<'a>, BinaryReaderError> {
        let features = reader.features();
        let rest = reader.read_bytes(reader.bytes_remaining())?;
        Ok(Operators { rest: rest.iter(), end: reader.original_position(), features })
    }

    /// The offset in the binary.
    #[inline(always)]
    pub(super) fn offset(&self) -> u64 {
        self.end - self.rest.len() as u64
    }

    /// Whether nothing is left.
    #[inline(always)]
    pub(super) fn eof(&self) -> bool {
        self.rest.len() == 0
    }

    /// What is left.
    pub(super) fn reader(&self) -> BinaryReader<'a> {
        BinaryReader::new_features(self.rest.as_slice(), self.offset(), self.features)
    }

    /// Visits the next operator. Means what [`BinaryReader::visit_operator`] means.
    #[inline(always)]
    pub(super) fn visit<V>(&mut self, visitor: &mut V) -> Result<V::Output, BinaryReaderError>
    where
        V: VisitOperator<'a> + FrameStack,
    {
        let mut next = self.clone();
        match next.visit_common(visitor) {
            Some(output) => {
                self.rest = next.rest;
                Ok(output)
            }
            None => self.visit_any(visitor),
        }
    }

    #[cold]
    #[inline(never)]
    fn visit_any<V>(&mut self, visitor: &mut V) -> Result<V::Output, BinaryReaderError>
    where
        V: VisitOperator<'a> + FrameStack,
    {
        let mut reader = self.reader();
        let output = reader.visit_operator(visitor)?;
        *self = Operators::new(reader)?;
        Ok(output)
    }

    #[inline(always)]
    fn byte(&mut self) -> Option<u8> {
        self.rest.next().copied()
    }

    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (&bytes, rest) = self.rest.as_slice().split_first_chunk()?;
        self.rest = rest.iter();
        Some(bytes)
    }

    /// An unsigned number of 32 bits.
    #[inline(always)]
    fn u32(&mut self) -> Option<u32> {
        let byte = self.byte()?;
        if byte < 0x80 {
            return Some(byte.into());
        }
        let mut value = u32::from(byte & 0x7f);
        for shift in [7, 14, 21] {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        let last = self.byte().filter(|&byte| byte < 0x10)?;
        Some(value | u32::from(last) << 28)
    }

    /// A signed number of 32 bits.
    #[inline(always)]
    fn i32(&mut self) -> Option<i32> {
        let mut value = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            value |= i32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                let unused = 25 - shift;
                return Some(value << unused >> unused);
            }
        }
        // The unused bits repeat the sign.
        let last = self.byte().filter(|byte| matches!(byte, 0..0x08 | 0x78..0x80))?;
        Some(value | i32::from(last) << 28)
    }

    /// A signed number of 64 bits, if it is not of the largest.
    #[inline(always)]
    fn i64(&mut self) -> Option<i64> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28, 35, 42, 49, 56] {
            let byte = self.byte()?;
            value |= i64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                let unused = 57 - shift;
                return Some(value << unused >> unused);
            }
        }
        None
    }

    /// The argument of an access to memory 0 with at most the natural alignment.
    #[inline(always)]
    fn memarg(&mut self, max_align: u8) -> Option<MemArg> {
        let align = self.byte().filter(|&align| align <= max_align)?;
        let offset = self.u32()?;
        Some(MemArg { align, max_align, offset: offset.into(), target: MemArgTarget::Memory(0), ordering: None })
    }

    /// The type of a block without parameters and with at most one result, a number.
    #[inline(always)]
    fn block_type(&mut self) -> Option<BlockType> {
        match self.byte()? {
            0x40 => Some(BlockType::Empty),
            0x7f => Some(BlockType::Type(ValType::I32)),
            0x7e => Some(BlockType::Type(ValType::I64)),
            _ => None,
        }
    }
}

/// The value of an expression, if it is a single `i32.const`.
pub(super) fn i32_const(expr: &[u8]) -> Option<i32> {
    let [0x41, number @ ..] = expr else { return None };
    let mut operators = Operators { rest: number.iter(), end: 0, features: WasmFeatures::empty() };
    let value = operators.i32()?;
    (operators.rest.as_slice() == [0x0b]).then_some(value)
}

macro_rules! common {
    (
        $this:ident, $visitor:ident;
        block { $($block:literal $visit_block:ident)* }
        plain { $($plain:literal $visit_plain:ident)* }
        index { $($index:literal $visit_index:ident)* }
        memory { $($memory:literal $align:literal $visit_memory:ident)* }
    ) => {
        match $this.byte()? {
            $($block => $visitor.$visit_block($this.block_type()?),)*
            $($plain => $visitor.$visit_plain(),)*
            $($index => $visitor.$visit_index($this.u32()?),)*
            $($memory => $visitor.$visit_memory($this.memarg($align)?),)*
            0x05 if $visitor.current_frame() == Some(FrameKind::If) => $visitor.visit_else(),
            0x11 => {
                let ty = $this.u32()?;
                $this.byte().filter(|&table| table == 0)?;
                $visitor.visit_call_indirect(ty, 0)
            }
            0x41 => $visitor.visit_i32_const($this.i32()?),
            0x42 => $visitor.visit_i64_const($this.i64()?),
            0x43 => $visitor.visit_f32_const(Ieee32::from(f32::from_le_bytes($this.bytes()?))),
            0x44 => $visitor.visit_f64_const(Ieee64::from(f64::from_le_bytes($this.bytes()?))),
            _ => return None,
        }
    };
}

impl<'a> Operators<'a> {
    /// Visits the next operator if it is a common one. Otherwise this may be anywhere, and the visitor has seen nothing.
    #[inline(always)]
    fn visit_common<V>(&mut self, visitor: &mut V) -> Option<V::Output>
    where
        V: VisitOperator<'a> + FrameStack,
    {
        visitor.current_frame()?;
        Some(common! {
            self, visitor;
            block { 0x02 visit_block 0x03 visit_loop 0x04 visit_if }
            plain {
                0x00 visit_unreachable 0x0b visit_end 0x0f visit_return 0x1a visit_drop 0x1b visit_select
                0x45 visit_i32_eqz 0x46 visit_i32_eq 0x47 visit_i32_ne 0x48 visit_i32_lt_s 0x49 visit_i32_lt_u
                0x4a visit_i32_gt_s 0x4b visit_i32_gt_u 0x4c visit_i32_le_s 0x4d visit_i32_le_u
                0x4e visit_i32_ge_s 0x4f visit_i32_ge_u
                0x50 visit_i64_eqz 0x51 visit_i64_eq 0x52 visit_i64_ne 0x53 visit_i64_lt_s 0x54 visit_i64_lt_u
                0x55 visit_i64_gt_s 0x56 visit_i64_gt_u 0x57 visit_i64_le_s 0x58 visit_i64_le_u
                0x59 visit_i64_ge_s 0x5a visit_i64_ge_u
                0x6a visit_i32_add 0x6b visit_i32_sub 0x6c visit_i32_mul 0x71 visit_i32_and 0x72 visit_i32_or
                0x73 visit_i32_xor 0x74 visit_i32_shl 0x75 visit_i32_shr_s 0x76 visit_i32_shr_u
                0x7c visit_i64_add 0x7d visit_i64_sub 0x7e visit_i64_mul 0x83 visit_i64_and 0x84 visit_i64_or
                0x85 visit_i64_xor 0x86 visit_i64_shl 0x87 visit_i64_shr_s 0x88 visit_i64_shr_u
                0xa0 visit_f64_add 0xa2 visit_f64_mul
                0xa7 visit_i32_wrap_i64 0xac visit_i64_extend_i32_s 0xad visit_i64_extend_i32_u
            }
            index {
                0x0c visit_br 0x0d visit_br_if 0x10 visit_call
                0x20 visit_local_get 0x21 visit_local_set 0x22 visit_local_tee
                0x23 visit_global_get 0x24 visit_global_set
            }
            memory {
                0x28 2 visit_i32_load 0x29 3 visit_i64_load 0x2a 2 visit_f32_load 0x2b 3 visit_f64_load
                0x2c 0 visit_i32_load8_s 0x2d 0 visit_i32_load8_u 0x2e 1 visit_i32_load16_s 0x2f 1 visit_i32_load16_u
                0x31 0 visit_i64_load8_u 0x35 2 visit_i64_load32_u
                0x36 2 visit_i32_store 0x37 3 visit_i64_store 0x38 2 visit_f32_store 0x39 3 visit_f64_store
                0x3a 0 visit_i32_store8 0x3b 1 visit_i32_store16
            }
        })
    }
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
        let mut general = BinaryReader::new_features(bytes, 7, features);
        let Ok(mut operators) = Operators::new(general.clone()) else { unreachable!("a reader reads what it has") };
        let common = operators.clone().visit_common(&mut Teller(frames)).is_some();
        let told = operators.visit(&mut Teller(frames)).map_err(|error| error.to_string());
        let expected = general.visit_operator(&mut Teller(frames)).map_err(|error| error.to_string());
        assert_eq!(format!("{told:?}"), format!("{expected:?}"), "{bytes:x?}");
        if told.is_ok() {
            assert_eq!(operators.offset(), general.original_position(), "{bytes:x?}");
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

    #[test]
    fn both_decoders_agree_on_long_numbers() {
        for start in [&[0x10][..], &[0x28, 2], &[0x41], &[0x42]] {
            for len in 0..12 {
                for filler in [0x80, 0xff] {
                    let longer = |&last: &u8| check(&[start, &vec![filler; len], &[last]].concat(), true);
                    let common = (0..=u8::MAX).filter(longer).count();
                    let expected = match (start[0], len) {
                        (0x42, 0..9) | (_, 0..4) => 128,
                        (0x10 | 0x28 | 0x41, 4) => 16,
                        _ => 0,
                    };
                    assert_eq!(common, expected, "{start:x?} and {len} times {filler:x}");
                }
            }
        }
    }

    #[test]
    fn constants_alone_have_values() {
        assert_eq!(i32_const(&[0x41, 0x7f, 0x0b]), Some(-1));
        assert_eq!(i32_const(&[0x41, 0x80, 0x80, 0x04, 0x0b]), Some(1 << 16));
        for expr in [&[][..], &[0x0b], &[0x42, 1, 0x0b], &[0x41, 1], &[0x41, 1, 0x41, 1, 0x6a, 0x0b]] {
            assert_eq!(i32_const(expr), None, "{expr:x?}");
        }
    }
}
