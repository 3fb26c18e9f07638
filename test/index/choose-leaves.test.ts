// Which leaves a search scans: by given probes, and by efforts where only a share of the vectors may be found.

import t from 'tap';
import { LeafChooser } from '../../src/index/choose-leaves.js';
import { maskOf } from '../../src/index/match-mask.js';
import { loadQuery, prepareCodes } from '../../src/index/prepare-query.js';
import type { PlannedEffort, Query } from '../../src/index/query.js';
import { LeafRanker } from '../../src/index/rank-leaves.js';
import { CodeScanner } from '../../src/index/scan.js';
import { LEAF_WORDS } from '../../src/kernels/layout.js';
import { clustered, distanceOf, TestIndex } from './built.js';
import { storedCentroids } from './validity.js';

const COUNT = 2000;
const CLUSTERS = 40;
const vectors = clustered(COUNT, 16, 3, CLUSTERS);

function setUp(memoryBytes?: number, maxLeafSize = 40) {
  const given = { metric: 'l2', dimension: 16, maxLeafSize } as const;
  const index = new TestIndex(vectors, given, COUNT, 'float32', memoryBytes);
  const { generation, kernels, scratch, reader } = index;
  const ranker = new LeafRanker(generation, kernels, scratch);
  const scanner = new CodeScanner(generation, kernels, scratch);
  const chooser = new LeafChooser(generation, scratch, ranker, scanner);
  const choose = (rest: Partial<Query>, vector = vectors[0] as Float32Array) => {
    const query = { vector, k: 3, probes: 2, rerankFactor: 5, exact: false, ...rest };
    if (query.mask) scratch.mask.load(query.mask, kernels);
    else scratch.live.refresh(kernels);
    loadQuery(vector, reader.precision, generation, kernels, scratch);
    prepareCodes(generation, kernels, scratch);
    const chosen = chooser.choose(query, query.mask ? scratch.mask : scratch.live);
    const leaves = Array.from({ length: chosen.entries }, (_, i) => scratch.nodes.positionAt(i));
    return { ...chosen, leaves };
  };
  let keys = 0;
  const matching = (isMatch: (row: number) => boolean) => {
    const slots = Uint32Array.from({ length: COUNT }, (_, slot) => slot);
    const listed = {
      slots: slots.filter((slot) => isMatch(generation.rowOf(slot))),
      pending: new Uint32Array(),
    };
    return { mask: maskOf(++keys, listed, { slots: COUNT, pendingCount: 0 }) };
  };
  return { index, choose, matching };
}

/** Leaves by the distance of their centroids from the loaded query, nearest first. */
function nearestLeaves({ generation, scratch }: TestIndex): number[] {
  const distances = storedCentroids(generation).map((centroid) =>
    distanceOf('l2', centroid, scratch.rotatedVector),
  );
  return distances.map((_, leaf) => leaf).sort((a, b) => (distances[a] as number) - (distances[b] as number));
}

function liveIn({ generation }: TestIndex, leaf: number): number[] {
  const [size = 0, first = 0] = generation.leafTable.subarray(leaf * LEAF_WORDS + 1, leaf * LEAF_WORDS + 3);
  return Array.from({ length: size }, (_, i) => first + i).filter((slot) => !generation.isDead(slot));
}

const EFFORTS: PlannedEffort[] = [
  { matchShare: 1, probes: 2, probeShare: 1, leftMax: Number.MAX_VALUE, missedMax: 0.1 },
  { matchShare: 0.5, probes: 4, probeShare: 1, leftMax: Number.MAX_VALUE, missedMax: 0.2 },
  { matchShare: 0.25, probes: 7, probeShare: 1, leftMax: Number.MAX_VALUE, missedMax: 0.3 },
];

t.test('the nearest leaves are chosen, and where one has died whole the next in its place', async (t) => {
  const { index, choose } = setUp();
  const given = choose({ probes: 5 });
  t.match(given, { entries: 5, isAll: false });
  t.equal(given.effort, undefined, 'the caller has said how many');
  const nearest = nearestLeaves(index);
  t.strictSame(choose({ probes: 5 }).leaves, nearest.slice(0, 5));
  for (const slot of liveIn(index, nearest[1] as number)) index.generation.markDead(slot);
  const left = nearest.filter((_, i) => i !== 1);
  t.strictSame(choose({ probes: 5 }).leaves, left.slice(0, 5));
  t.match(choose({ probes: 1000 }), { entries: left.length, isAll: true });
});

