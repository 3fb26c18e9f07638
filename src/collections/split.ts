// What a query costs a thread, and into how many parts it is cut. Runs on any thread.

import { rowBytes } from '../contract/stored-vector.js';
import { codesNs, matchesNs } from '../index/costs.js';
import type { Query } from '../index/query.js';
import type { LiveView } from './views.js';

/** What a query takes beside its scan: tables, ranking of leaves, rerank. */
const QUERY_NS = 100_000;
/** A share for an idle thread must be worth more than the hop to it and back. */
const SHARE_NS = 400_000;
/** No part holds a thread for longer than about this: others wait for it. */
const PART_NS_MAX = 4_000_000;
const PARTS_MAX = 1024;
/** Bytes of full vectors that a thread compares in a nanosecond, one after the other. */
const VECTOR_BYTES_PER_NS = 4;
/** Of the rows that a search within a distance looks at, about so many are read. */
const READ_SHARE = 0.05;

/** A rough estimate of what a query takes on one thread. */
export function queryNs({ view, served }: LiveView, query: Query): number {
  const { generation } = served;
  const { leaves, slots, pendingCount } = generation;
  const bytes = rowBytes(view.vectors);
  const all = query.mask?.matches ?? slots + pendingCount;
  if (query.exact) {
    const isSequential = query.mask === undefined;
    return QUERY_NS + (isSequential ? (all * bytes) / VECTOR_BYTES_PER_NS : matchesNs(all, bytes));
  }
  const encoded = Math.min(generation.encodedCount, pendingCount);
  const uncodedNs = ((pendingCount - encoded) * bytes) / VECTOR_BYTES_PER_NS;
  const codes = (count: number) => codesNs(view.settings, count);
  if (query.doubt !== undefined)
    return QUERY_NS + codes(slots + encoded) + matchesNs(READ_SHARE * all, bytes) + uncodedNs;
  // Of the rows that are near the query so many may be found as everywhere.
  const share = Math.min(1, all / Math.max(1, slots));
  const effort = query.efforts?.find(({ matchShare }) => matchShare <= share);
  const probes = query.efforts === undefined ? query.probes : (effort?.probes ?? leaves);
  const probed = leaves === 0 ? 0 : (slots * Math.min(probes, leaves)) / leaves;
  return QUERY_NS + codes(probed + encoded) + uncodedNs;
}

/** Whether short queries should not wait for it. */
export function isLong(costNs: number): boolean {
  return costNs > PART_NS_MAX;
}

/** 1 for a short query; else one part for each idle thread, but none so short that the hop costs more, and none long. */
export function partCount(costNs: number, idleThreads: number): number {
  const shares = Math.min(idleThreads, Math.floor(costNs / SHARE_NS));
  return Math.min(PARTS_MAX, Math.max(1, shares, Math.ceil(costNs / PART_NS_MAX)));
}
