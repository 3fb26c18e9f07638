// Searches under a filter, on masks made of random rows, against brute force over the rows that match and live.

import t, { type Test } from 'tap';
import { maskOf } from '../../src/index/match-mask.js';
import { planSearch } from '../../src/index/plan.js';
import type { PlannedEffort, Query } from '../../src/index/query.js';
import { seededRandom } from '../../src/index/random.js';
import type { Metric, Quantizer } from '../../src/index/settings.js';
import { clustered, nearestOf, TestIndex } from './built.js';

const K = 10;
const COUNT = 1500;
/** Sign codes rank so badly that only a rerank of everything finds all. */
const ALL = COUNT / K;
const SMALL_MEMORY = 130_000;
let keys = 0;

type Filtered = Required<Pick<Query, 'mask' | 'efforts'>>;

function filterOf(
  index: TestIndex,
  count: number,
  matches: (row: number) => boolean,
  efforts: PlannedEffort[] = [],
): Filtered {
  const { slots, pendingCount } = index.generation;
  const rows = Array.from({ length: count }, (_, row) => row).filter(matches);
  const positions = rows.map((row) => index.positionOf(row));
  const listed = {
    slots: Uint32Array.from(positions.filter((position) => position < slots)),
    pending: Uint32Array.from(
      positions.filter((position) => position >= slots),
      (position) => position - slots,
    ),
  };
  return { mask: maskOf(++keys, listed, { slots, pendingCount }), efforts };
}

const INDEXES: {
  name: string;
  quantizer: Quantizer;
  indexed: number;
  encoded: number;
  memoryBytes?: number;
}[] = [
  { name: 'leaves', quantizer: 'rabitq', indexed: 1500, encoded: 0 },
  { name: 'leaves and pending rows', quantizer: 'rabitq', indexed: 1003, encoded: 301 },
  { name: 'pending rows', quantizer: 'rabitq', indexed: 0, encoded: 700 },
  { name: 'sign codes', quantizer: 'sign', indexed: 1003, encoded: 301 },
  {
    name: 'codes in several memories',
    quantizer: 'rabitq',
    indexed: 1403,
    encoded: 50,
    memoryBytes: SMALL_MEMORY,
  },
];

for (const { name, quantizer, indexed, encoded, memoryBytes } of INDEXES) {
  t.test(`a filtered search finds the matches that live, and no others: ${name}`, async (t) => {
    const dimension = 24;
    for (const metric of ['l2', 'cosine', 'dot'] as Metric[]) {
      const vectors = clustered(COUNT, dimension, 3);
      const given = { metric, dimension, quantizer, maxLeafSize: 50, branchingFactor: 8 };
      const index = new TestIndex(vectors, given, indexed, 'float32', memoryBytes);
      t.equal(index.generation.codeMemories.length > 0, memoryBytes !== undefined);
      index.encode(COUNT - indexed - encoded);
      checkFilters(t, index, vectors);
      t.pass(metric);
    }
  });
}

/** Rows die after a mask was made, too: threads must see it. */
function checkFilters(t: Test, index: TestIndex, vectors: Float32Array[]): void {
  const random = seededRandom(7);
  const dead = new Set<number>();
  for (const share of [1, 0.5, 0.1, 0.01, 0]) {
    const matching = new Set(vectors.map((_, row) => row).filter(() => random() < share));
    const filter = filterOf(index, COUNT, (row) => matching.has(row));
    for (let round = 0; round < 2; round++) {
      const live = new Set([...matching].filter((row) => !dead.has(row)));
      checkSearches(t, index, vectors, { filter, live });
      for (let i = 0; i < 20; i++) {
        const row = Math.floor(random() * COUNT);
        if (!dead.has(row)) index.generation.markDead(index.positionOf(row));
        dead.add(row);
      }
    }
  }
}

function checkSearches(
  t: Test,
  index: TestIndex,
  vectors: Float32Array[],
  { filter, live }: { filter: Filtered; live: Set<number> },
): void {
  const { metric, dimension } = index.settings;
  for (const vector of clustered(5, dimension, 77)) {
    const expected = nearestOf(metric, vectors, vector, K, (row) => live.has(row));
    for (const exact of [true, false]) {
      const { rows, distances, stats } = index.search({ vector, k: K, exact, ...filter, rerankFactor: ALL });
      const what = `${metric}, ${live.size} matches, exact ${exact}`;
      if (stats.matches !== live.size) t.fail(`${what}: ${stats.matches} are said to match`);
      if (Math.min(rows.length, K) !== expected.length) t.fail(`${what}: ${rows.length} are found`);
      if (![...rows].every((row) => live.has(row))) t.fail(`${what}: others are found`);
      for (const [i, { distance }] of expected.entries()) {
        const isNear = Math.abs((distances[i] as number) - distance) <= 1e-4 * (1 + Math.abs(distance));
        if (!isNear) t.fail(`${what}: place ${i} is ${distances[i]}, not ${distance}`);
      }
    }
  }
}

