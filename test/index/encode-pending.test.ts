// Codes of pending rows: which leaf they are residuals to, and that they are those a build makes; and which of them a query reaches.

import t, { type Test } from 'tap';
import { maskOf } from '../../src/index/match-mask.js';
import { CHUNK_CODES_OFFSET } from '../../src/index/memory-layout.js';
import { noLeaf, ReachedLeaves } from '../../src/index/reached-leaves.js';
import { CodeScanner } from '../../src/index/scan.js';
import { blockBytes, codeDimension } from '../../src/index/settings.js';
import { codeBytes, LEAF_WORDS } from '../../src/kernels/layout.js';
import { readCode } from '../kernels/reference.js';
import { clustered, type Given, leafNumbers, nearestOf, TestIndex } from './built.js';

const COUNT = 900;
const shape = { maxLeafSize: 40, branchingFactor: 8 };

/** A copy of each indexed vector is pending, and a few that are far from all. */
function doubled(given: Given): { index: TestIndex; vectors: Float32Array[] } {
  const indexed = clustered(COUNT, given.dimension, 3);
  const far = clustered(20, given.dimension, 4).map((vector) =>
    vector.map((value, i) => value + (i === 0 ? 500 : 0)),
  );
  const vectors = [...indexed, ...indexed, ...far];
  return { index: new TestIndex(vectors, { ...shape, ...given }, COUNT), vectors };
}

function leafOfSlot({ generation }: TestIndex, slot: number): { leaf: number; first: number } {
  const { leafTable, leaves } = generation;
  for (let leaf = 0; leaf < leaves; leaf++) {
    const [size = 0, first = 0] = leafTable.subarray(leaf * LEAF_WORDS + 1, leaf * LEAF_WORDS + 3);
    if (slot >= first && slot < first + size) return { leaf, first };
  }
  throw new Error(`no leaf has slot ${slot}`);
}

/** Code values and the three factors of a lane of blocks. */
function codeAt(
  { generation }: TestIndex,
  blocks: number,
  lane: number,
): { code: number[]; factors: number[] } {
  const { settings, memory } = generation;
  const dim = codeDimension(settings.dimension);
  const at = blocks + Math.floor(lane / 32) * blockBytes(settings);
  const block = new Uint8Array(memory.buffer, at, blockBytes(settings));
  const halves = new Uint16Array(memory.buffer, at + codeBytes(dim, settings.bits), 96);
  const factors = [0, 32, 64].map((kind) => halves[kind + (lane % 32)] as number);
  return { code: readCode(block, dim, settings.bits, lane % 32), factors };
}

for (const given of [
  { metric: 'l2', dimension: 20, bits: 2 },
  { metric: 'cosine', dimension: 20, bits: 4 },
  { metric: 'dot', dimension: 20, bits: 1 },
] as const) {
  t.test(
    `the code of a row in the nearest leaf is that of a build: ${given.metric}, ${given.bits} bits`,
    async (t) => {
      const { index } = doubled(given);
      index.encode(400);
      // Rows die and codes are made in turn: neither stops the other.
      for (let row = 0; row < COUNT; row += 50) index.generation.markDead(COUNT + row);
      index.encode();
      const { generation } = index;
      const leaves = leafNumbers(index.generation);
      let same = 0;
      for (let row = 0; row < COUNT; row++) {
        const slot = index.positionOf(row);
        const { leaf, first } = leafOfSlot(index, slot);
        if (leaves[row] !== leaf) continue;
        same++;
        const blocks = generation.leafTable[leaf * LEAF_WORDS] as number;
        const built = codeAt(index, blocks, slot - first);
        const pending = codeAt(index, generation.chunkAddress(0) + CHUNK_CODES_OFFSET, row);
        if (JSON.stringify(built) !== JSON.stringify(pending)) t.fail(`row ${row} of leaf ${leaf}`);
      }
      t.ok(same > 0.75 * COUNT, `${same} of ${COUNT} rows are in the leaf of their copies`);
      t.ok(leaves.filter((leaf) => leaf < generation.leaves).length > 0.9 * COUNT, 'most have a leaf');
    },
  );
}

t.test('rows that lie far from every leaf have none, and are found by every query', async (t) => {
  for (const metric of ['l2', 'dot'] as const) {
    const { index, vectors } = doubled({ metric, dimension: 20 });
    index.encode();
    const { generation } = index;
    const far = leafNumbers(index.generation).slice(COUNT);
    t.equal(far.length, 20);
    t.ok(far.every((leaf) => leaf === noLeaf(generation)));
    const farRows = far.map((_, i) => 2 * COUNT + i);
    const listed = { slots: new Uint32Array(), pending: Uint32Array.from(far, (_, i) => COUNT + i) };
    const mask = maskOf(1, listed, generation);
    for (const vector of [vectors[2 * COUNT + 3], vectors[5]] as Float32Array[]) {
      const { rows } = index.search({ vector, k: 20, probes: 1, mask });
      t.strictSame([...rows].sort(), farRows, metric);
    }
  }
});

