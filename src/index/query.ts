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
  /** Instead, from the least work to the most; beyond the last the first is made, and its answer is in doubt. */
  efforts?: readonly PlannedEffort[];
  /** Candidates that are kept: at most k times this; more of a query that is unlike those of the calibration, unless it is capped. */
  rerankFactor: number;
  /** Compare with every full vector and leave the index alone. */
  exact: boolean;
  /** Lower bounds are so many error bounds wide, and wider where nothing was calibrated (bound-widths.ts); 1 unless given. */
  boundWidths?: number;
  /** The caller has said how much work to do: whether the answer is in doubt does not matter. Absent: true. */
  isCapped?: boolean;
  /** Where the nearest leaf is more remote the query is unlike those of the calibration. */
  nearestMax?: number;
  /** A second look, where a search of the nearest `probes` leaves was in doubt. */
  doubt?: Doubt;
  /** Hits that may be expected in the leaves that a second look leaves out. */
  missedMax?: number;
  /** Only rows that match are searched, and those that are newer than the mask. */
  mask?: MatchMask;
}

/** What of a search may have missed vectors that are nearer than the k-th that it found. */
export interface Doubt {
  /** The internal distance of that; infinite where fewer were found. */
  within: number;
  /** The internal distances of all that was found, nearest first; a second look is told. */
  found?: Float32Array;
  /** The scan has found more candidates than it kept, and their bounds do not put them beyond the k-th. */
  isOfCandidates: boolean;
  /** The query is unlike those of the calibration: leaves that were not scanned may hold more than usual. */
  isOfLeaves: boolean;
}

/** The work that reaches the target where at least this share of the vectors near the query may be found. */
export interface PlannedEffort {
  matchShare: number;
  probes: number;
  probeShare: number;
  /** Where more hits are to be expected in the leaves left out, further leaves are scanned until they are not. */
  leftMax: number;
  /** Where more are to be expected all the same, the query is unlike those of the calibration. */
  missedMax: number;
}

/**
 * How a search went: every full vector was compared; the leaves of an effort were scanned; that was in doubt, so that more
 * leaves or candidates were looked at; all codes were scanned, and every vector compared that they do not rule out.
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
  searchWay: SearchWay;
  /** Some parts of the query have scanned more leaves than `probes`. */
  isUneven?: boolean;
  /** In searches with a filter: the live rows that match, with those newer than the mask. */
  matches?: number;
  doubt?: Doubt;
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
