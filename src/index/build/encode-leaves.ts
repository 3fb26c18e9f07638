// The second half of a build: codes of every leaf, and its vectors in leaf order. Runs on build workers.

import type { Kernels } from '../../kernels/kernels.js';
import { BLOCK_VECTORS, LEAF_ENTRY_BYTES, METRIC_NUMBER } from '../../kernels/layout.js';
import { type Generation, growMemory } from '../generation.js';

import type { PositionReader } from '../query.js';
import { blockBytes, codeDimension, codeWords } from '../settings.js';
import type { ArenaViews } from './arena-views.js';

/** Takes the full vectors of consecutive slots, row-major. */
export type SlotWriter = (firstSlot: number, vectors: Float32Array) => void;

export class LeafEncoder {
  readonly #generation: Generation;
  readonly #source: Generation;
  readonly #kernels: Kernels;
  readonly #arena: ArenaViews;
  readonly #reader: PositionReader;
  readonly #write: SlotWriter;
  readonly #leafTable: Uint32Array;
  readonly #scratch: number;
  readonly #scratchVector: Float32Array;

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
    this.#leafTable = new Uint32Array(
      memory.buffer,
      layout.leafTable,
      generation.leaves * (LEAF_ENTRY_BYTES / 4),
    );
    this.#scratch = growMemory(memory, dim * 4);
    this.#scratchVector = new Float32Array(memory.buffer, this.#scratch, dim);
  }

  /** Encodes leaves [first, end), writes their vectors and slot rows; returns the number of vectors. */
  encode(first: number, end: number): number {
    let vectors = 0;
    for (let leaf = first; leaf < end; leaf++) vectors += this.#encodeLeaf(leaf);
    return vectors;
  }

  #encodeLeaf(leaf: number): number {
    const { dimension } = this.#generation.settings;
    const at = leaf * (LEAF_ENTRY_BYTES / 4);
    const blocks = this.#leafTable[at] as number;
    const count = this.#leafTable[at + 1] as number;
    const firstSlot = this.#leafTable[at + 2] as number;
    const vectors = new Float32Array(count * dimension);
    const { slotRows } = this.#generation;
    for (let i = 0; i < count; i++) {
      const position = this.#arena.positions[this.#arena.slotOrder[firstSlot + i] as number] as number;
      this.#reader.copyInto(position, vectors, i * dimension);
      slotRows[firstSlot + i] = this.#source.rowOf(position);
      this.#scratchVector.set(vectors.subarray(i * dimension, (i + 1) * dimension));
      this.#scratchVector.fill(0, dimension);
      this.#encodeScratch(leaf, blocks, i);
    }
    this.#write(firstSlot, vectors);
    return count;
  }

  /** Encodes the vector in the scratch area as the leaf's `index`-th. */
  #encodeScratch(leaf: number, blocks: number, index: number): void {
    const { settings, layout } = this.#generation;
    const dim = codeDimension(settings.dimension);
    const kernels = this.#kernels;
    const scratch = this.#scratch;
    if (settings.metric === 'cosine') kernels.normalize(scratch, dim);
    kernels.rotate(scratch, dim, layout.signs);
    if (settings.quantizer === 'sign') {
      kernels.signCode(scratch, dim, blocks + index * codeWords(settings.dimension) * 16);
      return;
    }
    const centroid = layout.centroids + leaf * dim * 4;
    kernels.subtract(scratch, centroid, scratch, dim);
    const block = blocks + Math.floor(index / BLOCK_VECTORS) * blockBytes(settings);
    const metric = METRIC_NUMBER[settings.metric];
    kernels.encode(
      scratch,
      centroid,
      dim,
      settings.dimension,
      settings.bits,
      metric,
      block,
      index % BLOCK_VECTORS,
    );
  }
}
