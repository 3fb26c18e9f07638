// Figures of the whole engine, for metrics. Main thread.

import type { CollectionDescription } from '../contract/collections.js';

export type MemoryByKind = CollectionDescription['memory'];

export interface EngineStats {
  collections: { served: number; loading: number; unavailable: number };
  /** What waits at this moment. */
  queues: { searches: number; mutations: number; bodies: number };
  threads: { search: number; build: number };
  points: number;
  memory: MemoryByKind;
  /** The RAM that may be used, and what is claimed of it. */
  budget: { limit_bytes: number; used_bytes: number };
}

export function sumMemory(all: MemoryByKind[]): MemoryByKind {
  const sum: MemoryByKind = {
    tree_bytes: 0,
    codes_bytes: 0,
    ids_bytes: 0,
    vectors_bytes: 0,
    payload_indexes_bytes: 0,
    total_bytes: 0,
    anonymous_bytes: 0,
    mapped_bytes: 0,
  };
  for (const memory of all) {
    for (const kind of Object.keys(sum) as (keyof MemoryByKind)[]) sum[kind] += memory[kind];
  }
  return sum;
}
