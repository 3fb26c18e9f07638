// Which leaves a query reaches, for pending rows: these lie in the order they came, each with the number of the leaf that its
// code is a residual to, or of none. Runs on a search worker.

import type { Kernels } from '../kernels/kernels.js';
import { LEAF, LEAF_WORDS, METRIC_NUMBER } from '../kernels/layout.js';
import type { Generation } from './generation.js';
import type { Scratch } from './scratch.js';
import { codeDimension } from './settings.js';

const CONSTANT = LEAF.constant / 4;
const ERROR_SCALE = LEAF.errorScale / 4;

/** The number of the leaf of rows that lie far from every leaf: their codes are relative to the origin alone. */
export function noLeaf({ leaves }: Generation): number {
  return leaves;
}

export class ReachedLeaves {
  readonly #generation: Generation;
  readonly #kernels: Kernels;
  readonly #scratch: Scratch;

  constructor(generation: Generation, kernels: Kernels, scratch: Scratch) {
    this.#generation = generation;
    this.#kernels = kernels;
    this.#scratch = scratch;
  }

  /** Forgets the leaves of the query before; rows without a leaf are reached by every query. */
  begin(): void {
    const { ownConstantValues, ownErrorValues, reached } = this.#scratch;
    for (const leaf of reached) ownConstantValues[leaf] = Number.POSITIVE_INFINITY;
    reached.length = 0;
    const { constant, errorScale } = this.#originDistance();
    ownConstantValues[noLeaf(this.#generation)] = constant;
    ownErrorValues[noLeaf(this.#generation)] = errorScale;
  }

  /** Rows without a leaf are not reached. */
  leaveOut(): void {
    this.#scratch.ownConstantValues[noLeaf(this.#generation)] = Number.POSITIVE_INFINITY;
  }

  /** The leaf of an entry of the scratch area is reached. */
  add(leaf: number, entry: number): void {
    const { ownConstantValues, ownErrorValues, leafFloats, reached } = this.#scratch;
    ownConstantValues[leaf] = leafFloats[entry * LEAF_WORDS + CONSTANT] as number;
    ownErrorValues[leaf] = leafFloats[entry * LEAF_WORDS + ERROR_SCALE] as number;
    reached.push(leaf);
  }

  #originDistance(): { constant: number; errorScale: number } {
    const { settings, layout } = this.#generation;
    const { rotated, distances, distanceValues } = this.#scratch;
    const dim = codeDimension(settings.dimension);
    const squared = this.#kernels.squaredNorm(rotated, dim);
    const errorScale = Math.sqrt(squared);
    if (settings.metric !== 'dot') return { constant: squared, errorScale };
    this.#kernels.distances(rotated, layout.rotatedOrigin, 1, dim, METRIC_NUMBER.dot, distances);
    return { constant: distanceValues[0] as number, errorScale };
  }
}
