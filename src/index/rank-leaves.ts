// Navigation: which leaves are nearest to the query, by the binary codes of the tree's centroids. Runs on a search worker.

import type { Kernels } from '../kernels/kernels.js';
import { BLOCK_VECTORS, LEAF, LEAF_WORDS, METRIC_NUMBER } from '../kernels/layout.js';
import { remoteness } from './expected-hits.js';
import type { Generation } from './generation.js';
import type { LeafCounts } from './leaf-counts.js';
import { type LevelLayout, NODE_ENTRY_BYTES, WORD } from './memory-layout.js';
import type { Scratch } from './scratch.js';
import { codeDimension, nodeBlockBytes } from './settings.js';

/** Codes rank the centroids; this many more than a quarter above `probes` are compared exactly, and the best chosen. */
const REFINE_EXTRA = 64;

export function rankedFor(probes: number): number {
  return Math.ceil(1.25 * probes) + REFINE_EXTRA;
}

/** Leaves that are compared exactly at least: in a small index all, so that further ones may be scanned. */
const REFINED_MIN = 256;

/** How many leaves a search ranks that scans so many. */
export function refinedFor(probes: number): number {
  return Math.max(REFINED_MIN, rankedFor(probes));
}

/** Codes rank the centroids well enough for the nearest to be among so many. */
const NEAREST_REFINED = 32;

/** So many leaves are ranked without descending: a narrower beam loses recall and saves little. */
const BEAM_LEAVES_MIN = 16_384;
const BEAM_LEAVES_PER_PROBE = 64;
/** Near the root few nodes hold many leaves, and the best of them need not hold the nearest leaf. */
const BEAM_NODES_MIN = 16;

const NODE_WORDS = NODE_ENTRY_BYTES / 4;

interface Range {
  first: number;
  end: number;
}

export class LeafRanker {
  readonly #generation: Generation;
  readonly #kernels: Kernels;
  readonly #scratch: Scratch;
  readonly #children: Uint32Array[];
  readonly #beamLeavesMin: number;
  /** The table of leaves, as numbers. */
  readonly #leafFloats: Float32Array;

