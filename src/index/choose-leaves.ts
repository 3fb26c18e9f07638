// Navigation: so many leaves that the k nearest of what may be found are among them, where only a share of the vectors near the
// query lives, or matches a filter. Runs on a search worker.

import { LEAF, LEAF_WORDS } from '../kernels/layout.js';
import { CANDIDATES_MAX } from '../limits.js';
import type { Generation } from './generation.js';
import type { Findable, LeafCounts } from './leaf-counts.js';
import type { PlannedEffort, Query } from './query.js';
import type { LeafRanker } from './rank-leaves.js';
import type { CodeScanner } from './scan.js';
import type { Scratch } from './scratch.js';

const LEAF_COUNT = LEAF.count / 4;
const TOMBSTONES = LEAF.tombstones / 4;

/** Of the nearest vectors by estimate at least so many are looked at, and so many that this number of them should match. */
const NEAREST_MIN = 64;
const NEAREST_MATCHES = 16;
/** They are the best of so many times as many in the nearest leaves. */
const NEAREST_OF = 4;
/** What deviates by less than this factor may be chance. */
const SURE_FACTOR = 2;
/** The k nearest are then among the k / 0.9 nearest: the margin of a calibration covers it. */
const SHARE_SLACK = 0.9;

/** The leaves whose entries stand in the scratch area. */
export interface ChosenLeaves {
  entries: number;
  /** All that have anything to be found. */
  isAll: boolean;
  /** Of the calibration; undefined where the caller has said how many leaves to scan, or all are. */
  effort: PlannedEffort | undefined;
  /** Less may be found near the query than any effort supposes: it lies in a hole of what may be found. Then the first effort is made. */
  isBeyond: boolean;
}

export class LeafChooser {
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
   * Writes the entries of the leaves to scan, as `LeafRanker.rank`.
   *
   * Where a share s of the vectors near the query may be found, its k nearest are among its k / s nearest vectors. The
   * first effort supposes s to be what it is everywhere; the leaves it names tell what it is here, and the nearest vectors in
   * them what it is at the query itself: it may be less there. Then the effort for that is tried. Beyond the last it is
   * searched as if all could be found, and what is found tells how far to look. Overwrites the candidates.
   */
  choose({ k, probes, probeShare = 1, efforts }: Query, findable: Findable): ChosenLeaves {
    const { counts } = findable;
    if (efforts === undefined) return chosen(this.#filled(probes, probeShare, k, counts), counts);
    const { sizes } = this.#scratch;
    let here = counts.slots / Math.max(1, this.#generation.slots);
    const isWhole = here === 1;
    let isLookedAt = isWhole;
    for (const effort of efforts) {
      const least = SHARE_SLACK * effort.matchShare;
      if (least > here) continue;
      if (isWhole) return chosen(this.#filled(effort.probes, effort.probeShare, k, counts), counts, effort);
      // Of all leaves, empty or not: they tell what may be found where the query is.
      const entries = this.#ranker.rank(effort.probes, effort.probeShare, sizes);
      here = Math.min(here, this.#shareOf(entries, effort.probeShare < 1, counts));
      if (!isLookedAt && least <= here) {
        isLookedAt = true;
        const nearest = this.#nearestShare(entries, { expected: here, k, findable });
        if (nearest * SURE_FACTOR < here) here = nearest;
      }
      if (least > here) continue;
      return chosen(this.#filled(effort.probes, effort.probeShare, k, counts), counts, effort);
    }
    const [effort] = efforts;
    if (effort === undefined) return chosen(this.#ranker.rank(counts.leaves, 1, counts), counts);
    const entries = this.#filled(effort.probes, effort.probeShare, k, counts);
    return chosen(entries, counts, effort, true);
  }

  /** Ranks so many leaves, or more where these hold fewer than k. */
  #filled(probes: number, probeShare: number, k: number, counts: LeafCounts): number {
    const { nodes } = this.#scratch;
    let entries = this.#ranker.rank(probes, probeShare, counts);
    for (let first = 0, held = 0; entries < counts.leaves; ) {
      for (; first < entries && held < k; first++) held += counts.values[nodes.positionAt(first)] as number;
      if (held >= k) break;
      // In a beam of the tree there may be no more.
      const more = this.#ranker.rank(2 * entries, 1, counts);
      if (more <= entries) break;
      entries = more;
      first = 0;
      held = 0;
    }
    return entries;
  }

  /** Of the vectors in the first leaves, the share that may be found; where hits were expected of each leaf, by these. */
  #shareOf(entries: number, hasHits: boolean, { values }: LeafCounts): number {
    const { leafWords, distanceValues, nodes } = this.#scratch;
    let found = 0;
    let all = 0;
    for (let i = 0; i < entries; i++) {
      const size = leafWords[i * LEAF_WORDS + LEAF_COUNT] as number;
      const weight = hasHits ? (distanceValues[i] as number) : size;
      found += (weight * (values[nodes.positionAt(i)] as number)) / Math.max(1, size);
      all += weight;
    }
    return all > 0 ? found / all : 0;
  }

  /** Of the vectors that are nearest by their estimates, found in the first of these leaves, the share that may be found. */
  #nearestShare(
    entries: number,
    { expected, k, findable }: { expected: number; k: number; findable: Findable },
  ): number {
    const { leafWords, candidates, nodes } = this.#scratch;
    const matches = Math.max(NEAREST_MATCHES, k);
    const wanted = Math.min(CANDIDATES_MAX, Math.max(NEAREST_MIN, Math.ceil(matches / expected)));
    // Leaves are ranked by angle for `dot`: long vectors, which are the nearest, may be in any of them.
    const isRanked = this.#generation.settings.metric !== 'dot';
    const enough = isRanked ? NEAREST_OF * wanted : Number.POSITIVE_INFINITY;
    let leaves = 0;
    for (let vectors = 0; leaves < entries && vectors < enough; leaves++)
      vectors += leafWords[leaves * LEAF_WORDS + LEAF_COUNT] as number;
    candidates.reset(wanted);
    for (let i = 0; i < leaves; i++) leafWords[i * LEAF_WORDS + TOMBSTONES] = 0;
    this.#scanner.scanLeaves(0, leaves);
    this.#scanner.finish();
    const { leafTable } = this.#generation;
    for (let i = 0; i < leaves; i++) {
      const ofTable = leafTable[nodes.positionAt(i) * LEAF_WORDS + TOMBSTONES] as number;
      leafWords[i * LEAF_WORDS + TOMBSTONES] = ofTable;
    }
    let matching = 0;
    for (let i = 0; i < candidates.count; i++) if (!findable.excludes(candidates.positionAt(i))) matching++;
    return candidates.count > 0 ? matching / candidates.count : expected;
  }
}

function chosen(entries: number, counts: LeafCounts, effort?: PlannedEffort, isBeyond = false): ChosenLeaves {
  return { entries, isAll: entries >= counts.leaves, effort, isBeyond };
}
