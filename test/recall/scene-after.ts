// Scenes of a bench made by hand: what is live is what the steps have left.

import { type Matrix, row } from '../../bench/data/split.js';
import { normalSource } from '../../bench/shapes/shape.js';
import type { Scene, Step } from '../../bench/shapes/states.js';
import { seededRandom } from '../../src/index/random.js';

/** `count` vectors of N(mean, deviation) numbers. */
export function normals(
  count: number,
  dimension: number,
  { seed, mean = 0, deviation = 1 }: { seed: number; mean?: number; deviation?: number },
): Matrix {
  const normal = normalSource(seededRandom(seed));
  const values = Float32Array.from({ length: count * dimension }, () => mean + deviation * normal());
  return { count, dimension, values };
}

export function idsFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

export function inserted(vectors: Matrix, firstId = 0): Step {
  return { kind: 'insert', ids: idsFrom(firstId, vectors.count), vectors };
}

export const BUILD: Step = { kind: 'build' };

export function deleted(ids: number[]): Step {
  return { kind: 'delete', ids };
}

/** The steps taken one by one, on a map. */
export function sceneAfter(steps: Step[], queries: Matrix): Scene {
  const points = new Map<number, Float32Array>();
  for (const step of steps) {
    if (step.kind === 'insert')
      for (const [i, id] of step.ids.entries()) points.set(id, row(step.vectors, i));
    if (step.kind === 'delete') for (const id of step.ids) points.delete(id);
  }
  const { dimension } = queries;
  const live = { count: points.size, dimension, values: new Float32Array(points.size * dimension) };
  for (const [i, vector] of [...points.values()].entries()) row(live, i).set(vector);
  return { steps, live, ids: [...points.keys()], queries };
}
