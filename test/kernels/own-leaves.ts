// Entries whose vectors have leaves of their own, and what scans find of them one leaf at a time.

import type { KernelMetric } from '../../src/kernels/kernels.js';
import type { Arena, LeafEntry } from './arena.js';
import type { Scene } from './scene.js';

const LEAVES = 6;
/** Leaves that the query does not reach. */
const UNREACHED = [1, 4];

/** By position. */
export type Scanned = Map<number, { estimate: number; bound: number }>;

/** Address of 512 tombstone bits; those of some whole bytes are all set. */
export function deadBits(arena: Arena, next: () => number): number {
  const { address, view } = arena.bytes(80);
  for (let i = 0; i < 64; i++)
    view[i] = i > 4 && i < 9 ? 255 : Math.floor(next() * 256) & Math.floor(next() * 256);
  return address;
}

/** The same entry with leaves of their own for its vectors, drawn by `next`. Of one whole block none is reached. */
export function ownLeaves(arena: Arena, entry: LeafEntry, next: () => number): LeafEntry {
  const constants = arena.floats(LEAVES);
  const errors = arena.floats(LEAVES);
  for (let leaf = 0; leaf < LEAVES; leaf++) {
    constants.view[leaf] = UNREACHED.includes(leaf) ? Number.POSITIVE_INFINITY : 2 * next() - 1;
    errors.view[leaf] = 0.5 + 2 * next();
  }
  const numbers = arena.words(Math.ceil((entry.count + 1) / 32) * 32);
  numbers.view.forEach((_, i) => {
    const isOut = i >= 32 && i < 64 && entry.count > 90;
    numbers.view[i] = isOut ? (UNREACHED[i % 2] as number) : Math.floor(next() * LEAVES);
  });
  return { ...entry, constant: constants.address, errorScale: errors.address, numbers: numbers.address };
}

/** What the query reaches of an entry, each vector as if it were alone in a leaf without numbers. */
export function singly(arena: Arena, entry: LeafEntry, blockBytes: number): LeafEntry[] {
  const { numbers } = entry;
  if (numbers === undefined) return [entry];
  const view = new DataView(arena.memory.buffer);
  const singles: LeafEntry[] = [];
  for (let i = 0; i < entry.count; i++) {
    const leaf = view.getUint32(numbers + 4 * i, true);
    const constant = view.getFloat32(entry.constant + 4 * leaf, true);
    const bit = entry.firstBit + i;
    const isDead =
      entry.tombstones !== 0 && ((view.getUint8(entry.tombstones + (bit >> 3)) >> (bit & 7)) & 1) === 1;
    if (constant === Number.POSITIVE_INFINITY || isDead) continue;
    const alone = arena.bytes(16);
    alone.view.fill(255);
    const lane = i % 32;
    alone.view[lane >> 3] = 255 - (1 << (lane & 7));
    singles.push({
      blocks: entry.blocks + Math.floor(i / 32) * blockBytes,
      count: lane + 1,
      firstPosition: entry.firstPosition + i - lane,
      ...{ tombstones: alone.address, firstBit: 0, constant },
      errorScale: view.getFloat32(entry.errorScale + 4 * leaf, true),
    });
  }
  return singles;
}

/** Estimates and lower bounds of what lives and is reached, by scans of leaves without numbers. */
export function scanAll(scanned: Scene, entries: LeafEntry[], metric: KernelMetric): Scanned {
  const { arena, dim, bits } = scanned;
  const bytes = (dim / 4) * bits * 16 + 192;
  const plain = entries.flatMap((entry) => singly(arena, entry, bytes));
  return new Map(scan(scanned, plain, metric, 300).found);
}

/** What a scan of these entries leaves in a buffer that keeps so many, best first. */
export function scan(
  { arena, tables, tableOut, dim, bits }: Scene,
  entries: LeafEntry[],
  metric: KernelMetric,
  keep: number,
): { scanned: number; found: [number, { estimate: number; bound: number }][] } {
  const leaves = arena.leaves(entries);
  const buffer = arena.buffer(keep);
  const args = [tables.address, tableOut.address, dim, bits, leaves, entries.length, buffer] as const;
  const scanned = arena.kernels.scanLeaves(...args);
  arena.kernels.finishBuffer(buffer);
  arena.kernels.boundCandidates(buffer, tableOut.address, dim, bits, metric, 1);
  arena.kernels.sortBuffer(buffer, keep);
  const { positions, estimates, bounds } = arena.candidates(buffer);
  const found = positions.map((position, i): [number, { estimate: number; bound: number }] => [
    position,
    { estimate: estimates[i] as number, bound: bounds[i] as number },
  ]);
  return { scanned, found };
}
