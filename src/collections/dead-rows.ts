// Dead rows between the store and a generation: marking them when a generation comes into service, and forgetting
// those that no generation holds any more. Main thread.

import { setImmediate } from 'node:timers/promises';
import type { PointsStore } from '../storage/points-store.js';
import type { Log } from './log.js';
import type { ServedGeneration } from './served-generation.js';
import type { Writer } from './writer.js';

/** Rows looked at between two turns of the event loop. */
const ROWS_PER_TURN = 1024;
/** Tombstones cleared by one commit: it blocks for about a microsecond each. */
const ROWS_PER_COMMIT = 2048;

/**
 * Marks every tombstoned row that `served` holds; all rows must be published. Returns the rows that it does not hold:
 * their tombstones have no use any more. Nothing may be committed meanwhile.
 */
export async function markTombstones(served: ServedGeneration, store: PointsStore): Promise<number[]> {
  const gone: number[] = [];
  let seen = 0;
  for (const row of store.tombstonedRows()) {
    if (served.holds(row)) served.markDead(row);
    else gone.push(row);
    if (++seen % ROWS_PER_TURN === 0) await setImmediate();
  }
  return gone;
}

/**
 * Forgets tombstones, a few at a time between other commits. Never fails: those that remain cost a look at the next
 * start, no more.
 */
export async function clearTombstones(writer: Writer, rows: number[], log: Log): Promise<void> {
  try {
    for (let first = 0; first < rows.length; first += ROWS_PER_COMMIT) {
      const clearing = rows.slice(first, first + ROWS_PER_COMMIT);
      await writer.exclusive(() =>
        writer.commit({
          put: [],
          removeRows: [],
          removeKeys: [],
          clearTombstones: clearing,
          meta: writer.meta,
        }),
      );
    }
  } catch (error) {
    log.info({ error }, 'tombstones without a vector remain until the next start');
  }
}
