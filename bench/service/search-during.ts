// What searches feel of other work: their latency at a modest rate, before it and while it runs.

import type { CoppiceClient } from '../client/coppice-client.js';
import { quantile } from '../client/timed-searches.js';
import { openLoop } from '../http/open-loop.js';
import type { Figures } from './figures.js';

/** Requests a second. */
const RATE = 200;
/** Searches go on until the work has ended, so many seconds at a time. */
const SLICE_SECONDS = 0.5;

export interface SearchDuring {
  client: CoppiceClient;
  name: string;
  /** Vectors in base64. */
  queries: string[];
  seconds: number;
  /** As the figures name the work. */
  what: string;
  work(): Promise<unknown>;
}

/** Resolves with the seconds that the work took. */
export async function searchDuring(
  { client, name, queries, seconds, what, work }: SearchDuring,
  figures: Figures,
): Promise<number> {
  const load = {
    origin: client.origin,
    path: `/v1/collections/${name}/search`,
    bodies: queries.map((vector) => JSON.stringify({ vector })),
    rate: RATE,
  };
  await openLoop({ ...load, seconds: 1 });
  const idle = await openLoop({ ...load, seconds });
  const startedMs = performance.now();
  let workSeconds = 0;
  const done = work().finally(() => {
    workSeconds = (performance.now() - startedMs) / 1000;
  });
  const busy: number[] = [];
  while (workSeconds === 0) {
    const latencies = await openLoop({ ...load, seconds: SLICE_SECONDS });
    busy.push(...latencies);
  }
  await done;
  const setting = `${RATE} requests a second, defaults`;
  for (const [share, wanted] of [
    [0.5, ''],
    [0.99, '<= 3'],
  ] as const) {
    const name = `search p${100 * share}`;
    const [before, during] = [quantile(idle, share), quantile(busy, share)];
    figures.add(`${name}, idle`, before, 'ms', { setting });
    figures.add(`${name} during ${what}`, during, 'ms', { setting });
    figures.add(`${name}, during ${what} / idle`, during / before, 'ratio', { setting, wanted });
  }
  return workSeconds;
}
