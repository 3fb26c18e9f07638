// Navigation under a filter: so many leaves that the k nearest matches are among them, without those that have no match.
// Runs on a search worker.

import { LEAF_ENTRY_BYTES } from '../kernels/layout.js';
import { CANDIDATES_MAX } from '../limits.js';
import type { Generation } from './generation.js';
import type { FilteredEffort, FilteredWay } from './query.js';
import type { LeafRanker } from './rank-leaves.js';
import type { CodeScanner } from './scan.js';
import type { Scratch } from './scratch.js';

const LEAF_WORDS = LEAF_ENTRY_BYTES / 4;
const LEAF_COUNT = 1;

/** Of the nearest vectors by estimate at least so many are looked at, and so many that this number of them should match. */
const NEAREST_MIN = 64;
const NEAREST_MATCHES = 16;
/** They are the best of so many times as many in the nearest leaves. */
const NEAREST_OF = 4;
/** What deviates by less than this factor may be chance. */
const SURE_FACTOR = 2;

export class MatchingRanker {
  readonly #generation: Generation;
  readonly #scratch: Scratch;
  readonly #ranker: LeafRanker;
  readonly #scanner: CodeScanner;

  constructor(generation: Generation, scratch: Scratch, ranker: LeafRanker, scanner: CodeScanner) {
    this.#generation = generation;
    this.#scratch = scratch;
    this.#ranker = ranker;
    this.#scanner = scanner;
  }

  /**
   * Writes the entries of the leaves to scan to the scratch area, as `LeafRanker.rank`, with the mask as tombstones.
   *
   * Where a share s of the vectors near the query match, its k nearest matches are among its k / s nearest vectors. The
   * first effort supposes s to be what it is everywhere; the leaves it names tell what it is here, and the nearest vectors in
   * them what it is at the query itself: matches may be rarer there. Then the effort for that is tried, and at last every leaf
   * with a match is scanned. Overwrites the candidates.
   */
  rank(efforts: readonly FilteredEffort[], k: number): { entries: number; way: FilteredWay } {
    const { leaves } = this.#generation;
    let here = this.#scratch.mask.matches / Math.max(1, this.#generation.slots);
    let isLookedAt = here === 1;
    for (const { matchShare, probes, probeShare } of efforts) {
      if (matchShare > here) continue;
      const count = this.#ranker.rank(probes, probeShare);
      here = Math.min(here, this.#matchShare(count, probeShare < 1));
      if (!isLookedAt && matchShare > 0 && matchShare <= here) {
        isLookedAt = true;
        const nearest = this.#nearestShare(count, here, k);
        if (nearest * SURE_FACTOR < here) here = nearest;
        // Scans over several memories leave the entries in disorder.
        if (this.#generation.codeMemories.length > 0) this.#ranker.rank(probes, probeShare);
      }
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

  /** Of the vectors that are nearest by their estimates, found in the first of `count` leaves, the share that matches. */
  #nearestShare(count: number, expected: number, k: number): number {
    const { leafWords, candidates, mask } = this.#scratch;
    const matches = Math.max(NEAREST_MATCHES, k);
    const wanted = Math.min(CANDIDATES_MAX, Math.max(NEAREST_MIN, Math.ceil(matches / expected)));
    // Leaves are ranked by angle for `dot`: long vectors, which are the nearest, may be in any of them.
    const isRanked = this.#generation.settings.metric !== 'dot';
    const enough = isRanked ? NEAREST_OF * wanted : Number.POSITIVE_INFINITY;
    let leaves = 0;
    for (let vectors = 0; leaves < count && vectors < enough; leaves++)
      vectors += leafWords[leaves * LEAF_WORDS + LEAF_COUNT] as number;
    candidates.reset(wanted);
    this.#scanner.scanLeaves(0, leaves);
    this.#scanner.finish();
    let matching = 0;
    for (let i = 0; i < candidates.count; i++) if (!mask.excludes(candidates.positionAt(i))) matching++;
    return candidates.count > 0 ? matching / candidates.count : expected;
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
