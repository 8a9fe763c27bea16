//! The op table: the one place where an operator is declared.
//!
//! Everything else is derived from these rows: the bytecode's numbering and layouts, the translator's visitor methods, the
//! reference tier's arms, disassembly, verification, fuzz generators and the op matrix. A row of a shape group reads
//!
//! ```text
//! Name snake "wasm text" opcode feature (operands) -> result [traits];
//! ```
//!
//! `Name` is the operator's name in wasmparser, `snake` names its meaning in [`crate::meaning`] and its visitor method, and the
//! opcode is `prefix << 16 | sub-opcode` for prefixed operators. Memory rows give the accessed width as an unsigned integer
//! type. Traits: `commutative` (exact to the bit), `traps`, `nan` (may produce a NaN whose payload is not determined), `calls`
//! (another function may run, be it the host's at a poll: a safepoint).
//!
//! Rows of the group `special` have a layout of their own instead of a shape: `[kind field type, ...] ext words [traits]`,
//! with the traits `traps`, `calls`, `ends` (control never falls through). Rows without an opcode (`-`) are internal ops that no
//! wasm operator names.
//!
//! `structural` rows are operators that emit no op of their own: the translator's operand stack or control stack absorbs them,
//! or they lower to the op that is named. `refused` rows are recognised and rejected by name.