t.test('no row has a leaf before there are leaves, nor for sign codes, which are all scanned', async (t) => {
  const vectors = clustered(300, 20, 3);
  const unbuilt = new TestIndex(vectors, { metric: 'l2', dimension: 20 }, 0);
  const sign = new TestIndex(vectors, { ...shape, metric: 'cosine', dimension: 20, quantizer: 'sign' }, 200);
  for (const index of [unbuilt, sign]) {
    index.encode();
    t.ok(leafNumbers(index.generation).every((leaf) => leaf === noLeaf(index.generation)));
    const { stats } = index.search({ vector: vectors[250] as Float32Array, k: 1, probes: 1 });
    t.ok(stats.vectorsScanned >= index.generation.pendingCount);
  }
});

t.test('pending rows of the leaves that are reached are scanned, and no others', async (t) => {
  const { index, vectors } = doubled({ metric: 'l2', dimension: 20 });
  index.encode();
  const { generation, kernels, scratch } = index;
  const leaves = leafNumbers(index.generation);
  const reached = new ReachedLeaves(generation, kernels, scratch);
  const scanner = new CodeScanner(generation, kernels, scratch);
  const countOf = (isOf: (leaf: number) => boolean): number => leaves.filter(isOf).length;
  const scan = () => scanner.scanPending(leaves.length, { index: 0, count: 1 }, false);
  for (const probes of [1, 3, 10, generation.leaves]) {
    for (const vector of vectors.slice(0, 10)) {
      index.search({ vector, k: 1, probes });
      const nearest = Array.from({ length: probes }, (_, i) => scratch.nodes.positionAt(i));
      reached.begin();
      for (const [entry, leaf] of nearest.entries()) reached.add(leaf, entry);
      t.equal(
        scan(),
        countOf((leaf) => nearest.includes(leaf) || leaf === noLeaf(generation)),
      );
      reached.leaveOut();
      t.equal(
        scan(),
        countOf((leaf) => nearest.includes(leaf)),
      );
    }
  }
});

t.test('leaves are reached by the entries of one query, and forgotten by the next', async (t) => {
  const { index, vectors } = doubled({ metric: 'l2', dimension: 20 });
  const { generation, kernels, scratch } = index;
  const [vector] = vectors as [Float32Array];
  index.search({ vector, probes: 5 });
  const reached = new ReachedLeaves(generation, kernels, scratch);
  const isReached = () =>
    [...scratch.ownConstantValues.subarray(0, generation.leaves)].map((c) => c !== Number.POSITIVE_INFINITY);
  assertReached(t, isReached(), []);
  reached.begin();
  scratch.leafFloats.set([3, 2], 1 * LEAF_WORDS + 5);
  reached.add(7, 1);
  reached.add(2, 0);
  assertReached(t, isReached(), [2, 7]);
  t.equal(scratch.ownConstantValues[7], 3);
  t.equal(scratch.ownErrorValues[7], 2);
  const squared = scratch.rotatedVector.reduce((sum, value) => sum + value * value, 0);
  t.ok(Math.abs((scratch.ownConstantValues[noLeaf(generation)] as number) - squared) < 1e-3);
  reached.begin();
  assertReached(t, isReached(), []);
});

function assertReached(t: Test, found: boolean[], leaves: number[]): void {
  t.strictSame(
    found.flatMap((isReached, leaf) => (isReached ? [leaf] : [])),
    leaves,
  );
}

t.test('a row that replaces another is found where it now is, by few leaves', async (t) => {
  const { index, vectors } = doubled({ metric: 'cosine', dimension: 20 });
  index.encode();
  for (let row = 0; row < COUNT; row++) index.generation.markDead(index.positionOf(row));
  let found = 0;
  for (let row = 0; row < 100; row++) {
    const vector = vectors[row] as Float32Array;
    const { rows } = index.search({ vector, k: 1, probes: 8 });
    if (rows[0] === COUNT + row) found++;
  }
  t.ok(found >= 97, `${found} of 100`);
  const [vector] = vectors as [Float32Array];
  const truth = nearestOf('cosine', vectors, vector, 5, (row) => row >= COUNT).map(({ row }) => row);
  t.strictSame([...index.find({ vector, k: 5 }).rows], truth);
});
