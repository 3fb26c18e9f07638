// The pending rows that a search of leaves leaves out: those that lie far from every leaf, and those whose code belongs to a leaf
// that it did not scan. They may be among the k nearest all the same. Runs on a search worker.
//
// A row o belongs to the leaf whose centroid c is nearest to it. Let q be the query and a the centroid nearest to q. If o is within
// r of q, then |q - c| <= |o - c| + r <= |o - a| + r <= |q - a| + 2r: so of these only rows of leaves that lie no more than 2r
// behind the nearest need be looked at, r being the distance of the k-th that was found. The inner product has no such bound: for
// dot all leaves are looked at.

import type { Kernels } from '../kernels/kernels.js';
import type { Generation } from './generation.js';
import type { LeafCounts } from './leaf-counts.js';
import type { Query, QueryPart, QueryStats } from './query.js';
import { kthDistance, type Reranked } from './rerank.js';
import type { WithinStages } from './within.js';

/** Encoding finds the nearest leaf but for so much of its distance. */
const NEAREST_SLACK = 0.02;

const NOTHING_LEFT_OUT = { reserve: Number.POSITIVE_INFINITY };

/** How far a search has come. */
export interface PendingSoFar {
  part: QueryPart;
  /** Pending rows that have codes. */
  encoded: number;
  /** Leaves scanned: the first of the ranked. */
  entries: number;
  /** What leaves were ranked by. */
  counts: LeafCounts;
}

export class RestOfPending {
  readonly #generation: Generation;
  readonly #kernels: Kernels;
  readonly #stages: WithinStages;
  readonly #rerank: (query: Query, stats: QueryStats) => Reranked;

  /** `rerank` reads the best of the candidates and pushes their exact distances to `nearest`. */
  constructor(
    generation: Generation,
    kernels: Kernels,
    stages: WithinStages,
    rerank: (query: Query, stats: QueryStats) => Reranked,
  ) {
    this.#generation = generation;
    this.#kernels = kernels;
    this.#stages = stages;
    this.#rerank = rerank;
  }

  /**
   * Pushes their exact distances to `nearest`. The nodes must be as the search has ranked them, and are so afterwards; candidates are
   * overwritten.
   *
   * Codes of rows far from every leaf say little: the best by their estimates are compared apart from those of the leaves, whose
   * bounds are narrower, and where that leaves a doubt all that their codes do not put beyond the k-th.
   */
  search(query: Query, { part, encoded, entries, counts }: PendingSoFar, stats: QueryStats): void {
    const { settings } = this.#generation;
    // All sign codes have been scanned.
    if (settings.quantizer === 'sign' || encoded === 0) return;
    const { k, boundWidths = 1, mask } = query;
    const { scratch, lister, scanner, reached } = this.#stages;
    const { candidates, nodes } = scratch;
    const isFiltered = mask !== undefined;
    reached.begin();
    candidates.reset(candidates.keep);
    stats.vectorsScanned += scanner.scanPending(encoded, part, isFiltered);
    const { reserve } = candidates.count > 0 ? this.#rerank(query, stats) : NOTHING_LEFT_OUT;
    const kth = kthDistance(scratch.nearest, k, this.#kernels);
    reached.begin();
    if (reserve >= boundWidths) reached.leaveOut();
    const ranked = nodes.save();
    const isMore = this.#reach(entries, kth, counts) || reserve < boundWidths;
    nodes.restore(ranked);
    if (!isMore) return;
    lister.begin(k, kth, boundWidths);
    scanner.eachPendingEntries(encoded, part, isFiltered, (count) => {
      for (let entry = 0; entry < count; entry++) lister.lookAt(entry, stats);
      lister.read(stats);
    });
  }

  /** Reaches the leaves that were not scanned and are near enough; returns whether there are any. */
  #reach(entries: number, kth: number, counts: LeafCounts): boolean {
    const { ranker, reached, scratch } = this.#stages;
    const { nodes } = scratch;
    const scanned = new Set<number>();
    for (let i = 0; i < entries; i++) scanned.add(nodes.positionAt(i));
    const leaves = this.#isRankedTo(kth, counts) ? ranker.listRanked() : ranker.rankAll();
    const farthest = leaves > 0 ? this.#farthest(nodes.estimateAt(0), kth) : 0;
    let isAny = false;
    for (let entry = 0; entry < leaves && nodes.estimateAt(entry) <= farthest; entry++) {
      const leaf = nodes.positionAt(entry);
      if (scanned.has(leaf)) continue;
      reached.add(leaf, entry);
      isAny = true;
    }
    return isAny;
  }

  /** Whether all leaves that matter are among those that the search has ranked: empty ones were not, and have pending rows all the same. */
  #isRankedTo(kth: number, counts: LeafCounts): boolean {
    const { nodes } = this.#stages.scratch;
    if (counts.hasEmpty || nodes.count === 0) return false;
    if (nodes.count >= this.#generation.leaves) return true;
    let farthest = 0;
    for (let i = 0; i < nodes.count; i++) farthest = Math.max(farthest, nodes.estimateAt(i));
    return farthest > this.#farthest(nodes.estimateAt(0), kth);
  }

  /** The squared distance of the farthest leaf that matters, by that of the nearest; infinite for dot. */
  #farthest(nearest: number, kth: number): number {
    if (this.#generation.settings.metric === 'dot') return Number.POSITIVE_INFINITY;
    const reach = 2 * Math.sqrt(Math.max(0, kth));
    return ((1 + NEAREST_SLACK) * Math.sqrt(Math.max(0, nearest)) + reach) ** 2;
  }
}
