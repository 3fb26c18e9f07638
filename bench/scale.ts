// A collection of a million made-up embeddings, from its first insert to its restart, over HTTP; then one search thread
// on the same index in process. Usage: npm run bench -- scale [--help]

import { benchOptions } from './bench-options.js';
import { base64Of, ingest } from './client/ingest.js';
import { ingestArrow } from './client/ingest-arrow.js';
import { type TemporaryService, withTemporaryService } from './client/temporary-service.js';
import { EMBEDDING_DIMENSION, type Embeddings, loadEmbeddings } from './data/embeddings.js';
import { row } from './data/split.js';
import { saturate } from './http/saturate.js';
import { processorSeconds, watchAnonymousBytes } from './process-figures.js';
import { saveResult } from './results.js';
import { loadTruth, type Truth } from './scale/load-truth.js';
import { measureOverHttp } from './scale/measure-http.js';
import { measureOneThread } from './scale/measure-one-thread.js';
import { Figures } from './service/figures.js';
import { searchesFor } from './service/measure-recall.js';
import { measureRestarts } from './service/measure-restart.js';

const HELP = `npm run bench -- scale [--count N] [--queries N] [--rounds N] [--ingest base64|arrow] [--smoke]

--count   vectors of ${EMBEDDING_DIMENSION} dimensions, 1,000,000 if not said; a million take 10 GB of disk: 3 in .cache, which
          stay there for the next run, and 7 in the temporary directory, which are removed
--ingest  how they are sent`;

const NAME = 'embeddings';
const K = 10;
const RECALL = 0.95;
const BUILD_THREADS = '2';
const CONNECTIONS = 8;
const INGEST = {
  base64: { send: ingest, wanted: '>= 10000', batchPoints: 500 },
  // Record batches as libraries write them: a commit each.
  arrow: { send: ingestArrow, wanted: '>= 20000', batchPoints: 5000 },
};

const options = benchOptions(HELP, {
  count: { type: 'string', default: '1000000' },
  queries: { type: 'string', default: '500' },
  rounds: { type: 'string', default: '3' },
  ingest: { type: 'string', default: 'base64' },
});
const count = options.smoke ? 5000 : Number(options.count);
const queryCount = options.smoke ? 50 : Number(options.queries);
const say = (text: string) => console.error(text);
const figures = new Figures();
const made = await loadEmbeddings({ count, queries: queryCount }, say);
const truth = loadTruth(made, K, say);
const texts = Array.from({ length: queryCount }, (_, i) => base64Of(row(made.queries, i)));
const points = await withTemporaryService(measureAll, { environment: { BUILD_THREADS } });
figures.print();
if (!options.smoke)
  await saveResult(options.ingest === 'base64' ? 'scale' : `scale-${options.ingest}`, {
    count,
    dimension: EMBEDDING_DIMENSION,
    figures: figures.all,
    points,
  });

async function measureAll(running: TemporaryService) {
  await store(running, made);
  await build(running);
  const search = { vector: texts[0] as string };
  await measureRestarts(running, { name: NAME, search, wanted: '<= 1000' }, figures);
  await serve(running, truth);
  await running.service.stop();
  const { dataDir } = running;
  const { queries } = made;
  return measureOneThread({ dataDir, queries, truth, k: K, rounds: Number(options.rounds), say }, figures);
}

async function store({ client, service }: TemporaryService, { base }: Embeddings): Promise<void> {
  const way = INGEST[options.ingest as keyof typeof INGEST];
  if (way === undefined) throw new Error(`--ingest is one of ${Object.keys(INGEST).join(', ')}`);
  await client.createCollection({ name: NAME, dimension: base.dimension, metric: 'cosine' });
  const cpuBefore = processorSeconds(service.pid);
  let reported = 0;
  const seconds = await way.send(client, {
    name: NAME,
    vectors: base,
    batchPoints: way.batchPoints,
    onProgress: (stored) => {
      if (stored - reported < base.count / 10) return;
      reported = stored;
      say(`${stored} stored`);
    },
  });
  const setting = `${options.ingest}, batches of ${way.batchPoints}`;
  figures.add('durable ingest', base.count / seconds, 'points/s', { setting, wanted: way.wanted });
  const cpuSeconds = processorSeconds(service.pid) - cpuBefore;
  figures.add('processor time of ingest', (cpuSeconds / base.count) * 1e6, 'us/point', { setting });
}

async function build({ client, service }: TemporaryService): Promise<void> {
  const setting = `${BUILD_THREADS} threads`;
  const cpuBefore = processorSeconds(service.pid);
  const peak = watchAnonymousBytes(service.pid);
  const { elapsed_seconds } = await client.build(NAME);
  figures.add('build', elapsed_seconds, 's', { setting, wanted: '<= 150' });
  figures.add('processor time of the build', processorSeconds(service.pid) - cpuBefore, 's', { setting });
  figures.add('anonymous memory, peak of the build', peak() / 1e6, 'MB', { setting });
  const { memory, index, disk_bytes } = await client.describe(NAME);
  const indexBytes = memory.tree_bytes + memory.codes_bytes + memory.ids_bytes;
  figures.add('index', indexBytes / count, 'bytes/vector', {
    wanted: '<= 115',
    setting: `${index.bits} bits, ${index.leaves} leaves`,
  });
  figures.add('disk', disk_bytes / count, 'bytes/vector');
}

async function serve({ client, service }: TemporaryService, { rows }: Truth): Promise<void> {
  const { origin } = client;
  const peak = watchAnonymousBytes(service.pid);
  await measureOverHttp({ origin, name: NAME, queries: texts, truth: rows, recall: RECALL, k: K }, figures);
  const qps = await saturate({
    origin,
    path: `/v1/collections/${NAME}/search`,
    bodies: searchesFor(texts).map((search) => JSON.stringify(search)),
    connections: CONNECTIONS,
    until: { seconds: options.smoke ? 1 : 10 },
  });
  const setting = `${CONNECTIONS} connections, defaults`;
  figures.add('search over HTTP', qps, 'QPS', { setting });
  figures.add('anonymous memory, peak while serving', peak() / 1e6, 'MB', { setting, wanted: '<= 350' });
}
