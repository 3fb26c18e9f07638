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
export function clusteredVectors(options: ClustersOptions): Matrix {
  const { count, dimension } = options;
  const [whole] = clusteredBatches(options, count);
  return whole ?? { count, dimension, values: new Float32Array() };
}

/** The same vectors, made when they are asked for: `batchCount` at a time. */
export function* clusteredBatches(
  { count, dimension, clusters, seed }: ClustersOptions,
  batchCount: number,
): Generator<Matrix> {
  const random = seededRandom(seed);
  const centred = () => random() - 0.5;
  const centres = Float32Array.from({ length: clusters * dimension }, centred);
  for (let done = 0; done < count; done += batchCount) {
    const values = new Float32Array(Math.min(batchCount, count - done) * dimension);
    for (let first = 0; first < values.length; first += dimension) {
      const centre = Math.floor(random() * clusters) * dimension;
      for (let i = 0; i < dimension; i++) values[first + i] = (centres[centre + i] as number) + centred();
    }
    yield { count: values.length / dimension, dimension, values };
  }
}
