// Everything that must be true of a generation's memory, whatever went into it.

import type { Test } from 'tap';
import { loadVector } from '../../src/contract/stored-vector.js';
import type { Generation } from '../../src/index/generation.js';
import { type LevelLayout, NODE_ENTRY_BYTES } from '../../src/index/memory-layout.js';
import { blockBytes, centroidBytes, codeDimension } from '../../src/index/settings.js';
import { BLOCK_VECTORS, LEAF_ENTRY_BYTES } from '../../src/kernels/layout.js';

/** Fails the test where the structure does not hold. */
export function assertValid(t: Test, generation: Generation, maxLeafSize: number): void {
  assertLeaves(t, generation, maxLeafSize);
  assertLevels(t, generation);
  const rows = new Set(generation.slotRows);
  t.equal(rows.size, generation.slots, 'every slot has a row of its own');
  t.ok(
    [...rows].every((row) => row < generation.rowBase),
    'indexed rows lie below the first pending one',
  );
}

function assertLeaves(t: Test, generation: Generation, maxLeafSize: number): void {
  const { layout, settings, memory } = generation;
  const words = LEAF_ENTRY_BYTES / 4;
  const table = new Uint32Array(memory.buffer, layout.leafTable, generation.leaves * words);
  let [slot, blocks] = [0, layout.codes];
  for (let leaf = 0; leaf < generation.leaves; leaf++) {
    const [address, count, first, tombstones, bit] = table.subarray(leaf * words, leaf * words + 5);
    const other = generation.codeMemoryOf(slot);
    if (other?.firstSlot === slot) blocks = other.codes;
    const bits = other ?? { tombstones: layout.tombstones, firstSlot: 0 };
    const isNext = address === blocks && first === slot;
    if (!isNext || bit !== slot - bits.firstSlot || tombstones !== bits.tombstones) {
      t.fail(`leaf ${leaf} does not follow the one before it`);
    }
    if (!count || count > maxLeafSize) t.fail(`leaf ${leaf} holds ${count} vectors`);
    slot += count ?? 0;
    blocks += Math.ceil((count ?? 0) / BLOCK_VECTORS) * blockBytes(settings);
    const end = other?.fileBytes ?? layout.fileBytes;
    if (blocks > end) t.fail(`the codes of leaf ${leaf} reach beyond their region`);
  }
  t.equal(slot, generation.slots, 'the leaves hold all slots');
  t.ok(
    storedCentroids(generation).every((centroid) => centroid.every(Number.isFinite)),
    'centroids are finite',
  );
}

/** The rotated centroids of the leaves, decoded. */
export function storedCentroids(generation: Generation): Float32Array[] {
  const { layout, settings, leaves } = generation;
  const bytes = centroidBytes(settings);
  const shape = { dimension: codeDimension(settings.dimension), precision: 'int8' } as const;
  return Array.from({ length: leaves }, (_, leaf) =>
    loadVector(generation.bytes(layout.centroids + leaf * bytes, bytes).slice(), shape),
  );
}

function assertLevels(t: Test, generation: Generation): void {
  const { levels } = generation.layout;
  t.equal(levels[0]?.count, generation.leaves, 'the lowest level is the leaves');
  let leafCounts = Array.from({ length: generation.leaves }, () => 1);
  for (let level = 1; level < levels.length; level++) {
    const { count, childrenAddress } = levels[level] as LevelLayout;
    const words = NODE_ENTRY_BYTES / 4;
    const table = new Uint32Array(generation.memory.buffer, childrenAddress, count * words);
    let next = 0;
    const sums: number[] = [];
    for (let node = 0; node < count; node++) {
      const [first, children, leaves] = table.subarray(node * words, node * words + 3) as unknown as number[];
      if (first !== next || !children) t.fail(`level ${level}: the children of node ${node} do not follow`);
      next += children ?? 0;
      const sum = leafCounts.slice(first, next).reduce((total, value) => total + value, 0);
      if (sum !== leaves) t.fail(`level ${level}: node ${node} says ${leaves} leaves and has ${sum}`);
      sums.push(sum);
    }
    t.equal(next, leafCounts.length, `level ${level} covers the one below`);
    leafCounts = sums;
  }
}
