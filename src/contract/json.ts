// Reads JSON from bytes, strictly: valid UTF-8, no keys that reach a prototype. Runs on any thread.

import { ServiceError } from '../errors.js';

/** `"__proto__":` or `"constructor":`, also where letters are written as \u escapes. */
const SUSPECT_KEY = /"(?:_|\\u005f){2}(?:p|\\u0070)|"(?:c|\\u0063)(?:o|\\u006f)(?:n|\\u006e)(?:s|\\u0073)/i;

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * The value a body holds.
 * @throws malformed_json on bad UTF-8, bad syntax, or a key that could reach a prototype
 */
export function parseJson(body: Uint8Array): unknown {
  const text = decodeText(body);
  const value = parseText(text);
  if (SUSPECT_KEY.test(text)) refusePrototypeKeys(value);
  return value;
}

function decodeText(body: Uint8Array): string {
  try {
    return decoder.decode(body);
  } catch {
    throw new ServiceError('malformed_json', { reason: 'the bytes are not UTF-8' });
  }
}

function parseText(text: string): unknown {
  if (text.length === 0) throw new ServiceError('malformed_json', { reason: 'it is empty' });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ServiceError('malformed_json', { reason: syntaxReason(error, text) });
  }
}

/** V8 quotes the text around the error; only the place is told back, bodies do not belong in logs. */
function syntaxReason(error: unknown, text: string): string {
  const message = error instanceof Error ? error.message : '';
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position !== undefined) return `unexpected text at position ${position}`;
  if (message.startsWith('Unexpected end') || message.startsWith('Unterminated')) return 'it ends too early';
  return `unexpected text in its ${text.length} characters`;
}

/** Walks without recursion: nesting is bounded by the body's size only. */
function refusePrototypeKeys(root: unknown): void {
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, '__proto__') || reachesPrototype(value)) {
      throw new ServiceError('malformed_json', { reason: 'it has a key that could reach a prototype' });
    }
    for (const member of Object.values(value)) {
      if (typeof member === 'object' && member !== null) pending.push(member);
    }
  }
}

function reachesPrototype(value: object): boolean {
  if (!Object.hasOwn(value, 'constructor')) return false;
  const inner: unknown = Reflect.get(value, 'constructor');
  return typeof inner === 'object' && inner !== null && Object.hasOwn(inner, 'prototype');
}
