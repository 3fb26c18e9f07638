// Runs the benchmarks, each in a process of its own, so that it measures with nothing else in memory.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { oneCorePrefix } from './one-core.js';

const BENCHES: Record<string, string> = {
  kernels: 'speed of each WebAssembly kernel',
  codes: 'recall, work and bytes of each kind of code',
  precision: 'recall, bytes and speed of full vectors as float32, float16 and int8',
  search:
    'recall against QPS of one thread in process, beside hnswlib, usearch and LanceDB; held to one core',
  recall:
    'what declared recalls are worth on unseen queries, and what they cost; with --shapes whatever the data are and do',
  cold: 'searches whose vectors come from the disk; as root also within a limit of memory',
  data: 'how hard the made-up embeddings are, beside GloVe',
  service: 'figures of a running service, over HTTP',
  http: 'the search route beside one that does all of it but the search, and latency at half load',
  scale: 'a million made-up embeddings over HTTP: ingest, build, memory, restart, recall, QPS',
  memory: 'what a collection says it holds against what the process holds, and the peak of its build',
  filters: 'recall and cost of searches under filters of every selectivity, with and against the vectors',
  payloads:
    'a million points with payloads over HTTP: payload indexes, filtered searches, deletion by filter',
  charts: 'draws the charts of the README from bench/results',
};
/** Its engines start threads that cannot all be counted. */
const ON_ONE_CORE = new Set(['search']);
const HELP = `npm run bench -- NAME [options]       (npm run bench -- NAME --help for its options)
npm run bench:smoke                   all of them in seconds, on made-up data: proves that they still run

${Object.entries(BENCHES)
  .map(([name, what]) => `${name.padEnd(9)} ${what}`)
  .join('\n')}

GloVe is fetched from npm once. Full runs of search, http, scale, filters and payloads write bench/results, which charts draws.`;

const args = process.argv.slice(2);
const smoke = args[0] === '--smoke' || args[0] === undefined;
const [name = '', ...flags] = smoke ? ['', '--smoke'] : args;
if (!smoke && !(name in BENCHES)) {
  console.error(name === '--help' ? HELP : `unknown benchmark ${name}\n\n${HELP}`);
  process.exit(name === '--help' ? 0 : 2);
}
for (const bench of smoke ? Object.keys(BENCHES) : [name]) run(bench, flags);

function run(bench: string, flags: string[]): void {
  const startedMs = performance.now();
  console.log(`\n# ${bench}\n`);
  const prefix = ON_ONE_CORE.has(bench) ? oneCorePrefix() : [];
  const path = fileURLToPath(new URL(`./${bench}.js`, import.meta.url));
  const [command, ...rest] = [...prefix, process.execPath, path, ...flags] as [string, ...string[]];
  const { status } = spawnSync(command, rest, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  console.error(`${bench}: ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
}
