// Recall of held-out queries against exact search, at the defaults and at growing effort.

import type { SearchRequest } from '../client/coppice-client.js';
import { timeSearches } from '../client/timed-searches.js';
import { recallAt } from '../data/split.js';
import type { Figures } from './figures.js';

export const K = 10;
const TRUTH_CONNECTIONS = 2;
const TARGETS = [0.95, 0.99];
const EFFORTS: Effort[] = [
  { probes: 48, rerank_factor: 5 },
  { probes: 72, rerank_factor: 8 },
  { probes: 96, rerank_factor: 8 },
  { probes: 128, rerank_factor: 10 },
  { probes: 176, rerank_factor: 10 },
  { probes: 256, rerank_factor: 12 },
  { probes: 384, rerank_factor: 16 },
];

export type Effort = Pick<SearchRequest, 'probes' | 'rerank_factor'>;

/** Searches for all `vectors` (base64) at one effort. */
export function searchesFor(vectors: string[], effort: Effort & { exact?: boolean } = {}): SearchRequest[] {
  return vectors.map((vector) => ({ vector, k: K, ...effort }));
}

/** Adds recall and latency at the defaults, and at the least effort that reaches each target; returns the one for 0.95. */
export async function measureRecall(
  { origin, name, queries }: { origin: string; name: string; queries: string[] },
  figures: Figures,
): Promise<Effort> {
  const truth = await timeSearches(origin, name, searchesFor(queries, { exact: true }), TRUTH_CONNECTIONS);
  const measure = async (effort: Effort) => {
    const timed = await timeSearches(origin, name, searchesFor(queries, effort));
    return { effort, recall: recallAt(K, truth.found, timed.found), ...timed };
  };
  await measure({});
  const byDefault = await measure({});
  figures.add(`recall@${K} at defaults`, byDefault.recall, 'share', '>= 0.90');
  figures.add('search p50 at defaults', byDefault.p50Ms, 'ms');
  figures.add('search p99 at defaults', byDefault.p99Ms, 'ms');

  const steps = [];
  for (const effort of EFFORTS) {
    const step = await measure(effort);
    steps.push(step);
    if (step.recall >= (TARGETS.at(-1) as number)) break;
  }
  for (const target of TARGETS) {
    const step = steps.find(({ recall }) => recall >= target) ?? (steps.at(-1) as (typeof steps)[number]);
    const { probes, rerank_factor } = step.effort;
    const setting = `probes ${probes}, rerank_factor ${rerank_factor}`;
    figures.add(`recall@${K} at ${setting}`, step.recall, 'share', `>= ${target}`);
    figures.add(`search p50 at ${setting}`, step.p50Ms, 'ms');
    figures.add(`search p99 at ${setting}`, step.p99Ms, 'ms');
  }
  return (steps.find(({ recall }) => recall >= (TARGETS[0] as number)) ?? byDefault).effort;
}
