// Deleting points and changing payloads, where ids or a filter choose the points. What a filter chooses is done some hundred
// points at a time, each durable by itself: other writes go on in between, and after a failure the same call goes on. Main
// thread.

import type { DeleteResponse, UpdatePayload, UpdateResponse } from '../contract/chosen-points.js';
import type { Filter } from '../contract/filter.js';
import { idKey, type PointId } from '../contract/points.js';
import { unindexedWarnings } from '../contract/warnings.js';
import type { PayloadChange } from '../filter/payload-change.js';
import type { CollectionParts } from './collection-parts.js';
import type { Filters } from './filters.js';
import type { Mutation, MutationResult } from './mutation.js';

/** More would keep the processors from searches for longer (docs/decisions/0018), and payloads may have 64 KiB each, twice. */
const POINTS_PER_COMMIT = 256;

type Parts = Pick<CollectionParts, 'filters' | 'writer'>;

/** Either of them. */
export interface Choice {
  ids?: readonly PointId[] | undefined;
  filter?: Filter | undefined;
}

/** @throws as `Writer.submit`, and as filters do: storage_corrupt, too_many_requests; what was deleted before a failure stays so */
export async function deleteChosen(parts: Parts, choice: Choice): Promise<DeleteResponse> {
  const { affected, sequence, unindexedKeys } = await submitChosen(parts, choice, (ids, filter) => ({
    kind: 'delete',
    ids,
    filter,
  }));
  return { deleted: affected, sequence, ...unindexedWarnings(unindexedKeys) };
}

/** @throws as `deleteChosen`, and validation_failed where a payload would get too large or too deep */
export async function updateChosen(parts: Parts, request: UpdatePayload): Promise<UpdateResponse> {
  const change = changeOf(request);
  const { affected, sequence, unindexedKeys } = await submitChosen(parts, request, (ids, filter) => ({
    kind: 'update_payload',
    ids,
    filter,
    change,
  }));
  return { updated: affected, sequence, ...unindexedWarnings(unindexedKeys) };
}

function changeOf({ set, overwrite, delete_keys }: UpdatePayload): PayloadChange {
  if (set !== undefined) return { kind: 'set', payload: set };
  if (overwrite !== undefined) return { kind: 'overwrite', payload: overwrite };
  return { kind: 'delete_keys', keys: delete_keys ?? [] };
}

async function submitChosen(
  { filters, writer }: Parts,
  { ids, filter }: Choice,
  mutationOf: (ids: readonly PointId[], filter: Filter | undefined) => Mutation,
): Promise<MutationResult & { unindexedKeys: string[] }> {
  const { rows, unindexedKeys } =
    ids === undefined ? await filters.rows(filter ?? {}) : { rows: undefined, unindexedKeys: [] };
  let affected = 0;
  let { sequence } = writer.meta;
  for await (const chosen of rows ? idsOf(filters, rows) : slicesOf(distinct(ids ?? []))) {
    // The filter goes along: a point may have changed since it was chosen.
    const result = await writer.submit(mutationOf(chosen, filter));
    affected += result.affected;
    sequence = result.sequence;
  }
  return { affected, sequence, unindexedKeys };
}

/** The ids of rows, for a commit each; the next ones are read while the caller has the last. */
async function* idsOf(filters: Filters, rows: Uint32Array): AsyncGenerator<PointId[]> {
  let reading: Promise<PointId[]> | undefined;
  for (const slice of slicesOf(rows)) {
    const previous = reading;
    reading = filters.ids(slice);
    // Whoever awaits it learns of a failure, if anyone still does.
    reading.catch(() => {});
    if (previous) yield await previous;
  }
  if (reading) yield await reading;
}

function* slicesOf<Items extends { length: number; slice(start: number, end: number): Items }>(
  items: Items,
): Generator<Items> {
  for (let first = 0; first < items.length; first += POINTS_PER_COMMIT)
    yield items.slice(first, first + POINTS_PER_COMMIT);
}

/** 5 and "5" are one point. */
function distinct(ids: readonly PointId[]): PointId[] {
  return [...new Map(ids.map((id) => [idKey(id), id])).values()];
}
