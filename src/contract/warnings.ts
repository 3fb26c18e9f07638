// What an answer says beside its results. Runs on any thread.

import { z } from 'zod';

export const warnings = z
  .array(z.string())
  .optional()
  .describe('What made this call slower than it could be, and what to do about it.');

/** Of a call whose filter had to read payloads at these keys; none where there are no such keys. */
export function unindexedWarnings(keys: readonly string[]): { warnings?: string[] } {
  if (keys.length === 0) return {};
  const names = keys.map((key) => JSON.stringify(key)).join(', ');
  const warning = `No payload index of a type that answers this is on ${names}: payloads were read one by one. PUT .../payload-indexes/{key} sets one; a key has one at a time.`;
  return { warnings: [warning] };
}
