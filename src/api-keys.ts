// API keys: read from settings, kept as hashes only, compared in constant time. Main thread.

import { createHash, timingSafeEqual } from 'node:crypto';

export const SCOPES = ['read', 'write', 'admin'] as const;
/** Each scope includes those before it. */
export type Scope = (typeof SCOPES)[number];

export interface ApiKey {
  /** sha256 of the key. */
  hash: Buffer;
  scope: Scope;
}

/** Keys from `KEY` (admin) or `KEY:SCOPE` entries, blank ones skipped; or why not. The reason never quotes a key. */
export function parseApiKeys(entries: readonly string[]): ApiKey[] | { refused: string } {
  const keys: ApiKey[] = [];
  for (const [index, entry] of entries.entries()) {
    const text = entry.trim();
    if (text === '') continue;
    const at = `entry ${index + 1}`;
    const [key = '', scope = 'admin', ...rest] = text.split(':');
    if (!isScope(scope) || rest.length > 0)
      return { refused: `${at} is not KEY or KEY:SCOPE (${SCOPES.join(', ')})` };
    if (!/^[\x21-\x7e]+$/.test(key))
      return { refused: `the key of ${at} is empty, or not printable ASCII without spaces` };
    const hash = hashOf(key);
    if (keys.some((known) => known.hash.equals(hash))) return { refused: `the key of ${at} is there twice` };
    keys.push({ hash, scope });
  }
  return keys;
}

/** The scope of the key; undefined where it is none of `keys`. Compares with every key, so that time tells nothing. */
export function scopeOf(keys: readonly ApiKey[], presented: string): Scope | undefined {
  const hash = hashOf(presented);
  let scope: Scope | undefined;
  for (const key of keys) {
    if (timingSafeEqual(key.hash, hash)) scope = key.scope;
  }
  return scope;
}

export function includesScope(held: Scope, needed: Scope): boolean {
  return SCOPES.indexOf(held) >= SCOPES.indexOf(needed);
}

function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text);
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
