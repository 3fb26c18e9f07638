// What one reads off a running service, all of it over HTTP. Usage: npm run bench -- service [--smoke]

import { clusteredVectors } from './client/clusters.js';
import type { CoppiceClient } from './client/coppice-client.js';
import { base64Of, ingest } from './client/ingest.js';
import { ingestArrow } from './client/ingest-arrow.js';
import { type TemporaryService, withTemporaryService } from './client/temporary-service.js';
import { loadGlove } from './data/glove.js';
import { holdOut, type Matrix, row } from './data/split.js';
import { matrixRows } from './data/vector-rows.js';
import { saturate } from './http/saturate.js';
import { compareBackends } from './service/compare-backends.js';
import { Figures } from './service/figures.js';
import { loadEventLoop } from './service/load-event-loop.js';
import { type Effort, measureRecall, searchesFor } from './service/measure-recall.js';
import { measureRestarts } from './service/measure-restart.js';
import { searchDuring } from './service/search-during.js';

const NAME = 'words';
const WIDE = { name: 'wide', count: 100_000, dimension: 768, clusters: 300, seed: 1, batchPoints: 500 };
const QPS_CONNECTIONS = 8;

const FULL = { queries: 1000, rounds: 3, qpsSeconds: 10, loadSeconds: 20 };
const SMOKE = { queries: 50, rounds: 1, qpsSeconds: 1, loadSeconds: 1 };
/** Made up: the smoke run fetches nothing. */
const SMOKE_DATA = { count: 5050, dimension: 100, clusters: 50, seed: 1 };

const smoke = process.argv.includes('--smoke');
const sizes = smoke ? SMOKE : FULL;
const { base, queries } = holdOut(smoke ? clusteredVectors(SMOKE_DATA) : await glove(), sizes.queries);
const queryTexts = Array.from({ length: queries.count }, (_, index) => base64Of(row(queries, index)));
const figures = new Figures();

await withTemporaryService(async (running) => {
  await storeAndBuild(running.client, { name: NAME, vectors: base });
  const effort = await measureRecall(
    { origin: running.client.origin, name: NAME, queries: queryTexts },
    figures,
  );
  await measureQps(running.client, 'defaults', {});
  await measureQps(running.client, 'recall 0.95', effort);
  const asked = { client: running.client, name: NAME, queries: queryTexts };
  await compareBackends({ ...asked, rounds: sizes.rounds }, figures);
  const { client } = running;
  const work = () => client.build(NAME);
  await searchDuring({ ...asked, seconds: sizes.loadSeconds, what: 'a build', works: [work] }, figures);
  const search = { vector: queryTexts[0] as string };
  await measureRestarts(running, { name: NAME, search, wanted: '<= 2000' }, figures);
  if (!smoke) await measureWide(running);
  // The restarts have changed the client.
  const now = { ...asked, client: running.client };
  await loadEventLoop({ ...now, vectors: base, seconds: sizes.loadSeconds }, figures);
});
figures.print();

async function glove(): Promise<Matrix> {
  const { vectors, words, dimension } = await loadGlove(undefined, console.error);
  return { values: vectors, count: words.length, dimension };
}

/** Adds ingest rate, build time and index size of a new collection. */
async function storeAndBuild(
  client: CoppiceClient,
  { name, vectors, batchPoints = 1000 }: { name: string; vectors: Matrix; batchPoints?: number },
): Promise<void> {
  const { count, dimension } = vectors;
  const wanted = { 100: '<= 55', 768: '<= 130' }[dimension] ?? '';
  const what = `${count} x ${dimension}`;
  await client.createCollection({ name, dimension, metric: 'cosine' });
  const seconds = await ingest(client, { name, vectors: matrixRows(vectors), batchPoints });
  figures.add(`ingest of ${what}`, count / seconds, 'points/s', {
    setting: `base64, batches of ${batchPoints}`,
  });
  const { elapsed_seconds } = await client.build(name);
  figures.add(`build of ${what}`, elapsed_seconds, 's');
  const { memory, index, disk_bytes } = await client.describe(name);
  const indexBytes = memory.tree_bytes + memory.codes_bytes + memory.ids_bytes;
  figures.add(`index RAM of ${what}`, indexBytes / count, 'bytes/vector', {
    wanted,
    setting: `${index.bits} bits`,
  });
  figures.add(`disk of ${what}`, disk_bytes / count, 'bytes/vector');
}

/** Other data than words, in a collection of its own that is dropped again. */
async function measureWide({ client }: TemporaryService): Promise<void> {
  const { name, batchPoints, count, dimension } = WIDE;
  const vectors = clusteredVectors(WIDE);
  await storeAndBuild(client, { name, vectors, batchPoints });
  await client.dropCollection(name);
  await client.createCollection({ name, dimension, metric: 'cosine' });
  const seconds = await ingestArrow(client, { name, vectors: matrixRows(vectors) });
  figures.add(`ingest of ${count} x ${dimension}`, count / seconds, 'points/s', { setting: 'Arrow' });
  await client.dropCollection(name);
}

async function measureQps({ origin }: CoppiceClient, setting: string, effort: Effort): Promise<void> {
  const qps = await saturate({
    origin,
    path: `/v1/collections/${NAME}/search`,
    bodies: searchesFor(queryTexts, effort).map((search) => JSON.stringify(search)),
    connections: QPS_CONNECTIONS,
    until: { seconds: sizes.qpsSeconds },
  });
  figures.add(`search, ${QPS_CONNECTIONS} connections`, qps, 'QPS', { setting });
}
