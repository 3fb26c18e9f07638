// The place that everything in an index is relative to. Codes, centroids and tables round what they hold: of vectors far
// from 0 the part that all of them share would take their precision. Runs on build and search workers.

import type { Kernels } from '../kernels/kernels.js';
import type { Generation } from './generation.js';
import { codeDimension } from './settings.js';

/**
 * The median of `count` rows of `width` floats, coordinate by coordinate: half of them may be anywhere and it still lies
 * among the others. Each coordinate is one of the rows', so that subtracting it from numbers near it rounds nothing.
 */
export function medianOf(rows: Float32Array, count: number, width: number): Float32Array {
  const column = new Float32Array(count);
  return Float32Array.from({ length: width }, (_, i) => {
    for (let row = 0; row < count; row++) column[row] = rows[row * width + i] as number;
    return column.sort()[(count - 1) >> 1] as number;
  });
}

/** `origin`: `codeDimension` floats, not rotated. Once for a generation, before anything in it is encoded. */
export function writeOrigin(generation: Generation, kernels: Kernels, origin: Float32Array): void {
  const { memory, layout, settings } = generation;
  const dim = codeDimension(settings.dimension);
  new Float32Array(memory.buffer, layout.origin, dim).set(origin);
  new Float32Array(memory.buffer, layout.rotatedOrigin, dim).set(origin);
  kernels.rotate(layout.rotatedOrigin, dim, layout.signs);
}
