// Recall and latency of one connection over HTTP, against given true neighbours.

import { timeSearches } from '../client/timed-searches.js';
import { recallAt } from '../data/split.js';
import type { Figures } from '../service/figures.js';
import { searchesFor } from '../service/measure-recall.js';

const PROBES = [16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512];
const RERANK_FACTOR = 8;

export interface HttpOptions {
  origin: string;
  name: string;
  /** Base64. */
  queries: string[];
  truth: number[][];
  recall: number;
  k: number;
}

/** Adds recall, p50 and p99 at the defaults, and at the fewest probes that reach the wanted recall. */
export async function measureOverHttp(options: HttpOptions, figures: Figures): Promise<void> {
  const { origin, name, queries, truth, k } = options;
  const truthIds = truth.map((rows) => rows.map(String));
  const measured = async (effort: { probes?: number; rerank_factor?: number }) => {
    const timed = await timeSearches(origin, name, searchesFor(queries, effort));
    return { ...timed, recall: recallAt(k, truthIds, timed.found) };
  };
  const add = (setting: string, { recall, p50Ms, p99Ms }: Awaited<ReturnType<typeof measured>>) => {
    figures.add(`recall@${k} over HTTP`, recall, 'share', { setting });
    figures.add('search p50 over HTTP, one connection', p50Ms, 'ms', { setting });
    figures.add('search p99 over HTTP, one connection', p99Ms, 'ms', { setting });
  };
  await measured({});
  add('defaults', await measured({}));
  for (const probes of PROBES) {
    const effort = { probes, rerank_factor: RERANK_FACTOR };
    const at = await measured(effort);
    if (at.recall < options.recall) continue;
    add(`probes ${probes}, rerank_factor ${RERANK_FACTOR}`, at);
    return;
  }
  throw new Error(`${PROBES.at(-1)} probes do not reach recall ${options.recall}`);
}
