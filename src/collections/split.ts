// What a query costs a thread, and into how many parts it is cut. Runs on any thread.

import { rowBytes } from '../contract/stored-vector.js';
import { codesNs, matchesNs } from '../index/plan-filtered.js';
import type { Query, QueryFilter } from '../index/query.js';
import { codeDimension } from '../index/settings.js';
import { filteredShape } from './plan-for.js';
import type { LiveView } from './views.js';

/** What a query takes beside its scan: tables, ranking of leaves, rerank. */
const QUERY_NS = 100_000;
/** A share for an idle thread must be worth more than the hop to it and back. */
const SHARE_NS = 400_000;
/** No part holds a thread for longer than about this: others wait for it. */
const PART_NS_MAX = 4_000_000;
const PARTS_MAX = 1024;
/** Bytes that a thread scans in a nanosecond: from memory, and codes by table look-up. */
const VECTOR_BYTES_PER_NS = 4;
const CODE_BYTES_PER_NS = 12;

/** A rough estimate of what a query takes on one thread. */
export function queryNs({ view, served }: LiveView, query: Query): number {
  const { generation } = served;
  const { dimension, bits } = view.settings;
  const vectorNs = rowBytes(view.vectors) / VECTOR_BYTES_PER_NS;
  if (query.filter !== undefined) return filteredNs({ view, served }, query, query.filter);
  if (query.exact) return QUERY_NS + (view.slots + generation.pendingCount) * vectorNs;
  const codeNs = (codeDimension(dimension) * bits) / 8 / CODE_BYTES_PER_NS;
  const encoded = Math.min(generation.encodedCount, generation.pendingCount);
  const probed = generation.leaves === 0 ? 0 : (view.slots * query.probes) / generation.leaves;
  return QUERY_NS + (probed + encoded) * codeNs + Math.max(0, generation.pendingCount - encoded) * vectorNs;
}

function filteredNs({ view, served }: LiveView, query: Query, { mask, efforts }: QueryFilter): number {
  const { leaves } = served.generation;
  if (query.exact) {
    const shape = filteredShape({ view, served });
    const narrowNs = query.within === undefined ? 0 : codesNs(shape);
    return QUERY_NS + matchesNs(mask.matches, shape.rowBytes) + narrowNs;
  }
  const { dimension, bits } = view.settings;
  const share = mask.matches / Math.max(1, view.slots);
  const probes = efforts.find(({ matchShare }) => matchShare <= share)?.probes ?? leaves;
  const scanned = leaves === 0 ? 0 : (view.slots * probes) / leaves;
  const codeNs = (codeDimension(dimension) * bits) / 8 / CODE_BYTES_PER_NS;
  return QUERY_NS + (scanned + served.generation.pendingCount) * codeNs;
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
