// Second looks within a known distance, against brute force.

import t from 'tap';
import type { Generation } from '../../src/index/generation.js';
import { type MatchMask, maskOf } from '../../src/index/match-mask.js';
import { mergeAnswers } from '../../src/index/merge-answers.js';
import { withStepBefore } from '../../src/index/next-step.js';
import type { Answer, Doubt, Query } from '../../src/index/query.js';
import type { Metric } from '../../src/index/settings.js';
import { LEAF_WORDS } from '../../src/kernels/layout.js';
import { clustered, leafNumbers, nearestOf, TestIndex } from './built.js';

const K = 10;
const COUNT = 1500;
const INDEXED = 1403;
const ENCODED = 60;
const METRICS = ['l2', 'cosine', 'dot'] as Metric[];
/** Holds the tree and some of the codes. */
const SMALL_MEMORY = 130_000;

const vectors = clustered(COUNT, 24, 3);
const queries = clustered(8, 24, 79);

function indexOf(metric: Metric, memoryBytes?: number): TestIndex {
  const given = { metric, dimension: 24, maxLeafSize: 50, branchingFactor: 8, bits: 4 } as const;
  const index = new TestIndex(vectors, given, INDEXED, 'float32', memoryBytes);
  index.encode(COUNT - INDEXED - ENCODED);
  return index;
}

/** Everything that lies within the distance is in doubt. */
function ofAll(within: number): Doubt {
  return { within, isOfCandidates: true, isOfLeaves: true };
}

function ofCandidates(within: number): Doubt {
  return { within, isOfCandidates: true, isOfLeaves: false };
}

function ofLeaves(within: number): Doubt {
  return { within, isOfCandidates: false, isOfLeaves: true };
}

/** The leaf of a slot, or that of a pending row's code. */
function leafOf(generation: Generation, position: number): number {
  const { slots, leaves, leafTable } = generation;
  if (position >= slots) return leafNumbers(generation)[position - slots] as number;
  let leaf = leaves - 1;
  while ((leafTable[leaf * LEAF_WORDS + 2] as number) > position) leaf--;
  return leaf;
}

function maskFor(index: TestIndex, isMatch: (row: number) => boolean): MatchMask {
  const { slots, pendingCount } = index.generation;
  const positions = vectors.flatMap((_, row) => (isMatch(row) ? [index.positionOf(row)] : []));
  const listed = {
    slots: Uint32Array.from(positions.filter((position) => position < slots)),
    pending: Uint32Array.from(positions.filter((position) => position >= slots).map((at) => at - slots)),
  };
  return maskOf(1, listed, { slots, pendingCount });
}

/** A first look at few leaves that keeps few candidates, a second look, and both together; whole or in parts. */
function lookTwice(
  index: TestIndex,
  query: Partial<Query> & { vector: Float32Array },
  ofDoubt = ofAll,
  count = 1,
) {
  const asked = { k: K, probes: 2, rerankFactor: 1, missedMax: 0, boundWidths: 1.5, ...query };
  const look = (more: Partial<Query>): Answer[] =>
    Array.from({ length: count }, (_, part) => index.search({ ...asked, ...more }, { index: part, count }));
  const joined = (answers: Answer[]): Answer => answers.reduce((a, b) => mergeAnswers(a, b, K));
  const first = joined(look({}));
  const within = first.distances[K - 1] ?? Number.POSITIVE_INFINITY;
  const looked = { doubt: ofDoubt(within) };
  const seconds = look(looked);
  const second = joined(seconds);
  const both = withStepBefore(first, second, { exact: false, ...asked, ...looked });
  return { first, seconds, second, both };
}

for (const memoryBytes of [undefined, SMALL_MEMORY]) {
  for (const isFiltered of [false, true]) {
    const told = `${isFiltered ? 'under a filter, ' : ''}${memoryBytes ? 'several memories' : 'one memory'}`;
    t.test(`what the first look has missed a second one finds, whole and in parts: ${told}`, async (t) => {
      for (const metric of METRICS) {
        const index = indexOf(metric, memoryBytes);
        t.equal(index.generation.codeMemories.length > 0, memoryBytes !== undefined);
        for (let row = 0; row < COUNT; row += 11) index.generation.markDead(index.positionOf(row));
        const isFound = (row: number): boolean => row % 11 !== 0 && (!isFiltered || row % 3 !== 0);
        const mask = isFiltered ? { mask: maskFor(index, (row) => row % 3 !== 0) } : {};
        let compared = 0;
        for (const vector of queries) {
          const expected = nearestOf(metric, vectors, vector, K, isFound).map(({ row }) => row);
          for (const count of [1, 3]) {
            const { both, seconds } = lookTwice(index, { vector, ...mask }, ofAll, count);
            t.strictSame([...both.rows].sort(), expected.toSorted(), `${metric}, ${count} parts`);
            const rows = seconds.flatMap((answer) => [...answer.rows]);
            t.equal(rows.length, new Set(rows).size, 'no row is met twice');
            t.ok(rows.every(isFound), 'nothing else is found');
            if (count === 1) compared += both.stats.vectorsReranked;
          }
        }
        t.ok(compared < 0.6 * COUNT * queries.length, `${metric}: codes leave out some, ${compared}`);
      }
    });
  }
}

