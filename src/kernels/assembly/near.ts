// Distances of rows next to the query, where products lose what tells neighbours apart: by differences.

import { multiplyAdd, sumLanes } from './lanes';
import { fourNumbers, numberAt } from './numbers';

/**
 * Below this share of the squared length, distances made of products are computed again. Above it, rounding changes them by a few
 * thousandths of themselves at most. About 3.6 degrees.
 */
export const NEAR: f32 = 1.0 / 256;
/**
 * Directions closer than this are equal. The numbers of both vectors are rounded to float32 up to four times: where the caller made
 * one of the other or of the same, when the query is brought to unit length, and when the row is. Each changes a direction by 2^-24 at most.
 */
const EQUAL: f32 = reinterpret<f32>((127 - 44) << 23); // 2^-44

/**
 * 2 - 2cos of a query of unit norm and a row, exactly 0 for equal directions. `numbers`: where those of the row begin;
 * `inverse`: of their norm, to a few units in the last place.
 *
 * With e = q - u the squared distance of unit vectors is e·e; that of nearly unit ones is longer by (|q| - |u|)², where
 * |q| - |u| = (q + u)·e / (|q| + |u|) = q·e - e·e / 2, as closely as it matters.
 */
export function nearCosineDistance(query: usize, numbers: usize, dim: u32, precision: u32, inverse: f32): f32 {
  const factors = f32x4.splat(-inverse);
  let squares = f32x4.splat(0);
  let products = squares;
  let i: u32 = 0;
  for (; i + 4 <= dim; i += 4) {
    const q = v128.load(query + (i << 2));
    const difference = multiplyAdd(fourNumbers(numbers, i, precision), factors, q);
    squares = multiplyAdd(difference, difference, squares);
    products = multiplyAdd(q, difference, products);
  }
  let square = sumLanes(squares);
  let product = sumLanes(products);
  for (; i < dim; i++) {
    const q = load<f32>(query + (i << 2));
    const difference = <f32>(<f64>q - <f64>numberAt(numbers, i, precision) * <f64>inverse);
    square += difference * difference;
    product += q * difference;
  }
  const longer = product - square / 2;
  const distance = square - longer * longer;
  return distance < EQUAL ? 0 : distance;
}
