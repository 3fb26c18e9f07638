// Pending rows of leaves that a search has not scanned, and of no leaf, against brute force.

import t from 'tap';
import { mergeAnswers } from '../../src/index/merge-answers.js';
import type { Answer, QueryPart } from '../../src/index/query.js';
import { LeafRanker } from '../../src/index/rank-leaves.js';
import { noLeaf } from '../../src/index/reached-leaves.js';
import type { Metric } from '../../src/index/settings.js';
import { LEAF_WORDS } from '../../src/kernels/layout.js';
import { clustered, leafNumbers, nearestOf, TestIndex } from './built.js';

const K = 10;
const DIMENSION = 24;
const INDEXED = 800;
const PENDING = 700;
const FAR = 60;
const METRICS = ['l2', 'cosine', 'dot'] as Metric[];
/** Holds the tree and some of the codes. */
const SMALL_MEMORY = 110_000;

const far = clustered(FAR, DIMENSION, 4).map((vector) =>
  vector.map((value, i) => value + (i === 0 ? 30 : 0)),
);
const vectors = [...clustered(INDEXED + PENDING, DIMENSION, 3), ...far];
const queries = [...clustered(12, DIMENSION, 79), ...far.slice(0, 3)];

function indexOf(metric: Metric, memoryBytes?: number): TestIndex {
  const given = { metric, dimension: DIMENSION, maxLeafSize: 40, branchingFactor: 8, bits: 4 } as const;
  const index = new TestIndex(vectors, given, INDEXED, 'float32', memoryBytes);
  index.encode();
  return index;
}

/** Rows of the first leaves of the last search. */
function rowsIn({ generation, scratch }: TestIndex, probes: number): Set<number> {
  const rows = new Set<number>();
  for (let i = 0; i < probes; i++) {
    const at = scratch.nodes.positionAt(i) * LEAF_WORDS;
    const [size = 0, first = 0] = generation.leafTable.subarray(at + 1, at + 3);
    for (let slot = first; slot < first + size; slot++) rows.add(generation.rowOf(slot));
  }
  return rows;
}

for (const metric of METRICS) {
  for (const memoryBytes of [undefined, SMALL_MEMORY]) {
    t.test(
      `pending rows among the k nearest are found by few leaves: ${metric}, ${memoryBytes ?? 'one memory'}`,
      async (t) => {
        const index = indexOf(metric, memoryBytes);
        const { generation } = index;
        t.equal(generation.codeMemories.length > 0, memoryBytes !== undefined);
        const numbers = leafNumbers(generation);
        t.ok(numbers.filter((leaf) => leaf < generation.leaves).length > 0.8 * PENDING, 'most have a leaf');
        for (let row = 0; row < vectors.length; row += 7) generation.markDead(index.positionOf(row));
        let unreached = 0;
        for (const vector of queries) {
          for (const probes of [1, 4]) {
            const query = { vector, k: K, probes, rerankFactor: 100, boundWidths: 2 };
            const whole = index.search(query);
            const scanned = rowsIn(index, whole.stats.probes);
            const isFound = (row: number): boolean => row % 7 !== 0 && (row >= INDEXED || scanned.has(row));
            const expected = nearestOf(metric, vectors, vector, K, isFound).map(({ row }) => row);
            t.strictSame([...whole.rows].sort(), expected.toSorted(), `${probes} leaves`);
            t.equal(new Set(whole.rows).size, whole.rows.length, 'nothing twice');
            const reached = new Set(
              Array.from({ length: whole.stats.probes }, (_, i) => index.scratch.nodes.positionAt(i)),
            );
            unreached += expected.filter(
              (row) => row >= INDEXED && !reached.has(numbers[row - INDEXED] as number),
            ).length;
            const part = (i: number): QueryPart => ({ index: i, count: 2 });
            const parts = [0, 1].map((i) => index.search(query, part(i)));
            const joined = parts.reduce((a: Answer, b) => mergeAnswers(a, b, K));
            t.strictSame([...joined.rows].sort(), expected.toSorted(), 'in parts');
            t.equal(new Set(joined.rows).size, joined.rows.length);
          }
        }
        t.ok(unreached > 20, `${unreached} of them are in other leaves, or in none`);
      },
    );
  }
}

t.test('with few candidates rows without a leaf are looked at beyond them', async (t) => {
  const index = indexOf('l2');
  const none = noLeaf(index.generation);
  t.ok(leafNumbers(index.generation).filter((leaf) => leaf === none).length >= FAR);
  for (const vector of far.slice(0, 10)) {
    const { rows } = index.search({ vector, k: K, probes: 1, rerankFactor: 1, boundWidths: 2 });
    const expected = nearestOf('l2', vectors, vector, K).map(({ row }) => row);
    t.strictSame([...rows].sort(), expected.sort());
  }
});

t.test('the nodes stay as the search has ranked them', async (t) => {
  const index = indexOf('l2');
  const { generation, kernels, scratch } = index;
  const { nodes, live } = scratch;
  const ranker = new LeafRanker(generation, kernels, scratch);
  for (const vector of queries) {
    index.search({ vector, k: K, probes: 5 });
    const after = nodes.save();
    const estimates = Array.from({ length: 5 }, (_, i) => nodes.estimateAt(i));
    t.strictSame(
      estimates,
      estimates.toSorted((a, b) => a - b),
    );
    // The query is still loaded, and its tables are.
    ranker.rank(5, 1, live);
    t.strictSame(after, nodes.save());
  }
});
