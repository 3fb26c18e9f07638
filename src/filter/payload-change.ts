// A payload after a change. Runs on any thread.

import type { Payload } from '../contract/payload.js';
import { pathOf } from './values.js';

export type PayloadChange =
  | { readonly kind: 'set'; readonly payload: Payload }
  | { readonly kind: 'overwrite'; readonly payload: Payload }
  | { readonly kind: 'delete_keys'; readonly keys: readonly string[] };

/** Does not change its arguments. Null where there was none and nothing is set. */
export function changePayload(before: Payload | null, change: PayloadChange): Payload | null {
  switch (change.kind) {
    case 'set':
      return { ...before, ...change.payload };
    case 'overwrite':
      return change.payload;
    case 'delete_keys': {
      if (before === null) return null;
      const after = structuredClone(before);
      for (const key of change.keys) deleteAt(after, pathOf(key), 0);
      return after;
    }
  }
}

/** As filters find keys: arrays stand for their elements. */
function deleteAt(value: unknown, path: readonly string[], depth: number): void {
  if (Array.isArray(value)) {
    for (const element of value) deleteAt(element, path, depth);
  } else if (typeof value === 'object' && value !== null) {
    const key = path[depth] as string;
    if (!Object.hasOwn(value, key)) return;
    if (depth === path.length - 1) delete (value as Payload)[key];
    else deleteAt((value as Payload)[key], path, depth + 1);
  }
}
