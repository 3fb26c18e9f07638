// What a collection says it holds in RAM against what the process really holds, and the peak of a build, read from /proc
// of a real service. Usage: npm run bench -- memory [--smoke] [--count N] [--dimension D]

import { setTimeout } from 'node:timers/promises';
import { benchOptions } from './bench-options.js';
import { type ClustersOptions, clusteredBatches } from './client/clusters.js';
import type { CoppiceClient } from './client/coppice-client.js';
import { base64Of } from './client/ingest.js';
import { withTemporaryService } from './client/temporary-service.js';
import { row } from './data/split.js';
import { anonymousBytes, watchAnonymousBytes } from './process-figures.js';
import { Figures } from './service/figures.js';

const HELP = `npm run bench -- memory [--smoke] [--count 200000] [--dimension 768]

Inserts made-up vectors, builds, searches and drops them again. Only on Linux.`;

const MIB = 2 ** 20;
const BATCH_POINTS = 1000;
const REQUESTS_IN_FLIGHT = 4;
const CLUSTERS = 300;
const SEED = 1;
const SEARCHES = 200;
const WARM_UP_POINTS = 20_000;
const TINY = { name: 'tiny', points: 20 };
/** Threads that parse bodies end after 30 s without work, those that build after 5 s. */
const IDLE_MS = 35_000;
const COLLECTED_MS = 3000;
/** As the image has it (Dockerfile). */
const ENVIRONMENT = { MALLOC_MMAP_THRESHOLD_: '262144', MALLOC_TRIM_THRESHOLD_: '262144' };

const options = benchOptions(HELP, {
  count: { type: 'string', default: '200000' },
  dimension: { type: 'string', default: '768' },
});
const { smoke } = options;
const count = smoke ? 3000 : Number(options.count);
const dimension = smoke ? 64 : Number(options.dimension);
const warmUpPoints = smoke ? 500 : WARM_UP_POINTS;
const figures = new Figures();

if (process.platform === 'linux') {
  await withTemporaryService(({ service, client }) => measure(service.pid, client), {
    environment: ENVIRONMENT,
  });
  figures.print();
} else {
  console.log('the memory of a process is read from /proc, which only Linux has');
}

async function measure(pid: number, client: CoppiceClient): Promise<void> {
  // Threads start, code is compiled, the allocators take what they keep: none of it belongs to a collection.
  await fill(client, 'warm-up', warmUpPoints);
  await client.build('warm-up');
  await search(client, 'warm-up');
  await client.dropCollection('warm-up');
  const before = await atRest(pid, client);
  figures.add('anonymous memory without collections', before / MIB, 'MiB');

  const startedMs = performance.now();
  const ingestPeak = watchAnonymousBytes(pid);
  await fill(client, 'wide', count);
  figures.add('ingest', (count * 1000) / (performance.now() - startedMs), 'points/s');
  figures.add('anonymous memory, peak of the ingest', ingestPeak() / MIB, 'MiB');
  const pending = await atRest(pid, client);
  figures.add('anonymous memory after the ingest', pending / MIB, 'MiB');
  figures.add('pending points, reported', (await client.describe('wide')).memory.total_bytes / MIB, 'MiB');

  await measureBuild(pid, client);

  await search(client, 'wide');
  const serving = await atRest(pid, client);
  figures.add('anonymous memory while serving', serving / MIB, 'MiB', { wanted: '<= 334' });
  const { memory, index } = await client.describe('wide');
  const grown = serving - before;
  figures.add('points a leaf', count / index.leaves, '');
  figures.add('index RAM, reported', memory.total_bytes / count, 'bytes/vector', {
    wanted: dimension === 768 ? '<= 115' : '',
  });
  figures.add('index RAM, growth of the process', grown / count, 'bytes/vector');
  figures.add('reported by grown', memory.total_bytes / grown, '', { wanted: '0.8 to 1.2' });

  await client.dropCollection('wide');
  figures.add('kept after the drop', ((await atRest(pid, client)) - before) / MIB, 'MiB');
}

/** What a dry run says of the build, and what the build takes. */
async function measureBuild(pid: number, client: CoppiceClient): Promise<void> {
  const plan = await client.planBuild('wide');
  const beforeBytes = anonymousBytes(pid);
  const buildPeak = watchAnonymousBytes(pid);
  const { elapsed_seconds: seconds } = await client.build('wide');
  const peakBytes = buildPeak();
  figures.add('build', seconds, 's');
  const threadNanoseconds = seconds * plan.threads * 1e9;
  figures.add('build, a thread for a dimension of a point', threadNanoseconds / (count * dimension), 'ns');
  figures.add('anonymous memory, peak of the build', peakBytes / MIB, 'MiB', { wanted: '<= 1024' });
  figures.add('growth to the peak of the build', (peakBytes - beforeBytes) / MIB, 'MiB');
  figures.add('the same, foreseen', (plan.memory.peak_bytes - plan.memory.now_bytes) / MIB, 'MiB');
  figures.add('index RAM, foreseen', plan.memory.after_bytes / count, 'bytes/vector');
}

/** When the threads have ended that can, and the others have collected their garbage: a drop makes them do so. */
async function atRest(pid: number, client: CoppiceClient): Promise<number> {
  await setTimeout(smoke ? 0 : IDLE_MS);
  await fill(client, TINY.name, TINY.points);
  await search(client, TINY.name);
  await client.dropCollection(TINY.name);
  await setTimeout(COLLECTED_MS);
  return anonymousBytes(pid);
}

async function fill(client: CoppiceClient, name: string, points: number): Promise<void> {
  const shape: ClustersOptions = { count: points, dimension, clusters: CLUSTERS, seed: SEED };
  await client.createCollection({ name, dimension, metric: 'cosine' });
  const batches = clusteredBatches(shape, BATCH_POINTS);
  let id = 0;
  const work = async () => {
    for (const batch of batches) {
      const first = id;
      id += batch.count;
      const made = Array.from({ length: batch.count }, (_, i) => ({
        id: first + i,
        vector: base64Of(row(batch, i)),
      }));
      await client.upsert(name, made);
    }
  };
  await Promise.all(Array.from({ length: REQUESTS_IN_FLIGHT }, work));
}

/** So many at once that every thread has searched. */
async function search(client: CoppiceClient, name: string): Promise<void> {
  const shape = { count: SEARCHES, dimension, clusters: CLUSTERS, seed: SEED };
  for (const queries of clusteredBatches(shape, 20)) {
    const vectors = Array.from({ length: queries.count }, (_, i) => base64Of(row(queries, i)));
    await Promise.all(vectors.map((vector) => client.search(name, { vector, k: 10 })));
  }
}
