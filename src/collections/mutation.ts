// The one type through which the points and the storage of a collection change. Plain data: the same mutations can
// come from a request or from a log. Main thread.

import type { Filter } from '../contract/filter.js';
import type { Backend } from '../contract/index-settings.js';
import type { PointBatch } from '../contract/point-batch.js';
import type { PointId } from '../contract/points.js';
import type { PayloadChange } from '../filter/payload-change.js';

export type Mutation =
  | { readonly kind: 'upsert'; readonly batch: PointBatch }
  | ({ readonly kind: 'delete' } & ChosenPoints)
  | ({ readonly kind: 'update_payload'; readonly change: PayloadChange } & ChosenPoints)
  | { readonly kind: 'set_storage'; readonly backend: Backend };

/** Those of the ids that are there, and meet the filter at that moment where there is one. */
export interface ChosenPoints {
  readonly ids: readonly PointId[];
  readonly filter?: Filter | undefined;
}

export interface MutationResult {
  /** Points stored, changed or removed. */
  affected: number;
  /** Place of the mutation in the collection's history, from 1. */
  sequence: number;
}

/** Points a mutation touches: what a commit of it costs. */
export function pointsOf(mutation: Mutation): number {
  if (mutation.kind === 'upsert') return mutation.batch.count;
  return mutation.kind === 'set_storage' ? 0 : mutation.ids.length;
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
