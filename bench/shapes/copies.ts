// The same data moved, turned, scaled and with its dimensions in another order: neighbours stay the same, and so must recall.

import type { Collections } from '../../src/collections/collections.js';
import type { Metric } from '../../src/contract/index-settings.js';
import { seededRandom } from '../../src/index/random.js';
import { type Matrix, row } from '../data/split.js';
import { type CellResult, measureCell } from './cell.js';
import type { Cell } from './print-cells.js';
import { block, normalSource } from './shape.js';
import { type Scene, type SceneOptions, sceneOf } from './states.js';
import { distanceBetween } from './truth.js';

const AIM = { k: 10, target: 0.95 };
const RECALL_DIFFERENCE_MAX = 0.01;
/** A copy is left out where its roundings make the nearest of this many queries others than they were. */
const LOOKED_AT = 30;
const SAME_NEAREST_MIN = 0.95;

export interface Copy {
  name: string;
  metrics: readonly Metric[];
  /** Draws what is done to all vectors, and returns what writes the copy of one. */
  open(points: Matrix, random: () => number): (vector: Float32Array, target: Float32Array) => void;
}

const ALL: readonly Metric[] = ['l2', 'cosine', 'dot'];
/** Of the usual difference of two numbers: how far all are moved. A power of two leaves as many digits as there can be. */
const MOVE_TIMES = 2 ** 11;
const PAIRS_LOOKED_AT = 200;
/** Lengths that vectors are scaled to, each by itself. */
const [LENGTH_MIN, LENGTH_TIMES] = [0.01, 1e4];

const scaled = (name: string, times: number, metrics: readonly Metric[]): Copy => ({
  name,
  metrics,
  open: () => (vector, target) => writeEach(target, (i) => (vector[i] as number) * times),
});

export const COPIES: readonly Copy[] = [
  {
    name: 'moved',
    metrics: ['l2'],
    open: (points, random) => {
      const size = MOVE_TIMES * 2 ** Math.round(Math.log2(usualDifference(points, random)));
      const move = Float64Array.from({ length: points.dimension }, () => (random() < 0.5 ? -size : size));
      return (vector, target) => writeEach(target, (i) => (vector[i] as number) + (move[i] as number));
    },
  },
  { name: 'turned', metrics: ALL, open: openTurn },
  scaled('times 2^20', 2 ** 20, ['l2', 'dot']),
  scaled('times 2^-20', 2 ** -20, ['l2', 'dot']),
  scaled('times 3.7', 3.7, ['l2', 'dot']),
  {
    name: 'each scaled',
    metrics: ['cosine'],
    open: (_points, random) => (vector, target) => {
      const times = LENGTH_MIN * LENGTH_TIMES ** random();
      writeEach(target, (i) => (vector[i] as number) * times);
    },
  },
  {
    name: 'permuted',
    metrics: ALL,
    open: ({ dimension }, random) => {
      const order = Array.from({ length: dimension }, (_, i) => ({ i, at: random() }));
      order.sort((a, b) => a.at - b.at);
      return (vector, target) => writeEach(target, (i) => vector[order[i]?.i as number] as number);
    },
  },
];

function writeEach(target: Float32Array, valueAt: (i: number) => number): void {
  for (let i = 0; i < target.length; i++) target[i] = valueAt(i);
}

/** Root of the mean squared difference of two points' numbers, of the median pair: outliers do not count. */
function usualDifference(points: Matrix, random: () => number): number {
  const any = () => row(points, Math.floor(random() * points.count));
  const squares = Float64Array.from({ length: PAIRS_LOOKED_AT }, () => distanceBetween('l2', any(), any()));
  const usual = squares.toSorted()[PAIRS_LOOKED_AT / 2] as number;
  return Math.sqrt(usual / points.dimension);
}

/** A random rotation: an orthonormal basis by Gram and Schmidt. */
function openTurn(
  { dimension }: Matrix,
  random: () => number,
): (vector: Float32Array, target: Float32Array) => void {
  const basis = block(dimension, dimension, normalSource(random));
  const axis = (i: number) => basis.subarray(i * dimension, (i + 1) * dimension);
  const dot = (a: ArrayLike<number>, b: Float64Array) =>
    b.reduce((sum, y, j) => sum + (a[j] as number) * y, 0);
  for (let i = 0; i < dimension; i++) {
    const own = axis(i);
    for (let before = 0; before < i; before++) {
      const along = dot(own, axis(before));
      const other = axis(before);
      for (let j = 0; j < dimension; j++) own[j] = (own[j] as number) - along * (other[j] as number);
    }
    const length = Math.sqrt(dot(own, own));
    for (let j = 0; j < dimension; j++) own[j] = (own[j] as number) / length;
  }
  return (vector, target) => writeEach(target, (i) => dot(vector, axis(i)));
}

/** The original's recall after a build, then that of each copy; a copy fails where the two differ. */
export async function measureCopies(
  collections: Collections,
  options: Omit<SceneOptions, 'state'>,
): Promise<Cell[]> {
  const { shape, metric, seed } = options;
  const scene = sceneOf({ ...options, state: 'built' });
  const measured = { metric, state: 'built', aims: [AIM] } as const;
  const cell = (state: string, result: CellResult): Cell => ({ shape: shape.name, metric, state, result });
  const [original] = await measureCell(collections, { ...measured, scene });
  if (original === undefined) throw new Error('nothing was measured');
  const cells = [cell('original', { ...original, failures: [] })];
  for (const copy of COPIES.filter(({ metrics }) => metrics.includes(metric))) {
    const copied = copyOf(scene, copy, seededRandom(seed));
    if (!keepsNearest(metric, scene, copied)) continue;
    const [result] = await measureCell(collections, { ...measured, scene: copied });
    if (result === undefined) continue;
    const differs = Math.abs(result.recall - original.recall) > RECALL_DIFFERENCE_MAX;
    cells.push(cell(copy.name, { ...result, failures: differs ? ['recall differs'] : [] }));
  }
  return cells;
}

/** The scene of a fresh build with all its vectors copied, queries too. */
export function copyOf(scene: Scene, copy: Copy, random: () => number): Scene {
  const write = copy.open(scene.live, random);
  const copied = (matrix: Matrix): Matrix => {
    const made = { ...matrix, values: new Float32Array(matrix.values.length) };
    for (let i = 0; i < matrix.count; i++) write(row(matrix, i), row(made, i));
    return made;
  };
  const live = copied(scene.live);
  return {
    live,
    ids: scene.ids,
    queries: copied(scene.queries),
    steps: [{ kind: 'insert', ids: scene.ids, vectors: live }, { kind: 'build' }],
  };
}

/** Whether float32 still tells the neighbours apart: the nearest of the copy are those of the original. */
function keepsNearest(metric: Metric, scene: Scene, copied: Scene): boolean {
  const looked = Math.min(LOOKED_AT, scene.queries.count);
  let same = 0;
  for (let query = 0; query < looked; query++) {
    const [before, after] = [scene, copied].map(({ live, queries }) => {
      const distances = Array.from({ length: live.count }, (_, i) => ({
        i,
        distance: distanceBetween(metric, row(queries, query), row(live, i)),
      }));
      return new Set(
        distances
          .sort((a, b) => a.distance - b.distance)
          .slice(0, AIM.k)
          .map(({ i }) => i),
      );
    });
    for (const i of before ?? []) if (after?.has(i)) same++;
  }
  return same >= SAME_NEAREST_MIN * looked * AIM.k;
}
