// The scan stage: candidates from the codes of the chosen leaves and of the pending rows. Runs on a search worker.

import type { Kernels } from '../kernels/kernels.js';
import { LEAF_ENTRY_BYTES, LEAF_WORDS, METRIC_NUMBER } from '../kernels/layout.js';
import type { CandidateBuffer } from './candidate-buffer.js';
import type { CodeMemory } from './code-memory.js';
import type { QueryForms } from './code-scratch.js';
import type { Generation } from './generation.js';
import { CHUNK_CODES_OFFSET, CHUNK_LEAVES_OFFSET, PENDING_CHUNK_ROWS } from './memory-layout.js';
import type { QueryPart } from './query.js';
import { BesideScanner } from './scan-beside.js';
import { BATCH_ROWS, type Scratch } from './scratch.js';
import { codeDimension, codeWords } from './settings.js';

/** Candidates are tightened after the first leaf, and after so many times as many. */
const TIGHTEN_STEP = 4;

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
    const own = { kernels, memory: generation.memory, scratch, settings: generation.settings };
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

  /** Scans leaf entries [first, end) of the scratch area; returns the number of live vectors scanned. */
  scanLeaves(first: number, end: number): number {
    return this.#beside.length === 0 ? this.#scan(first, end) : this.#scanByMemory(first, end);
  }

  /** The leaves of each memory together, in its turn; nearest first among them. */
  #scanByMemory(first: number, end: number): number {
    const { leafWords } = this.#scratch;
    const { codeMemories } = this.#generation;
    const slotOf = (entry: number): number => leafWords[entry * LEAF_WORDS + 2] as number;
    const numbers = Uint32Array.from({ length: end - first }, (_, i) => first + i);
    let vectors = 0;
    this.#beside.forEach((scanner, i) => {
      const { firstSlot, slots } = codeMemories[i] as CodeMemory;
      vectors += scanner.scan(numbers.filter((n) => slotOf(n) >= firstSlot && slotOf(n) < firstSlot + slots));
    });
    const ownEnd = (codeMemories[0] as CodeMemory).firstSlot;
    const own = numbers.filter((entry) => slotOf(entry) < ownEnd);
    own.forEach((entry, i) => {
      leafWords.copyWithin((first + i) * LEAF_WORDS, entry * LEAF_WORDS, (entry + 1) * LEAF_WORDS);
    });
    return vectors + this.#scan(first, first + own.length);
  }

  /** Scans the codes of pending rows [0, encoded) whose leaf the query reaches; returns the number of live vectors scanned. */
  scanPending(encoded: number, part: QueryPart, isFiltered: boolean): number {
    let vectors = 0;
    this.eachPendingEntries(encoded, part, isFiltered, (entries) => {
      vectors += this.#scan(0, entries);
    });
    return vectors;
  }

  /**
   * Writes an entry for each of the part's chunks of pending rows to the scratch area, a few at a time, and calls `take` with their
   * number.
   */
  eachPendingEntries(
    encoded: number,
    part: QueryPart,
    isFiltered: boolean,
    take: (entries: number) => void,
  ): void {
    const chunks = Math.ceil(encoded / PENDING_CHUNK_ROWS);
    const { leafWords, mask, ownConstants, ownErrors } = this.#scratch;
    let entries = 0;
    for (let chunk = part.index; chunk < chunks; chunk += part.count) {
      const address = this.#generation.chunkAddress(chunk);
      const firstRow = chunk * PENDING_CHUNK_ROWS;
      const count = Math.min(PENDING_CHUNK_ROWS, encoded - firstRow);
      const position = this.#generation.slots + firstRow;
      const [excluded, firstBit] = isFiltered ? [mask.pendingBits, firstRow] : [address, 0];
      const numbers = address + CHUNK_LEAVES_OFFSET;
      leafWords.set(
        [address + CHUNK_CODES_OFFSET, count, position, excluded, firstBit, ownConstants, ownErrors, numbers],
        entries * LEAF_WORDS,
      );
      if (++entries < BATCH_ROWS) continue;
      take(entries);
      entries = 0;
    }
    if (entries > 0) take(entries);
  }

  /**
   * Writes the positions of the live vectors of an entry that may be nearer than `boundMax` to `scratch.positions` from index `at` on;
   * returns their number. There must be room for the whole entry.
   */
  listWithin(
    entry: number,
    { widths, boundMax, at }: { widths: number; boundMax: number; at: number },
  ): number {
    const { forms, leafWords, leafEntries, positions } = this.#scratch;
    const slot = leafWords[entry * LEAF_WORDS + 2] as number;
    const { slots, codeMemories } = this.#generation;
    const beside = slot < slots ? codeMemories.findLastIndex(({ firstSlot }) => firstSlot <= slot) : -1;
    if (beside >= 0) {
      const listed = (this.#beside[beside] as BesideScanner).listWithin(entry, widths, boundMax);
      positions.set(listed, at);
      return listed.length;
    }
    const { dimension, bits, metric } = this.#generation.settings;
    return this.#kernels.listWithin(
      ...([
        forms.tables,
        forms.tableOut,
        codeDimension(dimension),
        bits,
        METRIC_NUMBER[metric],
        widths,
      ] as const),
      ...([leafEntries + entry * LEAF_ENTRY_BYTES, 1, boundMax, positions.byteOffset + at * 4] as const),
    );
  }

  #scan(first: number, end: number): number {
    const { forms, leafEntries, candidates } = this.#scratch;
    const entries = leafEntries + first * LEAF_ENTRY_BYTES;
    return this.#scanEntries(this.#kernels, forms, entries, end - first, candidates);
  }

  #scanEntries(
    kernels: Kernels,
    forms: QueryForms,
    leafEntries: number,
    entries: number,
    into: CandidateBuffer,
  ): number {
    if (entries === 0) return 0;
    const { quantizer, dimension, bits, metric } = this.#generation.settings;
    if (quantizer === 'sign')
      return kernels.scanHamming(forms.signQuery, codeWords(dimension), leafEntries, entries, into.address);
    const dim = codeDimension(dimension);
    const tables = [forms.tables, forms.tableOut, dim, bits] as const;
    if (into.tightenTo === undefined)
      return kernels.scanLeaves(...tables, leafEntries, entries, into.address);
    const { k, widths } = into.tightenTo;
    let vectors = 0;
    for (let first = 0, end = 1; first < entries; first = end, end = Math.min(entries, TIGHTEN_STEP * end)) {
      const from = leafEntries + first * LEAF_ENTRY_BYTES;
      vectors += kernels.scanLeaves(...tables, from, end - first, into.address);
      if (end < entries)
        kernels.tighten(into.address, k, forms.tableOut, dim, bits, METRIC_NUMBER[metric], widths);
    }
    return vectors;
  }
}
