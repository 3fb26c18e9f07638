// Decides into how many shares one query is split over the pool's threads. Runs on any thread.

import type { Query } from '../index/query.js';
import { codeDimension } from '../index/settings.js';
import type { LiveView } from './views.js';

/** A share must be worth more than the hop to its worker and back. */
const SHARE_NS = 400_000;
/** Bytes that a thread scans in a nanosecond: from memory, and codes by table look-up. */
const VECTOR_BYTES_PER_NS = 4;
const CODE_BYTES_PER_NS = 12;

/** 1 for a short scan or a busy pool; else as many shares as there are idle threads, none of them short. */
export function shareCount(live: LiveView, query: Query, idleThreads: number): number {
  if (idleThreads < 2) return 1;
  return Math.max(1, Math.min(idleThreads, Math.floor(scanNs(live, query) / SHARE_NS)));
}

/** A rough estimate of what the scan of a query takes on one thread. */
function scanNs({ view, served }: LiveView, query: Query): number {
  const { generation } = served;
  const { dimension, bits } = view.settings;
  const vectorNs = (dimension * Float32Array.BYTES_PER_ELEMENT) / VECTOR_BYTES_PER_NS;
  if (query.exact) return (view.slots + generation.pendingCount) * vectorNs;
  const codeNs = (codeDimension(dimension) * bits) / 8 / CODE_BYTES_PER_NS;
  const encoded = Math.min(generation.encodedCount, generation.pendingCount);
  const probed = generation.leaves === 0 ? 0 : (view.slots * query.probes) / generation.leaves;
  return (probed + encoded) * codeNs + (generation.pendingCount - encoded) * vectorNs;
}
