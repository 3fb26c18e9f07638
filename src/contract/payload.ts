// The payload of a point: a JSON object of bounded size and depth, kept as UTF-8 bytes. Runs on any thread.

import { z } from 'zod';
import { PAYLOAD_BYTES_MAX, PAYLOAD_DEPTH_MAX } from '../limits.js';

export type Payload = Record<string, unknown>;

export const payloadField = z
  .custom<Payload>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), {
    error: 'A payload is a JSON object',
  })
  .meta({
    id: 'Payload',
    description:
      `Any JSON object of at most ${PAYLOAD_BYTES_MAX} bytes and ${PAYLOAD_DEPTH_MAX} levels; it comes back as it was given. ` +
      'Its numbers are float64: integers beyond 2^53 lose digits (send them as strings), and what overflows, like 1e400, is refused.',
    type: 'object',
    additionalProperties: true,
    examples: [{ word: 'tree', rank: 12 }],
  });

/** The bytes a payload is kept as, or the reason why it cannot be kept. */
export function encodePayload(payload: Payload): Uint8Array | { refused: string } {
  const refused = refusalOf(payload);
  if (refused !== undefined) return { refused };
  const bytes = Buffer.from(JSON.stringify(payload));
  if (bytes.length > PAYLOAD_BYTES_MAX) {
    return { refused: `A payload has at most ${PAYLOAD_BYTES_MAX} bytes, this one has ${bytes.length}` };
  }
  return bytes;
}

/** What in it cannot be kept. Level by level, not by recursion: the nesting is the client's. */
function refusalOf(root: object): string | undefined {
  let level: object[] = [root];
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > PAYLOAD_DEPTH_MAX) return `A payload is nested at most ${PAYLOAD_DEPTH_MAX} levels deep`;
    const next: object[] = [];
    for (const value of level) {
      for (const member of Object.values(value)) {
        if (typeof member === 'object' && member !== null) next.push(member);
        // JSON text can hold 1e400, a float64 cannot; it would come back as null.
        else if (member === Number.POSITIVE_INFINITY || member === Number.NEGATIVE_INFINITY) {
          return 'The numbers of a payload are float64, up to 1.797e308; send larger ones as strings';
        }
      }
    }
    level = next;
  }
  return undefined;
}
