// Pages through all points of a collection in the byte order of their keys, which no insert or delete changes: a point
// that is there all the while is met exactly once. Main thread.

import type { Filter } from '../contract/filter.js';
import { idKey } from '../contract/points.js';
import type { ScrolledPoint, ScrollRequest } from '../contract/scroll.js';
import { unindexedWarnings } from '../contract/warnings.js';
import { SCROLL_PAGE_BYTES } from '../limits.js';
import type { PointRecord } from '../storage/points-store.js';
import { yieldToLoop } from '../turns.js';
import type { CollectionParts } from './collection-parts.js';
import { decodePayload } from './payloads.js';
import type { LiveView } from './views.js';

/** What is read between two turns of the event loop: at most so many points, and so many bytes of them. */
const POINTS_PER_TURN = 128;
const BYTES_PER_TURN = 64 * 1024;

export interface ScrollPage {
  points: ScrolledPoint[];
  /** Where the next page goes on: behind this key. Undefined when there are no more points. */
  lastKey: string | undefined;
  warnings?: string[];
}

type Parts = Pick<CollectionParts, 'views' | 'store' | 'vectors' | 'filters'>;

/** @throws storage_corrupt */
export async function scrollPoints(parts: Parts, request: ScrollRequest): Promise<ScrollPage> {
  if (request.filter !== undefined) return scrollMatches(parts, request, request.filter);
  const page = new PageReader(parts, request);
  // Each turn reads the state of its moment: none holds a view of a store, or files, that writes have left behind.
  while (await parts.views.use(async (live) => page.readTurn(live))) {
    if (page.isFull) return { points: page.points, lastKey: page.lastKey };
    await yieldToLoop();
  }
  return { points: page.points, lastKey: undefined };
}

/** The filter thread names the points; they are read here. */
async function scrollMatches(parts: Parts, request: ScrollRequest, filter: Filter): Promise<ScrollPage> {
  const { cursor, limit } = request;
  const { keys, unindexedKeys } = await parts.filters.page(filter, cursor, limit);
  const page = new PageReader(parts, request);
  for (let first = 0; first < keys.length && !page.isFull; first += POINTS_PER_TURN) {
    await yieldToLoop();
    await parts.views.use(async (live) => page.readKeys(live, keys.slice(first, first + POINTS_PER_TURN)));
  }
  const { points } = page;
  // What was deleted in between is passed over.
  const isLast = keys.length < limit && page.passedKey === keys.at(-1);
  return { points, lastKey: isLast ? undefined : page.passedKey, ...unindexedWarnings(unindexedKeys) };
}

class PageReader {
  readonly points: ScrolledPoint[] = [];
  lastKey: string | undefined;
  /** Of listed points the last one that was looked at. */
  passedKey: string | undefined;
  readonly #parts: Parts;
  readonly #request: ScrollRequest;
  #bytes = 0;

  constructor(parts: Parts, request: ScrollRequest) {
    this.#parts = parts;
    this.#request = request;
    this.lastKey = request.cursor;
  }

  get isFull(): boolean {
    return this.points.length >= this.#request.limit || this.#bytes >= SCROLL_PAGE_BYTES;
  }

  /** Reads listed points, of which some may be gone, until the page is full. */
  readKeys(live: LiveView, keys: readonly string[]): void {
    for (const key of keys) {
      if (this.isFull) return;
      const record = this.#parts.store.get(key);
      if (record !== undefined) this.#read(live, record);
      this.passedKey = key;
    }
  }

  /** Reads on for one turn; true while there are more points behind those that were read. */
  readTurn(live: LiveView): boolean {
    const pointsEnd = this.points.length + POINTS_PER_TURN;
    const bytesEnd = this.#bytes + BYTES_PER_TURN;
    for (const record of this.#parts.store.records(this.lastKey)) {
      if (this.isFull || this.points.length >= pointsEnd || this.#bytes >= bytesEnd) return true;
      this.#read(live, record);
    }
    return false;
  }

  #read(live: LiveView, record: PointRecord): void {
    const { with_payload, with_vector } = this.#request;
    const point: ScrolledPoint = { id: record.id };
    if (with_payload && record.payload) {
      point.payload = decodePayload(record.payload);
      this.#bytes += record.payload.byteLength;
    }
    if (with_vector) {
      point.vector = this.#parts.vectors.readPoint(live, record);
      this.#bytes += point.vector.byteLength;
    }
    this.points.push(point);
    this.lastKey = idKey(record.id);
  }
}
