// What a shape of data is: a distribution that vectors and queries are drawn from, the same for the same seed.

import type { Matrix } from '../data/split.js';

export interface Shape {
  name: string;
  dimension: number;
  /** Draws what all vectors share, such as centres, and returns how one of them is made. */
  open(random: () => number): Draw;
}

/**
 * Writes one vector into `target`, which is all zero. `at` is the number of the point, by which outliers are placed, or
 * QUERY. Returns the cluster it belongs to, or NO_CLUSTER.
 */
export type Draw = (target: Float32Array, at: number) => number;

export const QUERY = -1;
export const NO_CLUSTER = -1;

export interface Drawn extends Matrix {
  /** Of each vector: its cluster, or NO_CLUSTER. */
  clusters: Int32Array;
}

/** Points numbered from 0 on. */
export function drawPoints(draw: Draw, dimension: number, count: number): Drawn {
  const values = new Float32Array(count * dimension);
  const clusters = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    clusters[i] = draw(values.subarray(i * dimension, (i + 1) * dimension), i);
  }
  return { count, dimension, values, clusters };
}

/** Fresh draws of which `isWanted` says yes. Fails where it hardly ever does. */
export function drawQueries(
  draw: Draw,
  dimension: number,
  count: number,
  isWanted: (vector: Float32Array, cluster: number) => boolean,
): Matrix {
  const values = new Float32Array(count * dimension);
  let taken = 0;
  for (let tries = 0; taken < count; tries++) {
    if (tries > 1000 * count) throw new Error('the shape draws nothing from where the change was');
    const target = values.subarray(taken * dimension, (taken + 1) * dimension).fill(0);
    const cluster = draw(target, QUERY);
    if (isWanted(target, cluster)) taken++;
  }
  return { count, dimension, values };
}

/** N(0, 1) by Box and Muller. */
export function normalSource(random: () => number): () => number {
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

/** `count` vectors one behind the other, each number made by `next`. */
export function block(count: number, dimension: number, next: () => number): Float64Array {
  return Float64Array.from({ length: count * dimension }, next);
}

/** Index of the share that `position` in [0, 1) falls into; the shares need not add up to 1. */
export function pickShare(shares: readonly number[], position: number): number {
  let left = position * shares.reduce((sum, share) => sum + share, 0);
  for (const [index, share] of shares.entries()) {
    left -= share;
    if (left < 0) return index;
  }
  return shares.length - 1;
}
