// What a leaf holds for a query, by a sample of its codes: a fraction of a scan of it. Unlike the spread of a leaf in all
// directions alike, a sample tells how it spreads towards the query, and only of those vectors that may be found. Runs on a search
// worker.

import { BLOCK_VECTORS, LEAF, LEAF_WORDS } from '../kernels/layout.js';
import { evenDistance, expectedBelow, type LeafSpread } from './expected-hits.js';
import type { Generation } from './generation.js';
import type { QueryStats } from './query.js';
import type { CodeScanner } from './scan.js';
import type { Scratch } from './scratch.js';
import { blockBytes } from './settings.js';

const BLOCKS = LEAF.blocks / 4;
const COUNT = LEAF.count / 4;
const POSITION = LEAF.firstPosition / 4;
const FIRST_BIT = LEAF.firstBit / 4;

/** A sample should have so many vectors; with fewer than the least of them nothing is known. */
const SAMPLE_VECTORS = 24;
const SAMPLE_VECTORS_MIN = 8;
const SAMPLE_BLOCKS_MAX = 8;
/** The deviation of a sample of 24 is off by a seventh: so much is added. */
const DEVIATION_MARGIN = 1.15;

export class LeafSampler {
  readonly #generation: Generation;
  readonly #scratch: Scratch;
  readonly #scanner: CodeScanner;
  readonly #words = new Uint32Array(LEAF_WORDS);

  constructor(generation: Generation, scratch: Scratch, scanner: CodeScanner) {
    this.#generation = generation;
    this.#scratch = scratch;
    this.#scanner = scanner;
  }

  /**
   * How the even distances of the `count` vectors spread that may be found in the leaf of this entry, in one dimension: the query's.
   * Where the sample is too small to tell they seem to be nearer than anything. Overwrites the candidates.
   */
  sample(entry: number, count: number, stats: QueryStats): LeafSpread {
    const { candidates, leafWords } = this.#scratch;
    const at = entry * LEAF_WORDS;
    const size = leafWords[at + COUNT] as number;
    const blocks = Math.ceil(size / BLOCK_VECTORS);
    const wanted = Math.ceil((SAMPLE_VECTORS * size) / Math.max(1, count) / BLOCK_VECTORS);
    const sampled = Math.min(blocks, wanted, SAMPLE_BLOCKS_MAX);
    candidates.reset(SAMPLE_BLOCKS_MAX * BLOCK_VECTORS);
    this.#words.set(leafWords.subarray(at, at + LEAF_WORDS));
    // Evenly over the leaf: its vectors lie in the order they came.
    for (let i = 0; i < sampled; i++) {
      const block = Math.floor(((i + 0.5) * blocks) / sampled);
      this.#narrow(at, block, Math.min(BLOCK_VECTORS, size - block * BLOCK_VECTORS));
      stats.vectorsScanned += this.#scanner.scanLeaves(entry, entry + 1);
      leafWords.set(this.#words, at);
    }
    return this.#spreadOf(count);
  }

  /** The entry becomes one block of its leaf. */
  #narrow(at: number, block: number, count: number): void {
    const { leafWords } = this.#scratch;
    const first = block * BLOCK_VECTORS;
    leafWords[at + BLOCKS] = (this.#words[BLOCKS] as number) + block * blockBytes(this.#generation.settings);
    leafWords[at + COUNT] = count;
    leafWords[at + POSITION] = (this.#words[POSITION] as number) + first;
    leafWords[at + FIRST_BIT] = (this.#words[FIRST_BIT] as number) + first;
  }

  #spreadOf(count: number): LeafSpread {
    const { candidates } = this.#scratch;
    const sampled = candidates.count;
    if (sampled < SAMPLE_VECTORS_MIN) return { count, mean: Number.NEGATIVE_INFINITY, spread: 0 };
    const { metric } = this.#generation.settings;
    const distanceAt = (i: number) => evenDistance(metric, candidates.estimateAt(i));
    let [sum, squares] = [0, 0];
    for (let i = 0; i < sampled; i++) sum += distanceAt(i);
    const mean = sum / sampled;
    for (let i = 0; i < sampled; i++) squares += (distanceAt(i) - mean) ** 2;
    return { count, mean, spread: DEVIATION_MARGIN * Math.sqrt(squares / (sampled - 1)) };
  }

  /** How many vectors nearer than the internal distance `kth` are to be expected in a leaf that was sampled. */
  expectedBelow(spread: LeafSpread, kth: number): number {
    return expectedBelow(spread, evenDistance(this.#generation.settings.metric, kth), 1);
  }
}
