// The first stage of a search: the query in the forms that ranking, scanning and reranking take. Runs on search and build workers.

import type { Kernels } from '../kernels/kernels.js';
import type { Generation } from './generation.js';
import type { Scratch } from './scratch.js';
import { codeDimension } from './settings.js';

/** Leaves the query in `scratch.queryVector`, at unit length where the metric is cosine. */
export function loadQuery(
  vector: Float32Array,
  generation: Generation,
  kernels: Kernels,
  scratch: Scratch,
): void {
  scratch.queryVector.set(vector);
  if (generation.settings.metric === 'cosine') kernels.normalize(scratch.query, vector.length);
}

/** Rotates the loaded query and builds its lookup tables: once, whatever the number of leaves. */
export function prepareCodes(generation: Generation, kernels: Kernels, scratch: Scratch): void {
  const { settings, layout } = generation;
  const { queryVector, rotated, rotatedVector, centred, tables, tableOut, signQuery } = scratch;
  const dim = codeDimension(settings.dimension);
  rotatedVector.fill(0);
  rotatedVector.set(queryVector);
  kernels.rotate(rotated, dim, layout.signs);
  kernels.subtract(rotated, layout.centre, centred, dim);
  kernels.buildTables(centred, dim, settings.bits, tables, tableOut);
  if (settings.quantizer === 'sign') kernels.signCode(rotated, dim, signQuery);
}
