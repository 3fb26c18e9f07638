// Navigation: which leaves are nearest to the query, by the binary codes of the tree's centroids. Runs on a search worker.

import type { KernelMetric, Kernels } from '../kernels/kernels.js';
import { LEAF_ENTRY_BYTES, METRIC_NUMBER } from '../kernels/layout.js';
import type { CandidateBuffer } from './candidate-buffer.js';
import type { Generation } from './generation.js';
import { type LevelLayout, NODE_ENTRY_BYTES } from './memory-layout.js';
import type { Scratch } from './scratch.js';
import { codeDimension } from './settings.js';

/** Codes rank the centroids; this many times `probes` are compared exactly before the best are chosen. */
const REFINE_FACTOR = 4;
const REFINE_MIN = 32;

/** So many leaves are ranked without descending: a narrower beam loses recall and saves little. */
const BEAM_LEAVES_MIN = 16_384;
const BEAM_LEAVES_PER_PROBE = 64;

const LEAF_WORDS = LEAF_ENTRY_BYTES / 4;
/** Words of an entry that do not depend on the query. */
const LEAF_FIXED_WORDS = 5;
const NODE_WORDS = NODE_ENTRY_BYTES / 4;

interface Range {
  first: number;
  end: number;
}

export class LeafRanker {
  readonly #generation: Generation;
  readonly #kernels: Kernels;
  readonly #scratch: Scratch;
  readonly #leafTable: Uint32Array;
  readonly #children: Uint32Array[];
  readonly #beamLeavesMin: number;

  constructor(generation: Generation, kernels: Kernels, scratch: Scratch, beamLeavesMin = BEAM_LEAVES_MIN) {
    const { memory, layout } = generation;
    this.#generation = generation;
    this.#kernels = kernels;
    this.#scratch = scratch;
    this.#beamLeavesMin = beamLeavesMin;
    this.#leafTable = new Uint32Array(memory.buffer, layout.leafTable, generation.leaves * LEAF_WORDS);
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
   * Writes the entries of the `probes` nearest leaves to the scratch area, nearest first, and returns their number.
   * The query's tables must have been built. Each entry gets the two numbers its codes' estimates need
   * (RaBitQ, arXiv 2405.12497, section 3.2): the distance from query to centroid, and the scale of the error bound.
   */
  rank(probes: number): number {
    const count = Math.min(probes, this.#generation.leaves);
    if (count === 0) return 0;
    const { nodes } = this.#scratch;
    this.#estimateLeaves(count);
    const refined = Math.min(nodes.count, Math.max(REFINE_FACTOR * count, REFINE_MIN));
    this.#kernels.partition(nodes.address, refined);
    nodes.count = refined;
    this.#refine(nodes, refined);
    this.#kernels.sortBuffer(nodes.address, count);
    for (let i = 0; i < count; i++) this.#writeEntry(i, nodes.positions[i] as number);
    return count;
  }

  /** Fills the node buffer with leaves and their estimated distances: all of them, or those under a beam of the tree. */
  #estimateLeaves(probes: number): void {
    const { levels } = this.#generation.layout;
    const leavesWanted = Math.max(this.#beamLeavesMin, BEAM_LEAVES_PER_PROBE * probes);
    const whole = (level: number): Range[] => [{ first: 0, end: (levels[level] as LevelLayout).count }];
    if (this.#generation.leaves <= leavesWanted) {
      this.#estimateLevel(0, whole(0));
      return;
    }
    const top = levels.length - 1;
    this.#estimateLevel(top, whole(top));
    for (let level = top; level > 0; level--) this.#estimateLevel(level - 1, this.#beam(level, leavesWanted));
  }

  /** The children of this level's best nodes: as many nodes as hold `leavesWanted` leaves together. */
  #beam(level: number, leavesWanted: number): Range[] {
    const { nodes } = this.#scratch;
    const children = this.#children[level] as Uint32Array;
    this.#kernels.sortBuffer(nodes.address, nodes.count);
    const ranges: Range[] = [];
    let leaves = 0;
    for (let i = 0; i < nodes.count && leaves < leavesWanted; i++) {
      const at = (nodes.positions[i] as number) * NODE_WORDS;
      const first = children[at] as number;
      ranges.push({ first, end: first + (children[at + 1] as number) });
      leaves += children[at + 2] as number;
    }
    return ranges;
  }

  #estimateLevel(level: number, ranges: Range[]): void {
    const { nodes, tables, tableOut } = this.#scratch;
    const { settings, layout } = this.#generation;
    const dim = codeDimension(settings.dimension);
    const blocks = (layout.levels[level] as LevelLayout).blocksAddress;
    let count = 0;
    for (const { first, end } of ranges) {
      const out = nodes.estimates.byteOffset + count * 4;
      this.#kernels.estimateBlocks(tables, tableOut, dim, settings.bits, blocks, first, end, 0, out);
      for (let node = first; node < end; node++) nodes.positions[count++] = node;
    }
    nodes.count = count;
  }

  /** Replaces the estimates by exact distances to the centroids; by angle for `dot`, where large norms would win every ranking. */
  #refine(nodes: CandidateBuffer, count: number): void {
    const { settings, layout } = this.#generation;
    const metric = settings.metric === 'dot' ? METRIC_NUMBER.cosine : METRIC_NUMBER.l2;
    const list = nodes.positions.byteOffset;
    const out = nodes.estimates.byteOffset;
    const dim = codeDimension(settings.dimension);
    this.#kernels.distancesListed(this.#scratch.rotated, layout.centroids, list, count, dim, metric, out);
  }

  #writeEntry(i: number, leaf: number): void {
    const { leafWords, leafFloats, distances, distanceValues, nodes } = this.#scratch;
    const at = i * LEAF_WORDS;
    for (let word = 0; word < LEAF_FIXED_WORDS; word++) {
      leafWords[at + word] = this.#leafTable[leaf * LEAF_WORDS + word] as number;
    }
    if (this.#generation.settings.metric === 'dot') {
      this.#centroidDistance(leaf, METRIC_NUMBER.dot, distances);
      this.#centroidDistance(leaf, METRIC_NUMBER.l2, distances + 4);
      leafFloats[at + 5] = distanceValues[0] as number;
      leafFloats[at + 6] = Math.sqrt(distanceValues[1] as number);
      return;
    }
    const squared = nodes.estimates[i] as number;
    leafFloats[at + 5] = squared;
    leafFloats[at + 6] = Math.sqrt(squared);
  }

  #centroidDistance(leaf: number, metric: KernelMetric, out: number): void {
    const dim = codeDimension(this.#generation.settings.dimension);
    const centroid = this.#generation.layout.centroids + leaf * dim * 4;
    this.#kernels.distances(this.#scratch.rotated, centroid, 1, dim, metric, out);
  }
}
