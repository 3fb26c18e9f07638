// Several mutations as one commit: what the earlier ones of a group changed, seen by the later ones before any of it
// is stored. Main thread.

import { idKey } from '../contract/points.js';
import type { Changes, Meta, PointRecord } from '../storage/points-store.js';
import type { Lookup } from './apply.js';

export class Overlay {
  readonly #below: Lookup;
  /** By the id's text; null where the group has removed the point. */
  readonly #records = new Map<string, PointRecord | null>();
  readonly #removeRows: number[] = [];
  /** What was stored under the keys that were looked up. */
  readonly #before = new Map<string, PointRecord | undefined>();

  constructor(below: Lookup) {
    this.#below = below;
  }

  /** The record under an id's text as the group has left it so far. */
  lookup(key: string): PointRecord | undefined {
    const record = this.#records.get(key);
    if (record === null) return undefined;
    return record ?? this.#stored(key);
  }

  /** Takes in what one more mutation changes. */
  absorb(changes: Changes): void {
    for (const key of changes.removeKeys) this.#records.set(key, null);
    for (const record of changes.put) this.#records.set(idKey(record.id), record);
    for (const row of changes.removeRows) this.#removeRows.push(row);
  }

  /** Each point that the group has changed, as it was and as it is; null where it was or is none. */
  *points(): Generator<{ before: PointRecord | null; after: PointRecord | null }> {
    for (const [key, after] of this.#records) {
      const before = this.#stored(key) ?? null;
      if (before !== null || after !== null) yield { before, after };
    }
  }

  #stored(key: string): PointRecord | undefined {
    if (!this.#before.has(key)) this.#before.set(key, this.#below(key));
    return this.#before.get(key);
  }

  /** Everything absorbed as one set of changes; `meta` is that of the last mutation. */
  changes(meta: Meta): Changes {
    const put: PointRecord[] = [];
    const removeKeys: string[] = [];
    for (const [key, record] of this.#records) {
      if (record === null) removeKeys.push(key);
      else put.push(record);
    }
    return { put, removeRows: this.#removeRows, removeKeys, meta };
  }
}
