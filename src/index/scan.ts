// The scan stage: candidates from the codes of the chosen leaves and of the pending rows. Runs on a search worker.

import type { Kernels } from '../kernels/kernels.js';
import { LEAF_ENTRY_BYTES, METRIC_NUMBER } from '../kernels/layout.js';
import type { CandidateBuffer } from './candidate-buffer.js';
import type { CodeMemory } from './code-memory.js';
import type { QueryForms } from './code-scratch.js';
import type { Generation } from './generation.js';
import { PENDING_CHUNK_ROWS } from './memory-layout.js';
import type { QueryPart } from './query.js';
import { BesideScanner } from './scan-beside.js';
import { BATCH_ROWS, type Scratch } from './scratch.js';
import { codeDimension, codeWords } from './settings.js';

const LEAF_WORDS = LEAF_ENTRY_BYTES / 4;

export class CodeScanner {
  readonly #generation: Generation;
  readonly #kernels: Kernels;
  readonly #scratch: Scratch;
  /** One for each code memory. */
  readonly #beside: BesideScanner[];

  constructor(generation: Generation, kernels: Kernels, scratch: Scratch) {
    this.#generation = generation;
    this.#kernels = kernels;
    this.#scratch = scratch;
    const own = { kernels, memory: generation.memory, scratch };
    this.#beside = generation.codeMemories.map(
      (memory, i) => new BesideScanner(memory, i, own, (...scan) => this.#scanEntries(...scan)),
    );
  }

  /** Leaves the part's share of the first `entries` leaf entries of the scratch area in it; returns their number. */
  keepPart(entries: number, part: QueryPart): number {
    if (part.count === 1) return entries;
    const { leafWords } = this.#scratch;
    let kept = 0;
    for (let i = part.index; i < entries; i += part.count) {
      leafWords.copyWithin(kept++ * LEAF_WORDS, i * LEAF_WORDS, (i + 1) * LEAF_WORDS);
    }
    return kept;
  }

  /** Leaves the best of the candidates, as many as are to be kept. */
  finish(): void {
    this.#kernels.finishBuffer(this.#scratch.candidates.address);
  }

  /** Scans leaf entries [first, end) of the scratch area; returns the number of vectors scanned. */
  scanLeaves(first: number, end: number): number {
    const { leafWords } = this.#scratch;
    let vectors = 0;
    for (let i = first; i < end; i++) vectors += leafWords[i * LEAF_WORDS + 1] as number;
    if (this.#beside.length === 0) this.#scan(first, end);
    else this.#scanByMemory(first, end);
    return vectors;
  }

  /** The leaves of each memory together, in its turn; nearest first among them. */
  #scanByMemory(first: number, end: number): void {
    const { leafWords } = this.#scratch;
    const { codeMemories } = this.#generation;
    const slotOf = (entry: number): number => leafWords[entry * LEAF_WORDS + 2] as number;
    const numbers = Uint32Array.from({ length: end - first }, (_, i) => first + i);
    this.#beside.forEach((scanner, i) => {
      const { firstSlot, slots } = codeMemories[i] as CodeMemory;
      scanner.scan(numbers.filter((n) => slotOf(n) >= firstSlot && slotOf(n) < firstSlot + slots));
    });
    const ownEnd = (codeMemories[0] as CodeMemory).firstSlot;
    const own = numbers.filter((entry) => slotOf(entry) < ownEnd);
    own.forEach((entry, i) => {
      leafWords.copyWithin((first + i) * LEAF_WORDS, entry * LEAF_WORDS, (entry + 1) * LEAF_WORDS);
    });
    this.#scan(first, first + own.length);
  }

  /** Scans the codes of pending rows [0, encoded); returns the number of vectors scanned. */
  scanPending(encoded: number, part: QueryPart, isFiltered = false): number {
    const chunks = Math.ceil(encoded / PENDING_CHUNK_ROWS);
    const { constant, errorScale } = this.#originDistance();
    const { leafWords, leafFloats, mask } = this.#scratch;
    let entries = 0;
    let vectors = 0;
    for (let chunk = part.index; chunk < chunks; chunk += part.count) {
      const address = this.#generation.chunkAddress(chunk);
      const firstRow = chunk * PENDING_CHUNK_ROWS;
      const count = Math.min(PENDING_CHUNK_ROWS, encoded - firstRow);
      const at = entries * LEAF_WORDS;
      const position = this.#generation.slots + firstRow;
      const [excluded, firstBit] = isFiltered ? [mask.pendingBits, firstRow] : [address, 0];
      leafWords.set([address + PENDING_CHUNK_ROWS / 8, count, position, excluded, firstBit], at);
      leafFloats[at + 5] = constant;
      leafFloats[at + 6] = errorScale;
      vectors += count;
      if (++entries === BATCH_ROWS) {
        this.#scan(0, entries);
        entries = 0;
      }
    }
    this.#scan(0, entries);
    return vectors;
  }

  #scan(first: number, end: number): void {
    const { forms, leafEntries, candidates } = this.#scratch;
    const entries = leafEntries + first * LEAF_ENTRY_BYTES;
    this.#scanEntries(this.#kernels, forms, entries, end - first, candidates);
  }

  #scanEntries(
    kernels: Kernels,
    { signQuery, tables, tableOut }: QueryForms,
    leafEntries: number,
    entries: number,
    into: CandidateBuffer,
  ): void {
    if (entries === 0) return;
    const { settings } = this.#generation;
    if (settings.quantizer === 'sign') {
      kernels.scanHamming(signQuery, codeWords(settings.dimension), leafEntries, entries, into.address);
    } else {
      const dim = codeDimension(settings.dimension);
      kernels.scanLeaves(tables, tableOut, dim, settings.bits, leafEntries, entries, into.address);
    }
  }

  /** Pending codes are relative to the origin alone. */
  #originDistance(): { constant: number; errorScale: number } {
    const { settings, layout } = this.#generation;
    const { rotated, distances, distanceValues } = this.#scratch;
    const dim = codeDimension(settings.dimension);
    const squared = this.#kernels.squaredNorm(rotated, dim);
    const errorScale = Math.sqrt(squared);
    if (settings.metric !== 'dot') return { constant: squared, errorScale };
    this.#kernels.distances(rotated, layout.rotatedOrigin, 1, dim, METRIC_NUMBER.dot, distances);
    return { constant: distanceValues[0] as number, errorScale };
  }
}
