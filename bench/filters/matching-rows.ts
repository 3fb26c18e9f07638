// Rows that match made-up filters: strewn at random, one region of the vectors, or those farthest from the query.

import { seededRandom } from '../../src/index/random.js';
import { type Matrix, row } from '../data/split.js';

export const CORRELATIONS = ['none', 'region', 'far'] as const;
export type Correlation = (typeof CORRELATIONS)[number];

/** For a query, all rows by distance, nearest first. */
export type RowsByDistance = (query: number) => Uint32Array;

/**
 * `count` of `total` rows. `none`: each as likely; `region`: those nearest to one vector, the same for all queries, so
 * that few leaves have matches; `far`: those farthest from the query.
 */
export function matchingRows(
  correlation: Correlation,
  count: number,
  total: number,
  nearestFirst: RowsByDistance,
  query: number,
): Uint32Array {
  if (correlation === 'region') return nearestFirst(0).subarray(0, count);
  if (correlation === 'far') return nearestFirst(query).subarray(total - count);
  const random = seededRandom(query + 1);
  const rows = Uint32Array.from({ length: total }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const other = i + Math.floor(random() * (total - i));
    const held = rows[i] as number;
    rows[i] = rows[other] as number;
    rows[other] = held;
  }
  return rows.subarray(0, count);
}

/** By squared Euclidean distance of vectors at unit length, in plain loops; the last query asked for is kept, and the first. */
export function rowsByDistance(base: Matrix, queries: Matrix): RowsByDistance {
  const kept = new Map<number, Uint32Array>();
  return (query) => {
    const known = kept.get(query);
    if (known !== undefined) return known;
    const vector = row(queries, query);
    const products = new Float32Array(base.count);
    for (let i = 0; i < base.count; i++) {
      let product = 0;
      const at = i * base.dimension;
      for (let j = 0; j < vector.length; j++)
        product += (vector[j] as number) * (base.values[at + j] as number);
      products[i] = product;
    }
    const order = Uint32Array.from({ length: base.count }, (_, i) => i);
    order.sort((a, b) => (products[b] as number) - (products[a] as number));
    kept.set(query, order);
    return order;
  };
}
