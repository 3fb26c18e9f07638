// Requests and replies about points that ids or a filter choose: deleting, changing payloads, counting. Runs on any thread.

import { z } from 'zod';
import { IDS_PER_REQUEST_MAX, PAYLOAD_KEYS_PER_UPDATE_MAX } from '../limits.js';
import { type Filter, filter, membersOf, payloadKey } from './filter.js';
import { payloadField } from './payload.js';
import { pointId } from './points.js';
import { warnings } from './warnings.js';

const chosenBy = {
  ids: z.array(pointId).min(1).max(IDS_PER_REQUEST_MAX).optional(),
  filter: filter.optional(),
};

function refuseOtherThanOne(value: object, names: readonly string[], context: z.RefinementCtx): void {
  const given = names.filter((name) => (value as Record<string, unknown>)[name] !== undefined);
  if (given.length === 1) return;
  const message = `Give one of ${names.map((name) => `\`${name}\``).join(', ')}`;
  context.addIssue({ code: 'custom', path: [given[1] ?? names[0] ?? ''], message, input: undefined });
}

/** Nobody empties a collection by a filter that was left out, or came out as nothing. */
function refuseNoConditions(
  { filter: given }: { filter?: Filter | undefined },
  context: z.RefinementCtx,
): void {
  if (given === undefined || membersOf(given).length > 0) return;
  const message = 'Give at least one condition; to delete all points, drop the collection';
  context.addIssue({ code: 'custom', path: ['filter'], message, input: undefined });
}

export const deletePoints = z
  .strictObject(chosenBy)
  .superRefine((value, context) => {
    refuseOtherThanOne(value, ['ids', 'filter'], context);
    refuseNoConditions(value, context);
  })
  .meta({
    id: 'DeletePoints',
    examples: [{ ids: ['word:tree', 5] }, { filter: { must: [{ key: 'kind', match: { value: 'tree' } }] } }],
  });

export const updatePayload = z
  .strictObject({
    ...chosenBy,
    set: payloadField.optional().describe('Keys that take the place of those of the same name; others stay.'),
    overwrite: payloadField.optional().describe('The new payload, instead of all that was there.'),
    delete_keys: z
      .array(payloadKey)
      .min(1)
      .max(PAYLOAD_KEYS_PER_UPDATE_MAX)
      .optional()
      .describe('Keys that go; `a.b` goes into objects, and into the elements of arrays.'),
  })
  .superRefine((value, context) => {
    refuseOtherThanOne(value, ['ids', 'filter'], context);
    refuseOtherThanOne(value, ['set', 'overwrite', 'delete_keys'], context);
  })
  .meta({
    id: 'UpdatePayload',
    examples: [
      { ids: ['word:tree'], set: { seen: true } },
      { filter: { must: [{ key: 'seen', exists: true }] }, delete_keys: ['seen'] },
    ],
  });
export type UpdatePayload = z.output<typeof updatePayload>;

export const updateResponse = z
  .strictObject({ updated: z.int().describe('Points that were there.'), sequence: z.int(), warnings })
  .meta({ id: 'UpdateResponse', examples: [{ updated: 1, sequence: 19 }] });
export type UpdateResponse = z.output<typeof updateResponse>;

export const deleteResponse = z
  .strictObject({ deleted: z.int(), sequence: z.int(), warnings })
  .meta({ id: 'DeleteResponse', examples: [{ deleted: 2, sequence: 18 }] });
export type DeleteResponse = z.output<typeof deleteResponse>;

export const countRequest = z
  .strictObject({ filter: filter.optional() })
  .meta({ id: 'CountRequest', examples: [{}, { filter: { must: [{ key: 'kind', exists: true }] } }] });

export const countResponse = z
  .strictObject({ count: z.int(), warnings })
  .meta({ id: 'CountResponse', examples: [{ count: 341479 }] });
export type CountResponse = z.output<typeof countResponse>;
