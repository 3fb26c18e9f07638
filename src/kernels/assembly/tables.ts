// The lookup tables of one query: what a group of four code bits contributes to <u, q>, in 6 bits.

import { sumLanes } from './lanes';

/** Ranges below this give an all-zero table: their reciprocal would overflow. */
const RANGE_MIN: f32 = 1e-35;

/**
 * One table a group of four dimensions, for every plane of a code's bits. Each group's minimum is taken out and summed
 * up, and one scale holds for all groups, so that the bytes of all groups of a vector can be added as they are.
 */
export function buildTables(query: usize, dim: u32, tables: usize, out: usize): void {
  const zero = f32x4.splat(0);
  let sums = zero;
  let minima = zero;
  let range: f32 = 0;
  for (let i: u32 = 0; i < dim; i += 4) {
    const q = v128.load(query + (i << 2));
    sums = f32x4.add(sums, q);
    minima = f32x4.add(minima, f32x4.min(q, zero));
    range = max(range, sumLanes(f32x4.abs(q)));
  }
  const usable = range > RANGE_MIN;
  fill(query, dim, usable ? 63 / range : 0, tables);
  store<f32>(out, usable ? range / 63 : 0);
  store<f32>(out, sumLanes(minima), 4);
  store<f32>(out, sumLanes(sums), 8);
  store<f32>(out, 0, 12);
}

function fill(query: usize, dim: u32, factor: f32, tables: usize): void {
  const zero = f32x4.splat(0);
  const half = f32x4.splat(0.5);
  const factors = f32x4.splat(factor);
  for (let i: u32 = 0; i < dim; i += 4) {
    const q = v128.load(query + (i << 2));
    const scaled = f32x4.mul(q, factors);
    // Entry n is a sum of magnitudes: of the set bits where q is positive, of the clear bits where it is negative.
    const set = f32x4.max(scaled, zero);
    const clear = f32x4.max(f32x4.neg(scaled), zero);
    const first = v128.shuffle<f32>(clear, set, 0, 4, 0, 4);
    const second = v128.shuffle<f32>(clear, set, 1, 1, 5, 5);
    const base = f32x4.add(f32x4.add(first, second), half);
    const thirdClear = f32x4.add(base, v128.shuffle<f32>(clear, clear, 2, 2, 2, 2));
    const thirdSet = f32x4.add(base, v128.shuffle<f32>(set, set, 2, 2, 2, 2));
    const fourthClear = v128.shuffle<f32>(clear, clear, 3, 3, 3, 3);
    const fourthSet = v128.shuffle<f32>(set, set, 3, 3, 3, 3);
    const low = i16x8.narrow_i32x4_s(
      i32x4.trunc_sat_f32x4_s(f32x4.add(thirdClear, fourthClear)),
      i32x4.trunc_sat_f32x4_s(f32x4.add(thirdSet, fourthClear)),
    );
    const high = i16x8.narrow_i32x4_s(
      i32x4.trunc_sat_f32x4_s(f32x4.add(thirdClear, fourthSet)),
      i32x4.trunc_sat_f32x4_s(f32x4.add(thirdSet, fourthSet)),
    );
    v128.store(tables + (i << 2), i8x16.narrow_i16x8_s(low, high));
  }
}
