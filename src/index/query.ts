// What a search asks of one generation, and what it answers. Plain data that crosses threads.

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
}

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
}

export interface Answer {
  /** Rows of the nearest vectors, nearest first; more than k where distances tie at the k-th. */
  rows: Uint32Array;
  /** Internal distances: squared L2, 2 - 2 cos, or the negated inner product. */
  distances: Float32Array;
  stats: QueryStats;
}

/** Full vectors by position: slots of the generation first, then pending rows. */
export interface PositionReader {
  /**
   * Pending rows that can be read. Behind the generation's own count where a view is older than the file that newer
   * rows went to: such a search answers as of its view.
   */
  readonly pendingEnd: number;
  /** Writes one vector to `target` from index `offset` on. */
  copyInto(position: number, target: Float32Array, offset: number): void;
  /** Writes `count` vectors, row-major. */
  copyRange(first: number, count: number, target: Float32Array): void;
}
