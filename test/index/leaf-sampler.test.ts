// What a sample of a leaf's codes tells, against the estimates of the whole leaf.

import t from 'tap';
import { evenDistance, expectedBelow } from '../../src/index/expected-hits.js';
import { LeafSampler } from '../../src/index/leaf-sampler.js';
import { loadQuery, prepareCodes } from '../../src/index/prepare-query.js';
import type { QueryStats } from '../../src/index/query.js';
import { LeafRanker } from '../../src/index/rank-leaves.js';
import { CodeScanner } from '../../src/index/scan.js';
import type { Metric } from '../../src/index/settings.js';
import { LEAF_WORDS } from '../../src/kernels/layout.js';
import { clustered, TestIndex } from './built.js';

const COUNT = 3000;
const DIMENSION = 24;
const MARGIN = 1.15;
const vectors = clustered(COUNT, DIMENSION, 3);

function setUp(metric: Metric, maxLeafSize: number, memoryBytes?: number) {
  const given = { metric, dimension: DIMENSION, maxLeafSize } as const;
  const index = new TestIndex(vectors, given, COUNT, 'float32', memoryBytes);
  const { generation, kernels, scratch, reader } = index;
  const ranker = new LeafRanker(generation, kernels, scratch);
  const scanner = new CodeScanner(generation, kernels, scratch);
  const sampler = new LeafSampler(generation, scratch, scanner);
  const { candidates, leafWords, live, nodes } = scratch;
  const load = (vector: Float32Array): number => {
    live.refresh(kernels);
    loadQuery(vector, reader.precision, generation, kernels, scratch);
    prepareCodes(generation, kernels, scratch);
    return ranker.rank(generation.leaves, 1, live);
  };
  const found = () =>
    new Map(
      Array.from({ length: candidates.count }, (_, i) => [
        candidates.positionAt(i),
        candidates.estimateAt(i),
      ]),
    );
  const whole = (entry: number) => {
    candidates.reset(candidates.keepMax);
    const kept = leafWords.slice();
    scanner.scanLeaves(entry, entry + 1);
    leafWords.set(kept);
    return found();
  };
  const sample = (entry: number) => {
    const count = live.values[nodes.positionAt(entry)] as number;
    const stats = { vectorsScanned: 0 } as QueryStats;
    const kept = leafWords.slice();
    const spread = sampler.sample(entry, count, stats);
    if (leafWords.some((word, i) => word !== kept[i])) throw new Error('the entry is not as it was');
    const sampled = found();
    if (stats.vectorsScanned !== sampled.size) throw new Error('what is scanned is not what is sampled');
    return { count, spread, sampled };
  };
  return { index, load, whole, sample };
}

function spreadOf(estimates: Iterable<number>): { mean: number; deviation: number } {
  const values = [...estimates];
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (values.length - 1)) };
}

for (const metric of ['l2', 'cosine', 'dot'] as const) {
  for (const memoryBytes of [undefined, 130_000]) {
    t.test(`a sample spreads like its leaf: ${metric}, ${memoryBytes ?? 'one memory'}`, async (t) => {
      const { index, load, whole, sample } = setUp(metric, 500, memoryBytes);
      t.equal(index.generation.codeMemories.length > 0, memoryBytes !== undefined);
      const random = (row: number): number => (row * 2654435761) % 10;
      for (let row = 0; row < COUNT; row++)
        if (random(row) < 4) index.generation.markDead(index.positionOf(row));
      const ratios: number[] = [];
      for (const vector of vectors.slice(0, 20)) {
        const entries = load(vector);
        for (let entry = 0; entry < entries; entry++) {
          const all = whole(entry);
          const { count, spread, sampled } = sample(entry);
          t.equal(count, all.size);
          t.equal(spread.count, count);
          for (const [position, estimate] of sampled)
            if (all.get(position) !== estimate) t.fail(`${position} is not of the leaf`);
          if (sampled.size < 8) continue;
          t.ok(sampled.size <= 8 * 32);
          const even = (estimates: Map<number, number>) =>
            spreadOf([...estimates.values()].map((estimate) => evenDistance(metric, estimate)));
          const { mean, deviation } = even(all);
          t.ok(
            Math.abs(spread.mean - mean) <= (4.5 * deviation) / Math.sqrt(sampled.size),
            `${spread.mean}, ${mean}`,
          );
          ratios.push(spread.spread / deviation);
          const own = even(sampled);
          t.ok(Math.abs(spread.spread - MARGIN * own.deviation) < 1e-3 * own.deviation);
        }
      }
      t.ok(ratios.length > 100, `${ratios.length}`);
      const { mean } = spreadOf(ratios);
      t.ok(mean > 1.05 && mean < 1.25, `${mean}: a little wider than the leaf`);
    });
  }
}

t.test('a leaf of which little lives is sampled more, until there is enough', async (t) => {
  const { index, load, sample } = setUp('l2', 2000);
  for (let row = 0; row < COUNT; row++) if (row % 6 !== 0) index.generation.markDead(index.positionOf(row));
  const entries = load(vectors[1] as Float32Array);
  for (let entry = 0; entry < entries; entry++) {
    const { count, sampled } = sample(entry);
    if (count > 100) t.ok(sampled.size > 12 && sampled.size < 60, `${sampled.size} of ${count}`);
  }
});

t.test('where the sample is too small everything seems to be near', async (t) => {
  const { index, load, sample } = setUp('l2', 500);
  const { generation } = index;
  load(vectors[1] as Float32Array);
  // Seven live in each leaf.
  for (let leaf = 0; leaf < generation.leaves; leaf++) {
    const [size = 0, first = 0] = generation.leafTable.subarray(leaf * LEAF_WORDS + 1, leaf * LEAF_WORDS + 3);
    for (let slot = first + 7; slot < first + size; slot++) generation.markDead(slot);
  }
  const entries = load(vectors[1] as Float32Array);
  t.equal(entries, generation.leaves);
  for (let entry = 0; entry < entries; entry++) {
    const { count, spread } = sample(entry);
    t.equal(spread.mean, Number.NEGATIVE_INFINITY);
    for (const kth of [0, 1e-9, 100]) t.equal(expectedBelow(spread, kth, 1), count);
  }
});

t.test('all of a small leaf is its sample', async (t) => {
  const { load, whole, sample } = setUp('l2', 32);
  const entries = load(vectors[1] as Float32Array);
  for (let entry = 0; entry < entries; entry++) {
    const all = whole(entry);
    const { sampled } = sample(entry);
    t.strictSame(sampled, all);
  }
});
