// The same points turned, and in l2 moved: what replaces a collection's points while their number and spread stay.

import type { Metric } from '../../src/contract/index-settings.js';
import { type Matrix, row } from '../data/split.js';

/** A copy of vectors that stand one behind the other. */
export type Turn = (values: Float32Array) => Float32Array;

/** Of the distance between two of the points: how far they are moved. */
const MOVED_TIMES = 2;

/** Numbers in reverse order, every other one negated: a turn that no rounding blurs. */
export function turnOf(points: Matrix, metric: Metric, random: () => number): Turn {
  const { dimension } = points;
  const moves = new Float64Array(dimension);
  if (metric === 'l2') {
    const [a, b] = [0, 1].map(() => row(points, Math.floor(random() * points.count)));
    for (let i = 0; i < dimension; i++) moves[i] = MOVED_TIMES * ((a?.[i] as number) - (b?.[i] as number));
  }
  return (values) => {
    const turned = new Float32Array(values.length);
    for (let first = 0; first < values.length; first += dimension) {
      for (let i = 0; i < dimension; i++) {
        const value = values[first + dimension - 1 - i] as number;
        turned[first + i] = (i % 2 === 0 ? value : -value) + (moves[i] as number);
      }
    }
    return turned;
  };
}