t.test('parts of a filtered search share its work and miss nothing', async (t) => {
  const vectors = clustered(900, 16, 3);
  const given = { metric: 'l2', dimension: 16, maxLeafSize: 50 } as const;
  const index = new TestIndex(vectors, given, 700);
  index.encode(90);
  const isMatch = (row: number) => row % 3 === 0;
  const filter = filterOf(index, 900, isMatch);
  const [vector] = clustered(1, 16, 9) as [Float32Array];
  for (const exact of [true, false]) {
    const found = [0, 1, 2, 3].flatMap((part) => {
      const { rows } = index.search({ vector, k: K, exact, ...filter }, { index: part, count: 4 });
      return [...rows];
    });
    t.equal(new Set(found).size, found.length, 'no row is met twice');
    for (const { row } of nearestOf('l2', vectors, vector, K, isMatch)) t.ok(found.includes(row));
  }
});

t.test('rows that are newer than the mask are let through, whatever the scan', async (t) => {
  const vectors = clustered(600, 16, 3);
  const index = new TestIndex(vectors, { metric: 'l2', dimension: 16, maxLeafSize: 50 }, 300);
  index.encode(100);
  const { slots } = index.generation;
  for (const known of [0, 1, 131, 250, 299]) {
    const listed = { slots: new Uint32Array(), pending: Uint32Array.from(known > 0 ? [0] : []) };
    const mask = maskOf(++keys, listed, { slots, pendingCount: known });
    const isLetThrough = (row: number) => (row === 300 && known > 0) || row >= 300 + known;
    for (const [i, vector] of clustered(5, 16, 78).entries()) {
      const { distances, rows } = index.search({ vector, k: K, exact: i % 2 === 0, mask, efforts: [] });
      t.ok([...rows].every(isLetThrough), `${known} known`);
      const expected = nearestOf('l2', vectors, vector, K, isLetThrough);
      t.equal(Math.min(rows.length, K), expected.length);
      t.ok(expected.every(({ distance }, place) => Math.abs((distances[place] as number) - distance) < 1e-3));
    }
  }
});

t.test(
  'a match that gets its code while a search begins is found, though nothing else of its leaf matches',
  async (t) => {
    const vectors = clustered(400, 16, 3);
    for (const look of [1, 2, 3, 4, 5]) {
      const index = new TestIndex(vectors, { metric: 'l2', dimension: 16, maxLeafSize: 20 }, 300);
      const filter = filterOf(index, 400, (row) => row === 350);
      index.encodeAtLook(look);
      const { rows } = index.search({ vector: vectors[7] as Float32Array, k: 3, ...filter });
      t.strictSame([...rows], [350], `look ${look}`);
    }
  },
);

t.test('an index of nothing has no matches, until rows are pending', async (t) => {
  const index = new TestIndex([], { metric: 'l2', dimension: 16 });
  const filter = filterOf(index, 0, () => true);
  for (const exact of [true, false]) {
    const { rows, stats } = index.search({ vector: new Float32Array(16), k: 3, exact, ...filter });
    t.equal(rows.length, 0);
    t.equal(stats.matches, 0);
  }
});

t.test(
  'the effort is the first whose share matches near the query; beyond all of them the answer is in doubt',
  async (t) => {
    const count = 2000;
    const vectors = clustered(count, 16, 3, 40);
    const index = new TestIndex(vectors, { metric: 'l2', dimension: 16, maxLeafSize: 40 });
    const efforts = [
      { matchShare: 0.5, probes: 2, probeShare: 1, leftMax: Number.MAX_VALUE, missedMax: 0 },
      { matchShare: 0.25, probes: 5, probeShare: 1, leftMax: Number.MAX_VALUE, missedMax: 0 },
    ];
    const [vector] = vectors as [Float32Array];
    const ask = (isMatch: (row: number) => boolean) =>
      index.search({ vector, k: 3, isCapped: false, ...filterOf(index, count, isMatch, efforts) }).stats;
    const everywhere = ask(() => true);
    t.equal(everywhere.searchWay, 'probes');
    t.equal(everywhere.probes, 2);
    const third = ask((row) => row % 3 === 0);
    t.equal(third.searchWay, 'probes');
    t.ok(third.probes <= 5 && third.probes > 2, `${third.probes} of 5 leaves have matches`);
    const few = ask((row) => row % 50 === 0);
    t.equal(few.searchWay, 'probes');
    t.match(few.doubt, { isOfLeaves: true }, 'too few everywhere');
    const filter = filterOf(index, count, (row) => row % 50 === 0, efforts);
    const { ways, rows, stats } = index.find({ vector, k: 3, isCapped: false, ...filter });
    t.strictSame(ways[0], 'probes');
    t.ok(ways.length > 1);
    t.ok(stats.probes < index.generation.leaves, 'leaves without a match are left out');
    const truth = nearestOf('l2', vectors, vector, 3, (row) => row % 50 === 0);
    t.strictSame(
      [...rows],
      truth.map(({ row }) => row),
    );
  },
);

