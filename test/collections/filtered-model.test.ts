// The engine with filters against a Map with mingo: the same commands to both, and the same questions after each of them,
// for each metric, restarts included.

import { env } from 'node:process';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import type { Collection } from '../../src/collections/collection.js';
import { type Filter, filter as filterSchema } from '../../src/contract/filter.js';
import type { Metric } from '../../src/contract/index-settings.js';
import { type SearchResponse, searchGroup } from '../../src/contract/search.js';
import { isNearAnEdge } from '../filter/edges.js';
import { batchOf } from './batches.js';
import { creation, type Engine, openEngine, searchFor } from './engine.js';
import { FilterOracle, type ModelPoint } from './filter-oracle.js';
import { type Choice, type Command, type Questions, type Step, step } from './filtered-commands.js';

const DIMENSION = 5;
/** More of them find more: MODEL_RUNS=50. Of the seed: a new one each time, MODEL_SEED repeats one. */
const RUNS = Number(env.MODEL_RUNS ?? 1);
const SEED = env.MODEL_SEED === undefined ? {} : { seed: Number(env.MODEL_SEED) };
const FACETS_ALL = 1000;
const READY_TIMEOUT_MS = 10_000;
const EFFORTS = [{ exact: true }, { probes: 1000, rerank_factor: 100 }, { target_recall: 1 }];

t.setTimeout(RUNS * 150_000);

/** Numbers that a float32 holds exactly, so that the oracle's distances are those of the engine but for rounding. */
function vectorOf(from: number): number[] {
  return Array.from({ length: DIMENSION }, (_, at) => Math.round(50 * Math.sin(from * (at + 1))) / 4 + 0.125);
}

class ModelRun {
  readonly #engine: Engine;
  readonly #name: string;
  readonly #oracle: FilterOracle;

  constructor(engine: Engine, metric: Metric, name: string) {
    this.#engine = engine;
    this.#name = name;
    this.#oracle = new FilterOracle(metric);
  }

  async run(one: Step): Promise<void> {
    try {
      await this.#step(one);
    } catch (error) {
      throw new Error(
        `after ${JSON.stringify(one.command)}: ${error instanceof Error ? error.message : error}`,
        {
          cause: error,
        },
      );
    }
  }

  async #step({ command, questions }: Step): Promise<void> {
    await this.#do(command);
    equal(this.#collection.pointsCount, this.#oracle.points.size, 'points');
    if (this.#isUnclear(questions.filter)) return;
    await this.#ask(questions);
  }

  get #collection(): Collection {
    return this.#engine.collections.get(this.#name);
  }

