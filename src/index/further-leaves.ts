// Where the leaves that were scanned leave more hits to be expected in others than usual, further leaves are scanned, nearest first, until
// they do not. Runs on a search worker.

import type { Kernels } from '../kernels/kernels.js';
import { missedHits } from './expected-hits.js';
import type { LeafCounts } from './leaf-counts.js';
import type { PlannedEffort, Query, QueryPart, QueryStats } from './query.js';
import { kthDistance } from './rerank.js';
import type { WithinStages } from './within.js';

/** How far a search has come. */
export interface LeavesSoFar {
  part: QueryPart;
  /** Undefined where the caller has said how many leaves to scan, or all were. */
  effort: PlannedEffort | undefined;
  /** Leaves scanned: the first of the ranked. */
  entries: number;
  counts: LeafCounts;
}

export class FurtherLeaves {
  readonly #kernels: Kernels;
  readonly #stages: WithinStages;

  constructor(kernels: Kernels, stages: WithinStages) {
    this.#kernels = kernels;
    this.#stages = stages;
  }

  /**
   * Pushes to `nearest` what of further leaves may be nearer than the k-th in it. The leaves must be as the search has ranked them; all
   * are listed where any is scanned.
   * @returns of the k nearest those that may still be missed in other leaves; 0 where that does not matter
   */
  search(query: Query, { part, effort, entries, counts }: LeavesSoFar, stats: QueryStats): number {
    const { ranker, scratch, lister } = this.#stages;
    const { k, boundWidths = 1, isCapped = true, mask } = query;
    if (isCapped || effort === undefined) return 0;
    // Each part of a query has found about its share of the k nearest.
    const kth = kthDistance(scratch.nearest, Math.ceil(k / part.count), this.#kernels);
    const { leftMax } = effort;
    const first = ranker.expectedOf(entries, kth, counts);
    const missed = missedHits(k, first.scanned, first.left);
    if (missed <= leftMax) return missed;
    const ranked = ranker.listRanked();
    let { scanned, left } = ranker.expectedOf(entries, kth, counts);
    let end = entries;
    for (; end < ranked && missedHits(k, scanned, left) > leftMax; end++) {
      const hits = scratch.distanceValues[end] as number;
      scanned += hits;
      left = Math.max(0, left - hits);
    }
    lister.begin(k, kthDistance(scratch.nearest, k, this.#kernels), boundWidths);
    for (let entry = entries + part.index; entry < end; entry += part.count) {
      if (mask !== undefined) scratch.mask.mask(scratch.leafWords, entry);
      lister.lookAt(entry, stats);
    }
    lister.read(stats);
    // Other parts may have scanned more or fewer: a second look goes by what all have scanned.
    if (part.count === 1) stats.probes = end;
    else if (end > entries) stats.isUneven = true;
    return missedHits(k, scanned, left);
  }
}
