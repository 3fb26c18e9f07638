// Builds the engines of a search benchmark one after the other; what does not run here is left out with a message.

import { coppice } from './coppice.js';
import type { Engine, EngineOptions } from './engine.js';
import { hnswlib } from './hnswlib.js';
import { LANCEDB_KINDS, lancedb } from './lancedb.js';
import { installPeers, type PeerPackages, rebuildHnswlib } from './peer-packages.js';
import { USEARCH_SCALARS, usearch } from './usearch.js';

type Open = (options: EngineOptions, peers: () => Promise<PeerPackages>) => Promise<Engine>;

const ENGINES: Record<string, Open> = {
  coppice,
  hnswlib: async (options, peers) => hnswlib(options, 'hnswlib', await peers()),
  'hnswlib-native': async (options, peers) => {
    await peers();
    const rebuilt = await rebuildHnswlib(options.say);
    if (rebuilt === undefined) throw new Error('it was not compiled');
    return hnswlib(options, 'hnswlib-native', rebuilt);
  },
  ...Object.fromEntries(
    USEARCH_SCALARS.map((scalar): [string, Open] => [
      `usearch-${scalar}`,
      async (options, peers) => usearch(options, scalar, await peers()),
    ]),
  ),
  ...Object.fromEntries(
    LANCEDB_KINDS.map((kind): [string, Open] => [
      `lancedb-${kind}`,
      async (options, peers) => lancedb(options, kind, await peers()),
    ]),
  ),
};

export interface LeftOut {
  engine: string;
  reason: string;
}

/** Those whose name, or the start of it, is in `only`. @throws where none is */
export async function openEngines(
  only: string[],
  options: EngineOptions,
): Promise<{ engines: Engine[]; leftOut: LeftOut[] }> {
  const names = Object.keys(ENGINES).filter(
    (name) => only.length === 0 || only.some((wanted) => name === wanted || name.startsWith(`${wanted}-`)),
  );
  if (names.length === 0) throw new Error(`--only takes some of ${Object.keys(ENGINES).join(', ')}`);
  let installed: Promise<PeerPackages> | undefined;
  const peers = () => (installed ??= installPeers(options.say));
  const engines: Engine[] = [];
  const leftOut: LeftOut[] = [];
  for (const name of names) {
    try {
      options.say(`${name}: building`);
      engines.push(await (ENGINES[name] as Open)(options, peers));
    } catch (error) {
      const reason = firstLines(error as Error);
      options.say(`${name} is left out: ${reason}`);
      leftOut.push({ engine: name, reason });
    }
  }
  return { engines, leftOut };
}

/** npm answers with pages. */
function firstLines({ message }: Error): string {
  return message.split('\n').slice(0, 4).join(' ');
}
