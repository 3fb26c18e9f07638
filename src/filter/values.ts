// The values at a key of a payload. Runs on any thread.

import type { Payload } from '../contract/payload.js';

/**
 * What stands at `key`, arrays taken apart: scalars, nulls and objects. `isPresent` also where that is nothing but empty
 * arrays.
 */
export interface Found {
  values: unknown[];
  isPresent: boolean;
}

/** `path` is the key's parts. A part goes into objects only; arrays stand for their elements at every step. */
export function valuesAt(payload: Payload | null, path: readonly string[]): Found {
  const found: Found = { values: [], isPresent: false };
  if (payload !== null) collect(payload, path, 0, found);
  return found;
}

/** Whether `test` holds for one of the values; lists none of them, and stops at the first. */
export function someValueAt(
  payload: Payload | null,
  path: readonly string[],
  test: (value: unknown) => boolean,
): boolean {
  return payload !== null && some(payload, path, 0, test);
}

export function pathOf(key: string): string[] {
  return key.split('.');
}

function collect(value: unknown, path: readonly string[], depth: number, found: Found): void {
  if (Array.isArray(value)) {
    if (depth === path.length) found.isPresent = true;
    for (const element of value) collect(element, path, depth, found);
  } else if (depth === path.length) {
    found.isPresent = true;
    found.values.push(value);
  } else if (typeof value === 'object' && value !== null && Object.hasOwn(value, path[depth] as string)) {
    collect((value as Payload)[path[depth] as string], path, depth + 1, found);
  }
}

function some(
  value: unknown,
  path: readonly string[],
  depth: number,
  test: (value: unknown) => boolean,
): boolean {
  if (Array.isArray(value)) {
    for (const element of value) if (some(element, path, depth, test)) return true;
    return false;
  }
  if (depth === path.length) return test(value);
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, path[depth] as string))
    return false;
  return some((value as Payload)[path[depth] as string], path, depth + 1, test);
}
