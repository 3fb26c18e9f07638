// The search route over HTTP beside one that does everything but search, and latency at half of the load it can take.
// Usage: npm run bench -- http [--help]

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { benchOptions } from './bench-options.js';
import { base64Of, ingest } from './client/ingest.js';
import type { ServiceProcess } from './client/service-process.js';
import { type TemporaryService, withTemporaryService } from './client/temporary-service.js';
import { quantile } from './client/timed-searches.js';
import { loadBenchData } from './data/bench-vectors.js';
import { row } from './data/split.js';
import { matrixRows } from './data/vector-rows.js';
import { openLoop } from './http/open-loop.js';
import { printProfiles } from './http/print-profiles.js';
import { saturate } from './http/saturate.js';
import { processorSeconds } from './process-figures.js';
import { median } from './report.js';
import { saveResult } from './results.js';
import { Figures } from './service/figures.js';

const HELP = `npm run bench -- http [--data embeddings|glove] [--count N] [--rounds N] [--seconds N] [--profile] [--smoke]

--data     made-up embeddings of 768 dimensions, 100,000 if --count does not say otherwise; or GloVe
--profile  only profiles the service under full load, and prints where each of its threads spends its time`;

const NAME = 'bench';
const PATH = `/v1/collections/${NAME}/search`;
const ECHO_MAIN = fileURLToPath(new URL('./http/echo-main.js', import.meta.url));
const CONNECTIONS = [1, 8, 32];
/** Connections that saturate the service; half of what they get is half load. */
const SATURATING = 32;
/** Before that V8 has not compiled what the routes run. */
const WARM_REQUESTS = 10_000;
const K = 10;
const PROFILE_LINES = 25;

const options = benchOptions(HELP, {
  data: { type: 'string', default: 'embeddings' },
  count: { type: 'string' },
  queries: { type: 'string', default: '1000' },
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '5' },
  profile: { type: 'boolean', default: false },
});
const rounds = options.smoke ? 1 : Number(options.rounds);
const warmRequests = options.smoke ? 100 : WARM_REQUESTS;
const seconds = options.smoke ? 1 : Number(options.seconds);
const figures = new Figures();
const { base, queries } = await loadBenchData(options, console.error);
const vectors = Array.from({ length: queries.count }, (_, i) => base64Of(row(queries, i)));
const bodies = vectors.map((vector) => JSON.stringify({ vector, k: K }));
await withTemporaryService(async (running) => {
  const { client } = running;
  await client.createCollection({ name: NAME, dimension: base.dimension, metric: 'cosine' });
  await ingest(client, { name: NAME, vectors: matrixRows(base), batchPoints: 500 });
  await client.build(NAME);
  if (!options.profile) await compareWithEcho(running);
  if (options.profile || options.smoke) await profile(running);
});
if (!options.profile) {
  figures.print();
  if (!options.smoke) await saveResult('http', { figures: figures.all });
}

async function compareWithEcho({ client, service }: TemporaryService): Promise<void> {
  const answer = await client.search(NAME, { vector: vectors[0] as string, k: K, with_stats: true });
  const environment = { ECHO_DIMENSION: String(base.dimension), ECHO_ANSWER: JSON.stringify(answer) };
  await withTemporaryService(async (echo) => compare(service, echo.service), {
    main: ECHO_MAIN,
    environment,
  });
}

/** Of a process that does nothing else. */
async function profile(running: TemporaryService): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'coppice-profiles-'));
  await running.service.stop();
  await running.start({ nodeFlags: ['--cpu-prof', `--cpu-prof-dir=${directory}`] });
  await running.client.ready();
  await saturate({
    origin: running.client.origin,
    path: PATH,
    bodies,
    connections: SATURATING,
    until: { requests: 3 * warmRequests },
  });
  await running.service.stop();
  printProfiles(
    readdirSync(directory).map((name) => join(directory, name)),
    options.smoke ? 3 : PROFILE_LINES,
  );
  rmSync(directory, { recursive: true });
}

/** Both routes in turn, round after round; then latency at half load, also in turn. */
async function compare(search: ServiceProcess, echo: ServiceProcess): Promise<void> {
  const load = { path: PATH, bodies };
  for (const { origin } of [search, echo]) {
    await saturate({ ...load, origin, connections: SATURATING, until: { requests: warmRequests } });
  }
  const setting = `${base.count} x ${base.dimension}, defaults`;
  let saturatedQps = 0;
  for (const connections of CONNECTIONS) {
    const where = { setting: `${setting}, ${connections} connections` };
    const runs = { search: [] as Run[], echo: [] as Run[] };
    for (let round = 0; round < rounds; round++) {
      runs.search.push(await runAt(search, connections));
      runs.echo.push(await runAt(echo, connections));
    }
    const of = (route: 'search' | 'echo', figure: keyof Run) => median(runs[route].map((run) => run[figure]));
    const wanted = connections === SATURATING ? '>= 0.5' : '';
    saturatedQps = Math.max(saturatedQps, of('search', 'qps'));
    figures.add('search', of('search', 'qps'), 'QPS', where);
    figures.add('the same without the search', of('echo', 'qps'), 'QPS', where);
    figures.add('search / without', of('search', 'qps') / of('echo', 'qps'), 'ratio', { ...where, wanted });
    figures.add('processor time of a search', of('search', 'cpuUs'), 'us', where);
    figures.add('processor time without', of('echo', 'cpuUs'), 'us', where);
  }
  const rate = saturatedQps / 2;
  const at = { setting: `${rate.toFixed(0)} requests a second, half load` };
  const latencies = { search: [] as Latency[], without: [] as Latency[] };
  for (let round = 0; round < rounds; round++) {
    latencies.search.push(latencyOf(await openLoop({ ...load, origin: search.origin, rate, seconds })));
    latencies.without.push(latencyOf(await openLoop({ ...load, origin: echo.origin, rate, seconds })));
  }
  for (const [route, wanted] of [
    ['search', '<= 4'],
    ['without', ''],
  ] as const) {
    const of = (figure: keyof Latency) => median(latencies[route].map((latency) => latency[figure]));
    const name = route === 'search' ? 'search' : 'the same without the search,';
    figures.add(`${name} p50`, of('p50'), 'ms', at);
    figures.add(`${name} p99`, of('p99'), 'ms', at);
    figures.add(`${name} p99 / p50`, of('ratio'), 'ratio', { ...at, wanted });
  }
}

interface Latency {
  p50: number;
  p99: number;
  ratio: number;
}

function latencyOf(milliseconds: number[]): Latency {
  const [p50, p99] = [quantile(milliseconds, 0.5), quantile(milliseconds, 0.99)];
  return { p50, p99, ratio: p99 / p50 };
}

interface Run {
  qps: number;
  /** Of all threads of the service, a request. */
  cpuUs: number;
}

async function runAt(service: ServiceProcess, connections: number): Promise<Run> {
  const before = processorSeconds(service.pid);
  const qps = await saturate({ origin: service.origin, path: PATH, bodies, connections, until: { seconds } });
  return { qps, cpuUs: ((processorSeconds(service.pid) - before) / (qps * seconds)) * 1e6 };
}
