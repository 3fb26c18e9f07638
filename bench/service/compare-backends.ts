// The latency of one index whose full vectors are mapped files, then memory, in alternate rounds.

import type { CoppiceClient } from '../client/coppice-client.js';
import { timeSearches } from '../client/timed-searches.js';
import { median } from '../report.js';
import type { Figures } from './figures.js';
import { searchesFor } from './measure-recall.js';

const BACKENDS = ['mmap', 'memory'] as const;

/** Adds the warm p50 of both backends and their ratio; the collection ends as it began, in mapped files. */
export async function compareBackends(
  {
    client,
    name,
    queries,
    rounds,
  }: { client: CoppiceClient; name: string; queries: string[]; rounds: number },
  figures: Figures,
): Promise<void> {
  const p50s = { mmap: [] as number[], memory: [] as number[] };
  const searches = searchesFor(queries);
  for (let round = 0; round < rounds; round++) {
    for (const backend of BACKENDS) {
      const { storage } = await client.describe(name);
      if (storage.backend !== backend) await client.convertStorage(name, backend);
      await timeSearches(client.origin, name, searches);
      p50s[backend].push((await timeSearches(client.origin, name, searches)).p50Ms);
    }
  }
  await client.convertStorage(name, 'mmap');
  const [mmap, memory] = [median(p50s.mmap), median(p50s.memory)];
  figures.add('warm p50 with mmap', mmap, 'ms');
  figures.add('warm p50 with memory', memory, 'ms');
  figures.add('warm p50, mmap / memory', mmap / memory, 'ratio', { wanted: '<= 1.2' });
}