  constructor(generation: Generation, kernels: Kernels, scratch: Scratch, beamLeavesMin = BEAM_LEAVES_MIN) {
    const { memory, layout, leaves } = generation;
    this.#leafFloats = new Float32Array(memory.buffer, layout.leafTable, leaves * LEAF_WORDS);
    this.#generation = generation;
    this.#kernels = kernels;
    this.#scratch = scratch;
    this.#beamLeavesMin = beamLeavesMin;
    this.#children = layout.levels.map(
      (level) =>
        new Uint32Array(
          memory.buffer,
          level.childrenAddress,
          level.childrenAddress ? level.count * NODE_WORDS : 0,
        ),
    );
  }

  /**
   * Writes the entries of the `probes` nearest leaves that are not empty by `counts` to the scratch area, nearest first, or of so many of
   * them that they hold `share` of the hits to be expected (probe-model.ts); returns their number.
   * The query's tables must have been built. Each entry gets the two numbers its codes' estimates need
   * (RaBitQ, arXiv 2405.12497, section 3.2): the distance from query to centroid, and the scale of the error bound.
   */
  rank(probes: number, share: number, counts: LeafCounts): number {
    const wanted = Math.min(probes, counts.leaves);
    if (wanted === 0) return 0;
    const { nodes } = this.#scratch;
    const empty = counts.hasEmpty ? counts.emptyBits : 0;
    this.#scanTree(wanted, share < 1 ? wanted : refinedFor(wanted), empty);
    this.#kernels.finishBuffer(nodes.address);
    const ranked = Math.min(wanted, nodes.count);
    this.#rescore();
    this.#kernels.sortBuffer(nodes.address, ranked);
    const count = share < 1 ? this.#chooseProbes(ranked, share, counts) : ranked;
    this.#writeEntries(count);
    return count;
  }

  /** Writes the entries of all leaves in the node buffer, which have exact distances, nearest first; returns their number. */
  listRanked(): number {
    const { nodes } = this.#scratch;
    this.#kernels.sortBuffer(nodes.address, nodes.count);
    this.#writeEntries(nodes.count);
    return nodes.count;
  }

  /** Writes the entries of all leaves, empty or not, nearest first; returns their number. */
  rankAll(): number {
    const { leaves } = this.#generation;
    if (leaves === 0) return 0;
    const { nodes } = this.#scratch;
    this.#scanTree(leaves, leaves, 0);
    this.#kernels.finishBuffer(nodes.address);
    this.#rescore();
    return this.listRanked();
  }

  /** Leaves a few leaves in the node buffer that are nearest by their codes, empty or not; the tables must have been built. */
  rankByCodes(): void {
    const wanted = Math.min(this.#generation.leaves, NEAREST_REFINED);
    this.#scanTree(wanted, wanted, 0);
    this.#kernels.finishBuffer(this.#scratch.nodes.address);
  }

  /** Of these the one with the centroid nearest to `scratch.rotated`, which is relative to the origin. */
  nearestOfRanked(): { leaf: number; squaredDistance: number } {
    const { nodes, rotated, rows } = this.#scratch;
    const { layout, settings } = this.#generation;
    const dim = codeDimension(settings.dimension);
    this.#kernels.rescore(nodes.address, rotated, layout.centroids, dim, METRIC_NUMBER.l2, 0, rows);
    this.#kernels.sortBuffer(nodes.address, 1);
    return { leaf: nodes.positionAt(0), squaredDistance: nodes.estimateAt(0) };
  }

  /** How remote the nearest of the ranked leaves is; expected-hits.ts. */
  remoteness(): number {
    const { settings } = this.#generation;
    const { nodes } = this.#scratch;
    const meanSquare = this.#leafFloats[nodes.positionAt(0) * LEAF_WORDS + LEAF.meanSquare / 4] as number;
    return remoteness(settings.metric, Math.max(0, nodes.estimateAt(0)), meanSquare);
  }

  /**
   * The hits to be expected, by the distance `kth` of the k-th nearest that is found, in the ranked leaves that were `scanned`, the first
   * of them, and in all others (expected-hits.ts). Leaves that are not ranked are taken to be no nearer than the farthest that are.
   * Leaves those of each ranked leaf in `scratch.distanceValues`.
   */
  expectedOf(scanned: number, kth: number, counts: LeafCounts): { scanned: number; left: number } {
    const { nodes, distanceValues } = this.#scratch;
    const others = Math.max(0, counts.leaves - nodes.count);
    const all = this.#expectHits(kth, counts, this.#generation.spreadDimensions, others);
    let ofScanned = 0;
    for (let i = 0; i < scanned; i++) ofScanned += distanceValues[i] as number;
    return { scanned: ofScanned, left: scanned >= counts.leaves ? 0 : Math.max(0, all - ofScanned) };
  }

  /** Leaves the hits that are expected of each ranked leaf in `scratch.distanceValues`, in so many dimensions. */
  expectHits(kth: number, counts: LeafCounts, dimensions: number): void {
    this.#expectHits(kth, counts, dimensions, 0);
  }

  /** Returns their sum, and the least of them for each of so many `others`. */
  #expectHits(kth: number, counts: LeafCounts, dimensions: number, others: number): number {
    const { settings, layout } = this.#generation;
    const { nodes, rotated, distances } = this.#scratch;
    return this.#kernels.expectHits(
      nodes.address,
      0,
      nodes.count,
      layout.leafTable,
      counts.address,
      kth,
      Math.sqrt(this.#kernels.squaredNorm(rotated, codeDimension(settings.dimension))),
      dimensions,
      METRIC_NUMBER[settings.metric],
      others,
      distances,
    );
  }

  /** By angle for `dot`: leaves of large norms would win every ranking by inner product. */
  #rescore(): void {
    const { settings, layout } = this.#generation;
    const { nodes, rotated, rows } = this.#scratch;
    const metric = settings.metric === 'dot' ? METRIC_NUMBER.cosine : METRIC_NUMBER.l2;
    const dim = codeDimension(settings.dimension);
    this.#kernels.rescore(nodes.address, rotated, layout.centroids, dim, metric, this.#shift, rows);
  }

  /** For dot the query is not relative to the origin, but the centroids are. */
  get #shift(): number {
    const { settings, layout } = this.#generation;
    return settings.metric === 'dot' ? layout.rotatedOrigin : 0;
  }

  #writeEntries(count: number): void {
    const { settings, layout } = this.#generation;
    const { nodes, rotated, rows, leafEntries } = this.#scratch;
    this.#kernels.listLeaves(
      nodes.address,
      count,
      layout.leafTable,
      rotated,
      layout.centroids,
      codeDimension(settings.dimension),
      METRIC_NUMBER[settings.metric],
      this.#shift,
      rows,
      leafEntries,
    );
  }

  #chooseProbes(ranked: number, share: number, counts: LeafCounts): number {
    const { nodes, distances } = this.#scratch;
    const model = WORD.probeModel * 4;
    return this.#kernels.chooseProbes(nodes.address, ranked, share, model, counts.address, distances);
  }

  /** Fills the node buffer with the best `ranked` leaves by their codes: of all, or of those under a beam of the tree. */
  #scanTree(probes: number, ranked: number, empty: number): void {
    const { levels } = this.#generation.layout;
    const leavesWanted = Math.max(this.#beamLeavesMin, BEAM_LEAVES_PER_PROBE * probes);
    const whole = (level: number): Range[] => [{ first: 0, end: (levels[level] as LevelLayout).count }];
    const refined = Math.min(this.#generation.leaves, ranked);
    if (this.#generation.leaves <= leavesWanted) {
      this.#scanLevel(0, whole(0), refined, empty);
      return;
    }
    let ranges = whole(levels.length - 1);
    for (let level = levels.length - 1; level > 0; level--) {
      this.#scanLevel(level, ranges, (levels[level] as LevelLayout).count);
      ranges = this.#beam(level, leavesWanted);
    }
    this.#scanLevel(0, ranges, refined, empty);
    // Where the leaves under the beam are all empty.
    if (this.#scratch.nodes.count === 0) this.#scanLevel(0, whole(0), refined, empty);
  }

  /** The children of this level's best nodes: as many nodes as hold `leavesWanted` leaves together. */
  #beam(level: number, leavesWanted: number): Range[] {
    const { nodes } = this.#scratch;
    const children = this.#children[level] as Uint32Array;
    this.#kernels.sortBuffer(nodes.address, nodes.count);
    const ranges: Range[] = [];
    let leaves = 0;
    for (let i = 0; i < nodes.count && (leaves < leavesWanted || i < BEAM_NODES_MIN); i++) {
      const at = nodes.positionAt(i) * NODE_WORDS;
      const first = children[at] as number;
      ranges.push({ first, end: first + (children[at + 1] as number) });
      leaves += children[at + 2] as number;
    }
    return ranges;
  }

  /**
   * Fills the node buffer with the `keep` nearest nodes of the ranges: their codes are scanned like those of leaves. `empty`: the address
   * of the bits of those to be left out, or 0.
   */
  #scanLevel(level: number, ranges: Range[], keep: number, empty = 0): void {
    const { nodes, forms, leafEntries, leafWords } = this.#scratch;
    const { settings, layout } = this.#generation;
    const { blocksAddress } = layout.levels[level] as LevelLayout;
    const blockBytes = nodeBlockBytes(settings);
    const entries = wholeBlocks(ranges);
    entries.forEach(({ first, end }, i) => {
      const blocks = blocksAddress + (first / BLOCK_VECTORS) * blockBytes;
      leafWords.set([blocks, end - first, first, empty, first, 0, 0, 0], i * LEAF_WORDS);
    });
    nodes.reset(keep);
    const dim = codeDimension(settings.dimension);
    const { scanLeaves } = this.#kernels;
    const { tables, tableOut } = forms;
    scanLeaves(tables, tableOut, dim, settings.bits, leafEntries, entries.length, nodes.address);
  }
}

/** The ranges, ascending, each from the start of a block of codes, none overlapping: a few more nodes do no harm. */
function wholeBlocks(ranges: Range[]): Range[] {
  const whole: Range[] = [];
  for (const { first, end } of ranges.toSorted((a, b) => a.first - b.first)) {
    const last = whole.at(-1);
    const start = first - (first % BLOCK_VECTORS);
    if (last !== undefined && start <= last.end) last.end = end;
    else whole.push({ first: start, end });
  }
  return whole;
}
