// Coppice as an engine of the search benchmark: one search thread, in process.

import { VERSION } from '../../src/version.js';
import { buildInProcess } from '../coppice-in-process.js';
import { row } from '../data/split.js';
import type { Engine, EngineOptions } from './engine.js';

export const COPPICE_EFFORTS = [
  { probes: 8, rerankFactor: 4 },
  { probes: 16, rerankFactor: 4 },
  { probes: 24, rerankFactor: 5 },
  { probes: 40, rerankFactor: 5 },
  { probes: 56, rerankFactor: 6 },
  { probes: 72, rerankFactor: 8 },
  { probes: 96, rerankFactor: 8 },
  { probes: 128, rerankFactor: 10 },
  { probes: 176, rerankFactor: 10 },
  { probes: 224, rerankFactor: 10 },
  { probes: 288, rerankFactor: 12 },
  { probes: 400, rerankFactor: 16 },
  { probes: 600, rerankFactor: 20 },
];

/** Built anew each time: that takes seconds. */
export async function coppice({ base, queries, k, say }: EngineOptions): Promise<Engine> {
  const startedCpu = process.cpuUsage();
  const index = await buildInProcess(base, { metric: 'cosine' }, 1);
  const { user, system } = process.cpuUsage(startedCpu);
  say(`coppice: built in ${index.buildSeconds.toFixed(1)} s`);
  const { tree, codes, ids } = index.bytesPerVector;
  return {
    name: 'coppice',
    about: `${VERSION}, ${index.settings.bits} bits, ${index.leaves} leaves`,
    build: { seconds: index.buildSeconds, cpuSeconds: (user + system) / 1e6 },
    indexBytes: (tree + codes + ids) * base.count,
    fileBytes: base.values.byteLength,
    efforts: COPPICE_EFFORTS.filter(({ probes }) => probes <= index.leaves).map(
      ({ probes, rerankFactor }) => ({
        setting: `probes ${probes}, rerank ${rerankFactor}`,
        search: (query) =>
          index.search({ vector: row(queries, query), k, probes, rerankFactor, exact: false }).rows,
      }),
    ),
    close: () => index.close(),
  };
}
