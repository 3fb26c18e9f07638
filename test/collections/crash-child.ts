// A process that writes to a collection until it is killed, and tells on its standard output what it begins (B, with
// the write) and what was acknowledged (A). Arguments: data directory, seed.

import { writeSync } from 'node:fs';
import { argv } from 'node:process';
import { setTimeout } from 'node:timers/promises';
import type { Collection } from '../../src/collections/collection.js';
import { Collections } from '../../src/collections/collections.js';
import { ServiceError } from '../../src/errors.js';
import { seededRandom } from '../../src/index/random.js';
import { batchOf } from './batches.js';
import { type CrashWrite, crashVector, DIMENSION, IDS } from './crash-writes.js';
import { creation } from './engine.js';

const [, , directory = '', seed = '1'] = argv;
const random = seededRandom(Number(seed));
const below = (end: number) => Math.floor(random() * end);
const say = (line: string) => writeSync(1, `${line}\n`);

const log = {
  info: () => {},
  warn: () => {},
  error: (fields: object, message: string) => say(`E ${message} ${JSON.stringify(fields)}`),
};
const collections = await Collections.open({ dataDir: directory, searchThreads: 1, buildThreads: 1 }, log);
await collections.loaded;
const collection = await openOrCreate();
void restructure(collection);
for (let version = below(1e9); ; version++) {
  const write = nextWrite(version);
  say(`B ${JSON.stringify(write)}`);
  if (write.kind === 'delete') await collection.deletePoints({ ids: write.ids });
  else
    await collection.upsert(
      batchOf(write.ids.map((id) => ({ id, vector: crashVector(id, version), payload: { version } }))),
    );
  say('A');
}

async function openOrCreate(): Promise<Collection> {
  try {
    return collections.get('crashed');
  } catch (error) {
    if (!(error instanceof ServiceError && error.code === 'collection_not_found')) throw error;
    return collections.create(creation({ name: 'crashed', dimension: DIMENSION }));
  }
}

function nextWrite(version: number): CrashWrite {
  const ids = new Set(Array.from({ length: 1 + below(40) }, () => below(IDS)));
  return { kind: below(5) === 0 ? 'delete' : 'upsert', ids: [...ids], version };
}

/** Builds and conversions without end, beside the writes. */
async function restructure(target: Collection): Promise<void> {
  for (;;) {
    await setTimeout(below(40));
    if (target.pointsCount === 0) continue;
    if (below(4) > 0) await target.startBuild({ max_leaf_size: 50 }).done;
    else await target.convertStorage(target.describe().storage.backend === 'mmap' ? 'memory' : 'mmap');
  }
}
