// Payloads as they are stored and as they are answered. Runs on any thread.

import type { Payload } from '../contract/payload.js';

const decoder = new TextDecoder();

/** The object whose JSON was stored. */
export function decodePayload(bytes: Uint8Array): Payload {
  return JSON.parse(decoder.decode(bytes)) as Payload;
}
