// The scan of leaves whose codes lie in a code memory: there, by kernels of that memory, from the same tables; what it
// finds is brought to the candidates of the generation's own. Runs on a search worker.

import { instantiateKernels, type Kernels } from '../kernels/kernels.js';
import {
  BLOCK_FACTOR_BYTES,
  BLOCK_VECTORS,
  CANDIDATE_BYTES,
  LEAF_WORDS,
  METRIC_NUMBER,
} from '../kernels/layout.js';
import type { CandidateBuffer } from './candidate-buffer.js';
import type { CodeMemory } from './code-memory.js';
import { type CodeScratch, ENTRIES_MAX, type QueryForms } from './code-scratch.js';
import { BROUGHT_FACTORS_BYTES, type Scratch } from './scratch.js';
import { codeDimension, type IndexSettings } from './settings.js';

const CANDIDATE_WORDS = CANDIDATE_BYTES / 4;
const FACTORS = 3;
/** 16-bit words from one factor of a vector to its next. */
const FACTOR_STRIDE = BLOCK_VECTORS;

/** The kernel to scan with, as `CodeScanner` chooses it by quantizer. */
export type ScanEntries = (
  kernels: Kernels,
  query: QueryForms,
  leafEntries: number,
  entries: number,
  into: CandidateBuffer,
) => number;

export class BesideScanner {
  readonly #own: Kernels;
  readonly #settings: IndexSettings;
  readonly #kernels: Kernels;
  readonly #scratch: Scratch;
  readonly #area: CodeScratch;
  readonly #scan: ScanEntries;
  /** The code memory, to read factors from. */
  readonly #halves: Uint16Array;
  /** Of the generation's own memory: where candidates and factors are brought to. */
  readonly #broughtWords: Uint32Array;
  readonly #broughtHalves: Uint16Array;
  readonly #broughtFactors: number;

  /** `index`: which of the generation's code memories it is. */
  constructor(
    { memory }: CodeMemory,
    index: number,
    own: { kernels: Kernels; memory: WebAssembly.Memory; scratch: Scratch; settings: IndexSettings },
    scan: ScanEntries,
  ) {
    const { scratch } = own;
    this.#own = own.kernels;
    this.#settings = own.settings;
    this.#kernels = instantiateKernels(memory);
    this.#scratch = scratch;
    this.#area = scratch.codeAreas[index] as CodeScratch;
    this.#scan = scan;
    this.#halves = new Uint16Array(memory.buffer);
    this.#broughtFactors = scratch.broughtFactors + index * BROUGHT_FACTORS_BYTES;
    const { buffer } = own.memory;
    const { candidates, broughtCandidates } = scratch;
    this.#broughtWords = new Uint32Array(buffer, broughtCandidates, candidates.keepMax * CANDIDATE_WORDS);
    this.#broughtHalves = new Uint16Array(buffer, this.#broughtFactors, BROUGHT_FACTORS_BYTES / 2);
  }

  /**
   * Scans listed entries of the scratch area; `candidates` there gets those that are among its best. Returns the number of live
   * vectors scanned.
   */
  scan(entries: Uint32Array): number {
    if (entries.length === 0) return 0;
    let vectors = 0;
    const { forms, leafWords, candidates } = this.#scratch;
    const area = this.#area;
    area.query.bytes.set(forms.bytes);
    area.candidates.reset(candidates.keep, candidates.tightenTo);
    area.candidates.threshold = candidates.threshold;
    for (let first = 0; first < entries.length; first += ENTRIES_MAX) {
      const listed = entries.subarray(first, first + ENTRIES_MAX);
      listed.forEach((entry, i) => {
        const at = entry * LEAF_WORDS;
        area.leafWords.set(leafWords.subarray(at, at + LEAF_WORDS), i * LEAF_WORDS);
      });
      vectors += this.#scan(this.#kernels, area.query, area.leafEntries, listed.length, area.candidates);
    }
    this.#kernels.finishBuffer(area.candidates.address);
    this.#bring();
    return vectors;
  }

  /** Positions of the live vectors of one entry of the scratch area that may be nearer than `boundMax`, until the next call. */
  listWithin(entry: number, widths: number, boundMax: number): Uint32Array {
    const { forms, leafWords } = this.#scratch;
    const { query, candidates, leafEntries, leafWords: own } = this.#area;
    query.bytes.set(forms.bytes);
    own.set(leafWords.subarray(entry * LEAF_WORDS, (entry + 1) * LEAF_WORDS));
    const { dimension, bits, metric } = this.#settings;
    const listed = this.#kernels.listWithin(
      ...([
        query.tables,
        query.tableOut,
        codeDimension(dimension),
        bits,
        METRIC_NUMBER[metric],
        widths,
      ] as const),
      ...([leafEntries, 1, boundMax, candidates.words.byteOffset] as const),
    );
    return candidates.words.subarray(0, listed);
  }

  /** Candidates name their factors by address: these come along, and are named by where they are then. */
  #bring(): void {
    const { candidates } = this.#area;
    const { count, words } = candidates;
    for (let i = 0; i < count; i++) {
      const at = i * CANDIDATE_WORDS;
      const from = (words[at + 2] as number) >>> 1;
      const block = Math.floor(i / BLOCK_VECTORS);
      const to = (block * BLOCK_FACTOR_BYTES) / 2 + (i % BLOCK_VECTORS);
      for (let factor = 0; factor < FACTORS; factor++) {
        this.#broughtHalves[to + factor * FACTOR_STRIDE] = this.#halves[
          from + factor * FACTOR_STRIDE
        ] as number;
      }
      this.#broughtWords.set(words.subarray(at, at + CANDIDATE_WORDS), at);
      this.#broughtWords[at + 2] = this.#broughtFactors + to * 2;
    }
    const own = this.#scratch.candidates;
    this.#own.pushCandidates(this.#scratch.broughtCandidates, count, own.address);
    // What is not below its threshold was cut or ruled out there, so that it need not enter here.
    own.threshold = Math.min(own.threshold, candidates.threshold);
  }
}
