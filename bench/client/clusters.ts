// Made-up vectors in clusters, the same for the same seed: for runs that fetch nothing, and for dimensions GloVe lacks.

import { seededRandom } from '../../src/index/random.js';
import type { Matrix } from '../data/split.js';

export interface ClustersOptions {
  count: number;
  dimension: number;
  clusters: number;
  seed: number;
}

/** Each vector is a centre, drawn at random, and noise of the same spread around it. */
export function clusteredVectors({ count, dimension, clusters, seed }: ClustersOptions): Matrix {
  const random = seededRandom(seed);
  const centred = () => random() - 0.5;
  const centres = Float32Array.from({ length: clusters * dimension }, centred);
  const values = new Float32Array(count * dimension);
  for (let first = 0; first < values.length; first += dimension) {
    const centre = Math.floor(random() * clusters) * dimension;
    for (let i = 0; i < dimension; i++) values[first + i] = (centres[centre + i] as number) + centred();
  }
  return { count, dimension, values };
}