t.test('a second look at candidates is one at the leaves that were scanned', async (t) => {
  for (const metric of METRICS) {
    const index = indexOf(metric);
    index.encode();
    const { generation, scratch } = index;
    for (const vector of queries) {
      for (const count of [1, 2]) {
        const { both, second } = lookTwice(index, { vector }, ofCandidates, count);
        t.match(second.stats, { probes: 2, searchWay: 'widened' });
        const scanned = new Set([0, 1].map((i) => scratch.nodes.positionAt(i)));
        const isLookedAt = (row: number): boolean => scanned.has(leafOf(generation, index.positionOf(row)));
        t.ok([...second.rows].every(isLookedAt));
        const kth = both.distances[K - 1] as number;
        for (const { row, distance } of nearestOf(metric, vectors, vector, K, isLookedAt))
          if (distance < kth && !both.rows.includes(row)) t.fail(`${metric}: row ${row}`);
      }
    }
  }
});

t.test('a second look at other leaves leaves out those that were scanned', async (t) => {
  for (const metric of METRICS) {
    const index = indexOf(metric);
    index.encode();
    const { generation, scratch } = index;
    for (const vector of queries) {
      for (const count of [1, 2]) {
        const found = lookTwice(index, { vector, rerankFactor: 50 }, ofLeaves, count);
        const scanned = new Set([0, 1].map((i) => scratch.nodes.positionAt(i)));
        for (const row of found.second.rows) {
          t.notOk(scanned.has(leafOf(generation, index.positionOf(row))));
          t.ok(row < INDEXED, 'nor pending rows');
        }
        const expected = nearestOf(metric, vectors, vector, K).map(({ row }) => row);
        t.strictSame([...found.both.rows].sort(), expected.sort(), metric);
      }
    }
  }
});

t.test('the leaves left out are those where no more may be expected than is allowed', async (t) => {
  const index = indexOf('l2');
  index.calibrate();
  const { leaves } = index.generation;
  const [vector] = queries as [Float32Array];
  const kth = nearestOf('l2', vectors, vector, K).at(-1) as { distance: number };
  const probes = [0, 0.5, 1e3].map((missedMax) => {
    const { stats } = index.search({ vector, k: K, probes: 2, doubt: ofAll(kth.distance), missedMax });
    t.equal(stats.searchWay, stats.probes === leaves ? 'compared_all' : 'widened');
    return stats.probes;
  }) as [number, number, number];
  t.ok(probes[0] > probes[1] && probes[1] >= probes[2], `${probes}`);
  t.ok(probes[2] <= 3, 'those it was found in, and at most the best of the others');
  const doubt = ofAll(Number.POSITIVE_INFINITY);
  const wide = index.search({ vector, k: K, probes: 2, doubt, missedMax: 0 });
  t.equal(wide.stats.probes, leaves);
  t.equal(wide.stats.searchWay, 'compared_all');
});

t.test('a leaf of many vectors is looked at in stretches', async (t) => {
  const many = clustered(9000, 8, 3, 1);
  const index = new TestIndex(many, { metric: 'l2', dimension: 8, maxLeafSize: 20_000 });
  t.equal(index.generation.leaves, 1);
  const isDead = (row: number): boolean => row % 3 === 0;
  many.forEach((_, row) => {
    if (isDead(row)) index.generation.markDead(index.positionOf(row));
  });
  // The last slots are in the second stretch.
  for (let slot = 8990; slot < 9000; slot++) {
    const vector = many[index.generation.rowOf(slot)] as Float32Array;
    const expected = nearestOf('l2', many, vector, K, (row) => !isDead(row));
    const { distance } = expected.at(-1) as { distance: number };
    const doubt = ofAll(distance * 1.001);
    const query = { vector, k: K, probes: 0, doubt, missedMax: 0, boundWidths: 1.5 };
    const { rows } = index.search(query);
    t.strictSame([...rows].sort(), expected.map(({ row }) => row).sort());
  }
});

t.test('with fewer leaves fewer are compared, and what is read on the way narrows the bound', async (t) => {
  const index = indexOf('l2');
  const [vector] = queries as [Float32Array];
  const expected = nearestOf('l2', vectors, vector, K, (row) => row < INDEXED);
  const far = { vector, k: K, probes: 0, missedMax: 0, doubt: ofAll(1e6) };
  const { rows, stats } = index.search(far);
  for (const { row } of expected) t.ok(rows.includes(row));
  t.ok(stats.vectorsReranked < INDEXED, `${stats.vectorsReranked}: not all are read though all lie within`);
});

t.test('what the first look has found narrows the bound of a second look at other leaves', async (t) => {
  let [alone, told] = [0, 0];
  for (const metric of METRICS) {
    const index = indexOf(metric);
    index.encode();
    for (const vector of queries) {
      const first = index.search({ vector, k: K, probes: 2, boundWidths: 1.5 });
      const within = first.distances[K - 1] as number;
      const asked = { vector, k: K, probes: 2, boundWidths: 1.5, missedMax: 0 };
      const look = (found?: Float32Array): Answer => {
        const doubt = { ...ofLeaves(within), ...(found && { found }) };
        const second = index.search({ ...asked, doubt });
        return withStepBefore(first, second, { ...asked, rerankFactor: 50, exact: false, doubt });
      };
      const expected = nearestOf(metric, vectors, vector, K).map(({ row }) => row);
      const [without, withFound] = [look(), look(first.distances)];
      for (const answer of [without, withFound])
        t.strictSame([...answer.rows].slice(0, K).sort(), expected.toSorted(), metric);
      alone += without.stats.vectorsReranked;
      told += withFound.stats.vectorsReranked;
    }
  }
  t.ok(told < alone, `${told} rows are read instead of ${alone}`);
});
