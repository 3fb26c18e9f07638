// A set that has moved on since its build: the clusters' centres have moved, points were replaced, inserted and deleted, and queries come
// from where the clusters are now. Searched by a whole engine in this process.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Collections } from '../../src/collections/collections.js';
import type { SearchResponse } from '../../src/contract/search.js';
import { seededRandom } from '../../src/index/random.js';
import type { Matrix } from '../data/split.js';
import { collectionAfter, searchWith } from '../shapes/engine-run.js';
import { block, normalSource } from '../shapes/shape.js';
import type { Scene } from '../shapes/states.js';
import { type Truth, truthOf } from '../shapes/truth.js';
import { type Asked, cpuUsOf, type Effort, type Found, K, type Subject } from './asked.js';

const DIMENSION = 64;
const CLUSTERS = 100;
/** Of a cluster in each dimension, where its centre is drawn with 1. */
const CLUSTER_SPREAD = 0.4;
/** By which a centre moves in each dimension: as far as its points spread. */
const MOVE = 0.4;
const METRIC = 'l2';
const THREADS = 2;
const [REPLACED_SHARE, INSERTED_SHARE, DELETED_SHARE] = [0.15, 0.15, 0.2];

export async function driftSubject({
  count,
  queries,
  seed,
}: {
  count: number;
  queries: number;
  seed: number;
}): Promise<Subject> {
  const scene = driftScene(count, queries, seed);
  const directory = await mkdtemp(join(tmpdir(), 'coppice-drift-'));
  const silent = { info: () => {}, warn: console.error, error: console.error };
  const collections = await Collections.open(
    { dataDir: directory, searchThreads: THREADS, buildThreads: THREADS },
    silent,
  );
  await collections.loaded;
  const collection = await collectionAfter(
    collections,
    { metric: METRIC, dimension: DIMENSION },
    scene.steps,
  );
  const truth = truthOf(METRIC, scene.live, scene.queries, [K]);
  const rowOfId = new Map(scene.ids.map((id, i) => [id, i]));
  const ask = async (effort: Effort): Promise<Asked> => {
    const { result, us } = await cpuUsOf(() => searchWith(collection, scene.queries, { k: K, ...effort }));
    const found = result.map((answer, query) => foundOf(answer, query, rowOfId, truth));
    return { found, cpuUs: us / queries };
  };
  const close = async (): Promise<void> => {
    await collections.close();
    await rm(directory, { recursive: true });
  };
  const name = `drift, ${scene.live.count} x ${DIMENSION} live, ${queries} queries`;
  return { name, comparedAllMax: Number.POSITIVE_INFINITY, ask, close };
}

function foundOf(
  { results, stats }: SearchResponse,
  query: number,
  rowOfId: ReadonlyMap<number, number>,
  truth: Truth,
): Found {
  if (stats === undefined) throw new Error('an answer came without stats');
  const isHit = (liveRow: number | undefined) => liveRow !== undefined && truth.isHit(K, query, liveRow);
  const rows = new Set(results.map(({ id }) => rowOfId.get(Number(id))));
  const exactlyRead = stats.way === 'exact' ? stats.vectors_scanned : 0;
  return {
    hits: [...rows].filter(isHit).length,
    way: stats.way,
    scanned: stats.vectors_scanned,
    read: stats.vectors_reranked + exactlyRead,
  };
}

/** Point i has the id i; the replaced come first, then the deleted, then those that stay as they were built. */
function driftScene(count: number, queryCount: number, seed: number): Scene {
  const random = seededRandom(seed);
  const normal = normalSource(random);
  const centres = block(CLUSTERS, DIMENSION, normal);
  const draw = (rows: number): Matrix => drawn(rows, centres, random, normal);
  const old = draw(count);
  for (let i = 0; i < centres.length; i++) centres[i] = (centres[i] as number) + MOVE * normal();
  const [replaced, deleted] = [Math.round(REPLACED_SHARE * count), Math.round(DELETED_SHARE * count)];
  const fresh = draw(replaced + Math.round(INSERTED_SHARE * count));
  const freshIds = [...numbers(0, replaced), ...numbers(count, count + fresh.count - replaced)];
  const stayed = replaced + deleted;
  const values = new Float32Array((fresh.count + count - stayed) * DIMENSION);
  values.set(fresh.values);
  values.set(old.values.subarray(stayed * DIMENSION), fresh.values.length);
  return {
    steps: [
      { kind: 'insert', ids: numbers(0, count), vectors: old },
      { kind: 'build' },
      { kind: 'insert', ids: freshIds, vectors: fresh },
      { kind: 'delete', ids: numbers(replaced, stayed) },
    ],
    live: { count: values.length / DIMENSION, dimension: DIMENSION, values },
    ids: [...freshIds, ...numbers(stayed, count)],
    queries: draw(queryCount),
  };
}

function drawn(count: number, centres: Float64Array, random: () => number, normal: () => number): Matrix {
  const values = new Float32Array(count * DIMENSION);
  for (let i = 0; i < count; i++) {
    const centre = Math.floor(random() * CLUSTERS) * DIMENSION;
    for (let j = 0; j < DIMENSION; j++)
      values[i * DIMENSION + j] = (centres[centre + j] as number) + CLUSTER_SPREAD * normal();
  }
  return { count, dimension: DIMENSION, values };
}

/** [first, end) */
function numbers(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i);
}
