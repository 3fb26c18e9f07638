// Navigation under a filter: so many leaves that the k nearest matches are among them, without those that have no match.
// Runs on a search worker.

import { LEAF_ENTRY_BYTES } from '../kernels/layout.js';
import type { Generation } from './generation.js';
import type { FilteredEffort, FilteredWay } from './query.js';
import type { LeafRanker } from './rank-leaves.js';
import type { Scratch } from './scratch.js';

const LEAF_WORDS = LEAF_ENTRY_BYTES / 4;
const LEAF_COUNT = 1;

export class MatchingRanker {
  readonly #generation: Generation;
  readonly #scratch: Scratch;
  readonly #ranker: LeafRanker;

  constructor(generation: Generation, scratch: Scratch, ranker: LeafRanker) {
    this.#generation = generation;
    this.#scratch = scratch;
    this.#ranker = ranker;
  }

  /**
   * Writes the entries of the leaves to scan to the scratch area, as `LeafRanker.rank`, with the mask as tombstones.
   *
   * Where a share s of the vectors near the query match, its k nearest matches are among its k / s nearest vectors. The
   * first effort supposes s to be what it is everywhere; the leaves it names tell what it is here: matches near the
   * query may be rarer. Then the effort for that is tried, and at last every leaf with a match is scanned.
   */
  rank(efforts: readonly FilteredEffort[]): { entries: number; way: FilteredWay } {
    const { leaves } = this.#generation;
    let here = this.#scratch.mask.matches / Math.max(1, this.#generation.slots);
    for (const { matchShare, probes, probeShare } of efforts) {
      if (matchShare > here) continue;
      const count = this.#ranker.rank(probes, probeShare);
      here = Math.min(here, this.#matchShare(count, probeShare < 1));
      if (matchShare <= here) return { entries: this.#keepMatching(count), way: 'probes' };
    }
    return {
      entries: this.#keepMatching(this.#ranker.rank(leaves, 1)),
      way: 'all_leaves',
    };
  }

  /** Of the vectors in the first leaves, the share that matches; where hits were expected of each leaf, by these. */
  #matchShare(count: number, hasHits: boolean): number {
    const { leafWords, distanceValues, mask, nodes } = this.#scratch;
    let matching = 0;
    let all = 0;
    for (let i = 0; i < count; i++) {
      const size = leafWords[i * LEAF_WORDS + LEAF_COUNT] as number;
      const weight = hasHits ? (distanceValues[i] as number) : size;
      if (size > 0) matching += (weight * (mask.leafMatches[nodes.positionAt(i)] as number)) / size;
      all += weight;
    }
    return all > 0 ? matching / all : 0;
  }

  #keepMatching(count: number): number {
    const { leafWords, mask, nodes } = this.#scratch;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      if (mask.leafMatches[nodes.positionAt(i)] === 0) continue;
      // Word by word: for so few a call of copyWithin takes several times as long.
      for (let word = 0; word < LEAF_WORDS; word++) {
        leafWords[kept * LEAF_WORDS + word] = leafWords[i * LEAF_WORDS + word] as number;
      }
      mask.mask(leafWords, kept++);
    }
    return kept;
  }
}
