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
  addStep(figures, byDefault, 'defaults', '>= 0.90');

  const steps = [];
  for (const effort of EFFORTS) {
    const step = await measure(effort);
    steps.push(step);
    if (step.recall >= (TARGETS.at(-1) as number)) break;
  }
  for (const target of TARGETS) {
    const step = steps.find(({ recall }) => recall >= target);
    if (step === undefined) throw new Error(`no effort reaches recall ${target}`);
    const { probes, rerank_factor } = step.effort;
    addStep(figures, step, `probes ${probes}, rerank_factor ${rerank_factor}`, `>= ${target}`);
  }
  return (steps.find(({ recall }) => recall >= (TARGETS[0] as number)) ?? byDefault).effort;
}

interface Step {
  recall: number;
  p50Ms: number;
  p99Ms: number;
}

function addStep(figures: Figures, { recall, p50Ms, p99Ms }: Step, setting: string, wanted: string): void {
  figures.add(`recall@${K}`, recall, 'share', { wanted, setting });
  figures.add('search p50, one connection', p50Ms, 'ms', { setting });
  figures.add('search p99, one connection', p99Ms, 'ms', { setting });
}
