// A second look, where the first answer of a search is in doubt: with the k-th distance that it has found, every vector is read that its
// code does not put beyond it, of the leaves that were scanned or of others where one may be expected. Runs on a search worker.

import type { LeafSpread } from './expected-hits.js';
import type { Findable } from './leaf-counts.js';
import type { LeafSampler } from './leaf-sampler.js';
import type { Doubt, QueryPart, QueryStats } from './query.js';
import type { LeafRanker } from './rank-leaves.js';
import type { ReachedLeaves } from './reached-leaves.js';
import type { CodeScanner } from './scan.js';
import type { Scratch } from './scratch.js';
import type { WithinLister } from './within-lister.js';

/**
 * In so few dimensions leaves spread far: where even then next to nothing is to be expected of a leaf, none of its vectors need be
 * looked at.
 */
const LOOSE_DIMENSIONS = 4;
/** Of what may be expected in the leaves left out, so much may be in those that are not even sampled. */
const UNSAMPLED_PART = 0.1;

/** What the stages of a search have in common. */
export interface WithinStages {
  scratch: Scratch;
  ranker: LeafRanker;
  scanner: CodeScanner;
  reached: ReachedLeaves;
  lister: WithinLister;
  leafSampler: LeafSampler;
}

export interface WithinQuery extends Doubt {
  k: number;
  /** The leaves that were scanned: so many, the nearest. */
  probes: number;
  /** How many error bounds wide the lower bounds are. */
  widths: number;
  /** Hits that may be expected in the leaves left out. */
  missedMax: number;
  isFiltered: boolean;
  /** Pending rows that have codes. */
  encoded: number;
  part: QueryPart;
}

/** A leaf that was not scanned: the index of its entry, and what is to be expected of it. */
interface Unscanned {
  entry: number;
  spread: LeafSpread;
  expected: number;
}

export class WithinSearcher {
  readonly #stages: WithinStages;

  constructor(stages: WithinStages) {
    this.#stages = stages;
  }

  /**
   * Pushes the exact distances of what may be among the k nearest to `nearest`. What the first look has found may be missing. The
   * query's tables must have been built.
   */
  search(query: WithinQuery, findable: Findable, stats: QueryStats): void {
    const { scratch, ranker, lister } = this.#stages;
    const { leafWords, mask } = scratch;
    const { k, probes, within, widths, part, isFiltered, isOfCandidates } = query;
    const ranked = ranker.rank(findable.counts.leaves, 1, findable.counts);
    if (isFiltered) for (let entry = 0; entry < ranked; entry++) mask.mask(leafWords, entry);
    const scanned = Math.min(probes, ranked);
    // Candidates that were kept are met again.
    lister.begin(k, within, widths, isOfCandidates ? undefined : query.found);
    const others = query.isOfLeaves ? this.#others(query, findable, { scanned, ranked }, stats) : [];
    if (isOfCandidates) this.#lookAgain(query, scanned, stats);
    stats.probes = scanned + this.#lookFurther(query, others, stats);
    stats.searchWay =
      stats.probes >= ranked - this.#lookedAtByOthers(part, others) ? 'compared_all' : 'widened';
  }

  /** The leaves that were scanned, and the pending rows that belong to them. */
  #lookAgain({ part, encoded, isFiltered }: WithinQuery, scanned: number, stats: QueryStats): void {
    const { scratch, reached, lister, scanner } = this.#stages;
    if (encoded > 0) {
      reached.begin();
      reached.leaveOut();
      for (let entry = 0; entry < scanned; entry++) reached.add(scratch.nodes.positionAt(entry), entry);
    }
    // Leaves the entries at their ends: those of the other leaves come after them.
    for (let entry = part.index; entry < scanned; entry += part.count) lister.lookAt(entry, stats);
    lister.read(stats);
    const kept = scratch.leafWords.slice();
    scanner.eachPendingEntries(encoded, part, isFiltered, (entries) => {
      for (let entry = 0; entry < entries; entry++) lister.lookAt(entry, stats);
      lister.read(stats);
    });
    scratch.leafWords.set(kept);
  }

  /** What this part has to expect of the leaves that were not scanned, the most promising first. */
  #others(
    { within, missedMax, part }: WithinQuery,
    { counts }: Findable,
    { scanned, ranked }: { scanned: number; ranked: number },
    stats: QueryStats,
  ): Unscanned[] {
    const { ranker, scratch, leafSampler } = this.#stages;
    ranker.expectHits(within, counts, LOOSE_DIMENSIONS);
    const loose = scratch.distanceValues.slice(0, ranked);
    const ignored = (UNSAMPLED_PART * missedMax) / Math.max(1, ranked);
    const others: Unscanned[] = [];
    for (let entry = scanned + part.index; entry < ranked; entry += part.count) {
      if ((loose[entry] as number) <= ignored) continue;
      const count = counts.values[scratch.nodes.positionAt(entry)] as number;
      const spread = leafSampler.sample(entry, count, stats);
      others.push({ entry, spread, expected: leafSampler.expectedBelow(spread, within) });
    }
    return others.sort((a, b) => b.expected - a.expected);
  }

  /**
   * Until no more may be expected in the rest than is allowed: of what is found the rest is judged anew. Returns how many leaves it
   * took.
   */
  #lookFurther({ missedMax, part }: WithinQuery, others: readonly Unscanned[], stats: QueryStats): number {
    const { lister, leafSampler } = this.#stages;
    const allowed = ((1 - UNSAMPLED_PART) * missedMax) / part.count;
    for (const [taken, { entry }] of others.entries()) {
      let rest = 0;
      for (let i = taken; i < others.length && rest <= allowed; i++)
        rest += leafSampler.expectedBelow((others[i] as Unscanned).spread, lister.bound);
      if (rest <= allowed) return taken;
      lister.lookAt(entry, stats);
      lister.read(stats);
    }
    return others.length;
  }

  /** Leaves that other parts of the query decide about: as many as this one, about. */
  #lookedAtByOthers({ count }: QueryPart, others: readonly Unscanned[]): number {
    return (count - 1) * others.length;
  }
}
