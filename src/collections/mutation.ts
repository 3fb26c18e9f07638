// The one type through which the points and the storage of a collection change. Plain data: the same mutations can
// come from a request or from a log. Main thread.

import type { Backend } from '../contract/index-settings.js';
import type { PointBatch } from '../contract/point-batch.js';
import type { PointId } from '../contract/points.js';

export type Mutation =
  | { readonly kind: 'upsert'; readonly batch: PointBatch }
  | { readonly kind: 'delete'; readonly ids: readonly PointId[] }
  | { readonly kind: 'set_storage'; readonly backend: Backend };

export interface MutationResult {
  /** Points stored or removed. */
  affected: number;
  /** Place of the mutation in the collection's history, from 1. */
  sequence: number;
}

/** Points a mutation touches: what a commit of it costs. */
export function pointsOf(mutation: Mutation): number {
  if (mutation.kind === 'upsert') return mutation.batch.count;
  return mutation.kind === 'delete' ? mutation.ids.length : 0;
}

/** Vectors a mutation appends. */
export function vectorsOf(mutation: Mutation): number {
  return mutation.kind === 'upsert' ? mutation.batch.count : 0;
}

/** Bytes a mutation holds while it waits, payloads included. */
export function bytesOf(mutation: Mutation): number {
  if (mutation.kind !== 'upsert') return 0;
  const { vectors, payloads } = mutation.batch;
  return vectors.byteLength + payloads.bytes.byteLength;
}
