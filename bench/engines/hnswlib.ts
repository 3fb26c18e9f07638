// hnswlib-node as an engine of the search benchmark, from the registry or compiled for this machine.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { row } from '../data/split.js';
import { type Engine, type EngineOptions, timedBuild } from './engine.js';
import { GRAPH } from './graph.js';
import type { PeerPackages } from './peer-packages.js';

const SEED = 100;
const EFS = [16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768];

interface Package {
  HierarchicalNSW: new (space: 'ip', dimension: number) => Index;
}

interface Index {
  initIndex(capacity: number, m: number, efConstruction: number, seed: number): void;
  addPoint(vector: number[], label: number): void;
  setEf(ef: number): void;
  searchKnn(vector: number[], k: number): { neighbors: number[] };
  writeIndexSync(path: string): void;
  readIndexSync(path: string): void;
}

/** The addon has no threads: it runs on the caller's. */
export async function hnswlib(
  { base, queries, k, ...options }: EngineOptions,
  name: string,
  packages: PeerPackages,
): Promise<Engine> {
  const { HierarchicalNSW } = packages.load<Package>('hnswlib-node');
  const path = join(options.directory, `${name}.bin`);
  const index = new HierarchicalNSW('ip', base.dimension);
  let isBuilt = false;
  const build = await timedBuild(options, path, () => {
    index.initIndex(base.count, GRAPH.m, GRAPH.efConstruction, SEED);
    for (let i = 0; i < base.count; i++) index.addPoint(Array.from(row(base, i)), i);
    isBuilt = true;
  });
  if (isBuilt) index.writeIndexSync(path);
  else index.readIndexSync(path);
  // The addon takes plain arrays only; making them is not part of its time.
  const arrays = Array.from({ length: queries.count }, (_, i) => Array.from(row(queries, i)));
  return {
    name,
    about: `hnswlib-node ${packages.version('hnswlib-node')}, M ${GRAPH.m}, efConstruction ${GRAPH.efConstruction}`,
    build,
    indexBytes: statSync(path).size,
    fileBytes: 0,
    efforts: EFS.map((ef) => ({
      setting: `ef ${ef}`,
      search: (query) => {
        index.setEf(ef);
        return index.searchKnn(arrays[query] as number[], k).neighbors;
      },
    })),
    close: async () => {},
  };
}
