// How many rows of a trace are in memory when the least recently used go: kept page by page, as the page cache does, or
// row by row, as a cache of hot vectors would; and when the leaves read most are pinned, at equal bytes; for queries that
// all differ, and for some that come often.

import { seededRandom } from '../../src/index/random.js';

const PAGE_BYTES = 4096;
const QUERIES = 5000;
/** Rows that are pinned together: about a leaf. */
const STRETCH_ROWS = 256;
/** What an entry of a cache in the process takes beside its row: its place in a map and in the order of use. */
const ENTRY_BYTES = 64;

/** The positions that each of some queries read: those of query i end at `ends[i]`. */
export interface Trace {
  positions: number[];
  ends: number[];
}

export interface CacheHits {
  queries: string;
  bytes: number;
  pages: number;
  rows: number;
  /** Half of the bytes each: a row that is not among the hot ones is looked for in the page cache. */
  both: number;
  /** The stretches of rows that the first half of the reads asks for most, all of them in memory. */
  pinned: number;
}

export function cacheHits(trace: Trace, stride: number, bytes: number): CacheHits[] {
  const count = trace.ends.length;
  const drawn = Array.from({ length: QUERIES }, seededRandom(1));
  const streams = {
    'each once': Array.from({ length: count }, (_, query) => query),
    // Query number i comes with a frequency of 1 / i.
    'by Zipf': drawn.map((share) => Math.min(count - 1, Math.floor((count + 1) ** share) - 1)),
  };
  return Object.entries(streams).map(([queries, stream]) => {
    const read = stream.flatMap((query) =>
      trace.positions.slice(trace.ends[query - 1] ?? 0, trace.ends[query]),
    );
    const pageOf = (position: number) => Math.floor((position * stride) / PAGE_BYTES);
    const pages = new Recent(Math.floor(bytes / PAGE_BYTES));
    const rows = new Recent(Math.floor(bytes / (stride + ENTRY_BYTES)));
    const halfPages = new Recent(Math.floor(bytes / 2 / PAGE_BYTES));
    const halfRows = new Recent(Math.floor(bytes / 2 / (stride + ENTRY_BYTES)));
    // The first half of the reads fills the caches.
    const measured = read.length >> 1;
    const pinned = hottest(read.slice(0, measured).map(stretchOf), bytes / (STRETCH_ROWS * stride));
    const hits = { pages: 0, rows: 0, both: 0, pinned: 0 };
    for (const [i, position] of read.entries()) {
      const found = {
        pages: pages.use(pageOf(position)),
        rows: rows.use(position),
        both: halfRows.use(position) || halfPages.use(pageOf(position)),
        pinned: pinned.has(stretchOf(position)),
      };
      if (i < measured) continue;
      for (const kind of ['pages', 'rows', 'both', 'pinned'] as const) if (found[kind]) hits[kind]++;
    }
    const all = read.length - measured;
    const [pagesShare, rowsShare] = [hits.pages / all, hits.rows / all];
    return {
      queries,
      bytes,
      pages: pagesShare,
      rows: rowsShare,
      both: hits.both / all,
      pinned: hits.pinned / all,
    };
  });
}

function stretchOf(position: number): number {
  return Math.floor(position / STRETCH_ROWS);
}

/** The `count` keys that come most often. */
function hottest(keys: number[], count: number): Set<number> {
  const times = new Map<number, number>();
  for (const key of keys) times.set(key, (times.get(key) ?? 0) + 1);
  const ordered = [...times].sort(([, a], [, b]) => b - a);
  return new Set(ordered.slice(0, Math.floor(count)).map(([key]) => key));
}

/** The keys used last. */
class Recent {
  readonly #capacity: number;
  readonly #keys = new Set<number>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Whether the key was there; it is now. */
  use(key: number): boolean {
    const known = this.#keys.delete(key);
    this.#keys.add(key);
    if (this.#keys.size > this.#capacity) this.#keys.delete(this.#keys.values().next().value as number);
    return known;
  }
}
