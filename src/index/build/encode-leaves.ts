// The second half of a build: codes of every leaf, and its vectors in leaf order. Runs on build workers.

import { rowBytes } from '../../contract/stored-vector.js';
import type { Kernels } from '../../kernels/kernels.js';
import {
  BLOCK_VECTORS,
  LEAF,
  LEAF_WORDS,
  METRIC_NUMBER,
  OVERRUN_BYTES,
  PRECISION_NUMBER,
} from '../../kernels/layout.js';
import { growMemory, wholeLines } from '../allocate-memory.js';
import type { Generation } from '../generation.js';
import type { PositionReader } from '../query.js';
import { blockBytes, centroidBytes, codeDimension, codeWords } from '../settings.js';
import type { ArenaViews } from './arena-views.js';

/** Vectors that are read, encoded and handed on at once: a leaf may be far larger. */
const BATCH_BYTES = 1024 * 1024;

/** Takes the stored vectors of consecutive slots, as the source has them; the array is filled anew once it returns. */
export type SlotWriter = (firstSlot: number, vectors: Uint8Array) => void;

export class LeafEncoder {
  readonly #generation: Generation;
  readonly #source: Generation;
  readonly #kernels: Kernels;
  readonly #arena: ArenaViews;
  readonly #reader: PositionReader;
  readonly #write: SlotWriter;
  readonly #leafTable: Uint32Array;
  readonly #leafFloats: Float32Array;
  readonly #scratch: number;
  readonly #scratchVector: Float32Array;
  /** Address of the leaf's centroid, decoded. */
  readonly #centroid: number;
  /** Address of one stored vector, and the bytes there. */
  readonly #row: number;
  readonly #rowBytes: Uint8Array;
  readonly #batch: Uint8Array;
  readonly #batchRows: number;
  /** Address of the block at hand, and the bytes there; from here it goes to the memory of its leaf. */
  readonly #block: number;
  readonly #blockBytes: Uint8Array;

  /** `source` is the generation that `reader` and the arena's positions belong to. */
  constructor(
    generation: Generation,
    source: Generation,
    kernels: Kernels,
    arena: ArenaViews,
    reader: PositionReader,
    write: SlotWriter,
  ) {
    const { memory, layout, settings } = generation;
    const dim = codeDimension(settings.dimension);
    this.#generation = generation;
    this.#source = source;
    this.#kernels = kernels;
    this.#arena = arena;
    this.#reader = reader;
    this.#write = write;
    this.#leafTable = generation.leafTable;
    this.#leafFloats = new Float32Array(memory.buffer, layout.leafTable, this.#leafTable.length);
    const stride = rowBytes({ dimension: settings.dimension, precision: reader.precision });
    const rowEnd = wholeLines(2 * dim * 4 + stride + OVERRUN_BYTES);
    this.#scratch = growMemory(memory, rowEnd + blockBytes(settings));
    this.#block = this.#scratch + rowEnd;
    this.#blockBytes = new Uint8Array(memory.buffer, this.#block, blockBytes(settings));
    this.#scratchVector = new Float32Array(memory.buffer, this.#scratch, dim);
    this.#centroid = this.#scratch + dim * 4;
    this.#row = this.#centroid + dim * 4;
    this.#rowBytes = new Uint8Array(memory.buffer, this.#row, stride);
    this.#batchRows = Math.max(1, Math.floor(BATCH_BYTES / stride));
    this.#batch = new Uint8Array(this.#batchRows * stride);
  }

  /** Encodes leaves [first, end), writes their vectors and slot rows; returns the number of vectors. */
  encode(first: number, end: number): number {
    let vectors = 0;
    for (let leaf = first; leaf < end; leaf++) vectors += this.#encodeLeaf(leaf);
    return vectors;
  }

  #encodeLeaf(leaf: number): number {
    const at = leaf * LEAF_WORDS;
    const count = this.#leafTable[at + LEAF.count / 4] as number;
    let squares = 0;
    for (let first = 0; first < count; first += this.#batchRows) {
      squares += this.#encodeBatch(leaf, first, Math.min(count, first + this.#batchRows));
    }
    this.#leafFloats[at + LEAF.meanSquare / 4] = squares / count;
    return count;
  }

  /** The leaf's vectors [first, end); returns the sum of their squared distances from its centroid. */
  #encodeBatch(leaf: number, first: number, end: number): number {
    const { dimension } = this.#generation.settings;
    const precision = PRECISION_NUMBER[this.#reader.precision];
    const stride = this.#rowBytes.length;
    const at = leaf * LEAF_WORDS;
    const [blocks, count, firstSlot] = this.#leafTable.subarray(at, at + 3) as unknown as [
      number,
      number,
      number,
    ];
    const { memory } = this.#generation.codeMemoryOf(firstSlot) ?? this.#generation;
    const { slotRows, layout, settings } = this.#generation;
    const centroid = layout.centroids + leaf * centroidBytes(settings);
    this.#kernels.decodeRow(centroid, codeDimension(dimension), PRECISION_NUMBER.int8, this.#centroid);
    let squares = 0;
    for (let i = first; i < end; i++) {
      const position = this.#arena.positions[this.#arena.slotOrder[firstSlot + i] as number] as number;
      this.#reader.copyInto(position, this.#rowBytes, 0);
      this.#batch.set(this.#rowBytes, (i - first) * stride);
      slotRows[firstSlot + i] = this.#source.rowOf(position);
      this.#kernels.decodeRow(this.#row, dimension, precision, this.#scratch);
      this.#scratchVector.fill(0, dimension);
      const lane = i % BLOCK_VECTORS;
      squares += this.#encodeScratch(lane);
      if (lane < BLOCK_VECTORS - 1 && i < count - 1) continue;
      const block = Math.floor(i / BLOCK_VECTORS) * this.#blockBytes.length;
      new Uint8Array(memory.buffer, blocks + block, this.#blockBytes.length).set(this.#blockBytes);
      this.#blockBytes.fill(0);
    }
    this.#write(firstSlot + first, this.#batch.subarray(0, (end - first) * stride));
    return squares;
  }

  /** Encodes the vector in the scratch area into a lane of the block there; returns its squared distance from the centroid. */
  #encodeScratch(lane: number): number {
    const { settings, layout } = this.#generation;
    const dim = codeDimension(settings.dimension);
    const kernels = this.#kernels;
    const scratch = this.#scratch;
    if (settings.metric === 'cosine') kernels.normalize(scratch, dim);
    kernels.subtract(scratch, layout.origin, scratch, dim);
    kernels.rotate(scratch, dim, layout.signs);
    if (settings.quantizer === 'sign')
      kernels.signCode(scratch, dim, this.#block + lane * codeWords(settings.dimension) * 16);
    kernels.subtract(scratch, this.#centroid, scratch, dim);
    const squared = kernels.squaredNorm(scratch, dim);
    if (settings.quantizer === 'sign') return squared;
    const metric = METRIC_NUMBER[settings.metric];
    kernels.encode(
      scratch,
      this.#centroid,
      dim,
      settings.dimension,
      settings.bits,
      metric,
      this.#block,
      lane,
    );
    return squared;
  }
}
