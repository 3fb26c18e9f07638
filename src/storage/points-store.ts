// The points of one collection in LMDB: id -> row, checksum, payload; row -> id; dead rows; counters. Written on the main
// thread, read on the filter thread, too. A commit here is the only commit point of the collection.

import type { PayloadIndexType } from '../contract/payload-index.js';
import { ServiceError } from '../errors.js';
import { POINTS_PER_STEP, runInTurns } from '../turns.js';
import { decodeJson, encodeJson } from './checked-json.js';
import { openReader, openStore, type Store, type Table } from './lmdb.js';
import {
  decodePoint,
  decodeRowId,
  decodeTombstone,
  type EncodedChanges,
  encodeChanges,
  type PointId,
  type PointRecord,
} from './point-records.js';

export type { PointId, PointRecord } from './point-records.js';

/** The counters of a collection; they move in every commit. */
export interface Meta {
  formatVersion: 1;
  /** Mutations applied so far. */
  sequence: number;
  nextRow: number;
  pointsCount: number;
  backend: 'mmap' | 'memory';
  generation: number;
  rowBase: number;
  /** Keys that have a payload index: what is in the indexes is made of the points. */
  payloadIndexes?: readonly { key: string; type: PayloadIndexType }[];
}

/** One commit. Lists are applied in this order: removeRows, removeKeys, clearTombstones, put. */
export interface Changes {
  put: readonly PointRecord[];
  /** Rows that are dead from now on: their ids are forgotten and they are recorded as tombstones. */
  removeRows: readonly number[];
  /** Keys (ids as text) of points that are deleted. */
  removeKeys: readonly string[];
  /** Dead rows that no generation holds any more; a few thousand a commit, as it blocks for about 1 us each. */
  clearTombstones?: readonly number[];
  meta: Meta;
}

const META_KEY = 'meta';

export class PointsStore {
  readonly #store: Store;
  readonly #path: string;
  readonly #points: Table<string>;
  readonly #rows: Table<number>;
  readonly #tombstones: Table<number>;
  readonly #meta: Table<string>;

  private constructor(store: Store, path: string) {
    this.#store = store;
    this.#path = path;
    this.#points = store.textTable('points');
    this.#rows = store.numberTable('rows');
    this.#tombstones = store.numberTable('tombstones');
    this.#meta = store.textTable('meta');
  }

  /** @throws storage_corrupt */
  static async open(path: string): Promise<PointsStore> {
    return new PointsStore(await openStore(path), path);
  }

  /** To read while the main thread writes. @throws storage_corrupt */
  static openReader(path: string): PointsStore {
    return new PointsStore(openReader(path), path);
  }

  /** Reads from now on see every commit that has been made, also by other threads. */
  refresh(): void {
    this.#store.refresh();
  }

  /** The point of an id's text. @throws storage_corrupt when its checksum does not fit */
  get(key: string): PointRecord | undefined {
    const bytes = this.#points.get(key);
    return bytes && (decodePoint(key, bytes) ?? this.#corrupt(`the record of point ${key}`));
  }

  has(key: string): boolean {
    return this.#points.has(key);
  }

  /** The id of the point that has this row, if a living one has. @throws storage_corrupt */
  rowId(row: number): PointId | undefined {
    const bytes = this.#rows.get(row);
    return bytes && (decodeRowId(row, bytes) ?? this.#corrupt(`the id of row ${row}`));
  }

  /** The counters of the last commit; undefined before the first. @throws storage_corrupt */
  meta(): Meta | undefined {
    const bytes = this.#meta.get(META_KEY);
    return bytes && ((decodeJson(bytes) as Meta | undefined) ?? this.#corrupt('the record of the counters'));
  }

  /** Dead rows in ascending order, lazily. @throws storage_corrupt */
  *tombstonedRows(): Generator<number> {
    for (const [row, bytes] of this.#tombstones.entries()) {
      yield decodeTombstone(row, bytes) ? row : this.#corrupt(`the tombstone of row ${row}`);
    }
  }

  /** All points in the byte order of their keys, lazily; `after` leaves out everything up to that key. */
  *records(after?: string): Generator<PointRecord> {
    for (const [key, bytes] of this.#points.entries(after)) {
      yield decodePoint(key, bytes) ?? this.#corrupt(`the record of point ${key}`);
    }
  }

  /** Living rows with their ids in ascending order of rows, lazily; `after` leaves out everything up to that row. */
  *rowIds(after?: number): Generator<[row: number, id: PointId]> {
    for (const [row, bytes] of this.#rows.entries(after)) {
      yield [row, decodeRowId(row, bytes) ?? this.#corrupt(`the id of row ${row}`)];
    }
  }

  /**
   * Applies all changes in one transaction and resolves when they are on the disk. Blocks for about 1 us a point that
   * is put or removed, 2 us where it replaces another, in one piece: a transaction is queued within one turn.
   * After an error nothing of them is stored.
   */
  async commit(changes: Changes): Promise<void> {
    // Everything that can throw comes first: a transaction must not be left half-filled.
    const encoded = await runInTurns(encodeChanges(changes, POINTS_PER_STEP));
    const meta = encodeJson(changes.meta);
    await this.#store.commit(() => this.#write(changes, encoded, meta));
  }

  #write({ put, removeRows, clearTombstones }: Changes, encoded: EncodedChanges, meta: Uint8Array): void {
    for (let i = 0; i < removeRows.length; i++) {
      const row = removeRows[i] as number;
      this.#rows.remove(row);
      this.#tombstones.put(row, encoded.tombstones[i] as Uint8Array);
    }
    for (const key of encoded.removedKeys) this.#points.remove(key);
    for (const row of clearTombstones ?? []) this.#tombstones.remove(row);
    for (let i = 0; i < put.length; i++) {
      this.#points.put(encoded.keys[i] as Uint8Array, encoded.points[i] as Uint8Array);
      this.#rows.put((put[i] as PointRecord).row, encoded.rowIds[i] as Uint8Array);
    }
    this.#meta.put(META_KEY, meta);
  }

  diskBytes(): Promise<number> {
    return this.#store.diskBytes();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #corrupt(what: string): never {
    throw new ServiceError('storage_corrupt', {
      path: this.#path,
      reason: `${what} does not fit its checksum`,
    });
  }
}
