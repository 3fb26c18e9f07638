// Where everything of one generation lies in its own shared memory. Runs on any thread.
//
// | region      | bytes                             | content                                              | in the file |
// |-------------|-----------------------------------|------------------------------------------------------|-------------|
// | header      | 4096                              | the words of `WORD`, then the level table            | yes         |
// | signs       | 4 x codeDimension x 4             | sign masks of the four rotation rounds               | yes         |
// | origin      | codeDimension x 4                 | what vectors are relative to, not rotated            | yes         |
// | its rotation| codeDimension x 4                 | the same, rotated                                    | yes         |
// | centroids   | leaves x centroidBytes            | rotated leaf centroids, less the origin, int8 rows   | yes         |
// | nodes       | level by level: blocks, children  | codes of the nodes, then {firstChild, childCount,    | yes         |
// |             |                                   | leafCount, 0} of each                                |             |
// | leaves      | leaves x 32                       | {blocks, count, firstPosition, tombstones, firstBit, | yes         |
// |             |                                   | 0, centroidNorm, meanSquare}                         |             |
// | codes       | sum of leaf blocks x blockBytes   | code blocks, leaf by leaf, of those that fit         | yes         |
// | tombstones  | slots / 8                         | one bit a slot: 1 = deleted                          | no          |
// | chunk table | PENDING_CHUNKS_MAX x 4            | addresses of the pending chunks                      | no          |
// | beyond      | grows                             | pending chunks, and scratch areas of threads         | no          |
//
// A level's children are numbers in the level below; level 0 is the leaves and has no children table.

import { BLOCK_VECTORS, LEAF_ENTRY_BYTES } from '../kernels/layout.js';
import { blockBytes, centroidBytes, codeDimension, type IndexSettings, nodeBlockBytes } from './settings.js';

export const PAGE_BYTES = 65_536;
export const HEADER_BYTES = 4096;
export const NODE_ENTRY_BYTES = 16;
/** Rows of a pending chunk: a multiple of the block and of 8. */
export const PENDING_CHUNK_ROWS = 4096;
export const PENDING_CHUNKS_MAX = 16_384;

/** The header's 32-bit words. The first five change while the generation serves; atomics only. */
export const WORD = {
  pendingCount: 0,
  encodedCount: 1,
  chunkCount: 2,
  originReady: 3,
  deaths: 4,
  formatVersion: 8,
  slots: 9,
  rowBase: 10,
  leaves: 11,
  levels: 12,
  signs: 13,
  origin: 14,
  centroids: 15,
  leafTable: 16,
  codes: 17,
  tombstones: 18,
  chunkTable: 19,
  end: 20,
  fileBytes: 21,
  rotatedOrigin: 22,
  /** Five f32: the weights of the probe model; zero before a calibration. */
  probeModel: 24,
  /** One f32: the dimensions in which leaves spread, as `expectHits` takes them; 0 before a calibration. */
  spreadDimensions: 29,
  /** From here one entry of {count, blocks, children, 0} a level; the rest of the header has room for 240. */
  levelTable: 64,
} as const;

export interface LevelLayout {
  count: number;
  blocksAddress: number;
  childrenAddress: number;
}

export interface MemoryLayout {
  signs: number;
  origin: number;
  rotatedOrigin: number;
  centroids: number;
  levels: LevelLayout[];
  leafTable: number;
  codes: number;
  tombstones: number;
  chunkTable: number;
  /** First byte behind the fixed regions. */
  end: number;
  /** Bytes from 0 that a generation file holds. */
  fileBytes: number;
}

export interface LayoutCounts {
  slots: number;
  leaves: number;
  /** Nodes of each level, the leaves first. */
  levelCounts: number[];
  /** Blocks of 32 codes over all leaves whose codes are in the generation's own memory. */
  codeBlocks: number;
  /** What the others hold, in the order of the slots; see code-memory.ts. */
  codeMemories: { slots: number; codeBlocks: number }[];
}

/** Of an index of nothing. */
export const NO_COUNTS: LayoutCounts = {
  slots: 0,
  leaves: 0,
  levelCounts: [],
  codeBlocks: 0,
  codeMemories: [],
};

/** Lays the regions out one behind another, each at a multiple of 64 bytes. */
export function layOut(settings: IndexSettings, counts: LayoutCounts): MemoryLayout {
  const dim = codeDimension(settings.dimension);
  let next = HEADER_BYTES;
  const take = (bytes: number): number => {
    const address = next;
    next += Math.ceil(bytes / 64) * 64;
    return address;
  };
  const signs = take(4 * dim * 4);
  const origin = take(dim * 4);
  const rotatedOrigin = take(dim * 4);
  const centroids = take(counts.leaves * centroidBytes(settings));
  const levels = counts.levelCounts.map((count, level) => ({
    count,
    blocksAddress: take(Math.ceil(count / BLOCK_VECTORS) * nodeBlockBytes(settings)),
    childrenAddress: level === 0 ? 0 : take(count * NODE_ENTRY_BYTES),
  }));
  const leafTable = take(counts.leaves * LEAF_ENTRY_BYTES);
  const codes = take(counts.codeBlocks * blockBytes(settings));
  const fileBytes = next;
  const tombstones = take(Math.ceil(counts.slots / 8));
  const chunkTable = take(PENDING_CHUNKS_MAX * 4);
  return {
    signs,
    origin,
    rotatedOrigin,
    centroids,
    levels,
    leafTable,
    codes,
    tombstones,
    chunkTable,
    end: next,
    fileBytes,
  };
}

/** Where the leaf number of each row stands in a pending chunk, behind the tombstone bits; and behind these the code blocks. */
export const CHUNK_LEAVES_OFFSET = PENDING_CHUNK_ROWS / 8;
export const CHUNK_CODES_OFFSET = CHUNK_LEAVES_OFFSET + PENDING_CHUNK_ROWS * 4;

export function pendingChunkBytes(settings: IndexSettings): number {
  return CHUNK_CODES_OFFSET + (PENDING_CHUNK_ROWS / BLOCK_VECTORS) * blockBytes(settings);
}
