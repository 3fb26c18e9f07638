// What happened to the points of a cell before it is searched, as steps that an engine can take; what is live afterwards,
// and queries from where the change was.

import type { Metric } from '../../src/contract/index-settings.js';
import { seededRandom } from '../../src/index/random.js';
import { type Matrix, row } from '../data/split.js';
import { type Draw, type Drawn, drawPoints, drawQueries, NO_CLUSTER, type Shape } from './shape.js';
import { distanceBetween } from './truth.js';
import { type Turn, turnOf } from './turned.js';

export const STATES = [
  'unbuilt',
  'built',
  'region deleted',
  'region inserted',
  'replaced',
  '90 % deleted',
] as const;
export type State = (typeof STATES)[number];

export type Step =
  | { kind: 'insert'; ids: number[]; vectors: Matrix }
  | { kind: 'build' }
  | { kind: 'delete'; ids: number[] };

export interface Scene {
  steps: Step[];
  /** What is live after the steps, and the id of each row. */
  live: Matrix;
  ids: number[];
  queries: Matrix;
}

export interface SceneOptions {
  shape: Shape;
  metric: Metric;
  state: State;
  /** Points before anything is deleted. */
  count: number;
  queries: number;
  seed: number;
}

/** Share of the points in a region that is deleted, or inserted after the build. */
const DELETED_SHARE = 0.38;
const CLUSTERS_DELETED_SHARE_MIN = 0.3;
const CLUSTERS_DELETED_SHARE_MAX = 0.45;
const INSERTED_SHARE = 0.04;
const RANDOM_DELETED_SHARE = 0.9;

/** Some of the points, and where they are. */
interface Region {
  isIn: boolean[];
  holds(vector: Float32Array, cluster: number): boolean;
}

export function sceneOf(options: SceneOptions): Scene {
  const { shape, count, state, seed } = options;
  const random = seededRandom(seed);
  const draw = shape.open(random);
  const points = drawPoints(draw, shape.dimension, count);
  const from = { options, draw, points, random };
  switch (state) {
    case 'unbuilt':
      return unbuilt(from);
    case 'built':
      return built(from);
    case 'region deleted':
      return regionDeleted(from);
    case 'region inserted':
      return regionInserted(from);
    case 'replaced':
      return replaced(from);
    case '90 % deleted':
      return mostDeleted(from);
  }
}

interface From {
  options: SceneOptions;
  draw: Draw;
  points: Drawn;
  random: () => number;
}

/** Cluster after cluster, as documents come. */
function unbuilt({ options, draw, points }: From): Scene {
  const order = allOf(points).sort(
    (a, b) => (points.clusters[a] as number) - (points.clusters[b] as number) || a - b,
  );
  return { ...kept(points, order), steps: [insert(points, order)], queries: anywhere(options, draw) };
}

function built({ options, draw, points }: From): Scene {
  const all = allOf(points);
  return {
    ...kept(points, all),
    steps: [insert(points, all), { kind: 'build' }],
    queries: anywhere(options, draw),
  };
}

function regionDeleted({ options, draw, points, random }: From): Scene {
  const region =
    clusterRegion(points, CLUSTERS_DELETED_SHARE_MIN, CLUSTERS_DELETED_SHARE_MAX, random) ??
    nearRegion(points, options.metric, DELETED_SHARE, random);
  const all = allOf(points);
  const deleted = all.filter((i) => region.isIn[i]);
  return {
    ...kept(
      points,
      all.filter((i) => !region.isIn[i]),
    ),
    steps: [insert(points, all), { kind: 'build' }, { kind: 'delete', ids: deleted }],
    queries: drawQueries(draw, points.dimension, options.queries, region.holds),
  };
}

function regionInserted({ options, draw, points, random }: From): Scene {
  const region =
    clusterRegion(points, 0.02, INSERTED_SHARE, random) ??
    nearRegion(points, options.metric, INSERTED_SHARE, random);
  const all = allOf(points);
  const [before, after] = [all.filter((i) => !region.isIn[i]), all.filter((i) => region.isIn[i])];
  return {
    ...kept(points, all),
    steps: [insert(points, before), { kind: 'build' }, insert(points, after)],
    queries: drawQueries(draw, points.dimension, options.queries, region.holds),
  };
}