t.test('more leaves are chosen where the first hold fewer than k', async (t) => {
  const { index, choose } = setUp();
  choose({});
  const nearest = nearestLeaves(index);
  // One vector is left in each of the nearest ten.
  for (const leaf of nearest.slice(0, 10))
    for (const slot of liveIn(index, leaf).slice(1)) index.generation.markDead(slot);
  t.equal(choose({ k: 2, probes: 2 }).entries, 2);
  const held = (k: number) =>
    choose({ k, probes: 2 }).leaves.reduce((sum, leaf) => sum + liveIn(index, leaf).length, 0);
  for (const k of [3, 9, 100, 700]) t.ok(held(k) >= k, `k ${k}: ${held(k)}`);
  t.ok(choose({ k: 9, probes: 2 }).entries <= 2 * 9, 'no more than twice as many as it takes');
  t.match(choose({ k: COUNT, probes: 2 }), { isAll: true });
});

t.test('the effort is that of the share that may be found, by deletions as by a filter', async (t) => {
  const { index, choose, matching } = setUp();
  t.match(choose({ efforts: EFFORTS }), { entries: 2, effort: EFFORTS[0] });
  t.match(choose({ efforts: EFFORTS, ...matching(() => true) }), { entries: 2, effort: EFFORTS[0] });
  // Of each cluster, whose vectors are every 40th, the same share.
  const round = (row: number): number => Math.floor(row / CLUSTERS);
  const isHalf = (row: number): boolean => round(row) % 2 === 0;
  const isThird = (row: number): boolean => round(row) % 3 === 0;
  const isTenth = (row: number): boolean => round(row) % 10 === 0;
  const ofHalf = choose({ efforts: EFFORTS, ...matching(isHalf) });
  t.ok([0.2, 0.3].includes(ofHalf.effort?.missedMax ?? 0), `half: ${ofHalf.effort?.missedMax}`);
  t.notOk(ofHalf.isBeyond);
  t.equal(choose({ efforts: EFFORTS, ...matching(isThird) }).effort, EFFORTS[2]);
  const ofTenth = choose({ efforts: EFFORTS, ...matching(isTenth) });
  t.match(ofTenth, { isBeyond: true, isAll: false, effort: EFFORTS[0] }, 'searched as if all could be found');
  t.match(choose({ efforts: [], ...matching(isTenth) }), { isAll: true });
  vectors.forEach((_, row) => {
    if (!isThird(row)) index.generation.markDead(index.positionOf(row));
  });
  t.equal(choose({ efforts: EFFORTS }).effort, EFFORTS[2], 'two thirds are deleted');
});

t.test('what may be found near the query counts, not what may be found everywhere', async (t) => {
  for (const memoryBytes of [undefined, 160_000]) {
    const { index, choose, matching } = setUp(memoryBytes);
    t.equal(index.generation.codeMemories.length > 0, memoryBytes !== undefined);
    const isOfCluster = (row: number): boolean => row % CLUSTERS === 0;
    // Nine tenths match, but one in ten of the query's own cluster.
    const few = matching((row) => !isOfCluster(row) || row % (10 * CLUSTERS) === 0);
    const ofFew = choose({ efforts: EFFORTS, ...few });
    t.ok(ofFew.isBeyond || ofFew.effort === EFFORTS[2]);
    const third = matching((row) => Math.floor(row / CLUSTERS) % 3 === 0);
    for (let row = 0; row < 20; row++) {
      const mask = row === 0 ? few.mask : third.mask;
      const chosen = choose({ efforts: EFFORTS, mask }, vectors[row]);
      // What is scanned is what was ranked, nearest first, whatever was looked at before.
      const nearest = nearestLeaves(index).filter((leaf) => chosen.leaves.includes(leaf));
      t.strictSame(chosen.leaves, nearest);
      chosen.leaves.forEach((leaf, i) => {
        const entry = index.scratch.leafWords.subarray(i * LEAF_WORDS, i * LEAF_WORDS + 5);
        const ofTable = index.generation.leafTable.subarray(leaf * LEAF_WORDS, leaf * LEAF_WORDS + 5);
        t.strictSame([...entry], [...ofTable]);
      });
    }
  }
});

t.test('where the very nearest may not be found, no effort that supposes them is chosen', async (t) => {
  // Leaves so large that none is empty.
  const { choose, matching } = setUp(undefined, 200);
  const [vector] = vectors as [Float32Array];
  const distances = vectors.map((one) => distanceOf('l2', one, vector));
  const limit = distances.toSorted((a, b) => a - b)[60] as number;
  const isBeyond = (row: number): boolean => (distances[row] as number) > limit;
  const efforts = [{ matchShare: 0.25, probes: 5, probeShare: 1, leftMax: Number.MAX_VALUE, missedMax: 0.3 }];
  t.match(choose({ efforts, ...matching(isBeyond) }), { isBeyond: true, isAll: false });
  const others = matching((row) => isBeyond(row) || row % 3 > 0);
  t.notOk(choose({ efforts, ...others }).isBeyond, 'a third of them');
});

t.test('of an index of nothing, or where nothing may be found, no leaf is chosen', async (t) => {
  const { choose, matching } = setUp();
  for (const efforts of [undefined, EFFORTS])
    t.match(choose({ ...(efforts && { efforts }), ...matching(() => false) }), { entries: 0, isAll: true });
});
