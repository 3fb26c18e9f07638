// Searches that scan further leaves where more hits are to be expected in them than usual, against brute force.

import t, { type Test } from 'tap';
import { maskOf } from '../../src/index/match-mask.js';
import { WORD } from '../../src/index/memory-layout.js';
import { mergeAnswers } from '../../src/index/merge-answers.js';
import type { Answer, Query } from '../../src/index/query.js';
import type { Metric } from '../../src/index/settings.js';
import { clustered, nearestOf, TestIndex } from './built.js';

const K = 10;
const COUNT = 3000;
const METRICS = ['l2', 'cosine', 'dot'] as Metric[];
/** Holds the tree and some of the codes. */
const SMALL_MEMORY = 130_000;

const vectors = clustered(COUNT, 24, 3);
const queries = clustered(20, 24, 79);

function indexOf(metric: Metric, memoryBytes?: number): TestIndex {
  const given = { metric, dimension: 24, maxLeafSize: 50, branchingFactor: 8, bits: 4 } as const;
  const index = new TestIndex(vectors, given, COUNT, 'float32', memoryBytes);
  // In so many dimensions leaves spread; a calibration would say.
  new Float32Array(index.generation.memory.buffer, WORD.spreadDimensions * 4, 1)[0] = 24;
  return index;
}

/** A search of the nearest leaf, and of further ones until no more than `leftMax` hits are expected in the rest. */
function limited(leftMax: number, vector: Float32Array, more: Partial<Query> = {}) {
  const effort = { matchShare: 0, probes: 1, probeShare: 1, leftMax, missedMax: Number.MAX_VALUE };
  const widths = { boundWidths: 1.5, isCapped: false };
  return { vector, k: K, probes: 1, probeShare: 1, efforts: [effort], ...widths, ...more };
}

function hits(answer: Answer, expected: { distance: number }[]): number {
  const kth = expected[K - 1]?.distance as number;
  return answer.distances.filter((distance) => distance <= kth + 1e-5 * Math.abs(kth)).length;
}

interface Work {
  found: number;
  probes: number;
  scanned: number;
}

/** Sums over all queries. */
function measure(t: Test, index: TestIndex, leftMax: number): Work {
  const work = { found: 0, probes: 0, scanned: 0 };
  for (const vector of queries) {
    const answer = index.search(limited(leftMax, vector));
    const { stats, rows } = answer;
    t.equal(rows.length, new Set(rows).size, 'no row is met twice');
    t.equal(stats.doubt, undefined, 'nothing is left in doubt');
    work.found += hits(answer, nearestOf(index.settings.metric, vectors, vector, K));
    work.probes += stats.probes;
    work.scanned += stats.vectorsScanned;
  }
  return work;
}

for (const memoryBytes of [undefined, SMALL_MEMORY]) {
  t.test(`the less may be left the more is found: ${memoryBytes ?? 'one memory'}`, async (t) => {
    for (const metric of METRICS) {
      const index = indexOf(metric, memoryBytes);
      const none = measure(t, index, Number.MAX_VALUE);
      const some = measure(t, index, 0.5);
      const all = measure(t, index, 0);
      t.ok(none.probes < some.probes && some.probes < all.probes, `${metric}: more leaves`);
      t.ok(some.scanned < 0.8 * all.scanned, `${metric}: no more leaves than it takes`);
      t.ok(some.found > none.found, `${metric}: more is found`);
      t.equal(all.found, K * queries.length, `${metric}: all is found where nothing may be missed`);
    }
  });
}

t.test('under a filter and among deleted vectors, whole and in parts', async (t) => {
  for (const metric of METRICS) {
    const index = indexOf(metric);
    for (let row = 0; row < COUNT; row += 7) index.generation.markDead(index.positionOf(row));
    const isFound = (row: number): boolean => row % 7 !== 0 && row % 3 !== 0;
    const slots = vectors.flatMap((_, row) => (row % 3 !== 0 ? [index.positionOf(row)] : []));
    const listed = { slots: Uint32Array.from(slots), pending: new Uint32Array() };
    const mask = maskOf(1, listed, { slots: index.generation.slots, pendingCount: 0 });
    for (const vector of queries.slice(0, 8)) {
      const expected = nearestOf(metric, vectors, vector, K, isFound).map(({ row }) => row);
      for (const count of [1, 3]) {
        const parts = Array.from({ length: count }, (_, part) =>
          index.search(limited(0, vector, { mask }), { index: part, count }),
        );
        const { rows, stats } = parts.reduce((a, b) => mergeAnswers(a, b, K));
        t.equal(stats.isUneven ?? false, count > 1, 'parts go as far as each has to');
        if (count > 1) t.ok(stats.probes <= 4, `${stats.probes}: those that hold k, which all have scanned`);
        t.strictSame([...rows].sort(), expected.toSorted(), `${metric}, ${count} parts`);
      }
    }
  }
});

t.test('what the caller has capped is not looked into further', async (t) => {
  const index = indexOf('l2');
  for (const vector of queries) {
    t.ok(index.search(limited(0, vector, { isCapped: true })).stats.probes <= 2, 'so many as hold k');
  }
});
