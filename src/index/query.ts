// What a search asks of one generation, and what it answers. Plain data that crosses threads.

import type { Precision } from '../contract/index-settings.js';
import type { MatchMask } from './match-mask.js';

export interface Query {
  /** `dimension` floats, as the caller gave them. */
  vector: Float32Array;
  k: number;
  /** Leaves to scan; where `probeShare` is below 1, leaves to choose from. */
  probes: number;
  /** Scan so many of them, nearest first, that they hold this share of the hits to be expected; absent or 1: all. */
  probeShare?: number;
  /** Candidates whose full vectors are read: at most k times this. */
  rerankFactor: number;
  /** Compare with every full vector and leave the index alone. */
  exact: boolean;
  /** With `exact` and a filter: what the codes put beyond this internal distance may be left out. */
  within?: number;
  /** Only rows that match are searched, and those that are newer than its mask. */
  filter?: QueryFilter;
}

/** A filter as a search applies it. */
export interface QueryFilter {
  mask: MatchMask;
  /** From the least work to the most; beyond the last, all leaves that have matches are scanned. */
  efforts: FilteredEffort[];
  /**
   * What is done where matches crowd each other out of the candidates: nothing, as the caller has said how much work to do;
   * all matches are compared; or those that the codes do not put beyond the k-th found, which may lose some in a hundred.
   */
  whenCrowded: 'accept' | 'compare_all' | 'narrow';
}

/** The work that reaches the target where at least this share of the vectors near the query match. */
export interface FilteredEffort {
  matchShare: number;
  probes: number;
  probeShare: number;
}

/** How a search with a filter went: over all matches, over the leaves of an effort, or over all that have matches. */
export type FilteredWay = 'exact' | 'probes' | 'all_leaves';

/**
 * How a search went: every vector that may match was compared; leaves of the calibrated or asked effort were scanned; the
 * first answer could not be trusted, so more leaves or candidates were looked at; all codes were scanned, and every vector
 * compared that they do not rule out.
 */
export type SearchWay = 'exact' | 'probes' | 'widened' | 'compared_all';

/** One of `count` shares of a query that is split over threads. */
export interface QueryPart {
  index: number;
  count: number;
  /** The same for all shares, which start at different moments: else rows could fall between two of them. */
  counts?: PendingCounts;
}

/** Pending rows that are published, and how many of them have codes. */
export interface PendingCounts {
  pendingCount: number;
  encodedCount: number;
}

export interface QueryStats {
  probes: number;
  leaves: number;
  vectorsScanned: number;
  vectorsReranked: number;
  prepareUs: number;
  rankUs: number;
  scanUs: number;
  rerankUs: number;
  /** In searches with a filter: the live rows that match, with those newer than the mask; and how they were searched. */
  matches?: number;
  way?: FilteredWay;
  /** Absent: as the query and `way` say. */
  searchWay?: SearchWay;
  /**
   * More candidates would have been kept if their number had no limit, and nearer ones may be among the rest: the internal
   * distance of the k-th that was found, finite; the true one does not exceed it.
   */
  crowdedAt?: number;
  /** Less than that: what was left out is estimated farther than the k-th, but not by enough. More candidates would do. */
  wantsCandidates?: boolean;
}

export interface Answer {
  /** Rows of the nearest vectors, nearest first; more than k where distances tie at the k-th. */
  rows: Uint32Array;
  /** Internal distances: squared L2, 2 - 2 cos, or the negated inner product. */
  distances: Float32Array;
  stats: QueryStats;
}

/** Stored vectors by position, as bytes: slots of the generation first, then pending rows. */
export interface PositionReader {
  /** The form the bytes have: see contract/stored-vector.ts. */
  readonly precision: Precision;
  /**
   * Pending rows that can be read. Behind the generation's own count where a view is older than the file that newer
   * rows went to: such a search answers as of its view.
   */
  readonly pendingEnd: number;
  /** Writes one vector to `target` from byte `offset` on. */
  copyInto(position: number, target: Uint8Array, offset: number): void;
  /** Writes `count` vectors one behind the other. */
  copyRange(first: number, count: number, target: Uint8Array): void;
  /** Hands the vectors at ascending positions to the sink: one that reads a disk knows what comes next. */
  copyListed(positions: Uint32Array, sink: VectorSink): void;
}

/** Where listed vectors go, `batchRows` at a time, each batch over the one before. */
export interface VectorSink {
  target: Uint8Array;
  batchRows: number;
  /** `count` vectors are in the target, the first of which is number `first` of the list. */
  take(first: number, count: number): void;
}
