// The numbers of stored rows of any precision as float32, before their scale; those of float16 by integer arithmetic, as
// SIMD has none.

import { FLOAT16, INT8 } from './rows';

/** What is missing to the exponent when the bits of a float16 stand where those of a float32 do. */
const BIAS: f32 = reinterpret<f32>((127 + 112) << 23);

/** The first four of eight float16. Sign-extended and shifted up, bits 28-30 are copies of the sign. */
@inline
export function floatsOfLowHalves(halves: v128): v128 {
  const shifted = i32x4.shl(i32x4.extend_low_i16x8_s(halves), 13);
  return f32x4.mul(v128.and(shifted, i32x4.splat(<i32>0x8fffe000)), f32x4.splat(BIAS));
}

/** The last four. */
@inline
export function floatsOfHighHalves(halves: v128): v128 {
  const shifted = i32x4.shl(i32x4.extend_high_i16x8_s(halves), 13);
  return f32x4.mul(v128.and(shifted, i32x4.splat(<i32>0x8fffe000)), f32x4.splat(BIAS));
}

@inline
export function floatOfHalfAt(address: usize): f32 {
  return reinterpret<f32>((<u32>load<i16>(address) << 13) & 0x8fffe000) * BIAS;
}

/** Four numbers from the i-th on; `numbers`: where those of the row begin. */
@inline
export function fourNumbers(numbers: usize, i: u32, precision: u32): v128 {
  if (precision == FLOAT16) return floatsOfLowHalves(v128.load64_zero(numbers + (i << 1)));
  if (precision == INT8) {
    const words = i16x8.extend_low_i8x16_s(v128.load32_zero(numbers + i));
    return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words));
  }
  return v128.load(numbers + (i << 2));
}

@inline
export function numberAt(numbers: usize, i: u32, precision: u32): f32 {
  if (precision == FLOAT16) return floatOfHalfAt(numbers + (i << 1));
  if (precision == INT8) return <f32>load<i8>(numbers + i);
  return load<f32>(numbers + (i << 2));
}
