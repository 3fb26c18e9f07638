// Request and reply of a scroll through all points, and the cursor that leads from page to page. Runs on any thread.

import { z } from 'zod';
import { ServiceError } from '../errors.js';
import { SCROLL_LIMIT_DEFAULT, SCROLL_LIMIT_MAX } from '../limits.js';
import { filter } from './filter.js';
import { payloadField } from './payload.js';
import { idRefusal, pointId } from './points.js';
import { storedVector } from './vector.js';
import { warnings } from './warnings.js';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Decoded to the key that the page before ended with. */
const cursorField = z
  .string()
  .transform((cursor, context): string => {
    const key = keyOfCursor(cursor);
    if (key !== undefined) return key;
    const error = new ServiceError('cursor_invalid');
    context.addIssue({ code: 'custom', message: error.message, input: cursor, params: { error } });
    return z.NEVER;
  })
  .meta({ description: 'The `next_cursor` of the page before, as it is; without one, the first page.' });

export const scrollRequest = z
  .strictObject({
    limit: z
      .int()
      .min(1)
      .max(SCROLL_LIMIT_MAX)
      .default(SCROLL_LIMIT_DEFAULT)
      .describe('Points wanted; a page of large points ends earlier.'),
    cursor: cursorField.optional(),
    with_payload: z.boolean().default(true),
    with_vector: z.boolean().default(false),
    filter: filter.optional(),
  })
  .meta({ id: 'ScrollRequest', examples: [{ limit: 100, with_vector: true }] });
/** `cursor` is a key, no longer what stood on the wire. */
export type ScrollRequest = z.output<typeof scrollRequest>;

export const scrolledPoint = z
  .strictObject({ id: pointId, payload: payloadField.optional(), vector: storedVector.optional() })
  .meta({ id: 'ScrolledPoint' });
/** `vector` stays a Float32Array until the reply is written. */
export type ScrolledPoint = z.output<typeof scrolledPoint>;

export const scrollResponse = z
  .strictObject({
    points: z.array(scrolledPoint),
    next_cursor: z.string().optional().describe('Leads to the next page; absent on the last one.'),
    warnings,
  })
  .meta({
    id: 'ScrollResponse',
    examples: [{ points: [{ id: 'word:tree', payload: { word: 'tree' } }], next_cursor: 'd29yZDp0cmVl' }],
  });

/** Opaque to clients, so that what is in it may change. */
export function cursorOf(key: string): string {
  return Buffer.from(key).toString('base64url');
}

/** The key, an id's text, of a cursor; undefined where it is none. */
export function keyOfCursor(cursor: string): string | undefined {
  const bytes = Buffer.from(cursor, 'base64url');
  // Node skips what is not base64url: only the canonical text is taken.
  if (bytes.toString('base64url') !== cursor) return undefined;
  try {
    const key = decoder.decode(bytes);
    return idRefusal(key) === undefined ? key : undefined;
  } catch {
    return undefined;
  }
}