  async #do(command: Command): Promise<void> {
    const collection = this.#collection;
    switch (command.kind) {
      case 'upsert':
        return this.#upsert(
          command.points.map(({ seed, ...point }) => ({ ...point, vector: vectorOf(seed) })),
        );
      case 'delete': {
        const keys = this.#chosen(command.choice);
        if (keys === undefined) return;
        const { deleted } = await collection.deletePoints(parsed(command.choice));
        return equal(deleted, this.#oracle.delete(keys), 'deleted');
      }
      case 'update': {
        const keys = this.#chosen(command.choice);
        if (keys === undefined) return;
        const { updated } = await collection.updatePayload({ ...parsed(command.choice), ...command.change });
        return equal(updated, this.#oracle.update(keys, command.change), 'updated');
      }
      case 'set_index':
        await collection.setPayloadIndex(command.key, command.type);
        return command.isAwaited ? indexesReady(collection) : undefined;
      case 'drop_index': {
        const indexes = await collection.listPayloadIndexes();
        if (indexes.some(({ key }) => key === command.key)) await collection.dropPayloadIndex(command.key);
        return;
      }
      case 'build': {
        if (this.#oracle.points.size === 0) return;
        const { state } = await collection.startBuild({ max_leaf_size: 10 }).done;
        return equal(state, 'succeeded', 'build');
      }
      case 'convert':
        return collection.convertStorage(collection.describe().storage.is_using_mmap ? 'memory' : 'mmap');
      case 'reopen':
        await this.#engine.reopen();
    }
  }

  async #upsert(points: ModelPoint[]): Promise<void> {
    await this.#collection.upsert(
      batchOf(points.map(({ payload, ...point }) => ({ ...point, ...(payload && { payload }) }))),
    );
    this.#oracle.upsert(points);
  }

  /** Undefined where the oracle cannot tell. */
  #chosen(choice: Choice): Set<string> | undefined {
    if ('ids' in choice) return new Set(choice.ids.map(String));
    return this.#isUnclear(choice.filter) ? undefined : new Set(this.#oracle.matching(choice.filter));
  }

  #isUnclear(filter: Filter): boolean {
    return [...this.#oracle.points.values()].some(({ payload }) => isNearAnEdge(filter, payload));
  }

  async #ask(questions: Questions): Promise<void> {
    const filter = filterSchema.parse(questions.filter);
    const keys = this.#oracle.matching(questions.filter);
    const { count } = await this.#collection.countPoints(filter);
    equal(count, keys.length, 'count');
    await this.#scroll(filter, keys, questions.pageLimit);
    await this.#facet(filter, keys, questions.key);
    for (const [index, effort] of EFFORTS.entries()) {
      const asked = { vector: vectorOf(questions.seed), k: questions.k, filter, ...effort };
      this.#checkSearch(
        await this.#collection.search(searchFor({ ...asked, with_stats: true })),
        keys,
        asked,
      );
      if (index === questions.k % EFFORTS.length) await this.#groups(keys, questions, asked);
    }
    if (this.#oracle.points.size === 0) return;
    const { recall } = await this.#collection.measureRecall({ samples: 3, k: 3, filter, ...EFFORTS[1] });
    equal(recall, 1, 'recall');
  }

  async #scroll(filter: Filter, keys: string[], limit: number): Promise<void> {
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const request = { limit, cursor, with_payload: true, with_vector: true, filter };
      const { points, lastKey } = await this.#collection.scrollPoints(request);
      for (const { id, payload = null, vector } of points) {
        const expected = this.#oracle.points.get(String(id));
        equal({ id, payload, vector: Array.from(vector ?? []) }, expected && inOrder(expected), 'scrolled');
      }
      found.push(...points.map(({ id }) => String(id)));
      if (lastKey !== undefined && points.length === 0) throw new Error('an empty page that is not the last');
      cursor = lastKey;
    } while (cursor !== undefined);
    equal(found, keys, 'scroll');
  }

  async #facet(filter: Filter, keys: string[], key: string): Promise<void> {
    const { facets } = await this.#collection.facet({ key, filter, limit: FACETS_ALL });
    const expected = this.#oracle.facet(keys, key);
    equal(new Map(facets.map(({ value, count }) => [value, count])).size, facets.length, 'distinct facets');
    for (const { value, count } of facets) equal(count, expected.get(value), `facet ${value}`);
    equal(
      new Set(facets.map(({ value }) => value)).size,
      expected.size,
      `facets of ${key}, ${[...expected.keys()]}`,
    );
    const counts = facets.map(({ count }) => count);
    equal(
      counts,
      counts.toSorted((a, b) => b - a),
      'facets in order',
    );
    const { facets: first } = await this.#collection.facet({ key, filter, limit: 2 });
    equal(first, facets.slice(0, 2), 'first facets');
  }

  #checkSearch(response: SearchResponse, keys: string[], asked: { vector: number[]; k: number }): void {
    const found = response.results.map(({ id }) => String(id));
    const foreign = found.filter((key) => !keys.includes(key));
    equal(foreign, [], `found, but not meant, ${JSON.stringify(asked)}`);
    equal(new Set(found).size, found.length, 'found twice');
    const distances = found.map((key) => this.#oracle.rank(asked.vector, key));
    close(distances, this.#oracle.nearest(asked.vector, keys, asked.k), JSON.stringify(asked));
    equal(response.stats?.filter?.matches, keys.length, 'matches');
  }

  /** Distances stand for groups and points: some are equal. */
  async #groups(
    keys: string[],
    { key, k, groupSize }: Questions,
    asked: { vector: number[]; filter: Filter },
  ): Promise<void> {
    const { vector } = asked;
    const groupCount = 1 + (k % 6);
    const request = { ...asked, k: groupCount, group_by: key, group_size: groupSize };
    const { groups = [] } = await this.#collection.search(searchFor(request));
    const nearestOf = (value: string | number | boolean, size: number) =>
      this.#oracle.nearest(vector, this.#oracle.having(keys, key, value), size);
    const firsts = [...this.#oracle.facet(keys, key).keys()].map((value) => nearestOf(value, 1)[0] as number);
    const found = groups.map(({ results }) => this.#oracle.rank(vector, String(results[0]?.id)));
    close(found, firsts.sort((a, b) => a - b).slice(0, groupCount), `groups ${JSON.stringify(request)}`);
    equal(new Set(groups.map(({ value }) => value)).size, groups.length, 'distinct groups');
    for (const group of groups) {
      const { value, results } = searchGroup.parse(group);
      const distances = results.map(({ id }) => this.#oracle.rank(vector, String(id)));
      close(distances, nearestOf(value, groupSize), `group ${value} ${JSON.stringify(request)}`);
      const foreign = results.filter(({ id }) => !this.#oracle.valuesOf(String(id), key).has(value));
      equal(foreign, [], `in group ${value}`);
    }
  }
}

function inOrder({ id, payload, vector }: ModelPoint): ModelPoint {
  return { id, payload, vector };
}

function parsed(choice: Choice): Choice {
  return 'ids' in choice ? choice : { filter: filterSchema.parse(choice.filter) };
}

async function indexesReady(collection: Collection): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const building = (await collection.listPayloadIndexes()).filter(({ state }) => state !== 'ready');
    if (building.length === 0) return;
    if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(building)}`);
    await setTimeout(1);
  }
}

function equal(found: unknown, expected: unknown, what: string): void {
  const [one, other] = [JSON.stringify(found), JSON.stringify(expected)];
  if (one !== other) throw new Error(`${what}: ${one}, expected ${other}`);
}

function close(found: number[], expected: number[], what: string): void {
  const isClose = found.every(
    (value, at) => Math.abs(value - (expected[at] as number)) < 1e-3 * (1 + Math.abs(value)),
  );
  if (found.length !== expected.length || !isClose)
    throw new Error(`${what}: ${found}, expected ${expected}`);
}

async function checkMetric(t: Test, metric: Metric): Promise<void> {
  const engine = await openEngine(t);
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 12, maxLength: 30 }), async (steps) => {
      const name = `run-${++runs}`;
      await engine.collections.create(creation({ name, dimension: DIMENSION, metric }));
      const run = new ModelRun(engine, metric, name);
      for (const one of steps) await run.run(one);
      await engine.collections.drop(name);
    }),
    { numRuns: RUNS, ...SEED, endOnFailure: true },
  );
  t.strictSame(engine.complaints, []);
}

for (const metric of ['l2', 'cosine', 'dot'] as const) {
  t.test(`commands leave the engine as they leave a Map, under any filter: ${metric}`, (t) =>
    checkMetric(t, metric),
  );
}
