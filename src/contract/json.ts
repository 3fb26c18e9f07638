// Reads JSON from bytes, strictly: valid UTF-8, no keys that reach a prototype. Runs on any thread.

import { ServiceError } from '../errors.js';
import { JSON_DEPTH_MAX } from '../limits.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `{` and `[`, `}` and `]`, each pair the same but for this bit. */
const CASE_BIT = 0x20;
const OPENING = 0x7b;
const CLOSING = 0x7d;

/** `"__proto__":` or `"constructor":`, also where letters are written as \u escapes. */
const SUSPECT_KEY = /"(?:_|\\u005f){2}(?:p|\\u0070)|"(?:c|\\u0063)(?:o|\\u006f)(?:n|\\u006e)(?:s|\\u0073)/i;

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * The value a body holds.
 * @throws malformed_json on bad UTF-8, bad syntax, deep nesting, or a key that could reach a prototype
 */
export function parseJson(body: Uint8Array): unknown {
  refuseDeepNesting(body);
  const text = decodeText(body);
  const value = parseText(text);
  if (SUSPECT_KEY.test(text)) refusePrototypeKeys(value);
  return value;
}

/** Before the parser sees it: bytes of brackets alone would hold it for a minute. */
function refuseDeepNesting(body: Uint8Array): void {
  let depth = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at] as number;
    if (byte === QUOTE) {
      at = endOfString(body, at);
    } else if ((byte | CASE_BIT) === OPENING) {
      if (++depth > JSON_DEPTH_MAX)
        throw new ServiceError('malformed_json', { reason: `it is nested more than ${JSON_DEPTH_MAX} deep` });
    } else if ((byte | CASE_BIT) === CLOSING) {
      depth--;
    }
  }
}

/** Where the string that begins at `start` has its last quote; the end of the body where it has none. */
function endOfString(body: Uint8Array, start: number): number {
  for (let at = body.indexOf(QUOTE, start + 1); at >= 0; at = body.indexOf(QUOTE, at + 1)) {
    let backslashes = 0;
    while (body[at - 1 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return body.length;
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

/** Walks without recursion. */
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
