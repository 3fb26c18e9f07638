// The buffer that kernels push candidates into. Lives in a worker's scratch area.

import { strict as assert } from 'node:assert';
import { BUFFER, BUFFER_HEADER_BYTES, CANDIDATE, CANDIDATE_BYTES } from '../kernels/layout.js';

/** There is room for so many times `keep`, as far as the buffer goes, so that a select is not needed after every push. */
const CAPACITY_FACTOR = 4;
/** And for at least so many. */
const CAPACITY_MIN = 128;
const CANDIDATE_WORDS = CANDIDATE_BYTES / 4;

/** What is estimated more than so many mean error bounds (`widths`) beyond the k-th best so far need not be kept. */
export interface Tightened {
  k: number;
  widths: number;
}

export class CandidateBuffer {
  readonly address: number;
  readonly #capacityMax: number;
  readonly #header: Uint32Array;
  readonly #threshold: Float32Array;
  readonly #words: Uint32Array;
  #tightenTo: Tightened | undefined;
  /** The most that `reset` may be asked to keep. */
  readonly keepMax: number;

  /** Takes `bytesFor(capacityMax)` bytes at `address`, a multiple of 16. */
  constructor(buffer: ArrayBufferLike, address: number, capacityMax: number) {
    const candidates = address + BUFFER_HEADER_BYTES;
    this.address = address;
    this.#capacityMax = capacityMax;
    this.keepMax = Math.floor(capacityMax / 2);
    this.#header = new Uint32Array(buffer, address, BUFFER_HEADER_BYTES / 4);
    this.#threshold = new Float32Array(buffer, address + BUFFER.threshold, 1);
    this.#words = new Uint32Array(buffer, candidates, capacityMax * CANDIDATE_WORDS);
    this.#header[BUFFER.candidates / 4] = candidates;
  }

  static bytesFor(capacityMax: number): number {
    return BUFFER_HEADER_BYTES + capacityMax * CANDIDATE_BYTES;
  }

  /**
   * Empties it, to keep the `keep` smallest of what is pushed from now on; at most half of the greatest capacity. `tightenTo`: what
   * whoever scans may drop of those besides.
   */
  reset(keep: number, tightenTo?: Tightened): void {
    this.#tightenTo = tightenTo;
    assert(keep <= this.keepMax, 'more to keep than there is room for');
    this.#header[BUFFER.count / 4] = 0;
    this.#header[BUFFER.capacity / 4] = Math.min(
      this.#capacityMax,
      Math.max(CAPACITY_FACTOR * keep, CAPACITY_MIN),
    );
    this.#header[BUFFER.keep / 4] = keep;
    this.#threshold[0] = Number.POSITIVE_INFINITY;
    this.#header[BUFFER.pushed / 4] = 0;
  }

  /** A copy of its content, for `restore`. */
  save(): Uint32Array {
    return this.#words.slice(0, this.count * CANDIDATE_WORDS);
  }

  restore(saved: Uint32Array): void {
    this.reset(this.keepMax);
    this.#words.set(saved);
    this.#header[BUFFER.count / 4] = saved.length / CANDIDATE_WORDS;
  }

  get count(): number {
    return this.#header[BUFFER.count / 4] as number;
  }

  get tightenTo(): Tightened | undefined {
    return this.#tightenTo;
  }

  get keep(): number {
    return this.#header[BUFFER.keep / 4] as number;
  }

  /** Only smaller estimates enter. */
  get threshold(): number {
    return this.#threshold[0] as number;
  }

  set threshold(estimate: number) {
    this.#threshold[0] = estimate;
  }

  /** The candidates, as layout.ts describes them. */
  get words(): Uint32Array {
    return this.#words;
  }

  positionAt(index: number): number {
    return this.#words[index * CANDIDATE_WORDS + CANDIDATE.position / 4] as number;
  }

  estimateAt(index: number): number {
    const order = this.#words[index * CANDIDATE_WORDS + CANDIDATE.order / 4] as number;
    WORD[0] = order & 0x80000000 ? order ^ 0x80000000 : ~order;
    return FLOAT[0] as number;
  }

  /** Whether one beyond the best `count`, which stand sorted in front, is estimated as the last of them. */
  hasTies(count: number): boolean {
    if (count === 0) return false;
    const orderAt = (index: number) => this.#words[index * CANDIDATE_WORDS + CANDIDATE.order / 4];
    const last = orderAt(count - 1);
    for (let i = count; i < this.count; i++) if (orderAt(i) === last) return true;
    return false;
  }

  /** After the kernel `boundCandidates` only. */
  lowerBoundAt(index: number): number {
    WORD[0] = this.#words[index * CANDIDATE_WORDS + CANDIDATE.bound / 4] as number;
    return FLOAT[0] as number;
  }
}

/** One number's bits and its value. */
const FLOAT = new Float32Array(1);
const WORD = new Uint32Array(FLOAT.buffer);
