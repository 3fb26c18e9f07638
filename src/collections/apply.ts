// What a mutation does to a collection: one deterministic function, without clock, chance or I/O of its own, so that
// the same mutations in the same order make the same collection everywhere. Main thread.

import { encodePayload } from '../contract/payload.js';
import { payloadAt } from '../contract/payload-column.js';
import { idKey, type PointId } from '../contract/points.js';
import { ServiceError } from '../errors.js';
import { changePayload, type PayloadChange } from '../filter/payload-change.js';
import { filterPredicate } from '../filter/predicate.js';
import type { Changes, Meta, PointRecord } from '../storage/points-store.js';
import { POINTS_PER_STEP } from '../turns.js';
import type { ChosenPoints, Mutation, MutationResult } from './mutation.js';
import { decodePayload } from './payloads.js';

/** The record stored under an id's text before the mutation. */
export type Lookup = (key: string) => PointRecord | undefined;

export interface Applied {
  changes: Changes;
  result: MutationResult;
}

/**
 * What `mutation` changes in a collection that is at `meta`: upserted points get the rows from `meta.nextRow` on, in
 * batch order; rows of replaced and deleted points are in `changes.removeRows`. Every mutation, also one that finds
 * nothing to do, takes the next sequence number. Does not change its arguments.
 */
export function apply(lookup: Lookup, meta: Meta, mutation: Mutation): Applied {
  const steps = applySteps(lookup, meta, mutation);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** `apply` in steps of a few points, for a caller that has other things to do in between. */
export function* applySteps(lookup: Lookup, meta: Meta, mutation: Mutation): Generator<undefined, Applied> {
  const next: Meta = { ...meta, sequence: meta.sequence + 1 };
  switch (mutation.kind) {
    case 'upsert':
      return yield* upsert(lookup, next, mutation.batch);
    case 'delete':
      return yield* remove(lookup, next, mutation);
    case 'update_payload':
      return yield* updatePayload(lookup, next, mutation, mutation.change);
    case 'set_storage':
      return setStorage(next, mutation.backend);
  }
}

type Batch = Extract<Mutation, { kind: 'upsert' }>['batch'];

function* upsert(lookup: Lookup, meta: Meta, batch: Batch): Generator<undefined, Applied> {
  const records = new Map<string, PointRecord>();
  const removeRows: number[] = [];
  for (let index = 0; index < batch.count; index++) {
    if (index > 0 && index % POINTS_PER_STEP === 0) yield;
    const id = batch.ids[index] as PointId;
    const key = idKey(id);
    // The same id twice: the later point replaces the earlier one, whose row is dead from the start.
    const before = records.get(key) ?? lookup(key);
    if (before === undefined) meta.pointsCount++;
    else removeRows.push(before.row);
    records.set(key, {
      id,
      row: meta.nextRow + index,
      vectorChecksum: batch.checksums[index] as number,
      payload: payloadAt(batch.payloads, index),
    });
  }
  meta.nextRow += batch.count;
  const changes: Changes = { put: [...records.values()], removeRows, removeKeys: [], meta };
  return { changes, result: { affected: batch.count, sequence: meta.sequence } };
}

function* remove(lookup: Lookup, meta: Meta, chosen: ChosenPoints): Generator<undefined, Applied> {
  const removed = yield* choose(lookup, chosen);
  const removeRows = [...removed.values()].map(({ row }) => row);
  meta.pointsCount -= removed.size;
  const changes: Changes = { put: [], removeRows, removeKeys: [...removed.keys()], meta };
  return { changes, result: { affected: removed.size, sequence: meta.sequence } };
}

/** The points keep their rows: their vectors stay as they are. */
function* updatePayload(
  lookup: Lookup,
  meta: Meta,
  chosen: ChosenPoints,
  change: PayloadChange,
): Generator<undefined, Applied> {
  const updated = yield* choose(lookup, chosen);
  const put: PointRecord[] = [];
  for (const record of updated.values()) {
    if (put.length > 0 && put.length % POINTS_PER_STEP === 0) yield;
    const payload = changePayload(record.payload && decodePayload(record.payload), change);
    const encoded = payload && encodePayload(payload);
    if (encoded !== null && 'refused' in encoded) {
      const issue = { path: change.kind, message: `Point ${JSON.stringify(record.id)}: ${encoded.refused}` };
      throw new ServiceError('validation_failed', {}, [issue]);
    }
    put.push({ ...record, payload: encoded });
  }
  const changes: Changes = { put, removeRows: [], removeKeys: [], meta };
  return { changes, result: { affected: put.length, sequence: meta.sequence } };
}

/** The points that are meant, by key. */
function* choose(
  lookup: Lookup,
  { ids, filter }: ChosenPoints,
): Generator<undefined, Map<string, PointRecord>> {
  const meets = filter === undefined ? undefined : filterPredicate(filter);
  const chosen = new Map<string, PointRecord>();
  for (const [index, id] of ids.entries()) {
    if (index > 0 && index % POINTS_PER_STEP === 0) yield;
    const key = idKey(id);
    const record = lookup(key);
    if (record === undefined) continue;
    if (meets?.(record.id, record.payload && decodePayload(record.payload)) === false) continue;
    chosen.set(key, record);
  }
  return chosen;
}

function setStorage(meta: Meta, backend: Meta['backend']): Applied {
  const changes: Changes = { put: [], removeRows: [], removeKeys: [], meta: { ...meta, backend } };
  return { changes, result: { affected: 0, sequence: meta.sequence } };
}
