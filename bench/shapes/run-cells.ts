// A process that measures: takes jobs of its parent one by one, on an engine of its own, until it is disconnected.

import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Collections } from '../../src/collections/collections.js';
import type { Metric } from '../../src/contract/index-settings.js';
import { measureCell } from './cell.js';
import { measureCopies } from './copies.js';
import type { Cell } from './print-cells.js';
import { AIMS, seedOf, shapeNamed } from './shapes.js';
import { type State, sceneOf } from './states.js';

export type Job = { shape: string; metric: Metric; count: number; queries: number } & (
  | { kind: 'cell'; state: State }
  | { kind: 'copies' }
);

const SEARCH_THREADS = 2;

const directory = await mkdtemp(join(tmpdir(), 'coppice-shapes-'));
const silent = { info: () => {}, warn: console.error, error: console.error };
const buildThreads = Math.max(1, Math.floor(availableParallelism() / Number(process.argv[2] ?? 1)));
const collections = await Collections.open(
  { dataDir: directory, searchThreads: SEARCH_THREADS, buildThreads },
  silent,
);
await collections.loaded;
process.on('message', (job: Job) => void answer(job));
process.once('disconnect', () => void end());

async function answer(job: Job): Promise<void> {
  try {
    process.send?.(await measure(job));
  } catch (error) {
    console.error(job, error);
    await end();
    process.exit(1);
  }
}

async function measure(job: Job): Promise<Cell[]> {
  const shape = shapeNamed(job.shape);
  const { metric, count, queries } = job;
  const given = { shape, metric, count, queries, seed: seedOf(shape) };
  if (job.kind === 'copies') return measureCopies(collections, given);
  const scene = sceneOf({ ...given, state: job.state });
  const results = await measureCell(collections, { metric, state: job.state, scene, aims: AIMS });
  return results.map((result) => ({ shape: shape.name, metric, state: job.state, result }));
}

async function end(): Promise<void> {
  await collections.close();
  await rm(directory, { recursive: true });
}