/// Calls `$m!` with the whole op table.
#[macro_export]
macro_rules! for_each_op {
    ($m:path) => {
        $m! {
        shapes {
        load {
            I32Load i32_load "i32.load" 0x28 mvp (u32) -> I32 [];
            I64Load i64_load "i64.load" 0x29 mvp (u64) -> I64 [];
            F32Load f32_load "f32.load" 0x2a mvp (u32) -> F32 [];
            F64Load f64_load "f64.load" 0x2b mvp (u64) -> F64 [];
            I32Load8S i32_load8_s "i32.load8_s" 0x2c mvp (u8) -> I32 [];
            I32Load8U i32_load8_u "i32.load8_u" 0x2d mvp (u8) -> I32 [];
            I32Load16S i32_load16_s "i32.load16_s" 0x2e mvp (u16) -> I32 [];
            I32Load16U i32_load16_u "i32.load16_u" 0x2f mvp (u16) -> I32 [];
            I64Load8S i64_load8_s "i64.load8_s" 0x30 mvp (u8) -> I64 [];
            I64Load8U i64_load8_u "i64.load8_u" 0x31 mvp (u8) -> I64 [];
            I64Load16S i64_load16_s "i64.load16_s" 0x32 mvp (u16) -> I64 [];
            I64Load16U i64_load16_u "i64.load16_u" 0x33 mvp (u16) -> I64 [];
            I64Load32S i64_load32_s "i64.load32_s" 0x34 mvp (u32) -> I64 [];
            I64Load32U i64_load32_u "i64.load32_u" 0x35 mvp (u32) -> I64 [];
            V128Load v128_load "v128.load" 0xfd_0000 simd (u128) -> V128 [];
            V128Load8x8S v128_load8x8_s "v128.load8x8_s" 0xfd_0001 simd (u64) -> V128 [];
            V128Load8x8U v128_load8x8_u "v128.load8x8_u" 0xfd_0002 simd (u64) -> V128 [];
            V128Load16x4S v128_load16x4_s "v128.load16x4_s" 0xfd_0003 simd (u64) -> V128 [];
            V128Load16x4U v128_load16x4_u "v128.load16x4_u" 0xfd_0004 simd (u64) -> V128 [];
            V128Load32x2S v128_load32x2_s "v128.load32x2_s" 0xfd_0005 simd (u64) -> V128 [];
            V128Load32x2U v128_load32x2_u "v128.load32x2_u" 0xfd_0006 simd (u64) -> V128 [];
            V128Load8Splat v128_load8_splat "v128.load8_splat" 0xfd_0007 simd (u8) -> V128 [];
            V128Load16Splat v128_load16_splat "v128.load16_splat" 0xfd_0008 simd (u16) -> V128 [];
            V128Load32Splat v128_load32_splat "v128.load32_splat" 0xfd_0009 simd (u32) -> V128 [];
            V128Load64Splat v128_load64_splat "v128.load64_splat" 0xfd_000a simd (u64) -> V128 [];
            V128Load32Zero v128_load32_zero "v128.load32_zero" 0xfd_005c simd (u32) -> V128 [];
            V128Load64Zero v128_load64_zero "v128.load64_zero" 0xfd_005d simd (u64) -> V128 [];
        }
        store {
            I32Store i32_store "i32.store" 0x36 mvp (I32, u32) -> () [];
            I64Store i64_store "i64.store" 0x37 mvp (I64, u64) -> () [];
            F32Store f32_store "f32.store" 0x38 mvp (F32, u32) -> () [];
            F64Store f64_store "f64.store" 0x39 mvp (F64, u64) -> () [];
            I32Store8 i32_store8 "i32.store8" 0x3a mvp (I32, u8) -> () [];
            I32Store16 i32_store16 "i32.store16" 0x3b mvp (I32, u16) -> () [];
            I64Store8 i64_store8 "i64.store8" 0x3c mvp (I64, u8) -> () [];
            I64Store16 i64_store16 "i64.store16" 0x3d mvp (I64, u16) -> () [];
            I64Store32 i64_store32 "i64.store32" 0x3e mvp (I64, u32) -> () [];
            V128Store v128_store "v128.store" 0xfd_000b simd (V128, u128) -> () [];
        }
        unary {
            I32Eqz i32_eqz "i32.eqz" 0x45 mvp (I32) -> I32 [];
            I64Eqz i64_eqz "i64.eqz" 0x50 mvp (I64) -> I32 [];
            I32Clz i32_clz "i32.clz" 0x67 mvp (I32) -> I32 [];
            I32Ctz i32_ctz "i32.ctz" 0x68 mvp (I32) -> I32 [];
            I32Popcnt i32_popcnt "i32.popcnt" 0x69 mvp (I32) -> I32 [];
            I64Clz i64_clz "i64.clz" 0x79 mvp (I64) -> I64 [];
            I64Ctz i64_ctz "i64.ctz" 0x7a mvp (I64) -> I64 [];
            I64Popcnt i64_popcnt "i64.popcnt" 0x7b mvp (I64) -> I64 [];
            F32Abs f32_abs "f32.abs" 0x8b mvp (F32) -> F32 [];
            F32Neg f32_neg "f32.neg" 0x8c mvp (F32) -> F32 [];
            F32Ceil f32_ceil "f32.ceil" 0x8d mvp (F32) -> F32 [nan];
            F32Floor f32_floor "f32.floor" 0x8e mvp (F32) -> F32 [nan];
            F32Trunc f32_trunc "f32.trunc" 0x8f mvp (F32) -> F32 [nan];
            F32Nearest f32_nearest "f32.nearest" 0x90 mvp (F32) -> F32 [nan];
            F32Sqrt f32_sqrt "f32.sqrt" 0x91 mvp (F32) -> F32 [nan];
            F64Abs f64_abs "f64.abs" 0x99 mvp (F64) -> F64 [];
            F64Neg f64_neg "f64.neg" 0x9a mvp (F64) -> F64 [];
            F64Ceil f64_ceil "f64.ceil" 0x9b mvp (F64) -> F64 [nan];
            F64Floor f64_floor "f64.floor" 0x9c mvp (F64) -> F64 [nan];
            F64Trunc f64_trunc "f64.trunc" 0x9d mvp (F64) -> F64 [nan];
            F64Nearest f64_nearest "f64.nearest" 0x9e mvp (F64) -> F64 [nan];
            F64Sqrt f64_sqrt "f64.sqrt" 0x9f mvp (F64) -> F64 [nan];
            I32WrapI64 i32_wrap_i64 "i32.wrap_i64" 0xa7 mvp (I64) -> I32 [];
            I32TruncF32S i32_trunc_f32_s "i32.trunc_f32_s" 0xa8 mvp (F32) -> I32 [traps];
            I32TruncF32U i32_trunc_f32_u "i32.trunc_f32_u" 0xa9 mvp (F32) -> I32 [traps];
            I32TruncF64S i32_trunc_f64_s "i32.trunc_f64_s" 0xaa mvp (F64) -> I32 [traps];
            I32TruncF64U i32_trunc_f64_u "i32.trunc_f64_u" 0xab mvp (F64) -> I32 [traps];
            I64ExtendI32S i64_extend_i32_s "i64.extend_i32_s" 0xac mvp (I32) -> I64 [];
            I64ExtendI32U i64_extend_i32_u "i64.extend_i32_u" 0xad mvp (I32) -> I64 [];
            I64TruncF32S i64_trunc_f32_s "i64.trunc_f32_s" 0xae mvp (F32) -> I64 [traps];
            I64TruncF32U i64_trunc_f32_u "i64.trunc_f32_u" 0xaf mvp (F32) -> I64 [traps];
            I64TruncF64S i64_trunc_f64_s "i64.trunc_f64_s" 0xb0 mvp (F64) -> I64 [traps];
            I64TruncF64U i64_trunc_f64_u "i64.trunc_f64_u" 0xb1 mvp (F64) -> I64 [traps];
            F32ConvertI32S f32_convert_i32_s "f32.convert_i32_s" 0xb2 mvp (I32) -> F32 [];
            F32ConvertI32U f32_convert_i32_u "f32.convert_i32_u" 0xb3 mvp (I32) -> F32 [];
            F32ConvertI64S f32_convert_i64_s "f32.convert_i64_s" 0xb4 mvp (I64) -> F32 [];
            F32ConvertI64U f32_convert_i64_u "f32.convert_i64_u" 0xb5 mvp (I64) -> F32 [];
            F32DemoteF64 f32_demote_f64 "f32.demote_f64" 0xb6 mvp (F64) -> F32 [nan];
            F64ConvertI32S f64_convert_i32_s "f64.convert_i32_s" 0xb7 mvp (I32) -> F64 [];
            F64ConvertI32U f64_convert_i32_u "f64.convert_i32_u" 0xb8 mvp (I32) -> F64 [];
            F64ConvertI64S f64_convert_i64_s "f64.convert_i64_s" 0xb9 mvp (I64) -> F64 [];
            F64ConvertI64U f64_convert_i64_u "f64.convert_i64_u" 0xba mvp (I64) -> F64 [];
            F64PromoteF32 f64_promote_f32 "f64.promote_f32" 0xbb mvp (F32) -> F64 [nan];
            I32ReinterpretF32 i32_reinterpret_f32 "i32.reinterpret_f32" 0xbc mvp (F32) -> I32 [];
            I64ReinterpretF64 i64_reinterpret_f64 "i64.reinterpret_f64" 0xbd mvp (F64) -> I64 [];
            F32ReinterpretI32 f32_reinterpret_i32 "f32.reinterpret_i32" 0xbe mvp (I32) -> F32 [];
            F64ReinterpretI64 f64_reinterpret_i64 "f64.reinterpret_i64" 0xbf mvp (I64) -> F64 [];
            I32Extend8S i32_extend8_s "i32.extend8_s" 0xc0 sign_extension (I32) -> I32 [];
            I32Extend16S i32_extend16_s "i32.extend16_s" 0xc1 sign_extension (I32) -> I32 [];
            I64Extend8S i64_extend8_s "i64.extend8_s" 0xc2 sign_extension (I64) -> I64 [];
            I64Extend16S i64_extend16_s "i64.extend16_s" 0xc3 sign_extension (I64) -> I64 [];
            I64Extend32S i64_extend32_s "i64.extend32_s" 0xc4 sign_extension (I64) -> I64 [];
            I32TruncSatF32S i32_trunc_sat_f32_s "i32.trunc_sat_f32_s" 0xfc_0000 saturating_float_to_int (F32) -> I32 [];
            I32TruncSatF32U i32_trunc_sat_f32_u "i32.trunc_sat_f32_u" 0xfc_0001 saturating_float_to_int (F32) -> I32 [];
            I32TruncSatF64S i32_trunc_sat_f64_s "i32.trunc_sat_f64_s" 0xfc_0002 saturating_float_to_int (F64) -> I32 [];
            I32TruncSatF64U i32_trunc_sat_f64_u "i32.trunc_sat_f64_u" 0xfc_0003 saturating_float_to_int (F64) -> I32 [];
            I64TruncSatF32S i64_trunc_sat_f32_s "i64.trunc_sat_f32_s" 0xfc_0004 saturating_float_to_int (F32) -> I64 [];
            I64TruncSatF32U i64_trunc_sat_f32_u "i64.trunc_sat_f32_u" 0xfc_0005 saturating_float_to_int (F32) -> I64 [];
            I64TruncSatF64S i64_trunc_sat_f64_s "i64.trunc_sat_f64_s" 0xfc_0006 saturating_float_to_int (F64) -> I64 [];
            I64TruncSatF64U i64_trunc_sat_f64_u "i64.trunc_sat_f64_u" 0xfc_0007 saturating_float_to_int (F64) -> I64 [];
            I8x16Splat i8x16_splat "i8x16.splat" 0xfd_000f simd (I32) -> V128 [];
            I16x8Splat i16x8_splat "i16x8.splat" 0xfd_0010 simd (I32) -> V128 [];
            I32x4Splat i32x4_splat "i32x4.splat" 0xfd_0011 simd (I32) -> V128 [];
            I64x2Splat i64x2_splat "i64x2.splat" 0xfd_0012 simd (I64) -> V128 [];
            F32x4Splat f32x4_splat "f32x4.splat" 0xfd_0013 simd (F32) -> V128 [];
            F64x2Splat f64x2_splat "f64x2.splat" 0xfd_0014 simd (F64) -> V128 [];
            V128Not v128_not "v128.not" 0xfd_004d simd (V128) -> V128 [];
            V128AnyTrue v128_any_true "v128.any_true" 0xfd_0053 simd (V128) -> I32 [];
            I8x16Abs i8x16_abs "i8x16.abs" 0xfd_0060 simd (V128) -> V128 [];
            I8x16Neg i8x16_neg "i8x16.neg" 0xfd_0061 simd (V128) -> V128 [];
            I8x16Popcnt i8x16_popcnt "i8x16.popcnt" 0xfd_0062 simd (V128) -> V128 [];
            I8x16AllTrue i8x16_all_true "i8x16.all_true" 0xfd_0063 simd (V128) -> I32 [];
            I8x16Bitmask i8x16_bitmask "i8x16.bitmask" 0xfd_0064 simd (V128) -> I32 [];
            I16x8ExtAddPairwiseI8x16S i16x8_extadd_pairwise_i8x16_s "i16x8.extadd_pairwise_i8x16_s" 0xfd_007c simd (V128) -> V128 [];
            I16x8ExtAddPairwiseI8x16U i16x8_extadd_pairwise_i8x16_u "i16x8.extadd_pairwise_i8x16_u" 0xfd_007d simd (V128) -> V128 [];
            I16x8Abs i16x8_abs "i16x8.abs" 0xfd_0080 simd (V128) -> V128 [];
            I16x8Neg i16x8_neg "i16x8.neg" 0xfd_0081 simd (V128) -> V128 [];
            I16x8AllTrue i16x8_all_true "i16x8.all_true" 0xfd_0083 simd (V128) -> I32 [];
            I16x8Bitmask i16x8_bitmask "i16x8.bitmask" 0xfd_0084 simd (V128) -> I32 [];
            I16x8ExtendLowI8x16S i16x8_extend_low_i8x16_s "i16x8.extend_low_i8x16_s" 0xfd_0087 simd (V128) -> V128 [];
            I16x8ExtendHighI8x16S i16x8_extend_high_i8x16_s "i16x8.extend_high_i8x16_s" 0xfd_0088 simd (V128) -> V128 [];
            I16x8ExtendLowI8x16U i16x8_extend_low_i8x16_u "i16x8.extend_low_i8x16_u" 0xfd_0089 simd (V128) -> V128 [];
            I16x8ExtendHighI8x16U i16x8_extend_high_i8x16_u "i16x8.extend_high_i8x16_u" 0xfd_008a simd (V128) -> V128 [];
            I32x4ExtAddPairwiseI16x8S i32x4_extadd_pairwise_i16x8_s "i32x4.extadd_pairwise_i16x8_s" 0xfd_007e simd (V128) -> V128 [];
            I32x4ExtAddPairwiseI16x8U i32x4_extadd_pairwise_i16x8_u "i32x4.extadd_pairwise_i16x8_u" 0xfd_007f simd (V128) -> V128 [];
            I32x4Abs i32x4_abs "i32x4.abs" 0xfd_00a0 simd (V128) -> V128 [];
            I32x4Neg i32x4_neg "i32x4.neg" 0xfd_00a1 simd (V128) -> V128 [];
            I32x4AllTrue i32x4_all_true "i32x4.all_true" 0xfd_00a3 simd (V128) -> I32 [];
            I32x4Bitmask i32x4_bitmask "i32x4.bitmask" 0xfd_00a4 simd (V128) -> I32 [];
            I32x4ExtendLowI16x8S i32x4_extend_low_i16x8_s "i32x4.extend_low_i16x8_s" 0xfd_00a7 simd (V128) -> V128 [];
            I32x4ExtendHighI16x8S i32x4_extend_high_i16x8_s "i32x4.extend_high_i16x8_s" 0xfd_00a8 simd (V128) -> V128 [];
            I32x4ExtendLowI16x8U i32x4_extend_low_i16x8_u "i32x4.extend_low_i16x8_u" 0xfd_00a9 simd (V128) -> V128 [];
            I32x4ExtendHighI16x8U i32x4_extend_high_i16x8_u "i32x4.extend_high_i16x8_u" 0xfd_00aa simd (V128) -> V128 [];
            I64x2Abs i64x2_abs "i64x2.abs" 0xfd_00c0 simd (V128) -> V128 [];
            I64x2Neg i64x2_neg "i64x2.neg" 0xfd_00c1 simd (V128) -> V128 [];
            I64x2AllTrue i64x2_all_true "i64x2.all_true" 0xfd_00c3 simd (V128) -> I32 [];
            I64x2Bitmask i64x2_bitmask "i64x2.bitmask" 0xfd_00c4 simd (V128) -> I32 [];
            I64x2ExtendLowI32x4S i64x2_extend_low_i32x4_s "i64x2.extend_low_i32x4_s" 0xfd_00c7 simd (V128) -> V128 [];
            I64x2ExtendHighI32x4S i64x2_extend_high_i32x4_s "i64x2.extend_high_i32x4_s" 0xfd_00c8 simd (V128) -> V128 [];
            I64x2ExtendLowI32x4U i64x2_extend_low_i32x4_u "i64x2.extend_low_i32x4_u" 0xfd_00c9 simd (V128) -> V128 [];
            I64x2ExtendHighI32x4U i64x2_extend_high_i32x4_u "i64x2.extend_high_i32x4_u" 0xfd_00ca simd (V128) -> V128 [];
            F32x4Ceil f32x4_ceil "f32x4.ceil" 0xfd_0067 simd (V128) -> V128 [nan];
            F32x4Floor f32x4_floor "f32x4.floor" 0xfd_0068 simd (V128) -> V128 [nan];
            F32x4Trunc f32x4_trunc "f32x4.trunc" 0xfd_0069 simd (V128) -> V128 [nan];
            F32x4Nearest f32x4_nearest "f32x4.nearest" 0xfd_006a simd (V128) -> V128 [nan];
            F32x4Abs f32x4_abs "f32x4.abs" 0xfd_00e0 simd (V128) -> V128 [];
            F32x4Neg f32x4_neg "f32x4.neg" 0xfd_00e1 simd (V128) -> V128 [];
            F32x4Sqrt f32x4_sqrt "f32x4.sqrt" 0xfd_00e3 simd (V128) -> V128 [nan];
            F64x2Ceil f64x2_ceil "f64x2.ceil" 0xfd_0074 simd (V128) -> V128 [nan];
            F64x2Floor f64x2_floor "f64x2.floor" 0xfd_0075 simd (V128) -> V128 [nan];
            F64x2Trunc f64x2_trunc "f64x2.trunc" 0xfd_007a simd (V128) -> V128 [nan];
            F64x2Nearest f64x2_nearest "f64x2.nearest" 0xfd_0094 simd (V128) -> V128 [nan];
            F64x2Abs f64x2_abs "f64x2.abs" 0xfd_00ec simd (V128) -> V128 [];
            F64x2Neg f64x2_neg "f64x2.neg" 0xfd_00ed simd (V128) -> V128 [];
            F64x2Sqrt f64x2_sqrt "f64x2.sqrt" 0xfd_00ef simd (V128) -> V128 [nan];
            I32x4TruncSatF32x4S i32x4_trunc_sat_f32x4_s "i32x4.trunc_sat_f32x4_s" 0xfd_00f8 simd (V128) -> V128 [];
            I32x4TruncSatF32x4U i32x4_trunc_sat_f32x4_u "i32x4.trunc_sat_f32x4_u" 0xfd_00f9 simd (V128) -> V128 [];
            F32x4ConvertI32x4S f32x4_convert_i32x4_s "f32x4.convert_i32x4_s" 0xfd_00fa simd (V128) -> V128 [];
            F32x4ConvertI32x4U f32x4_convert_i32x4_u "f32x4.convert_i32x4_u" 0xfd_00fb simd (V128) -> V128 [];
            I32x4TruncSatF64x2SZero i32x4_trunc_sat_f64x2_s_zero "i32x4.trunc_sat_f64x2_s_zero" 0xfd_00fc simd (V128) -> V128 [];
            I32x4TruncSatF64x2UZero i32x4_trunc_sat_f64x2_u_zero "i32x4.trunc_sat_f64x2_u_zero" 0xfd_00fd simd (V128) -> V128 [];
            F64x2ConvertLowI32x4S f64x2_convert_low_i32x4_s "f64x2.convert_low_i32x4_s" 0xfd_00fe simd (V128) -> V128 [];
            F64x2ConvertLowI32x4U f64x2_convert_low_i32x4_u "f64x2.convert_low_i32x4_u" 0xfd_00ff simd (V128) -> V128 [];
            F32x4DemoteF64x2Zero f32x4_demote_f64x2_zero "f32x4.demote_f64x2_zero" 0xfd_005e simd (V128) -> V128 [nan];
            F64x2PromoteLowF32x4 f64x2_promote_low_f32x4 "f64x2.promote_low_f32x4" 0xfd_005f simd (V128) -> V128 [nan];
            I32x4RelaxedTruncF32x4S i32x4_relaxed_trunc_f32x4_s "i32x4.relaxed_trunc_f32x4_s" 0xfd_0101 relaxed_simd (V128) -> V128 [];
            I32x4RelaxedTruncF32x4U i32x4_relaxed_trunc_f32x4_u "i32x4.relaxed_trunc_f32x4_u" 0xfd_0102 relaxed_simd (V128) -> V128 [];
            I32x4RelaxedTruncF64x2SZero i32x4_relaxed_trunc_f64x2_s_zero "i32x4.relaxed_trunc_f64x2_s_zero" 0xfd_0103 relaxed_simd (V128) -> V128 [];
            I32x4RelaxedTruncF64x2UZero i32x4_relaxed_trunc_f64x2_u_zero "i32x4.relaxed_trunc_f64x2_u_zero" 0xfd_0104 relaxed_simd (V128) -> V128 [];
        }
        compare {
            I32Eq i32_eq "i32.eq" 0x46 mvp (I32, I32) -> I32 [commutative];
            I32Ne i32_ne "i32.ne" 0x47 mvp (I32, I32) -> I32 [commutative];
            I32LtS i32_lt_s "i32.lt_s" 0x48 mvp (I32, I32) -> I32 [];
            I32LtU i32_lt_u "i32.lt_u" 0x49 mvp (I32, I32) -> I32 [];
            I32GtS i32_gt_s "i32.gt_s" 0x4a mvp (I32, I32) -> I32 [];
            I32GtU i32_gt_u "i32.gt_u" 0x4b mvp (I32, I32) -> I32 [];
            I32LeS i32_le_s "i32.le_s" 0x4c mvp (I32, I32) -> I32 [];
            I32LeU i32_le_u "i32.le_u" 0x4d mvp (I32, I32) -> I32 [];
            I32GeS i32_ge_s "i32.ge_s" 0x4e mvp (I32, I32) -> I32 [];
            I32GeU i32_ge_u "i32.ge_u" 0x4f mvp (I32, I32) -> I32 [];
            I64Eq i64_eq "i64.eq" 0x51 mvp (I64, I64) -> I32 [commutative];
            I64Ne i64_ne "i64.ne" 0x52 mvp (I64, I64) -> I32 [commutative];
            I64LtS i64_lt_s "i64.lt_s" 0x53 mvp (I64, I64) -> I32 [];
            I64LtU i64_lt_u "i64.lt_u" 0x54 mvp (I64, I64) -> I32 [];
            I64GtS i64_gt_s "i64.gt_s" 0x55 mvp (I64, I64) -> I32 [];
            I64GtU i64_gt_u "i64.gt_u" 0x56 mvp (I64, I64) -> I32 [];
            I64LeS i64_le_s "i64.le_s" 0x57 mvp (I64, I64) -> I32 [];
            I64LeU i64_le_u "i64.le_u" 0x58 mvp (I64, I64) -> I32 [];
            I64GeS i64_ge_s "i64.ge_s" 0x59 mvp (I64, I64) -> I32 [];
            I64GeU i64_ge_u "i64.ge_u" 0x5a mvp (I64, I64) -> I32 [];
            F32Eq f32_eq "f32.eq" 0x5b mvp (F32, F32) -> I32 [commutative];
            F32Ne f32_ne "f32.ne" 0x5c mvp (F32, F32) -> I32 [commutative];
            F32Lt f32_lt "f32.lt" 0x5d mvp (F32, F32) -> I32 [];
            F32Gt f32_gt "f32.gt" 0x5e mvp (F32, F32) -> I32 [];
            F32Le f32_le "f32.le" 0x5f mvp (F32, F32) -> I32 [];
            F32Ge f32_ge "f32.ge" 0x60 mvp (F32, F32) -> I32 [];
            F64Eq f64_eq "f64.eq" 0x61 mvp (F64, F64) -> I32 [commutative];
            F64Ne f64_ne "f64.ne" 0x62 mvp (F64, F64) -> I32 [commutative];
            F64Lt f64_lt "f64.lt" 0x63 mvp (F64, F64) -> I32 [];
            F64Gt f64_gt "f64.gt" 0x64 mvp (F64, F64) -> I32 [];
            F64Le f64_le "f64.le" 0x65 mvp (F64, F64) -> I32 [];
            F64Ge f64_ge "f64.ge" 0x66 mvp (F64, F64) -> I32 [];
        }
        binary {
            I32Add i32_add "i32.add" 0x6a mvp (I32, I32) -> I32 [commutative];
            I32Sub i32_sub "i32.sub" 0x6b mvp (I32, I32) -> I32 [];
            I32Mul i32_mul "i32.mul" 0x6c mvp (I32, I32) -> I32 [commutative];
            I32DivS i32_div_s "i32.div_s" 0x6d mvp (I32, I32) -> I32 [traps];
            I32DivU i32_div_u "i32.div_u" 0x6e mvp (I32, I32) -> I32 [traps];
            I32RemS i32_rem_s "i32.rem_s" 0x6f mvp (I32, I32) -> I32 [traps];
            I32RemU i32_rem_u "i32.rem_u" 0x70 mvp (I32, I32) -> I32 [traps];
            I32And i32_and "i32.and" 0x71 mvp (I32, I32) -> I32 [commutative];
            I32Or i32_or "i32.or" 0x72 mvp (I32, I32) -> I32 [commutative];
            I32Xor i32_xor "i32.xor" 0x73 mvp (I32, I32) -> I32 [commutative];
            I32Shl i32_shl "i32.shl" 0x74 mvp (I32, I32) -> I32 [];
            I32ShrS i32_shr_s "i32.shr_s" 0x75 mvp (I32, I32) -> I32 [];
            I32ShrU i32_shr_u "i32.shr_u" 0x76 mvp (I32, I32) -> I32 [];
            I32Rotl i32_rotl "i32.rotl" 0x77 mvp (I32, I32) -> I32 [];
            I32Rotr i32_rotr "i32.rotr" 0x78 mvp (I32, I32) -> I32 [];
            I64Add i64_add "i64.add" 0x7c mvp (I64, I64) -> I64 [commutative];
            I64Sub i64_sub "i64.sub" 0x7d mvp (I64, I64) -> I64 [];
            I64Mul i64_mul "i64.mul" 0x7e mvp (I64, I64) -> I64 [commutative];
            I64DivS i64_div_s "i64.div_s" 0x7f mvp (I64, I64) -> I64 [traps];
            I64DivU i64_div_u "i64.div_u" 0x80 mvp (I64, I64) -> I64 [traps];
            I64RemS i64_rem_s "i64.rem_s" 0x81 mvp (I64, I64) -> I64 [traps];
            I64RemU i64_rem_u "i64.rem_u" 0x82 mvp (I64, I64) -> I64 [traps];
            I64And i64_and "i64.and" 0x83 mvp (I64, I64) -> I64 [commutative];
            I64Or i64_or "i64.or" 0x84 mvp (I64, I64) -> I64 [commutative];
            I64Xor i64_xor "i64.xor" 0x85 mvp (I64, I64) -> I64 [commutative];
            I64Shl i64_shl "i64.shl" 0x86 mvp (I64, I64) -> I64 [];
            I64ShrS i64_shr_s "i64.shr_s" 0x87 mvp (I64, I64) -> I64 [];
            I64ShrU i64_shr_u "i64.shr_u" 0x88 mvp (I64, I64) -> I64 [];
            I64Rotl i64_rotl "i64.rotl" 0x89 mvp (I64, I64) -> I64 [];
            I64Rotr i64_rotr "i64.rotr" 0x8a mvp (I64, I64) -> I64 [];
            F32Add f32_add "f32.add" 0x92 mvp (F32, F32) -> F32 [nan];
            F32Sub f32_sub "f32.sub" 0x93 mvp (F32, F32) -> F32 [nan];
            F32Mul f32_mul "f32.mul" 0x94 mvp (F32, F32) -> F32 [nan];
            F32Div f32_div "f32.div" 0x95 mvp (F32, F32) -> F32 [nan];
            F32Min f32_min "f32.min" 0x96 mvp (F32, F32) -> F32 [nan];
            F32Max f32_max "f32.max" 0x97 mvp (F32, F32) -> F32 [nan];
            F32Copysign f32_copysign "f32.copysign" 0x98 mvp (F32, F32) -> F32 [];
            F64Add f64_add "f64.add" 0xa0 mvp (F64, F64) -> F64 [nan];
            F64Sub f64_sub "f64.sub" 0xa1 mvp (F64, F64) -> F64 [nan];
            F64Mul f64_mul "f64.mul" 0xa2 mvp (F64, F64) -> F64 [nan];
            F64Div f64_div "f64.div" 0xa3 mvp (F64, F64) -> F64 [nan];
            F64Min f64_min "f64.min" 0xa4 mvp (F64, F64) -> F64 [nan];
            F64Max f64_max "f64.max" 0xa5 mvp (F64, F64) -> F64 [nan];
            F64Copysign f64_copysign "f64.copysign" 0xa6 mvp (F64, F64) -> F64 [];
            I8x16Swizzle i8x16_swizzle "i8x16.swizzle" 0xfd_000e simd (V128, V128) -> V128 [];
            I8x16Eq i8x16_eq "i8x16.eq" 0xfd_0023 simd (V128, V128) -> V128 [];
            I8x16Ne i8x16_ne "i8x16.ne" 0xfd_0024 simd (V128, V128) -> V128 [];
            I8x16LtS i8x16_lt_s "i8x16.lt_s" 0xfd_0025 simd (V128, V128) -> V128 [];
            I8x16LtU i8x16_lt_u "i8x16.lt_u" 0xfd_0026 simd (V128, V128) -> V128 [];
            I8x16GtS i8x16_gt_s "i8x16.gt_s" 0xfd_0027 simd (V128, V128) -> V128 [];
            I8x16GtU i8x16_gt_u "i8x16.gt_u" 0xfd_0028 simd (V128, V128) -> V128 [];
            I8x16LeS i8x16_le_s "i8x16.le_s" 0xfd_0029 simd (V128, V128) -> V128 [];
            I8x16LeU i8x16_le_u "i8x16.le_u" 0xfd_002a simd (V128, V128) -> V128 [];
            I8x16GeS i8x16_ge_s "i8x16.ge_s" 0xfd_002b simd (V128, V128) -> V128 [];
            I8x16GeU i8x16_ge_u "i8x16.ge_u" 0xfd_002c simd (V128, V128) -> V128 [];
            I16x8Eq i16x8_eq "i16x8.eq" 0xfd_002d simd (V128, V128) -> V128 [];
            I16x8Ne i16x8_ne "i16x8.ne" 0xfd_002e simd (V128, V128) -> V128 [];
            I16x8LtS i16x8_lt_s "i16x8.lt_s" 0xfd_002f simd (V128, V128) -> V128 [];
            I16x8LtU i16x8_lt_u "i16x8.lt_u" 0xfd_0030 simd (V128, V128) -> V128 [];
            I16x8GtS i16x8_gt_s "i16x8.gt_s" 0xfd_0031 simd (V128, V128) -> V128 [];
            I16x8GtU i16x8_gt_u "i16x8.gt_u" 0xfd_0032 simd (V128, V128) -> V128 [];
            I16x8LeS i16x8_le_s "i16x8.le_s" 0xfd_0033 simd (V128, V128) -> V128 [];
            I16x8LeU i16x8_le_u "i16x8.le_u" 0xfd_0034 simd (V128, V128) -> V128 [];
            I16x8GeS i16x8_ge_s "i16x8.ge_s" 0xfd_0035 simd (V128, V128) -> V128 [];
            I16x8GeU i16x8_ge_u "i16x8.ge_u" 0xfd_0036 simd (V128, V128) -> V128 [];
            I32x4Eq i32x4_eq "i32x4.eq" 0xfd_0037 simd (V128, V128) -> V128 [];
            I32x4Ne i32x4_ne "i32x4.ne" 0xfd_0038 simd (V128, V128) -> V128 [];
            I32x4LtS i32x4_lt_s "i32x4.lt_s" 0xfd_0039 simd (V128, V128) -> V128 [];
            I32x4LtU i32x4_lt_u "i32x4.lt_u" 0xfd_003a simd (V128, V128) -> V128 [];
            I32x4GtS i32x4_gt_s "i32x4.gt_s" 0xfd_003b simd (V128, V128) -> V128 [];
            I32x4GtU i32x4_gt_u "i32x4.gt_u" 0xfd_003c simd (V128, V128) -> V128 [];
            I32x4LeS i32x4_le_s "i32x4.le_s" 0xfd_003d simd (V128, V128) -> V128 [];
            I32x4LeU i32x4_le_u "i32x4.le_u" 0xfd_003e simd (V128, V128) -> V128 [];
            I32x4GeS i32x4_ge_s "i32x4.ge_s" 0xfd_003f simd (V128, V128) -> V128 [];
            I32x4GeU i32x4_ge_u "i32x4.ge_u" 0xfd_0040 simd (V128, V128) -> V128 [];
            I64x2Eq i64x2_eq "i64x2.eq" 0xfd_00d6 simd (V128, V128) -> V128 [];
            I64x2Ne i64x2_ne "i64x2.ne" 0xfd_00d7 simd (V128, V128) -> V128 [];
            I64x2LtS i64x2_lt_s "i64x2.lt_s" 0xfd_00d8 simd (V128, V128) -> V128 [];
            I64x2GtS i64x2_gt_s "i64x2.gt_s" 0xfd_00d9 simd (V128, V128) -> V128 [];
            I64x2LeS i64x2_le_s "i64x2.le_s" 0xfd_00da simd (V128, V128) -> V128 [];
            I64x2GeS i64x2_ge_s "i64x2.ge_s" 0xfd_00db simd (V128, V128) -> V128 [];
            F32x4Eq f32x4_eq "f32x4.eq" 0xfd_0041 simd (V128, V128) -> V128 [];
            F32x4Ne f32x4_ne "f32x4.ne" 0xfd_0042 simd (V128, V128) -> V128 [];
            F32x4Lt f32x4_lt "f32x4.lt" 0xfd_0043 simd (V128, V128) -> V128 [];
            F32x4Gt f32x4_gt "f32x4.gt" 0xfd_0044 simd (V128, V128) -> V128 [];
            F32x4Le f32x4_le "f32x4.le" 0xfd_0045 simd (V128, V128) -> V128 [];
            F32x4Ge f32x4_ge "f32x4.ge" 0xfd_0046 simd (V128, V128) -> V128 [];
            F64x2Eq f64x2_eq "f64x2.eq" 0xfd_0047 simd (V128, V128) -> V128 [];
            F64x2Ne f64x2_ne "f64x2.ne" 0xfd_0048 simd (V128, V128) -> V128 [];
            F64x2Lt f64x2_lt "f64x2.lt" 0xfd_0049 simd (V128, V128) -> V128 [];
            F64x2Gt f64x2_gt "f64x2.gt" 0xfd_004a simd (V128, V128) -> V128 [];
            F64x2Le f64x2_le "f64x2.le" 0xfd_004b simd (V128, V128) -> V128 [];
            F64x2Ge f64x2_ge "f64x2.ge" 0xfd_004c simd (V128, V128) -> V128 [];
            V128And v128_and "v128.and" 0xfd_004e simd (V128, V128) -> V128 [];
            V128AndNot v128_andnot "v128.andnot" 0xfd_004f simd (V128, V128) -> V128 [];
            V128Or v128_or "v128.or" 0xfd_0050 simd (V128, V128) -> V128 [];
            V128Xor v128_xor "v128.xor" 0xfd_0051 simd (V128, V128) -> V128 [];
            I8x16NarrowI16x8S i8x16_narrow_i16x8_s "i8x16.narrow_i16x8_s" 0xfd_0065 simd (V128, V128) -> V128 [];
            I8x16NarrowI16x8U i8x16_narrow_i16x8_u "i8x16.narrow_i16x8_u" 0xfd_0066 simd (V128, V128) -> V128 [];
            I8x16Shl i8x16_shl "i8x16.shl" 0xfd_006b simd (V128, I32) -> V128 [];
            I8x16ShrS i8x16_shr_s "i8x16.shr_s" 0xfd_006c simd (V128, I32) -> V128 [];
            I8x16ShrU i8x16_shr_u "i8x16.shr_u" 0xfd_006d simd (V128, I32) -> V128 [];
            I8x16Add i8x16_add "i8x16.add" 0xfd_006e simd (V128, V128) -> V128 [];
            I8x16AddSatS i8x16_add_sat_s "i8x16.add_sat_s" 0xfd_006f simd (V128, V128) -> V128 [];
            I8x16AddSatU i8x16_add_sat_u "i8x16.add_sat_u" 0xfd_0070 simd (V128, V128) -> V128 [];
            I8x16Sub i8x16_sub "i8x16.sub" 0xfd_0071 simd (V128, V128) -> V128 [];
            I8x16SubSatS i8x16_sub_sat_s "i8x16.sub_sat_s" 0xfd_0072 simd (V128, V128) -> V128 [];
            I8x16SubSatU i8x16_sub_sat_u "i8x16.sub_sat_u" 0xfd_0073 simd (V128, V128) -> V128 [];
            I8x16MinS i8x16_min_s "i8x16.min_s" 0xfd_0076 simd (V128, V128) -> V128 [];
            I8x16MinU i8x16_min_u "i8x16.min_u" 0xfd_0077 simd (V128, V128) -> V128 [];
            I8x16MaxS i8x16_max_s "i8x16.max_s" 0xfd_0078 simd (V128, V128) -> V128 [];
            I8x16MaxU i8x16_max_u "i8x16.max_u" 0xfd_0079 simd (V128, V128) -> V128 [];
            I8x16AvgrU i8x16_avgr_u "i8x16.avgr_u" 0xfd_007b simd (V128, V128) -> V128 [];
            I16x8Q15MulrSatS i16x8_q15mulr_sat_s "i16x8.q15mulr_sat_s" 0xfd_0082 simd (V128, V128) -> V128 [];
            I16x8NarrowI32x4S i16x8_narrow_i32x4_s "i16x8.narrow_i32x4_s" 0xfd_0085 simd (V128, V128) -> V128 [];
            I16x8NarrowI32x4U i16x8_narrow_i32x4_u "i16x8.narrow_i32x4_u" 0xfd_0086 simd (V128, V128) -> V128 [];
            I16x8Shl i16x8_shl "i16x8.shl" 0xfd_008b simd (V128, I32) -> V128 [];
            I16x8ShrS i16x8_shr_s "i16x8.shr_s" 0xfd_008c simd (V128, I32) -> V128 [];
            I16x8ShrU i16x8_shr_u "i16x8.shr_u" 0xfd_008d simd (V128, I32) -> V128 [];
            I16x8Add i16x8_add "i16x8.add" 0xfd_008e simd (V128, V128) -> V128 [];
            I16x8AddSatS i16x8_add_sat_s "i16x8.add_sat_s" 0xfd_008f simd (V128, V128) -> V128 [];
            I16x8AddSatU i16x8_add_sat_u "i16x8.add_sat_u" 0xfd_0090 simd (V128, V128) -> V128 [];
            I16x8Sub i16x8_sub "i16x8.sub" 0xfd_0091 simd (V128, V128) -> V128 [];
            I16x8SubSatS i16x8_sub_sat_s "i16x8.sub_sat_s" 0xfd_0092 simd (V128, V128) -> V128 [];
            I16x8SubSatU i16x8_sub_sat_u "i16x8.sub_sat_u" 0xfd_0093 simd (V128, V128) -> V128 [];
            I16x8Mul i16x8_mul "i16x8.mul" 0xfd_0095 simd (V128, V128) -> V128 [];
            I16x8MinS i16x8_min_s "i16x8.min_s" 0xfd_0096 simd (V128, V128) -> V128 [];
            I16x8MinU i16x8_min_u "i16x8.min_u" 0xfd_0097 simd (V128, V128) -> V128 [];
            I16x8MaxS i16x8_max_s "i16x8.max_s" 0xfd_0098 simd (V128, V128) -> V128 [];
            I16x8MaxU i16x8_max_u "i16x8.max_u" 0xfd_0099 simd (V128, V128) -> V128 [];
            I16x8AvgrU i16x8_avgr_u "i16x8.avgr_u" 0xfd_009b simd (V128, V128) -> V128 [];
            I16x8ExtMulLowI8x16S i16x8_extmul_low_i8x16_s "i16x8.extmul_low_i8x16_s" 0xfd_009c simd (V128, V128) -> V128 [];
            I16x8ExtMulHighI8x16S i16x8_extmul_high_i8x16_s "i16x8.extmul_high_i8x16_s" 0xfd_009d simd (V128, V128) -> V128 [];
            I16x8ExtMulLowI8x16U i16x8_extmul_low_i8x16_u "i16x8.extmul_low_i8x16_u" 0xfd_009e simd (V128, V128) -> V128 [];
            I16x8ExtMulHighI8x16U i16x8_extmul_high_i8x16_u "i16x8.extmul_high_i8x16_u" 0xfd_009f simd (V128, V128) -> V128 [];
            I32x4Shl i32x4_shl "i32x4.shl" 0xfd_00ab simd (V128, I32) -> V128 [];
            I32x4ShrS i32x4_shr_s "i32x4.shr_s" 0xfd_00ac simd (V128, I32) -> V128 [];
            I32x4ShrU i32x4_shr_u "i32x4.shr_u" 0xfd_00ad simd (V128, I32) -> V128 [];
            I32x4Add i32x4_add "i32x4.add" 0xfd_00ae simd (V128, V128) -> V128 [];
            I32x4Sub i32x4_sub "i32x4.sub" 0xfd_00b1 simd (V128, V128) -> V128 [];
            I32x4Mul i32x4_mul "i32x4.mul" 0xfd_00b5 simd (V128, V128) -> V128 [];
            I32x4MinS i32x4_min_s "i32x4.min_s" 0xfd_00b6 simd (V128, V128) -> V128 [];
            I32x4MinU i32x4_min_u "i32x4.min_u" 0xfd_00b7 simd (V128, V128) -> V128 [];
            I32x4MaxS i32x4_max_s "i32x4.max_s" 0xfd_00b8 simd (V128, V128) -> V128 [];
            I32x4MaxU i32x4_max_u "i32x4.max_u" 0xfd_00b9 simd (V128, V128) -> V128 [];
            I32x4DotI16x8S i32x4_dot_i16x8_s "i32x4.dot_i16x8_s" 0xfd_00ba simd (V128, V128) -> V128 [];
            I32x4ExtMulLowI16x8S i32x4_extmul_low_i16x8_s "i32x4.extmul_low_i16x8_s" 0xfd_00bc simd (V128, V128) -> V128 [];
            I32x4ExtMulHighI16x8S i32x4_extmul_high_i16x8_s "i32x4.extmul_high_i16x8_s" 0xfd_00bd simd (V128, V128) -> V128 [];
            I32x4ExtMulLowI16x8U i32x4_extmul_low_i16x8_u "i32x4.extmul_low_i16x8_u" 0xfd_00be simd (V128, V128) -> V128 [];
            I32x4ExtMulHighI16x8U i32x4_extmul_high_i16x8_u "i32x4.extmul_high_i16x8_u" 0xfd_00bf simd (V128, V128) -> V128 [];
            I64x2Shl i64x2_shl "i64x2.shl" 0xfd_00cb simd (V128, I32) -> V128 [];
            I64x2ShrS i64x2_shr_s "i64x2.shr_s" 0xfd_00cc simd (V128, I32) -> V128 [];
            I64x2ShrU i64x2_shr_u "i64x2.shr_u" 0xfd_00cd simd (V128, I32) -> V128 [];
            I64x2Add i64x2_add "i64x2.add" 0xfd_00ce simd (V128, V128) -> V128 [];
            I64x2Sub i64x2_sub "i64x2.sub" 0xfd_00d1 simd (V128, V128) -> V128 [];
            I64x2Mul i64x2_mul "i64x2.mul" 0xfd_00d5 simd (V128, V128) -> V128 [];
            I64x2ExtMulLowI32x4S i64x2_extmul_low_i32x4_s "i64x2.extmul_low_i32x4_s" 0xfd_00dc simd (V128, V128) -> V128 [];
            I64x2ExtMulHighI32x4S i64x2_extmul_high_i32x4_s "i64x2.extmul_high_i32x4_s" 0xfd_00dd simd (V128, V128) -> V128 [];
            I64x2ExtMulLowI32x4U i64x2_extmul_low_i32x4_u "i64x2.extmul_low_i32x4_u" 0xfd_00de simd (V128, V128) -> V128 [];
            I64x2ExtMulHighI32x4U i64x2_extmul_high_i32x4_u "i64x2.extmul_high_i32x4_u" 0xfd_00df simd (V128, V128) -> V128 [];
            F32x4Add f32x4_add "f32x4.add" 0xfd_00e4 simd (V128, V128) -> V128 [nan];
            F32x4Sub f32x4_sub "f32x4.sub" 0xfd_00e5 simd (V128, V128) -> V128 [nan];
            F32x4Mul f32x4_mul "f32x4.mul" 0xfd_00e6 simd (V128, V128) -> V128 [nan];
            F32x4Div f32x4_div "f32x4.div" 0xfd_00e7 simd (V128, V128) -> V128 [nan];
            F32x4Min f32x4_min "f32x4.min" 0xfd_00e8 simd (V128, V128) -> V128 [nan];
            F32x4Max f32x4_max "f32x4.max" 0xfd_00e9 simd (V128, V128) -> V128 [nan];
            F32x4PMin f32x4_pmin "f32x4.pmin" 0xfd_00ea simd (V128, V128) -> V128 [];
            F32x4PMax f32x4_pmax "f32x4.pmax" 0xfd_00eb simd (V128, V128) -> V128 [];
            F64x2Add f64x2_add "f64x2.add" 0xfd_00f0 simd (V128, V128) -> V128 [nan];
            F64x2Sub f64x2_sub "f64x2.sub" 0xfd_00f1 simd (V128, V128) -> V128 [nan];
            F64x2Mul f64x2_mul "f64x2.mul" 0xfd_00f2 simd (V128, V128) -> V128 [nan];
            F64x2Div f64x2_div "f64x2.div" 0xfd_00f3 simd (V128, V128) -> V128 [nan];
            F64x2Min f64x2_min "f64x2.min" 0xfd_00f4 simd (V128, V128) -> V128 [nan];
            F64x2Max f64x2_max "f64x2.max" 0xfd_00f5 simd (V128, V128) -> V128 [nan];
            F64x2PMin f64x2_pmin "f64x2.pmin" 0xfd_00f6 simd (V128, V128) -> V128 [];
            F64x2PMax f64x2_pmax "f64x2.pmax" 0xfd_00f7 simd (V128, V128) -> V128 [];
            I8x16RelaxedSwizzle i8x16_relaxed_swizzle "i8x16.relaxed_swizzle" 0xfd_0100 relaxed_simd (V128, V128) -> V128 [];
            F32x4RelaxedMin f32x4_relaxed_min "f32x4.relaxed_min" 0xfd_010d relaxed_simd (V128, V128) -> V128 [nan];
            F32x4RelaxedMax f32x4_relaxed_max "f32x4.relaxed_max" 0xfd_010e relaxed_simd (V128, V128) -> V128 [nan];
            F64x2RelaxedMin f64x2_relaxed_min "f64x2.relaxed_min" 0xfd_010f relaxed_simd (V128, V128) -> V128 [nan];
            F64x2RelaxedMax f64x2_relaxed_max "f64x2.relaxed_max" 0xfd_0110 relaxed_simd (V128, V128) -> V128 [nan];
            I16x8RelaxedQ15mulrS i16x8_relaxed_q15mulr_s "i16x8.relaxed_q15mulr_s" 0xfd_0111 relaxed_simd (V128, V128) -> V128 [];
            I16x8RelaxedDotI8x16I7x16S i16x8_relaxed_dot_i8x16_i7x16_s "i16x8.relaxed_dot_i8x16_i7x16_s" 0xfd_0112 relaxed_simd (V128, V128) -> V128 [];
        }
        atomic_notify {
            MemoryAtomicNotify memory_atomic_notify "memory.atomic.notify" 0xfe_0000 threads (u32, I32) -> I32 [];
        }
        atomic_wait {
            MemoryAtomicWait32 memory_atomic_wait32 "memory.atomic.wait32" 0xfe_0001 threads (u32, I32, I64) -> I32 [calls];
            MemoryAtomicWait64 memory_atomic_wait64 "memory.atomic.wait64" 0xfe_0002 threads (u64, I64, I64) -> I32 [calls];
        }
        atomic_load {
            I32AtomicLoad i32_atomic_load "i32.atomic.load" 0xfe_0010 threads (u32) -> I32 [];
            I64AtomicLoad i64_atomic_load "i64.atomic.load" 0xfe_0011 threads (u64) -> I64 [];
            I32AtomicLoad8U i32_atomic_load8_u "i32.atomic.load8_u" 0xfe_0012 threads (u8) -> I32 [];
            I32AtomicLoad16U i32_atomic_load16_u "i32.atomic.load16_u" 0xfe_0013 threads (u16) -> I32 [];
            I64AtomicLoad8U i64_atomic_load8_u "i64.atomic.load8_u" 0xfe_0014 threads (u8) -> I64 [];
            I64AtomicLoad16U i64_atomic_load16_u "i64.atomic.load16_u" 0xfe_0015 threads (u16) -> I64 [];
            I64AtomicLoad32U i64_atomic_load32_u "i64.atomic.load32_u" 0xfe_0016 threads (u32) -> I64 [];
        }
        atomic_store {
            I32AtomicStore i32_atomic_store "i32.atomic.store" 0xfe_0017 threads (I32, u32) -> () [];
            I64AtomicStore i64_atomic_store "i64.atomic.store" 0xfe_0018 threads (I64, u64) -> () [];
            I32AtomicStore8 i32_atomic_store8 "i32.atomic.store8" 0xfe_0019 threads (I32, u8) -> () [];
            I32AtomicStore16 i32_atomic_store16 "i32.atomic.store16" 0xfe_001a threads (I32, u16) -> () [];
            I64AtomicStore8 i64_atomic_store8 "i64.atomic.store8" 0xfe_001b threads (I64, u8) -> () [];
            I64AtomicStore16 i64_atomic_store16 "i64.atomic.store16" 0xfe_001c threads (I64, u16) -> () [];
            I64AtomicStore32 i64_atomic_store32 "i64.atomic.store32" 0xfe_001d threads (I64, u32) -> () [];
        }
        atomic_rmw {
            I32AtomicRmwAdd i32_atomic_rmw_add "i32.atomic.rmw.add" 0xfe_001e threads (u32, I32) -> I32 [add];
            I64AtomicRmwAdd i64_atomic_rmw_add "i64.atomic.rmw.add" 0xfe_001f threads (u64, I64) -> I64 [add];
            I32AtomicRmw8AddU i32_atomic_rmw8_add_u "i32.atomic.rmw8.add_u" 0xfe_0020 threads (u8, I32) -> I32 [add];
            I32AtomicRmw16AddU i32_atomic_rmw16_add_u "i32.atomic.rmw16.add_u" 0xfe_0021 threads (u16, I32) -> I32 [add];
            I64AtomicRmw8AddU i64_atomic_rmw8_add_u "i64.atomic.rmw8.add_u" 0xfe_0022 threads (u8, I64) -> I64 [add];
            I64AtomicRmw16AddU i64_atomic_rmw16_add_u "i64.atomic.rmw16.add_u" 0xfe_0023 threads (u16, I64) -> I64 [add];
            I64AtomicRmw32AddU i64_atomic_rmw32_add_u "i64.atomic.rmw32.add_u" 0xfe_0024 threads (u32, I64) -> I64 [add];
            I32AtomicRmwSub i32_atomic_rmw_sub "i32.atomic.rmw.sub" 0xfe_0025 threads (u32, I32) -> I32 [sub];
            I64AtomicRmwSub i64_atomic_rmw_sub "i64.atomic.rmw.sub" 0xfe_0026 threads (u64, I64) -> I64 [sub];
            I32AtomicRmw8SubU i32_atomic_rmw8_sub_u "i32.atomic.rmw8.sub_u" 0xfe_0027 threads (u8, I32) -> I32 [sub];
            I32AtomicRmw16SubU i32_atomic_rmw16_sub_u "i32.atomic.rmw16.sub_u" 0xfe_0028 threads (u16, I32) -> I32 [sub];
            I64AtomicRmw8SubU i64_atomic_rmw8_sub_u "i64.atomic.rmw8.sub_u" 0xfe_0029 threads (u8, I64) -> I64 [sub];
            I64AtomicRmw16SubU i64_atomic_rmw16_sub_u "i64.atomic.rmw16.sub_u" 0xfe_002a threads (u16, I64) -> I64 [sub];
            I64AtomicRmw32SubU i64_atomic_rmw32_sub_u "i64.atomic.rmw32.sub_u" 0xfe_002b threads (u32, I64) -> I64 [sub];
            I32AtomicRmwAnd i32_atomic_rmw_and "i32.atomic.rmw.and" 0xfe_002c threads (u32, I32) -> I32 [and];
            I64AtomicRmwAnd i64_atomic_rmw_and "i64.atomic.rmw.and" 0xfe_002d threads (u64, I64) -> I64 [and];
            I32AtomicRmw8AndU i32_atomic_rmw8_and_u "i32.atomic.rmw8.and_u" 0xfe_002e threads (u8, I32) -> I32 [and];
            I32AtomicRmw16AndU i32_atomic_rmw16_and_u "i32.atomic.rmw16.and_u" 0xfe_002f threads (u16, I32) -> I32 [and];
            I64AtomicRmw8AndU i64_atomic_rmw8_and_u "i64.atomic.rmw8.and_u" 0xfe_0030 threads (u8, I64) -> I64 [and];
            I64AtomicRmw16AndU i64_atomic_rmw16_and_u "i64.atomic.rmw16.and_u" 0xfe_0031 threads (u16, I64) -> I64 [and];
            I64AtomicRmw32AndU i64_atomic_rmw32_and_u "i64.atomic.rmw32.and_u" 0xfe_0032 threads (u32, I64) -> I64 [and];
            I32AtomicRmwOr i32_atomic_rmw_or "i32.atomic.rmw.or" 0xfe_0033 threads (u32, I32) -> I32 [or];
            I64AtomicRmwOr i64_atomic_rmw_or "i64.atomic.rmw.or" 0xfe_0034 threads (u64, I64) -> I64 [or];
            I32AtomicRmw8OrU i32_atomic_rmw8_or_u "i32.atomic.rmw8.or_u" 0xfe_0035 threads (u8, I32) -> I32 [or];
            I32AtomicRmw16OrU i32_atomic_rmw16_or_u "i32.atomic.rmw16.or_u" 0xfe_0036 threads (u16, I32) -> I32 [or];
            I64AtomicRmw8OrU i64_atomic_rmw8_or_u "i64.atomic.rmw8.or_u" 0xfe_0037 threads (u8, I64) -> I64 [or];
            I64AtomicRmw16OrU i64_atomic_rmw16_or_u "i64.atomic.rmw16.or_u" 0xfe_0038 threads (u16, I64) -> I64 [or];
            I64AtomicRmw32OrU i64_atomic_rmw32_or_u "i64.atomic.rmw32.or_u" 0xfe_0039 threads (u32, I64) -> I64 [or];
            I32AtomicRmwXor i32_atomic_rmw_xor "i32.atomic.rmw.xor" 0xfe_003a threads (u32, I32) -> I32 [xor];
            I64AtomicRmwXor i64_atomic_rmw_xor "i64.atomic.rmw.xor" 0xfe_003b threads (u64, I64) -> I64 [xor];
            I32AtomicRmw8XorU i32_atomic_rmw8_xor_u "i32.atomic.rmw8.xor_u" 0xfe_003c threads (u8, I32) -> I32 [xor];
            I32AtomicRmw16XorU i32_atomic_rmw16_xor_u "i32.atomic.rmw16.xor_u" 0xfe_003d threads (u16, I32) -> I32 [xor];
            I64AtomicRmw8XorU i64_atomic_rmw8_xor_u "i64.atomic.rmw8.xor_u" 0xfe_003e threads (u8, I64) -> I64 [xor];
            I64AtomicRmw16XorU i64_atomic_rmw16_xor_u "i64.atomic.rmw16.xor_u" 0xfe_003f threads (u16, I64) -> I64 [xor];
            I64AtomicRmw32XorU i64_atomic_rmw32_xor_u "i64.atomic.rmw32.xor_u" 0xfe_0040 threads (u32, I64) -> I64 [xor];
            I32AtomicRmwXchg i32_atomic_rmw_xchg "i32.atomic.rmw.xchg" 0xfe_0041 threads (u32, I32) -> I32 [xchg];
            I64AtomicRmwXchg i64_atomic_rmw_xchg "i64.atomic.rmw.xchg" 0xfe_0042 threads (u64, I64) -> I64 [xchg];
            I32AtomicRmw8XchgU i32_atomic_rmw8_xchg_u "i32.atomic.rmw8.xchg_u" 0xfe_0043 threads (u8, I32) -> I32 [xchg];
            I32AtomicRmw16XchgU i32_atomic_rmw16_xchg_u "i32.atomic.rmw16.xchg_u" 0xfe_0044 threads (u16, I32) -> I32 [xchg];
            I64AtomicRmw8XchgU i64_atomic_rmw8_xchg_u "i64.atomic.rmw8.xchg_u" 0xfe_0045 threads (u8, I64) -> I64 [xchg];
            I64AtomicRmw16XchgU i64_atomic_rmw16_xchg_u "i64.atomic.rmw16.xchg_u" 0xfe_0046 threads (u16, I64) -> I64 [xchg];
            I64AtomicRmw32XchgU i64_atomic_rmw32_xchg_u "i64.atomic.rmw32.xchg_u" 0xfe_0047 threads (u32, I64) -> I64 [xchg];
        }
        atomic_cmpxchg {
            I32AtomicRmwCmpxchg i32_atomic_rmw_cmpxchg "i32.atomic.rmw.cmpxchg" 0xfe_0048 threads (u32, I32, I32) -> I32 [];
            I64AtomicRmwCmpxchg i64_atomic_rmw_cmpxchg "i64.atomic.rmw.cmpxchg" 0xfe_0049 threads (u64, I64, I64) -> I64 [];
            I32AtomicRmw8CmpxchgU i32_atomic_rmw8_cmpxchg_u "i32.atomic.rmw8.cmpxchg_u" 0xfe_004a threads (u8, I32, I32) -> I32 [];
            I32AtomicRmw16CmpxchgU i32_atomic_rmw16_cmpxchg_u "i32.atomic.rmw16.cmpxchg_u" 0xfe_004b threads (u16, I32, I32) -> I32 [];
            I64AtomicRmw8CmpxchgU i64_atomic_rmw8_cmpxchg_u "i64.atomic.rmw8.cmpxchg_u" 0xfe_004c threads (u8, I64, I64) -> I64 [];
            I64AtomicRmw16CmpxchgU i64_atomic_rmw16_cmpxchg_u "i64.atomic.rmw16.cmpxchg_u" 0xfe_004d threads (u16, I64, I64) -> I64 [];
            I64AtomicRmw32CmpxchgU i64_atomic_rmw32_cmpxchg_u "i64.atomic.rmw32.cmpxchg_u" 0xfe_004e threads (u32, I64, I64) -> I64 [];
        }
        load_lane {
            V128Load8Lane v128_load8_lane "v128.load8_lane" 0xfd_0054 simd (u8, V128) -> V128 [];
            V128Load16Lane v128_load16_lane "v128.load16_lane" 0xfd_0055 simd (u16, V128) -> V128 [];
            V128Load32Lane v128_load32_lane "v128.load32_lane" 0xfd_0056 simd (u32, V128) -> V128 [];
            V128Load64Lane v128_load64_lane "v128.load64_lane" 0xfd_0057 simd (u64, V128) -> V128 [];
        }
        store_lane {
            V128Store8Lane v128_store8_lane "v128.store8_lane" 0xfd_0058 simd (u8, V128) -> () [];
            V128Store16Lane v128_store16_lane "v128.store16_lane" 0xfd_0059 simd (u16, V128) -> () [];
            V128Store32Lane v128_store32_lane "v128.store32_lane" 0xfd_005a simd (u32, V128) -> () [];
            V128Store64Lane v128_store64_lane "v128.store64_lane" 0xfd_005b simd (u64, V128) -> () [];
        }
        shuffle {
            I8x16Shuffle i8x16_shuffle "i8x16.shuffle" 0xfd_000d simd (V128, V128) -> V128 [];
        }
        extract_lane {
            I8x16ExtractLaneS i8x16_extract_lane_s "i8x16.extract_lane_s" 0xfd_0015 simd (V128) -> I32 [];
            I8x16ExtractLaneU i8x16_extract_lane_u "i8x16.extract_lane_u" 0xfd_0016 simd (V128) -> I32 [];
            I16x8ExtractLaneS i16x8_extract_lane_s "i16x8.extract_lane_s" 0xfd_0018 simd (V128) -> I32 [];
            I16x8ExtractLaneU i16x8_extract_lane_u "i16x8.extract_lane_u" 0xfd_0019 simd (V128) -> I32 [];
            I32x4ExtractLane i32x4_extract_lane "i32x4.extract_lane" 0xfd_001b simd (V128) -> I32 [];
            I64x2ExtractLane i64x2_extract_lane "i64x2.extract_lane" 0xfd_001d simd (V128) -> I64 [];
            F32x4ExtractLane f32x4_extract_lane "f32x4.extract_lane" 0xfd_001f simd (V128) -> F32 [];
            F64x2ExtractLane f64x2_extract_lane "f64x2.extract_lane" 0xfd_0021 simd (V128) -> F64 [];
        }
        replace_lane {
            I8x16ReplaceLane i8x16_replace_lane "i8x16.replace_lane" 0xfd_0017 simd (V128, I32) -> V128 [];
            I16x8ReplaceLane i16x8_replace_lane "i16x8.replace_lane" 0xfd_001a simd (V128, I32) -> V128 [];
            I32x4ReplaceLane i32x4_replace_lane "i32x4.replace_lane" 0xfd_001c simd (V128, I32) -> V128 [];
            I64x2ReplaceLane i64x2_replace_lane "i64x2.replace_lane" 0xfd_001e simd (V128, I64) -> V128 [];
            F32x4ReplaceLane f32x4_replace_lane "f32x4.replace_lane" 0xfd_0020 simd (V128, F32) -> V128 [];
            F64x2ReplaceLane f64x2_replace_lane "f64x2.replace_lane" 0xfd_0022 simd (V128, F64) -> V128 [];
        }
        ternary {
            V128Bitselect v128_bitselect "v128.bitselect" 0xfd_0052 simd (V128, V128, V128) -> V128 [];
            F32x4RelaxedMadd f32x4_relaxed_madd "f32x4.relaxed_madd" 0xfd_0105 relaxed_simd (V128, V128, V128) -> V128 [nan];
            F32x4RelaxedNmadd f32x4_relaxed_nmadd "f32x4.relaxed_nmadd" 0xfd_0106 relaxed_simd (V128, V128, V128) -> V128 [nan];
            F64x2RelaxedMadd f64x2_relaxed_madd "f64x2.relaxed_madd" 0xfd_0107 relaxed_simd (V128, V128, V128) -> V128 [nan];
            F64x2RelaxedNmadd f64x2_relaxed_nmadd "f64x2.relaxed_nmadd" 0xfd_0108 relaxed_simd (V128, V128, V128) -> V128 [nan];
            I8x16RelaxedLaneselect i8x16_relaxed_laneselect "i8x16.relaxed_laneselect" 0xfd_0109 relaxed_simd (V128, V128, V128) -> V128 [];
            I16x8RelaxedLaneselect i16x8_relaxed_laneselect "i16x8.relaxed_laneselect" 0xfd_010a relaxed_simd (V128, V128, V128) -> V128 [];
            I32x4RelaxedLaneselect i32x4_relaxed_laneselect "i32x4.relaxed_laneselect" 0xfd_010b relaxed_simd (V128, V128, V128) -> V128 [];
            I64x2RelaxedLaneselect i64x2_relaxed_laneselect "i64x2.relaxed_laneselect" 0xfd_010c relaxed_simd (V128, V128, V128) -> V128 [];
            I32x4RelaxedDotI8x16I7x16AddS i32x4_relaxed_dot_i8x16_i7x16_add_s "i32x4.relaxed_dot_i8x16_i7x16_add_s" 0xfd_0113 relaxed_simd (V128, V128, V128) -> V128 [];
        }
        wide {
            I64Add128 i64_add128 "i64.add128" 0xfc_0013 wide_arithmetic (I64, I64, I64, I64) -> I64 [];
            I64Sub128 i64_sub128 "i64.sub128" 0xfc_0014 wide_arithmetic (I64, I64, I64, I64) -> I64 [];
            I64MulWideS i64_mul_wide_s "i64.mul_wide_s" 0xfc_0015 wide_arithmetic (I64, I64) -> I64 [];
            I64MulWideU i64_mul_wide_u "i64.mul_wide_u" 0xfc_0016 wide_arithmetic (I64, I64) -> I64 [];
        }
        }
        special {
            Unreachable unreachable "unreachable" 0x00 mvp [] ext 0 [traps ends];
            Jump - "jump" - internal [Loop D None, Target W None] ext 0 [ends];
            BrTable br_table "br_table" 0x0e mvp [Use A I32, Count E0L None] ext 1 [ends];
            LoopHead - "loop_head" - internal [Loop D None, LoopId W None] ext 0 [];
            Fuel - "fuel" - internal [Amount W None] ext 0 [traps];
            Poll - "poll" - internal [] ext 0 [traps calls];
            Profile - "profile" - internal [Site W None, Cell E0 None] ext 1 [calls];
            Return - "return" - internal [] ext 0 [ends];
            ReturnOne - "return.one" - internal [Use A Word] ext 0 [ends];
            ReturnConst - "return.const" - internal [Imm64 E0 Word] ext 1 [ends];
            ReturnV128 - "return.v128" - internal [Use A V128] ext 0 [ends];
            ReturnRange - "return.range" - internal [Count W None, UseRange E0L Word] ext 1 [ends];
            Copy - "copy" - internal [Def D Word, Use A Word] ext 0 [];
            CopyV128 - "copy.v128" - internal [Def D V128, Use A V128] ext 0 [];
            CopyRange - "copy.range" - internal [Count W None, DefRange E0L Word, UseRange E0H Word] ext 1 [];
            Const32 - "const.32" - internal [Def D Word, Imm32 W Word] ext 0 [];
            Const - "const" - internal [Def D Word, Imm64 E0 Word] ext 1 [];
            ConstV128 - "const.v128" - internal [Def D V128, Imm64 E0 Word, Imm64 E1 Word] ext 2 [];
            Call call "call" 0x10 mvp [Base W None, Func E0L None] ext 1 [traps calls];
            CallImport - "call.import" - internal [Base W None, Func E0L None] ext 1 [traps calls];
            CallIndirect call_indirect "call_indirect" 0x11 mvp [Base W None, Type E0L None, Table E0H None, UseRange E1L Word] ext 2 [traps calls];
            CallRef call_ref "call_ref" 0x14 function_references [Base W None, Type E0L None, UseRange E1L Ref] ext 2 [traps calls];
            ReturnCall return_call "return_call" 0x12 tail_call [Base W None, Func E0L None] ext 1 [traps calls ends];
            ReturnCallImport - "return_call.import" - internal [Base W None, Func E0L None] ext 1 [traps calls ends];
            ReturnCallIndirect return_call_indirect "return_call_indirect" 0x13 tail_call [Base W None, Type E0L None, Table E0H None, UseRange E1L Word] ext 2 [traps calls ends];
            ReturnCallRef return_call_ref "return_call_ref" 0x15 function_references [Base W None, Type E0L None, UseRange E1L Ref] ext 2 [traps calls ends];
            Throw throw "throw" 0x08 exceptions [Base W None, Tag E0L None] ext 1 [traps calls ends];
            ThrowRef throw_ref "throw_ref" 0x0a exceptions [Use A Ref] ext 0 [traps calls ends];
            GlobalGet global_get "global.get" 0x23 mvp [Def D Word, Global W None] ext 0 [];
            GlobalSet global_set "global.set" 0x24 mvp [Use D Word, Global W None] ext 0 [];
            GlobalGetV128 - "global.get.v128" - internal [Def D V128, Global W None] ext 0 [];
            GlobalSetV128 - "global.set.v128" - internal [Use D V128, Global W None] ext 0 [];
            GlobalGetOwn - "global.get.own" - internal [Def D Word, OwnGlobal W None] ext 0 [];
            GlobalSetOwn - "global.set.own" - internal [Use D Word, OwnGlobal W None] ext 0 [];
            GlobalGetOwnV128 - "global.get.own.v128" - internal [Def D V128, OwnGlobal W None] ext 0 [];
            GlobalSetOwnV128 - "global.set.own.v128" - internal [Use D V128, OwnGlobal W None] ext 0 [];
            RefFunc ref_func "ref.func" 0xd2 reference_types [Def D Ref, Func W None] ext 0 [];
            RefAsNonNull ref_as_non_null "ref.as_non_null" 0xd4 function_references [Use A Ref] ext 0 [traps];
            TableGet table_get "table.get" 0x25 reference_types [Def D Ref, Use A Word, Table E0L None] ext 1 [traps];
            TableSet table_set "table.set" 0x26 reference_types [Use A Word, Use B Ref, Table E0L None] ext 1 [traps];
            TableSize table_size "table.size" 0xfc_0010 reference_types [Def D Word, Table W None] ext 0 [];
            TableGrow table_grow "table.grow" 0xfc_000f reference_types [Def D Word, Use A Ref, Use B Word, Table E0L None] ext 1 [calls];
            TableFill table_fill "table.fill" 0xfc_0011 reference_types [Use D Word, Use A Ref, Use B Word, Table E0L None] ext 1 [traps];
            TableCopy table_copy "table.copy" 0xfc_000e bulk_memory [Use D Word, Use A Word, Use B Word, Table E0L None, Table E0H None] ext 1 [traps];
            TableInit table_init "table.init" 0xfc_000c bulk_memory [Use D Word, Use A I32, Use B I32, Table E0L None, Elem E0H None] ext 1 [traps calls];
            ElemDrop elem_drop "elem.drop" 0xfc_000d bulk_memory [Elem W None] ext 0 [];
            MemorySize memory_size "memory.size" 0x3f mvp [Def D Word, Memory W None] ext 0 [];
            MemoryGrow memory_grow "memory.grow" 0x40 mvp [Def D Word, Use A Word, Memory E0L None] ext 1 [calls];
            MemoryFill memory_fill "memory.fill" 0xfc_000b bulk_memory [Use D Word, Use A I32, Use B Word, Memory E0L None] ext 1 [traps calls];
            MemoryCopy memory_copy "memory.copy" 0xfc_000a bulk_memory [Use D Word, Use A Word, Use B Word, Memory E0L None, Memory E0H None] ext 1 [traps calls];
            MemoryInit memory_init "memory.init" 0xfc_0008 bulk_memory [Use D Word, Use A I32, Use B I32, Memory E0L None, Data E0H None] ext 1 [traps];
            DataDrop data_drop "data.drop" 0xfc_0009 bulk_memory [Data W None] ext 0 [];
            AtomicFence atomic_fence "atomic.fence" 0xfe_0003 threads [] ext 0 [];
            CanonF32 canonicalize_f32 "canon.f32" - internal [Def D F32, Use A F32] ext 0 [];
            CanonF64 canonicalize_f64 "canon.f64" - internal [Def D F64, Use A F64] ext 0 [];
            CanonF32x4 canonicalize_f32x4 "canon.f32x4" - internal [Def D V128, Use A V128] ext 0 [];
            CanonF64x2 canonicalize_f64x2 "canon.f64x2" - internal [Def D V128, Use A V128] ext 0 [];
        }
        structural {
            Nop nop "nop" 0x01 mvp;
            Block block "block" 0x02 mvp;
            Loop loop "loop" 0x03 mvp;
            If if "if" 0x04 mvp;
            Else else "else" 0x05 mvp;
            End end "end" 0x0b mvp;
            Br br "br" 0x0c mvp;
            BrIf br_if "br_if" 0x0d mvp;
            Return return "return" 0x0f mvp;
            Drop drop "drop" 0x1a mvp;
            Select select "select" 0x1b mvp;
            TypedSelect typed_select "select" 0x1c reference_types;
            LocalGet local_get "local.get" 0x20 mvp;
            LocalSet local_set "local.set" 0x21 mvp;
            LocalTee local_tee "local.tee" 0x22 mvp;
            I32Const i32_const "i32.const" 0x41 mvp;
            I64Const i64_const "i64.const" 0x42 mvp;
            F32Const f32_const "f32.const" 0x43 mvp;
            F64Const f64_const "f64.const" 0x44 mvp;
            V128Const v128_const "v128.const" 0xfd_000c simd;
            RefNull ref_null "ref.null" 0xd0 reference_types;
            RefIsNull ref_is_null "ref.is_null" 0xd1 reference_types;
            RefEq ref_eq "ref.eq" 0xd3 gc;
            BrOnNull br_on_null "br_on_null" 0xd5 function_references;
            BrOnNonNull br_on_non_null "br_on_non_null" 0xd6 function_references;
            TryTable try_table "try_table" 0x1f exceptions;
            AnyConvertExtern any_convert_extern "any.convert_extern" 0xfb_001a gc;
            ExternConvertAny extern_convert_any "extern.convert_any" 0xfb_001b gc;
        }
        refused {
            StructNew struct_new "struct.new" 0xfb_0000 gc;
            StructNewDefault struct_new_default "struct.new_default" 0xfb_0001 gc;
            StructGet struct_get "struct.get" 0xfb_0002 gc;
            StructGetS struct_get_s "struct.get_s" 0xfb_0003 gc;
            StructGetU struct_get_u "struct.get_u" 0xfb_0004 gc;
            StructSet struct_set "struct.set" 0xfb_0005 gc;
            ArrayNew array_new "array.new" 0xfb_0006 gc;
            ArrayNewDefault array_new_default "array.new_default" 0xfb_0007 gc;
            ArrayNewFixed array_new_fixed "array.new_fixed" 0xfb_0008 gc;
            ArrayNewData array_new_data "array.new_data" 0xfb_0009 gc;
            ArrayNewElem array_new_elem "array.new_elem" 0xfb_000a gc;
            ArrayGet array_get "array.get" 0xfb_000b gc;
            ArrayGetS array_get_s "array.get_s" 0xfb_000c gc;
            ArrayGetU array_get_u "array.get_u" 0xfb_000d gc;
            ArraySet array_set "array.set" 0xfb_000e gc;
            ArrayLen array_len "array.len" 0xfb_000f gc;
            ArrayFill array_fill "array.fill" 0xfb_0010 gc;
            ArrayCopy array_copy "array.copy" 0xfb_0011 gc;
            ArrayInitData array_init_data "array.init_data" 0xfb_0012 gc;
            ArrayInitElem array_init_elem "array.init_elem" 0xfb_0013 gc;
            RefTestNonNull ref_test_non_null "ref.test" 0xfb_0014 gc;
            RefTestNullable ref_test_nullable "ref.test" 0xfb_0015 gc;
            RefCastNonNull ref_cast_non_null "ref.cast" 0xfb_0016 gc;
            RefCastNullable ref_cast_nullable "ref.cast" 0xfb_0017 gc;
            BrOnCast br_on_cast "br_on_cast" 0xfb_0018 gc;
            BrOnCastFail br_on_cast_fail "br_on_cast_fail" 0xfb_0019 gc;
            RefI31 ref_i31 "ref.i31" 0xfb_001c gc;
            I31GetS i31_get_s "i31.get_s" 0xfb_001d gc;
            I31GetU i31_get_u "i31.get_u" 0xfb_001e gc;
        }
        }
    };
}
