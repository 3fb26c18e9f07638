// Recall against QPS of one thread in process: Coppice and its peers, in one run on the same vectors.
// Usage: npm run bench -- search [--help]

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { benchOptions } from './bench-options.js';
import { type BenchData, loadBenchData } from './data/bench-vectors.js';
import { recallAt } from './data/split.js';
import { trueNeighbours } from './data/true-neighbours.js';
import { matrixRows } from './data/vector-rows.js';
import { openEngines } from './engines/open-engines.js';
import { coresAllowed } from './one-core.js';
import { mean, recordTable } from './report.js';
import { saveResult } from './results.js';
import { compareAt } from './search/compare.js';
import { measure, type Point } from './search/measure.js';

const HELP = `npm run bench -- search [--data glove|embeddings] [--count N] [--queries N] [--rounds N] [--only A,B] [--cache] [--memory-bytes N] [--smoke]

--data    glove (341,479 x 100, the default) or embeddings (made up, 768 dimensions; see "npm run bench -- data")
--count   only so many vectors; of embeddings 100,000 if not said
--only    engines: coppice, hnswlib, hnswlib-native, usearch (f32, f16, i8), lancedb (ivf-pq, ivf-rq, hnsw-sq)
--cache   keep the peers' indexes in .cache and use those of an earlier run: for development
--memory-bytes  of one memory of Coppice's index: a small number shows what several memories cost

The peers are installed into .cache on the first run. A full run takes about an hour, nearly all of it to build them.`;

const K = 10;
/** Recalls at which the engines are compared. */
const TARGETS = [0.9, 0.95, 0.98, 0.99, 0.995];

const options = benchOptions(HELP, {
  data: { type: 'string', default: 'glove' },
  count: { type: 'string' },
  queries: { type: 'string', default: '1000' },
  rounds: { type: 'string', default: '5' },
  only: { type: 'string', default: '' },
  cache: { type: 'boolean', default: false },
  'memory-bytes': { type: 'string' },
});
const say = (text: string) => console.error(text);
await benchSearch();

async function benchSearch(): Promise<void> {
  // LanceDB reads these when it is loaded: its log is one line a search, and its pool has a thread a core.
  process.env.LANCEDB_LOG ??= 'error';
  process.env.LANCE_CPU_THREADS ??= '1';
  const data = await loadBenchData(options, say);
  const { base, queries } = data;
  const directory = join('.cache', 'engines', data.name);
  if (!options.cache) rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  say(`${data.name}: true neighbours of ${queries.count} queries`);
  const truth = trueNeighbours(matrixRows(base), queries, K).rows;
  const only = options.only.split(',').filter(Boolean);
  const memoryBytesMax = options['memory-bytes'] === undefined ? undefined : Number(options['memory-bytes']);
  const engineOptions = { base, queries, k: K, directory, reuse: options.cache, memoryBytesMax, say };
  const { engines, leftOut } = await openEngines(only, engineOptions);
  if (options.smoke && leftOut.length > 0) throw new Error('an engine is left out of the smoke run');
  const rounds = options.smoke ? 1 : Number(options.rounds);
  const recallOf = (found: ArrayLike<number>[]) => recallAt(K, truth, found);
  const points = await measure(engines, queries.count, recallOf, { rounds, say });
  for (const engine of engines) await engine.close();
  if (!options.cache) rmSync(directory, { recursive: true, force: true });
  const sizes = engines.map(({ name, about, build, indexBytes, fileBytes }) => ({
    engine: name,
    buildSeconds: build.seconds,
    buildCpuSeconds: build.cpuSeconds,
    indexBytesPerVector: indexBytes / base.count,
    fileBytesPerVector: fileBytes / base.count,
    about,
  }));
  report(data, points, sizes);
  const result = { data: describe(data), cores: coresAllowed(), points, sizes, leftOut };
  console.log(JSON.stringify(result));
  if (!options.smoke && only.length === 0) await saveResult(`search-${data.name}`, result);
}

function describe({ name, base, queries }: BenchData): object {
  return { name, count: base.count, dimension: base.dimension, queries: queries.count, k: K };
}

function report({ name, base, queries }: BenchData, points: Point[], sizes: { engine: string }[]): void {
  const names = sizes.map(({ engine }) => engine);
  const cores = coresAllowed();
  console.log(`${name}: ${base.count} x ${base.dimension}, ${queries.count} queries, k ${K}`);
  console.log(
    cores?.length === 1
      ? `the whole process runs on core ${cores[0]}, so that no engine has more than one\n`
      : 'the process is not held to one core (no taskset here): LanceDB may use several\n',
  );
  console.log(recordTable(points));
  console.log('QPS by the clock, at equal recall');
  console.log(recordTable(compareAt(TARGETS, names, points, ({ qps }) => qps)));
  console.log('QPS by processor time: what one core would answer if nothing else ran on it');
  console.log(recordTable(compareAt(TARGETS, names, points, ({ cpuUs }) => 1e6 / cpuUs)));
  console.log(recordTable(sizes));
  const times = mean(points.map(({ qps, cpuUs }) => 1e6 / cpuUs / qps));
  console.log(
    `a query took ${times.toFixed(2)} times its processor time: above 1 by the other work on the machine\n`,
  );
}
