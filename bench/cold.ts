// What a search takes when its full vectors are not in memory: from the page cache, from the disk, and within a limit of
// memory of a sixth of the vectors' size. In process, one thread, at the default setting.
// Usage: npm run bench -- cold [--smoke]

import { rowBytes } from '../src/contract/stored-vector.js';
import { planSearch } from '../src/index/plan.js';
import type { Answer, PositionReader, Query } from '../src/index/query.js';
import { benchOptions } from './bench-options.js';
import { quantile } from './client/timed-searches.js';
import { cacheHits } from './cold/cache-hits.js';
import { dropPages, noMemoryLimit, withMemoryLimit } from './cold/page-cache.js';
import { rowByRow, traced } from './cold/readers.js';
import { type BuiltIndex, buildInProcess } from './coppice-in-process.js';
import { loadBenchData } from './data/bench-vectors.js';
import { row } from './data/split.js';
import { recordTable } from './report.js';

const K = 10;
const PRECISIONS = ['float32', 'float16', 'int8'] as const;
/** Share of the float32 vectors that may be in memory. */
const LIMIT_SHARE = 6;
/** What the process itself takes while it runs must have room, too. */
const LIMIT_BYTES_MIN = 8 * 1024 * 1024;

type Search = (query: Query) => Answer;
type Open = () => Promise<Search>;
interface Figures {
  what: string;
  p50Us: number;
  p99Us: number;
  /** Waits for the disk a query. */
  faults: number;
}

const { smoke } = benchOptions('npm run bench -- cold [--smoke]', {});
const coldQueries = smoke ? 5 : 100;
const rounds = smoke ? 1 : 5;
await benchCold();

async function benchCold(): Promise<void> {
  const { base, queries: held } = await loadBenchData(
    { data: 'glove', queries: '1000', smoke },
    console.error,
  );
  const vectors = Array.from({ length: held.count }, (_, i) => row(held, i));
  const limitBytes = Math.max(LIMIT_BYTES_MIN, Math.round((base.count * base.dimension * 4) / LIMIT_SHARE));
  const refusal = noMemoryLimit();
  if (refusal !== undefined) console.log(`Skipped, the limit of memory: ${refusal}.\n`);
  for (const precision of PRECISIONS) {
    const index = await buildInProcess(base, { metric: 'cosine' }, 2, { precision });
    const plan = planSearch(index.shape, index.calibration, { k: K });
    const queries = vectors.map((vector) => ({ vector, k: K, ...plan }));
    const stride = rowBytes({ dimension: base.dimension, precision });
    const opens = {
      mmap: () => index.open('mmap'),
      'mmap, row by row': () => index.open('mmap', rowByRow(stride)),
    };
    const figures = await warm({ memory: () => index.open('memory'), ...opens }, queries);
    for (const [name, open] of Object.entries(opens)) {
      figures.push(await cold(`cold, ${name}`, index, open, queries));
      if (refusal === undefined)
        figures.push(await limited(`limited, ${name}`, index, open, queries, limitBytes));
    }
    console.log(
      `${precision}, ${(index.vectors.bytes / 1e6).toFixed(1)} MB of vectors, at most ${plan.probes} probes\n`,
    );
    console.log(recordTable(figures));
    if (precision === 'float32') await hits(index, queries, stride, limitBytes);
    await index.close();
  }
}

/** All backends in turn, round after round. */
async function warm(opens: Record<string, Open>, queries: Query[]): Promise<Figures[]> {
  const runs: [string, Search, number[]][] = [];
  for (const [name, open] of Object.entries(opens)) runs.push([name, await open(), []]);
  for (let round = 0; round <= rounds; round++) {
    for (const [, search, times] of runs) {
      if (round > 0) for (const query of queries) times.push(timed(search, query));
      else for (const query of queries) search(query);
    }
  }
  return runs.map(([name, , times]) => figuresOf(`warm, ${name}`, times, 0));
}

/** Each query with empty caches. */
async function cold(what: string, index: BuiltIndex, open: Open, queries: Query[]): Promise<Figures> {
  const times: number[] = [];
  let faults = 0;
  for (const query of queries.slice(0, coldQueries)) {
    const search = await open();
    await dropPages(index.vectors.paths);
    const before = majorFaults();
    times.push(timed(search, query));
    faults += majorFaults() - before;
  }
  return figuresOf(what, times, faults);
}

/** Half of the queries fill what may be kept, the others are timed. */
async function limited(
  what: string,
  index: BuiltIndex,
  open: Open,
  queries: Query[],
  bytes: number,
): Promise<Figures> {
  const search = await open();
  await dropPages(index.vectors.paths);
  const half = queries.length >> 1;
  return withMemoryLimit(bytes, async () => {
    for (const query of queries.slice(0, half)) search(query);
    const before = majorFaults();
    const times = queries.slice(half).map((query) => timed(search, query));
    return figuresOf(what, times, majorFaults() - before);
  });
}

/** What a cache of hot vectors would hit beside the page cache, of the rows that these queries read. */
async function hits(index: BuiltIndex, queries: Query[], stride: number, bytes: number): Promise<void> {
  const trace: number[] = [];
  const ends: number[] = [];
  const search = await index.open('mmap', (reader: PositionReader) => traced(trace)(reader));
  for (const query of queries) {
    search(query);
    ends.push(trace.length);
  }
  const budgets = [bytes, bytes / 4, bytes / 16].map(Math.round);
  console.log(
    recordTable(budgets.flatMap((budget) => cacheHits({ positions: trace, ends }, stride, budget))),
  );
}

function timed(search: Search, query: Query): number {
  const startedMs = performance.now();
  search(query);
  return (performance.now() - startedMs) * 1000;
}

function figuresOf(what: string, times: number[], faults: number): Figures {
  return {
    what,
    p50Us: quantile(times, 0.5),
    p99Us: quantile(times, 0.99),
    faults: faults / times.length,
  };
}

function majorFaults(): number {
  return process.resourceUsage().majorPageFault;
}
