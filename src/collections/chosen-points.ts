// Deleting points and changing payloads, where ids or a filter choose the points. What a filter chooses is done some hundred
// points at a time, each durable by itself: other writes go on in between, and after a failure the same call goes on. Main
// thread.

import type { DeleteResponse, UpdatePayload, UpdateResponse } from '../contract/chosen-points.js';
import type { Filter } from '../contract/filter.js';
import { idKey, type PointId } from '../contract/points.js';
import { unindexedWarnings } from '../contract/warnings.js';
import type { PayloadChange } from '../filter/payload-change.js';
import type { CollectionParts } from './collection-parts.js';
import type { Mutation, MutationResult } from './mutation.js';
import { POINTS_PER_TURN, yieldToLoop } from './yield-to-loop.js';

/** Of one commit; of payloads fewer, which may have 64 KiB each, twice. */
const DELETED_PER_COMMIT = 1000;
const UPDATED_PER_COMMIT = 256;

type Parts = Pick<CollectionParts, 'filters' | 'store' | 'writer'>;

/** Either of them. */
export interface Choice {
  ids?: readonly PointId[] | undefined;
  filter?: Filter | undefined;
}

/** @throws as `Writer.submit`; what was deleted before a failure stays so */
export async function deleteChosen(parts: Parts, choice: Choice): Promise<DeleteResponse> {
  const { affected, sequence, unindexedKeys } = await submitChosen(
    parts,
    choice,
    DELETED_PER_COMMIT,
    (ids, filter) => ({
      kind: 'delete',
      ids,
      filter,
    }),
  );
  return { deleted: affected, sequence, ...unindexedWarnings(unindexedKeys) };
}

/** @throws as `Writer.submit`, and validation_failed where a payload would get too large or too deep */
export async function updateChosen(parts: Parts, request: UpdatePayload): Promise<UpdateResponse> {
  const change = changeOf(request);
  const { affected, sequence, unindexedKeys } = await submitChosen(
    parts,
    request,
    UPDATED_PER_COMMIT,
    (ids, filter) => ({
      kind: 'update_payload',
      ids,
      filter,
      change,
    }),
  );
  return { updated: affected, sequence, ...unindexedWarnings(unindexedKeys) };
}

function changeOf({ set, overwrite, delete_keys }: UpdatePayload): PayloadChange {
  if (set !== undefined) return { kind: 'set', payload: set };
  if (overwrite !== undefined) return { kind: 'overwrite', payload: overwrite };
  return { kind: 'delete_keys', keys: delete_keys ?? [] };
}

async function submitChosen(
  { filters, store, writer }: Parts,
  { ids, filter }: Choice,
  perCommit: number,
  mutationOf: (ids: readonly PointId[], filter: Filter | undefined) => Mutation,
): Promise<MutationResult & { unindexedKeys: string[] }> {
  if (ids !== undefined) {
    const chosen = distinct(ids);
    const result = { affected: 0, sequence: writer.meta.sequence };
    for (let first = 0; first < chosen.length; first += perCommit) {
      const { affected, sequence } = await writer.submit(
        mutationOf(chosen.slice(first, first + perCommit), undefined),
      );
      result.affected += affected;
      result.sequence = sequence;
    }
    return { ...result, unindexedKeys: [] };
  }
  const { rows, unindexedKeys } = await filters.rows(filter ?? {});
  let affected = 0;
  let { sequence } = writer.meta;
  for (let first = 0; first < rows.length; first += perCommit) {
    const chosen: PointId[] = [];
    for (const [index, row] of rows.subarray(first, first + perCommit).entries()) {
      if (index % POINTS_PER_TURN === POINTS_PER_TURN - 1) await yieldToLoop();
      const id = store.rowId(row);
      if (id !== undefined) chosen.push(id);
    }
    // The filter goes along: a point may have changed since it was chosen.
    const result = await writer.submit(mutationOf(chosen, filter));
    affected += result.affected;
    sequence = result.sequence;
  }
  return { affected, sequence, unindexedKeys };
}

/** 5 and "5" are one point. */
function distinct(ids: readonly PointId[]): PointId[] {
  return [...new Map(ids.map((id) => [idKey(id), id])).values()];
}
