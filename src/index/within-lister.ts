// Reads every vector of some leaves, or of pending rows, that its code does not put beyond a distance; what is read brings the distance
// down. Runs on a search worker.

import type { Kernels } from '../kernels/kernels.js';
import { BLOCK_VECTORS, LEAF, LEAF_WORDS } from '../kernels/layout.js';
import type { Generation } from './generation.js';
import type { PositionReader, QueryStats } from './query.js';
import { kthDistance, readRows } from './rerank.js';
import type { CodeScanner } from './scan.js';
import type { Scratch } from './scratch.js';
import { blockBytes } from './settings.js';

const BLOCKS = LEAF.blocks / 4;
const COUNT = LEAF.count / 4;
const POSITION = LEAF.firstPosition / 4;
const FIRST_BIT = LEAF.firstBit / 4;

/** Vectors of an entry that are looked at together: of pending rows no entry has more. */
const STRETCH = 8192;
/** So many positions are read at once, or a few more. */
const READ_AT_ONCE = 256;

const NOTHING = new Float32Array();

export class WithinLister {
  readonly #generation: Generation;
  readonly #kernels: Kernels;
  readonly #reader: PositionReader;
  readonly #scratch: Scratch;
  readonly #scanner: CodeScanner;
  #k = 0;
  #widths = 1;
  #bound = 0;
  /** Positions that wait to be read. */
  #listed = 0;
  #known: ReadonlySet<number> = new Set();
  #found: Float32Array = NOTHING;

  constructor(
    generation: Generation,
    kernels: Kernels,
    reader: PositionReader,
    { scratch, scanner }: { scratch: Scratch; scanner: CodeScanner },
  ) {
    this.#generation = generation;
    this.#kernels = kernels;
    this.#reader = reader;
    this.#scratch = scratch;
    this.#scanner = scanner;
  }

  /**
   * `within`: no less than the k-th distance, in the scale of the loaded query; `widths`: error bounds that a lower bound is wide.
   * What is in `nearest` already is not read again. `found`: ascending distances of others than will be read, by an earlier look.
   */
  begin(k: number, within: number, widths: number, found: Float32Array = NOTHING): void {
    const { nearest } = this.#scratch;
    this.#k = k;
    this.#bound = within;
    this.#widths = widths;
    this.#found = found;
    this.#kernels.finishBuffer(nearest.address);
    this.#known = new Set(Array.from({ length: nearest.count }, (_, i) => nearest.positionAt(i)));
  }

  /** The k-th distance of what was read is no larger, nor is what it began with. */
  get bound(): number {
    return this.#bound;
  }

  /** Lists what of an entry of the scratch area may be near enough, and reads when there is enough to read; leaves the entry at its end. */
  lookAt(entry: number, stats: QueryStats): void {
    const { leafWords } = this.#scratch;
    const at = entry * LEAF_WORDS;
    const stretchBytes = (STRETCH / BLOCK_VECTORS) * blockBytes(this.#generation.settings);
    for (let left = leafWords[at + COUNT] as number; left > 0; left -= STRETCH) {
      leafWords[at + COUNT] = Math.min(left, STRETCH);
      stats.vectorsScanned += Math.min(left, STRETCH);
      const place = { widths: this.#widths, boundMax: this.#bound, at: this.#listed };
      this.#listed += this.#scanner.listWithin(entry, place);
      if (this.#listed >= READ_AT_ONCE) this.read(stats);
      leafWords[at + BLOCKS] = (leafWords[at + BLOCKS] as number) + stretchBytes;
      leafWords[at + POSITION] = (leafWords[at + POSITION] as number) + STRETCH;
      leafWords[at + FIRST_BIT] = (leafWords[at + FIRST_BIT] as number) + STRETCH;
    }
  }

  /** Pushes the exact distances of what waits to be read to `nearest`. */
  read(stats: QueryStats): void {
    const { positions } = this.#scratch;
    const listed = this.#withoutKnown();
    this.#listed = 0;
    if (listed === 0) return;
    positions.subarray(0, listed).sort();
    readRows(listed, this.#generation.settings, this.#kernels, this.#scratch, this.#reader);
    stats.vectorsReranked += listed;
    this.#bound = Math.min(this.#bound, this.#kthOfAll());
  }

  /** Of what is in `nearest` and what an earlier look has found. */
  #kthOfAll(): number {
    const { nearest } = this.#scratch;
    const found = this.#found;
    if (found.length === 0) return kthDistance(nearest, this.#k, this.#kernels);
    if (nearest.count + found.length < this.#k) return Number.POSITIVE_INFINITY;
    const sorted = Math.min(this.#k, nearest.count);
    this.#kernels.sortBuffer(nearest.address, sorted);
    let [own, others] = [0, 0];
    let kth = Number.NEGATIVE_INFINITY;
    for (let rank = 0; rank < this.#k; rank++) {
      const next = own < sorted ? nearest.estimateAt(own) : Number.POSITIVE_INFINITY;
      const other = others < found.length ? (found[others] as number) : Number.POSITIVE_INFINITY;
      kth = Math.min(next, other);
      if (next <= other) own++;
      else others++;
    }
    return kth;
  }

  /** Moves up what is not in `nearest` yet; returns how many these are. */
  #withoutKnown(): number {
    if (this.#known.size === 0) return this.#listed;
    const { positions } = this.#scratch;
    let kept = 0;
    for (let i = 0; i < this.#listed; i++) {
      const position = positions[i] as number;
      if (!this.#known.has(position)) positions[kept++] = position;
    }
    return kept;
  }
}
