// How late the service's event loop gets while large JSON batches are written and searches run.

import { setTimeout } from 'node:timers/promises';
import type { CoppiceClient, NewPoint } from '../client/coppice-client.js';
import { timeSearches } from '../client/timed-searches.js';
import { type Matrix, row } from '../data/split.js';
import type { Figures } from './figures.js';
import { searchesFor } from './measure-recall.js';

const BATCH_POINTS = 1000;
const BATCHES = 20;
const WRITERS = 2;
const SEARCH_CONNECTIONS = 4;
const DELAY_P99 = /^coppice_event_loop_delay_seconds\{quantile="0\.99"\} (\S+)/m;

export interface LoadOptions {
  client: CoppiceClient;
  name: string;
  vectors: Matrix;
  queries: string[];
  seconds: number;
}

/** Adds the delay's p99 as the service reports it, the rates, and the search latency under this load. */
export async function loadEventLoop(
  { client, name, vectors, queries, seconds }: LoadOptions,
  figures: Figures,
): Promise<void> {
  const batches = Array.from({ length: BATCHES }, (_, batch) => batchOf(vectors, batch));
  await delayP99Ms(client);
  const startedMs = performance.now();
  const isOver = () => performance.now() - startedMs > seconds * 1000;
  let points = 0;
  let next = 0;
  const write = async () => {
    while (!isOver()) {
      await client.upsert(name, batches[next++ % BATCHES] as NewPoint[]);
      points += BATCH_POINTS;
    }
  };
  const latencies: number[] = [];
  let searches = 0;
  const search = async () => {
    while (!isOver()) {
      const { p99Ms } = await timeSearches(client.origin, name, searchesFor(queries), SEARCH_CONNECTIONS);
      latencies.push(p99Ms);
      searches += queries.length;
    }
  };
  await Promise.all([search(), ...Array.from({ length: WRITERS }, write), setTimeout(seconds * 1000)]);
  const elapsed = (performance.now() - startedMs) / 1000;
  figures.add('event-loop delay p99 under load', await delayP99Ms(client), 'ms', { wanted: '<= 20' });
  figures.add('inserts under load, number[] in batches of 1,000', points / elapsed, 'points/s');
  figures.add('searches under load', searches / elapsed, 'QPS');
  figures.add('search p99 under load', Math.max(...latencies), 'ms');
}

/** Vectors as arrays of numbers: the costliest form to parse. Ids are new ones, then they are replaced. */
function batchOf(vectors: Matrix, batch: number): NewPoint[] {
  return Array.from({ length: BATCH_POINTS }, (_, index) => {
    const number = batch * BATCH_POINTS + index;
    return { id: `load-${number}`, vector: Array.from(row(vectors, number % vectors.count)) };
  });
}

/** The delay since it was last asked for. */
async function delayP99Ms(client: CoppiceClient): Promise<number> {
  const seconds = DELAY_P99.exec(await client.metrics())?.[1];
  if (seconds === undefined) throw new Error('/metrics has no event-loop delay');
  return Number(seconds) * 1000;
}
