// Points on the wire: their ids, and the requests and replies about them. Runs on any thread.

import { z } from 'zod';
import { ID_BYTES_MAX, POINTS_PER_REQUEST_MAX } from '../limits.js';
import { payloadField } from './payload.js';
import { rawVector } from './vector.js';

export type PointId = string | number;

const LONE_SURROGATE = /\p{Surrogate}/u;

/** One check instead of a union of two schemas: it is run for every point, and tells what is wrong in one line. */
export const pointId = z
  .custom<PointId>()
  .superRefine((value, context) => {
    const message = idRefusal(value);
    if (message !== undefined) context.addIssue({ code: 'custom', message, input: value });
  })
  .meta({
    id: 'PointId',
    description:
      'A string of 1 to 256 UTF-8 bytes, or an integer from 0 to 2^53-1. 5 and "5" name the same point. ' +
      'Numbers are read as float64: 1.0 and 1.0000000000000000001 are the integer 1.',
    oneOf: [
      { type: 'string', minLength: 1, maxLength: ID_BYTES_MAX },
      { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    ],
    examples: ['word:tree'],
  });

/** The one text both forms of an id share; points are kept under it. */
export function idKey(id: PointId): string {
  return String(id);
}

/** Why `value` cannot be an id; undefined where it can. */
export function idRefusal(value: unknown): string | undefined {
  if (typeof value === 'number') {
    // -0 would come back as 0.
    if (Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)) return undefined;
    return 'An integer id is from 0 to 2^53-1 (9007199254740991); send larger ones as strings';
  }
  if (typeof value !== 'string') return 'An id is a string or an integer';
  if (value.length === 0) return 'An id has at least one character';
  if (value.length > ID_BYTES_MAX || Buffer.byteLength(value) > ID_BYTES_MAX) {
    return `An id has at most ${ID_BYTES_MAX} bytes of UTF-8`;
  }
  return LONE_SURROGATE.test(value) ? 'An id is valid Unicode, without lone surrogates' : undefined;
}

/** A point as it comes in: the vector is decoded by whoever knows the dimension. */
export const pointInput = z
  .strictObject({ id: pointId, vector: rawVector, payload: payloadField.optional() })
  .meta({
    id: 'NewPoint',
    examples: [{ id: 'word:tree', vector: [0.12, -0.5, 0.33], payload: { word: 'tree' } }],
  });

export const upsertRequest = z
  .strictObject({ points: z.array(pointInput).min(1).max(POINTS_PER_REQUEST_MAX) })
  .meta({ id: 'UpsertRequest' });

/** The shell of an upsert; its points are checked one by one, so that a bad body stops at 16 issues. */
export const upsertShell = z.strictObject({
  points: z.array(z.unknown()).min(1).max(POINTS_PER_REQUEST_MAX),
});

export const upsertResponse = z
  .strictObject({
    upserted: z.int(),
    sequence: z.int().describe('Number of the last mutation; it grows with each.'),
    rejected: z.int().optional().describe('Streams with on_error=skip: points left out.'),
    errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'UpsertResponse', examples: [{ upserted: 2, sequence: 17 }] });

export const point = z
  .strictObject({
    id: pointId,
    vector: rawVector,
    payload: payloadField.optional(),
  })
  .meta({ id: 'Point' });
