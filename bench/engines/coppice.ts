// Coppice as an engine of the search benchmark: one search thread, in process.

import { VERSION } from '../../src/version.js';
import { buildInProcess } from '../coppice-in-process.js';
import { row } from '../data/split.js';
import { coppiceEfforts } from './coppice-efforts.js';
import type { Engine, EngineOptions } from './engine.js';

/** Built anew each time: that takes seconds. */
export async function coppice({ base, queries, k, memoryBytesMax, say }: EngineOptions): Promise<Engine> {
  const startedCpu = process.cpuUsage();
  const index = await buildInProcess(base, { metric: 'cosine' }, 1, { memoryBytesMax });
  const { user, system } = process.cpuUsage(startedCpu);
  say(`coppice: built in ${index.buildSeconds.toFixed(1)} s`);
  const { tree, codes, ids } = index.bytesPerVector;
  return {
    name: 'coppice',
    about: `${VERSION}, ${index.settings.bits} bits, ${index.leaves} leaves`,
    build: { seconds: index.buildSeconds, cpuSeconds: (user + system) / 1e6 },
    indexBytes: (tree + codes + ids) * base.count,
    fileBytes: base.values.byteLength,
    efforts: coppiceEfforts(index, k).map(({ setting, plan }) => ({
      setting,
      search: (query) => index.search({ vector: row(queries, query), k, ...plan }).rows,
    })),
    close: () => index.close(),
  };
}
