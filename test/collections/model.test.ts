// The engine against a Map with brute-force search: the same commands to both, for each metric, restarts included.

import { env } from 'node:process';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import type { Metric } from '../../src/contract/index-settings.js';
import { batchOf } from './batches.js';
import { creation, type Engine, openEngine, searchFor } from './engine.js';

const DIMENSION = 5;
/** More of them find more: MODEL_RUNS=50. */
const RUNS = Number(env.MODEL_RUNS ?? 3);

t.setTimeout(RUNS * 150_000);

type Command =
  | { kind: 'upsert'; points: [id: number, seed: number][] }
  | { kind: 'delete'; ids: number[] }
  | { kind: 'build' }
  | { kind: 'reopen' }
  | { kind: 'convert' }
  | { kind: 'search'; seed: number; k: number };

const id = fc.integer({ min: 0, max: 60 });
const seed = fc.integer({ min: 1, max: 10_000 });
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .uniqueArray(fc.tuple(id, seed), { selector: ([one]) => one, minLength: 1, maxLength: 25 })
      .map((points): Command => ({ kind: 'upsert', points })),
  },
  { weight: 2, arbitrary: fc.array(id, { maxLength: 8 }).map((ids): Command => ({ kind: 'delete', ids })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Command>({ kind: 'build' }, { kind: 'reopen' }, { kind: 'convert' }),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({ seed, k: fc.integer({ min: 1, max: 70 }) })
      .map((search): Command => ({ kind: 'search', ...search })),
  },
);

/** Numbers that a float32 holds exactly, so that the oracle's distances are those of the engine but for rounding. */
function vectorOf(from: number): number[] {
  return Array.from({ length: DIMENSION }, (_, at) => Math.round(50 * Math.sin(from * (at + 1))) / 4 + 0.125);
}

function dot(a: number[], b: number[]): number {
  return a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);
}

/** Smaller is nearer. */
const RANKS: Record<Metric, (a: number[], b: number[]) => number> = {
  l2: (a, b) => Math.sqrt(dot(a, a) - 2 * dot(a, b) + dot(b, b)),
  cosine: (a, b) => -dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)),
  dot: (a, b) => -dot(a, b),
};

class ModelRun {
  readonly #engine: Engine;
  readonly #metric: Metric;
  readonly #name: string;
  readonly #model = new Map<number, number[]>();

  constructor(engine: Engine, metric: Metric, name: string) {
    this.#engine = engine;
    this.#metric = metric;
    this.#name = name;
  }

  async run(one: Command): Promise<void> {
    const collection = this.#engine.collections.get(this.#name);
    if (one.kind === 'upsert') {
      for (const [pointId, from] of one.points) this.#model.set(pointId, vectorOf(from));
      await collection.upsert(
        batchOf(one.points.map(([pointId, from]) => ({ id: pointId, vector: vectorOf(from) }))),
      );
    } else if (one.kind === 'delete') {
      const before = this.#model.size;
      for (const pointId of one.ids) this.#model.delete(pointId);
      const { deleted } = await collection.deletePoints({ ids: one.ids });
      if (deleted !== before - this.#model.size) throw new Error(`${deleted} deleted`);
    } else if (one.kind === 'build') {
      if (this.#model.size === 0) return;
      const status = await collection.startBuild({ max_leaf_size: 10 }).done;
      if (status.state !== 'succeeded') throw new Error(JSON.stringify(status));
    } else if (one.kind === 'convert') {
      await collection.convertStorage(collection.describe().storage.is_using_mmap ? 'memory' : 'mmap');
    } else if (one.kind === 'reopen') await this.#engine.reopen();
    else await this.#search(one);
    if (this.#engine.collections.get(this.#name).pointsCount !== this.#model.size)
      throw new Error('another count');
  }

  /** Exact search, and index search with all leaves and generous rerank, find what brute force does. */
  async #search({ seed: from, k }: { seed: number; k: number }): Promise<void> {
    const vector = vectorOf(from);
    const rank = (pointId: number) => RANKS[this.#metric](vector, this.#model.get(pointId) ?? []);
    const expected = [...this.#model.keys()]
      .map(rank)
      .sort((a, b) => a - b)
      .slice(0, k);
    for (const effort of [{ exact: true }, { probes: 1000, rerank_factor: 100 }]) {
      const { results } = await this.#engine.collections
        .get(this.#name)
        .search(searchFor({ vector, k, ...effort }));
      const found = results.map((result) => rank(result.id as number));
      const isClose = found.every(
        (value, at) => Math.abs(value - (expected[at] as number)) < 1e-3 * (1 + Math.abs(value)),
      );
      if (found.length !== expected.length || !isClose) {
        throw new Error(`${JSON.stringify(effort)} found ${found}, expected ${expected}`);
      }
    }
  }
}

async function checkMetric(t: Test, metric: Metric): Promise<void> {
  const engine = await openEngine(t);
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 15, maxLength: 40 }), async (commands) => {
      const name = `run-${++runs}`;
      await engine.collections.create(creation({ name, dimension: DIMENSION, metric }));
      const run = new ModelRun(engine, metric, name);
      for (const one of commands) await run.run(one);
      await engine.collections.drop(name);
    }),
    { numRuns: RUNS, verbose: true, endOnFailure: true },
  );
  t.strictSame(engine.complaints, []);
}

for (const metric of ['l2', 'cosine', 'dot'] as const) {
  t.test(`commands leave the engine as they leave a Map: ${metric}`, (t) => checkMetric(t, metric));
}
