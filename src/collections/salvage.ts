// Saves the points of a generation whose index file is damaged: their vectors are whole, so they become appended rows
// again, and a new index can be built. Main thread, before the collection serves.

import { crc32c } from '@node-rs/crc32';
import { idKey } from '../contract/points.js';
import { type RowShape, rowBytes } from '../contract/stored-vector.js';
import { ServiceError } from '../errors.js';
import type { PendingSegments } from '../storage/pending-segments.js';
import type { Meta, PointRecord, PointsStore } from '../storage/points-store.js';
import { VectorReader } from '../storage/vectors.js';
import { yieldToLoop } from '../turns.js';
import { leafVectorsDescriptor } from '../workers/generation-files.js';
import { loadSlotRows } from './generation-rows.js';

const POINTS_PER_COMMIT = 512;

/**
 * Moves all live points of the generation in `directory` behind the appended rows, some at a time: a crash in between
 * leaves the rest to the next start. Afterwards the collection is at generation 0.
 * @throws storage_corrupt where a vector is damaged, too
 */
export async function salvage(
  {
    store,
    pending,
    directory,
    rows,
  }: { store: PointsStore; pending: PendingSegments; directory: string; rows: RowShape },
  meta: Meta,
): Promise<Meta> {
  const slotRows = await loadSlotRows(directory);
  const descriptor = leafVectorsDescriptor(directory, rows, slotRows.length);
  const reader = new VectorReader(descriptor);
  reader.validate(slotRows.length);
  let moved = meta;
  for (let first = 0; first < slotRows.length; first += POINTS_PER_COMMIT) {
    moved = await move(store, pending, reader, slotRows, first, moved);
    await yieldToLoop();
  }
  const done: Meta = { ...moved, generation: 0 };
  await store.commit({ put: [], removeRows: [], removeKeys: [], meta: done });
  return done;
}

async function move(
  store: PointsStore,
  pending: PendingSegments,
  reader: VectorReader,
  slotRows: Uint32Array,
  first: number,
  meta: Meta,
): Promise<Meta> {
  const stride = rowBytes(reader.shape);
  const end = Math.min(slotRows.length, first + POINTS_PER_COMMIT);
  const vectors = new Uint8Array((end - first) * stride);
  const put: PointRecord[] = [];
  const removeRows: number[] = [];
  for (let slot = first; slot < end; slot++) {
    const record = liveRecord(store, slotRows[slot] as number);
    if (!record) continue;
    const vector = reader.get(slot);
    if (crc32c(vector) !== record.vectorChecksum) {
      throw new ServiceError('storage_corrupt', {
        path: 'the leaf-ordered vectors',
        reason: `the vector of row ${record.row} does not fit the checksum of its point`,
      });
    }
    vectors.set(vector, put.length * stride);
    removeRows.push(record.row);
    put.push({ ...record, row: meta.nextRow + put.length });
  }
  if (put.length === 0) return meta;
  await pending.append(vectors.subarray(0, put.length * stride));
  await pending.sync();
  const next: Meta = { ...meta, nextRow: meta.nextRow + put.length };
  await store.commit({ put, removeRows, removeKeys: [], meta: next });
  return next;
}

/** The point that lives in a row; undefined where it was replaced, deleted, or moved before a crash. */
function liveRecord(store: PointsStore, row: number): PointRecord | undefined {
  const id = store.rowId(row);
  const record = id === undefined ? undefined : store.get(idKey(id));
  return record?.row === row ? record : undefined;
}