t.test(
  'where no leaf near the query has a match, the effort is in doubt, and what follows finds them',
  async (t) => {
    const count = 2000;
    const vectors = clustered(count, 16, 3, 40);
    const index = new TestIndex(vectors, { metric: 'l2', dimension: 16, maxLeafSize: 40 });
    const efforts = [
      { matchShare: 0.5, probes: 2, probeShare: 1, leftMax: Number.MAX_VALUE, missedMax: 0.1 },
    ];
    const [vector] = vectors as [Float32Array];
    // Vectors of one cluster are every 40th.
    const isMatch = (row: number) => row % 40 >= 20;
    const query = { vector, k: 3, ...filterOf(index, count, isMatch, efforts) };
    t.notOk('doubt' in index.search(query).stats, 'not looked into');
    const answer = index.find({ ...query, boundWidths: 1, isCapped: false });
    t.equal(answer.ways[0], 'probes');
    t.ok(answer.ways.length > 1, `${answer.ways}`);
    const truth = nearestOf('l2', vectors, vector, 3, isMatch).map(({ row }) => row);
    t.strictSame([...answer.rows], truth);
  },
);

t.test('fewer matches than are wanted leave nothing in doubt', async (t) => {
  const vectors = clustered(COUNT, 24, 3);
  const index = new TestIndex(vectors, { metric: 'l2', dimension: 24, maxLeafSize: 50 });
  const [vector] = clustered(1, 24, 9) as [Float32Array];
  const all = {
    matchShare: 0,
    probes: index.generation.leaves,
    probeShare: 1,
    leftMax: Number.MAX_VALUE,
    missedMax: 0,
  };
  for (const efforts of [[], [all]]) {
    const filter = filterOf(index, COUNT, (row) => row % 100 === 0, efforts);
    const query = { vector, k: 20, ...filter, rerankFactor: 3, boundWidths: 1.5, isCapped: false };
    const { rows, stats } = index.search(query);
    t.equal(rows.length, 15);
    t.notOk('doubt' in stats);
    t.strictSame(index.find(query).ways, ['compared_all']);
  }
});

t.test('matches far from the query are found at the declared recall, whatever metric and k', async (t) => {
  const count = 8000;
  const dimension = 16;
  const random = seededRandom(31);
  const normal = (): number => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += random();
    return sum;
  };
  const vectors = Array.from({ length: count }, () => Float32Array.from({ length: dimension }, normal));
  const centre = Float32Array.from({ length: dimension }, normal);
  for (const metric of ['l2', 'cosine', 'dot'] as Metric[]) {
    const index = new TestIndex(vectors, { metric, dimension });
    // Vectors of so many bytes would be dear to compare.
    const shape = { ...index.shape, rowBytes: 4096 };
    const calibration = index.calibrate();
    const nearestFirst = nearestOf(metric, vectors, centre, count).map(({ row }) => row);
    for (const share of [0.7, 0.3]) {
      const matching = new Set(nearestFirst.slice(Math.round((1 - share) * count)));
      const { mask } = filterOf(index, count, (row) => matching.has(row));
      for (const k of [10, 100]) {
        let found = 0;
        let queries = 0;
        for (; queries < 5; queries++) {
          const vector = centre.map((value) => value + 0.1 * normal());
          const plan = planSearch(shape, calibration, { k, targetRecall: 0.95 }, mask);
          t.equal(plan.exact, false);
          const answer = index.find({ vector, k, ...plan, mask });
          const truth = nearestOf(metric, vectors, vector, k, (row) => matching.has(row));
          found += truth.filter(({ row }) => answer.rows.includes(row)).length;
        }
        t.ok(found >= 0.94 * k * queries, `${metric}, ${share} match, k ${k}: ${found} of ${k * queries}`);
      }
    }
  }
});
