// The first stage of a search: the query in the forms that ranking, scanning and reranking take. Runs on search and build workers.

import type { Precision } from '../contract/index-settings.js';
import type { Kernels } from '../kernels/kernels.js';
import type { Generation } from './generation.js';
import type { Scratch } from './scratch.js';
import { codeDimension } from './settings.js';

/**
 * Leaves the query in `scratch.queryVector`: at unit length where the metric is cosine. For dot, scaled by a power of two
 * to a length between 1 and 2: that changes no digit and no order, while very short and very long queries would lose
 * digits on the way. Beside it, in the form that vectors of this precision are compared with.
 * @returns the scale, which the distances must be divided by
 */
export function loadQuery(
  vector: Float32Array,
  precision: Precision,
  generation: Generation,
  kernels: Kernels,
  scratch: Scratch,
): number {
  const { metric } = generation.settings;
  scratch.queryVector.set(vector);
  if (metric === 'cosine') kernels.normalize(scratch.query, vector.length);
  const scale = metric === 'dot' ? scaleOf(vector) : 1;
  if (scale !== 1) kernels.scaleVector(scratch.query, vector.length, scale);
  if (precision === 'int8') kernels.quantizeQuery(scratch.query, vector.length, scratch.quantizedQuery);
  return scale;
}

function scaleOf(vector: Float32Array): number {
  const squared = vector.reduce((sum, value) => sum + value * value, 0);
  return squared > 0 ? 2 ** -Math.floor(Math.log2(squared) / 2) : 1;
}

/**
 * Takes the loaded query relative to the origin, rotates it and builds its lookup tables: once, whatever the number of leaves. For
 * dot the query stays where it is: <q, x> = <q, x - origin> + <q, origin>, so that its length and place change no order.
 */
export function prepareCodes(generation: Generation, kernels: Kernels, scratch: Scratch): void {
  const { settings, layout } = generation;
  const { queryVector, rotated, rotatedVector, forms } = scratch;
  const dim = codeDimension(settings.dimension);
  rotatedVector.fill(0);
  rotatedVector.set(queryVector);
  if (settings.metric !== 'dot') kernels.subtract(rotated, layout.origin, rotated, dim);
  kernels.rotate(rotated, dim, layout.signs);
  kernels.buildTables(rotated, dim, forms.tables, forms.tableOut);
  if (settings.quantizer === 'sign') kernels.signCode(rotated, dim, forms.signQuery);
}
