// Reads the points of one collection in turns, so that other tasks of the thread go on in between. Runs on the filter thread.

import { setImmediate } from 'node:timers/promises';
import { idKey } from '../contract/points.js';
import { ServiceError } from '../errors.js';
import { type PointId, type PointRecord, PointsStore } from '../storage/points-store.js';

/** Other tasks of the thread wait so long while points are read. */
const TURN_MS = 4;

/** Each turn reads the state of its moment, which may have commits that nobody has told of yet. */
export class PointReader {
  readonly #store: PointsStore;
  #isClosed = false;

  constructor(path: string) {
    this.#store = PointsStore.openReader(path);
  }

  /** Reads from now on see every commit that has been made. @throws shutting_down once it was stopped */
  refresh(): void {
    if (this.#isClosed) throw new ServiceError('shutting_down');
    this.#store.refresh();
  }

  /** The row of a point, by its id's text. */
  rowOf(key: string): number | undefined {
    return this.#store.get(key)?.row;
  }

  /** What is being read ends with `shutting_down`. */
  stop(): void {
    this.#isClosed = true;
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /** The points that have rows from `start` on. */
  recordsFrom(start: number, visit: (record: PointRecord) => void): Promise<void> {
    return this.rows((row) => {
      const record = this.#recordOf(row);
      if (record !== undefined) visit(record);
    }, start);
  }

  /** All rows from `start` on, ascending. */
  rows(visit: (row: number) => void, start = 0): Promise<void> {
    let after = start > 0 ? start - 1 : undefined;
    return this.#inTurns(
      () => this.#store.rowIds(after),
      ([row]) => {
        after = row;
        visit(row);
        return true;
      },
    );
  }

  /** Reads the points behind `after` in the order of their keys, until `visit` has enough. */
  points(visit: (record: PointRecord) => boolean, after?: string): Promise<void> {
    let last = after;
    return this.#inTurns(
      () => this.#store.records(last),
      (record) => {
        last = idKey(record.id);
        return visit(record);
      },
    );
  }

  /** The points that have these rows, if they still have. */
  records(rows: Uint32Array, visit: (record: PointRecord) => void): Promise<void> {
    return this.#each(rows, (row) => {
      const record = this.#recordOf(row);
      if (record !== undefined) visit(record);
    });
  }

  /** The ids of the points that have these rows, if they still have. */
  async ids(rows: Uint32Array): Promise<PointId[]> {
    const ids: PointId[] = [];
    await this.#each(rows, (row) => {
      const id = this.#store.rowId(row);
      if (id !== undefined) ids.push(id);
    });
    return ids;
  }

  #each(rows: Uint32Array, visit: (row: number) => void): Promise<void> {
    let next = 0;
    return this.#inTurns(
      () => rows.subarray(next),
      (row) => {
        next++;
        visit(row);
        return true;
      },
    );
  }

  /** The point that has the row, if one still has. */
  #recordOf(row: number): PointRecord | undefined {
    const id = this.#store.rowId(row);
    const record = id === undefined ? undefined : this.#store.get(idKey(id));
    return record?.row === row ? record : undefined;
  }

  /** Visits what `rest` gives, asked anew after each turn of the event loop: so each turn reads the state of its moment. */
  async #inTurns<Item>(rest: () => Iterable<Item>, visit: (item: Item) => boolean): Promise<void> {
    for (;;) {
      this.refresh();
      const endMs = performance.now() + TURN_MS;
      let isOver = true;
      for (const item of rest()) {
        if (!visit(item)) return;
        if (performance.now() < endMs) continue;
        isOver = false;
        break;
      }
      if (isOver) return;
      await setImmediate();
    }
  }
}
