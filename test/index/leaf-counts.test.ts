// How many vectors of each leaf may be found, against a count of the rows that live.

import t, { type Test } from 'tap';
import type { LeafCounts } from '../../src/index/leaf-counts.js';
import { MaskArea } from '../../src/index/mask-area.js';
import { maskOf } from '../../src/index/match-mask.js';
import { seededRandom } from '../../src/index/random.js';
import { LEAF_WORDS } from '../../src/kernels/layout.js';
import { clustered, TestIndex } from './built.js';

const INDEXED = 1000;
const COUNT = 1400;

function indexed(): TestIndex {
  const given = { metric: 'l2', dimension: 16, maxLeafSize: 30, branchingFactor: 8 } as const;
  return new TestIndex(clustered(COUNT, 16, 3), given, INDEXED);
}

/** Slots of each leaf that are found. */
function countsOf({ generation }: TestIndex, isFound: (slot: number) => boolean): number[] {
  const { leaves, leafTable } = generation;
  return Array.from({ length: leaves }, (_, leaf) => {
    const [size = 0, first = 0] = leafTable.subarray(leaf * LEAF_WORDS + 1, leaf * LEAF_WORDS + 3);
    return Array.from({ length: size }, (_, i) => first + i).filter(isFound).length;
  });
}

function assertCounts(
  t: Test,
  index: TestIndex,
  counts: LeafCounts,
  isFound: (slot: number) => boolean,
): void {
  const { slots, leaves } = index.generation;
  const expected = countsOf(index, isFound);
  t.strictSame([...counts.values], expected);
  t.equal(counts.slots, Array.from({ length: slots }, (_, slot) => slot).filter(isFound).length);
  const empty = expected.map((count) => count === 0);
  t.equal(counts.leaves, empty.filter((isEmpty) => !isEmpty).length);
  t.equal(counts.hasEmpty, empty.includes(true));
  const bits = index.generation.bytes(counts.emptyBits, Math.ceil(leaves / 8));
  const isSet = (leaf: number): boolean => (((bits[leaf >> 3] as number) >> (leaf & 7)) & 1) === 1;
  t.strictSame(
    empty.map((_, leaf) => isSet(leaf)),
    empty,
  );
}

t.test('the live vectors of each leaf are counted after deaths; pending rows are of no leaf', async (t) => {
  const index = indexed();
  const { generation, kernels, scratch } = index;
  const { live } = scratch;
  const random = seededRandom(4);
  const isLive = (slot: number): boolean => !generation.isDead(slot);
  live.refresh(kernels);
  assertCounts(t, index, live, isLive);
  t.equal(live.slots, INDEXED);
  for (let i = 0; i < 100; i++) generation.markDead(Math.floor(random() * INDEXED));
  live.refresh(kernels);
  assertCounts(t, index, live, isLive);
  // The first leaves die whole: the number of one is in the first byte, that of the other is not.
  for (const leaf of [3, 9]) {
    const [size = 0, first = 0] = generation.leafTable.subarray(leaf * LEAF_WORDS + 1, leaf * LEAF_WORDS + 3);
    for (let slot = first; slot < first + size; slot++) generation.markDead(slot);
  }
  live.refresh(kernels);
  assertCounts(t, index, live, isLive);
  t.ok(live.hasEmpty);
  for (const left of [250, 0]) {
    index.encode(left);
    live.refresh(kernels);
    assertCounts(t, index, live, isLive);
  }
  generation.markDead(INDEXED + 5);
  live.refresh(kernels);
  assertCounts(t, index, live, isLive);
  t.equal(live.excludes(generation.slots - 1), generation.isDead(generation.slots - 1));
});

t.test('nothing is counted again while nothing has changed', async (t) => {
  const { generation, kernels, scratch } = indexed();
  let counted = 0;
  const counting = {
    ...kernels,
    countMatches: (...args: Parameters<typeof kernels.countMatches>) => {
      counted++;
      return kernels.countMatches(...args);
    },
  };
  for (const [expected, change] of [
    [1, () => {}],
    [1, () => {}],
    [2, () => generation.markDead(1)],
    [2, () => generation.publishEncoded(1)],
    [2, () => generation.publishPending(COUNT - INDEXED)],
  ] as const) {
    change();
    scratch.live.refresh(counting);
    t.equal(counted, expected);
  }
});

t.test('the matches of a mask are counted by leaf, less those that die', async (t) => {
  const index = indexed();
  const { generation, kernels } = index;
  index.encode(100);
  const area = new MaskArea(generation);
  const random = seededRandom(11);
  for (const [key, share] of [
    [1, 1],
    [2, 0.2],
    [3, 0.01],
    [4, 0],
  ] as const) {
    const draw = (count: number) =>
      Uint32Array.from({ length: count }, (_, i) => i).filter(() => random() < share);
    const listed = { slots: draw(INDEXED), pending: draw(COUNT - INDEXED) };
    const mask = maskOf(key, listed, { slots: INDEXED, pendingCount: COUNT - INDEXED });
    const slots = new Set(listed.slots);
    for (let round = 0; round < 2; round++) {
      area.load(mask, kernels);
      const isFound = (slot: number): boolean => slots.has(slot) && !generation.isDead(slot);
      assertCounts(t, index, area.counts, isFound);
      const pending = listed.pending.filter((row) => !generation.isDead(INDEXED + row)).length;
      t.equal(area.matches, area.counts.slots + pending);
      for (let slot = 0; slot < INDEXED; slot += 97)
        if (area.excludes(slot) === isFound(slot)) t.fail(`slot ${slot}`);
      for (let i = 0; i < 30; i++) generation.markDead(Math.floor(random() * COUNT));
    }
  }
});
