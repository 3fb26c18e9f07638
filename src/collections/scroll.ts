// Pages through all points of a collection in the byte order of their keys, which no insert or delete changes: a point
// that is there all the while is met exactly once. Main thread.

import { idKey } from '../contract/points.js';
import type { ScrolledPoint, ScrollRequest } from '../contract/scroll.js';
import { SCROLL_PAGE_BYTES } from '../limits.js';
import type { PointRecord } from '../storage/points-store.js';
import type { CollectionParts } from './collection-parts.js';
import { decodePayload } from './payloads.js';
import type { LiveView } from './views.js';
import { yieldToLoop } from './yield-to-loop.js';

/** What is read between two turns of the event loop: at most so many points, and so many bytes of them. */
const POINTS_PER_TURN = 128;
const BYTES_PER_TURN = 64 * 1024;

export interface ScrollPage {
  points: ScrolledPoint[];
  /** Where the next page goes on: behind this key. Undefined when there are no more points. */
  lastKey: string | undefined;
}

type Parts = Pick<CollectionParts, 'views' | 'store' | 'vectors'>;

/** @throws storage_corrupt */
export async function scrollPoints(parts: Parts, request: ScrollRequest): Promise<ScrollPage> {
  const page = new PageReader(parts, request);
  // Each turn reads the state of its moment: none holds a view of a store, or files, that writes have left behind.
  while (await parts.views.use(async (live) => page.readTurn(live))) {
    if (page.isFull) return { points: page.points, lastKey: page.lastKey };
    await yieldToLoop();
  }
  return { points: page.points, lastKey: undefined };
}

class PageReader {
  readonly points: ScrolledPoint[] = [];
  lastKey: string | undefined;
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
