// One commit of a collection: the vectors of a group of mutations in one append, one fdatasync and one LMDB
// transaction, all of it or nothing. Main thread.

import { ServiceError } from '../errors.js';
import { ROWS_MAX } from '../limits.js';
import type { PendingSegments } from '../storage/pending-segments.js';
import type { Meta, PointRecord, PointsStore } from '../storage/points-store.js';
import { runInTurns } from '../turns.js';
import { type Applied, applySteps } from './apply.js';
import type { DiskReserve } from './disk-reserve.js';
import { type Mutation, type MutationResult, pointsOf, vectorsOf } from './mutation.js';
import { Overlay } from './overlay.js';

/** Vectors handed to the file in one write. */
const APPEND_BYTES = 1024 * 1024;
/** What LMDB writes for a point beside its payload, generously. */
const RECORD_BYTES = 512;

export interface CommitPlaces {
  name: string;
  /** Of one stored vector. */
  rowBytes: number;
  store: PointsStore;
  pending: PendingSegments;
  disk: DiskReserve;
  /** Makes room for rows below `nextRow` in the searched memory. @throws memory_full */
  reserve(nextRow: number): void | Promise<void>;
  /** Vectors were appended and are durable, their commit follows. */
  appended(): void;
}

/** As it was, and as it is; null where it was or is none. */
export interface ChangedPoint {
  before: PointRecord | null;
  after: PointRecord | null;
}

export interface Committed {
  meta: Meta;
  /** Rows that are dead since this commit. */
  deadRows: readonly number[];
  /** Points that were inserted, replaced, deleted or given another payload. */
  points: readonly ChangedPoint[];
  /** In the order of the mutations: the result, or why this one was refused. */
  outcomes: (MutationResult | Error)[];
}

/**
 * Applies the mutations in order on top of `meta` and makes them durable together. A mutation that cannot be applied
 * is refused alone; when the disk fails, everything is undone and the whole group fails.
 * @throws disk_full, writes_stopped
 */
export async function commitGroup(places: CommitPlaces, meta: Meta, group: Mutation[]): Promise<Committed> {
  const overlay = new Overlay((key) => places.store.get(key));
  const outcomes: (MutationResult | Error)[] = [];
  let next = meta;
  try {
    for (const mutation of group) {
      const applied = await tryApply(places, overlay, next, mutation);
      if (applied instanceof Error) {
        outcomes.push(applied);
        continue;
      }
      if (mutation.kind === 'upsert') await appendVectors(places, next.nextRow, mutation.batch.vectors);
      overlay.absorb(applied.changes);
      outcomes.push(applied.result);
      next = applied.changes.meta;
    }
    if (next === meta) return { meta, deadRows: [], points: [], outcomes };
    if (next.nextRow > meta.nextRow) {
      await places.pending.sync();
      places.appended();
    }
    const changes = overlay.changes(next);
    const points = [...overlay.points()];
    await places.store.commit(changes);
    return { meta: next, deadRows: changes.removeRows, points, outcomes };
  } catch (error) {
    await undo(places, meta);
    throw error;
  }
}

async function tryApply(
  places: CommitPlaces,
  overlay: Overlay,
  meta: Meta,
  mutation: Mutation,
): Promise<Applied | Error> {
  try {
    const vectors = vectorsOf(mutation);
    if (meta.nextRow + vectors > ROWS_MAX) {
      throw new ServiceError('collection_full', { name: places.name, rowsMax: ROWS_MAX });
    }
    if (vectors > 0) {
      await places.disk.claim(vectors * (places.rowBytes + RECORD_BYTES));
      await places.reserve(meta.nextRow + vectors);
    }
    if (mutation.kind === 'update_payload') await places.disk.claim(pointsOf(mutation) * RECORD_BYTES);
    return await runInTurns(applySteps((key) => overlay.lookup(key), meta, mutation));
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function appendVectors(places: CommitPlaces, row: number, vectors: Uint8Array): Promise<void> {
  const step = Math.max(1, Math.floor(APPEND_BYTES / places.rowBytes)) * places.rowBytes;
  for (let at = 0; at < vectors.length; at += step) {
    const first = await places.pending.append(vectors.subarray(at, Math.min(vectors.length, at + step)));
    const expected = row + at / places.rowBytes;
    if (first !== expected) throw new Error(`vectors were appended at row ${first}, not at ${expected}`);
  }
}

/** Back to the last commit. Where it is not known whether this one happened, no further write is safe. */
async function undo(places: CommitPlaces, meta: Meta): Promise<void> {
  if (places.store.meta()?.sequence !== meta.sequence) {
    throw new ServiceError('writes_stopped', {
      reason: 'a commit was written but not confirmed by the disk',
    });
  }
  await places.pending.rewind(meta.nextRow);
}
