// Searches under a filter, on masks made of random rows, against brute force over the rows that match and live.

import t, { type Test } from 'tap';
import { maskOf } from '../../src/index/match-mask.js';
import { planFiltered, planNext } from '../../src/index/plan-filtered.js';
import type { FilteredEffort, Query, QueryFilter } from '../../src/index/query.js';
import { seededRandom } from '../../src/index/random.js';
import type { Metric, Quantizer } from '../../src/index/settings.js';
import { clustered, nearestOf, TestIndex } from './built.js';

const K = 10;
const COUNT = 1500;
/** Sign codes rank so badly that only a rerank of everything finds all. */
const ALL = COUNT / K;
const SMALL_MEMORY = 180_000;
let keys = 0;

function filterOf(
  index: TestIndex,
  count: number,
  matches: (row: number) => boolean,
  efforts: FilteredEffort[] = [],
): QueryFilter {
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
  return { mask: maskOf(++keys, listed, { slots, pendingCount }), efforts, whenCrowded: 'narrow' as const };
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
  { filter, live }: { filter: QueryFilter; live: Set<number> },
): void {
  const { metric, dimension } = index.settings;
  for (const vector of clustered(5, dimension, 77)) {
    const expected = nearestOf(metric, vectors, vector, K, (row) => live.has(row));
    for (const exact of [true, false]) {
      const { rows, distances, stats } = index.search({ vector, k: K, exact, filter, rerankFactor: ALL });
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
      const { rows } = index.search({ vector, k: K, exact, filter }, { index: part, count: 4 });
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
      const filter = { mask, efforts: [], whenCrowded: 'narrow' as const };
      const { distances, rows } = index.search({ vector, k: K, exact: i % 2 === 0, filter });
      t.ok([...rows].every(isLetThrough), `${known} known`);
      const expected = nearestOf('l2', vectors, vector, K, isLetThrough);
      t.equal(Math.min(rows.length, K), expected.length);
      t.ok(expected.every(({ distance }, place) => Math.abs((distances[place] as number) - distance) < 1e-3));
    }
  }
});

t.test(
  'the effort is the first whose share matches near the query; beyond all of them every leaf is scanned',
  async (t) => {
    const count = 2000;
    const vectors = clustered(count, 16, 3, 40);
    const index = new TestIndex(vectors, { metric: 'l2', dimension: 16, maxLeafSize: 40 });
    const efforts = [
      { matchShare: 0.5, probes: 2, probeShare: 1 },
      { matchShare: 0.25, probes: 5, probeShare: 1 },
    ];
    const [vector] = vectors as [Float32Array];
    const ask = (isMatch: (row: number) => boolean) =>
      index.search({ vector, k: 3, filter: filterOf(index, count, isMatch, efforts) }).stats;
    const everywhere = ask(() => true);
    t.equal(everywhere.way, 'probes');
    t.equal(everywhere.probes, 2);
    const third = ask((row) => row % 3 === 0);
    t.equal(third.way, 'probes');
    t.ok(third.probes <= 5 && third.probes > 2, `${third.probes} of 5 leaves have matches`);
    t.equal(ask((row) => row % 50 === 0).way, 'all_leaves', 'too few everywhere');
    // Vectors of one cluster are every 40th: here none near the query matches, though half of all do.
    const far = ask((row) => row % 40 >= 20 && row % 40 !== 0);
    t.equal(far.way, 'all_leaves', 'none here');
    t.ok(far.probes < index.generation.leaves, 'leaves without a match are left out');
  },
);

t.test('fewer matches than are wanted crowd nothing out', async (t) => {
  const vectors = clustered(COUNT, 24, 3);
  const index = new TestIndex(vectors, { metric: 'l2', dimension: 24, maxLeafSize: 50 });
  const [vector] = clustered(1, 24, 9) as [Float32Array];
  for (const efforts of [[], [{ matchShare: 0, probes: index.generation.leaves, probeShare: 1 }]]) {
    const filter = filterOf(index, COUNT, (row) => row % 100 === 0, efforts);
    const { rows, stats } = index.search({ vector, k: 20, filter, rerankFactor: 3 });
    t.equal(rows.length, 15);
    t.notOk('crowdedAt' in stats);
  }
});

t.test(
  'an exact search within a distance leaves out what codes put beyond it, and finds what lies within',
  async (t) => {
    for (const metric of ['l2', 'cosine', 'dot'] as Metric[]) {
      for (const memoryBytes of [undefined, SMALL_MEMORY]) {
        const vectors = clustered(COUNT, 24, 3);
        const given = { metric, dimension: 24, maxLeafSize: 50, branchingFactor: 8, bits: 4 } as const;
        const index = new TestIndex(vectors, given, 1403, 'float32', memoryBytes);
        index.encode(50);
        const isMatch = (row: number) => row % 3 === 0;
        const filter = filterOf(index, COUNT, isMatch);
        let scanned = 0;
        let compared = 0;
        for (const vector of clustered(5, 24, 79)) {
          const expected = nearestOf(metric, vectors, vector, K, isMatch);
          const kth = (expected.at(-1) as { distance: number }).distance;
          const within = kth + 0.05 * Math.abs(kth);
          const query = { vector, k: K, exact: true, filter, within };
          const parts = [0, 1, 2].map((part) => index.search(query, { index: part, count: 3 }));
          const whole = index.search(query);
          const found = new Set(parts.flatMap(({ rows }) => [...rows]));
          for (const { row } of expected) {
            t.ok(whole.rows.includes(row), `${metric}: row ${row}`);
            t.ok(found.has(row), `${metric}: row ${row} of a part`);
          }
          t.ok([...found, ...whole.rows].every(isMatch), 'nothing else is found');
          scanned += whole.stats.vectorsScanned;
          compared += whole.stats.vectorsReranked;
          const plain = index.search({ ...query, within: Number.POSITIVE_INFINITY });
          t.equal(plain.stats.vectorsReranked, COUNT / 3, 'the mask is whole again');
        }
        t.ok(scanned > 0);
        const share = memoryBytes === undefined ? 0.6 : 0.95;
        t.ok(compared < (share * 5 * COUNT) / 3, `${metric}: ${compared} are compared`);
      }
    }
  },
);

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
    const { leaves, slots } = index.generation;
    const shape = { settings: index.settings, leaves, slots, rowBytes: 4096 };
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
          const request = { k, targetRecall: 0.95, probes: undefined, rerankFactor: undefined };
          let query: Query & { filter: QueryFilter } = {
            vector,
            k,
            ...planFiltered(shape, calibration, request, mask),
          };
          let answer = index.search(query);
          for (let next = planNext(shape, query, answer.stats); next !== undefined; ) {
            query = next;
            answer = index.search(query);
            next = planNext(shape, query, answer.stats);
          }
          const truth = nearestOf(metric, vectors, vector, k, (row) => matching.has(row));
          found += truth.filter(({ row }) => answer.rows.includes(row)).length;
        }
        t.ok(found >= 0.94 * k * queries, `${metric}, ${share} match, k ${k}: ${found} of ${k * queries}`);
      }
    }
  }
});