/** By fresh draws, or by the same points turned and moved: as the seed says. */
function replaced({ options, draw, points, random }: From): Scene {
  const all = allOf(points);
  const queries = anywhere(options, draw);
  const first: Step[] = [insert(points, all), { kind: 'build' }];
  if (options.seed % 2 === 0) {
    const fresh = drawPoints(draw, points.dimension, points.count);
    return { ...kept(fresh, all), steps: [...first, insert(fresh, all)], queries };
  }
  const turn: Turn = turnOf(points, options.metric, random);
  const turned = { ...points, values: turn(points.values) };
  return {
    ...kept(turned, all),
    steps: [...first, insert(turned, all)],
    queries: { ...queries, values: turn(queries.values) },
  };
}

function mostDeleted({ options, draw, points, random }: From): Scene {
  const all = allOf(points);
  const isKept = all.map(() => random() >= RANDOM_DELETED_SHARE);
  return {
    ...kept(
      points,
      all.filter((i) => isKept[i]),
    ),
    steps: [insert(points, all), { kind: 'build' }, { kind: 'delete', ids: all.filter((i) => !isKept[i]) }],
    queries: anywhere(options, draw),
  };
}

function anywhere(options: SceneOptions, draw: Draw): Matrix {
  return drawQueries(draw, options.shape.dimension, options.queries, () => true);
}

function allOf({ count }: Matrix): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function insert(points: Matrix, ids: number[]): Step {
  return { kind: 'insert', ids, vectors: pick(points, ids) };
}

function kept(points: Matrix, ids: number[]): { live: Matrix; ids: number[] } {
  return { live: pick(points, ids), ids };
}

function pick(points: Matrix, numbers: number[]): Matrix {
  const { dimension } = points;
  const picked = { count: numbers.length, dimension, values: new Float32Array(numbers.length * dimension) };
  for (const [to, from] of numbers.entries()) row(picked, to).set(row(points, from));
  return picked;
}

/** Whole clusters that together have a share between the two; undefined where the shape has none, or none that fit. */
function clusterRegion(
  { clusters, count }: Drawn,
  shareMin: number,
  shareMax: number,
  random: () => number,
): Region | undefined {
  const sizes = new Map<number, number>();
  for (const cluster of clusters) sizes.set(cluster, (sizes.get(cluster) ?? 0) + 1);
  if (sizes.has(NO_CLUSTER)) return undefined;
  const chosen = new Set<number>();
  let size = 0;
  const inRandomOrder = [...sizes].map((entry) => ({ entry, at: random() })).sort((a, b) => a.at - b.at);
  for (const { entry } of inRandomOrder) {
    if (size + entry[1] > shareMax * count) continue;
    chosen.add(entry[0]);
    size += entry[1];
  }
  if (size < shareMin * count) return undefined;
  return {
    isIn: Array.from(clusters, (cluster) => chosen.has(cluster)),
    holds: (_vector, cluster) => chosen.has(cluster),
  };
}

/** The share of the points that are nearest to one of them. */
function nearRegion(points: Drawn, metric: Metric, share: number, random: () => number): Region {
  const anchor = row(points, Math.floor(random() * points.count)).slice();
  const distances = Float64Array.from({ length: points.count }, (_, i) =>
    distanceBetween(metric, anchor, row(points, i)),
  );
  // By rank: where all distances are equal the region must not be everything.
  const order = allOf(points).sort((a, b) => (distances[a] as number) - (distances[b] as number) || a - b);
  const chosen = new Set(order.slice(0, Math.floor(share * points.count)));
  const radius = distances[order[chosen.size - 1] as number] as number;
  const isIn = Array.from(distances, (_, i) => chosen.has(i));
  return { isIn, holds: (vector) => distanceBetween(metric, anchor, vector) <= radius };
}
