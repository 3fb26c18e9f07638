// What searches feel of other work: their latency at a modest rate, before it and while it runs.

import type { CoppiceClient } from '../client/coppice-client.js';
import { quantile } from '../client/timed-searches.js';
import { type OpenLoopOptions, openLoop } from '../http/open-loop.js';
import { median } from '../report.js';
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
  /** One after the other, each beside searches and after a while of searches alone. */
  works: readonly (() => Promise<unknown>)[];
}

/** Figures are medians of the works. Resolves with the seconds that each of them took. */
export async function searchDuring(
  { client, name, queries, seconds, what, works }: SearchDuring,
  figures: Figures,
): Promise<number[]> {
  const load = {
    origin: client.origin,
    path: `/v1/collections/${name}/search`,
    bodies: queries.map((vector) => JSON.stringify({ vector })),
    rate: RATE,
  };
  await openLoop({ ...load, seconds: 1 });
  const rounds: { idle: number[]; busy: number[]; workSeconds: number }[] = [];
  for (const work of works) {
    const idle = await openLoop({ ...load, seconds });
    rounds.push({ idle, ...(await loadedBy(work, load)) });
  }
  const setting = `${RATE} requests a second, defaults`;
  for (const [share, wanted] of [
    [0.5, ''],
    [0.99, '<= 3'],
  ] as const) {
    const name = `search p${100 * share}`;
    const idle = rounds.map((round) => quantile(round.idle, share));
    const busy = rounds.map((round) => quantile(round.busy, share));
    const ratios = busy.map((during, round) => during / (idle[round] as number));
    figures.add(`${name}, idle`, median(idle), 'ms', { setting });
    figures.add(`${name} during ${what}`, median(busy), 'ms', { setting });
    figures.add(`${name}, during ${what} / idle`, median(ratios), 'ratio', { setting, wanted });
    if (rounds.length === 1) continue;
    const of = `the highest of ${rounds.length}`;
    figures.add(`${name}, during ${what} / idle`, Math.max(...ratios), 'ratio', { setting: of });
  }
  return rounds.map(({ workSeconds }) => workSeconds);
}

/** Latencies of searches until the work has ended, in milliseconds, and the seconds that it took. */
async function loadedBy(
  work: () => Promise<unknown>,
  load: Omit<OpenLoopOptions, 'seconds'>,
): Promise<{ busy: number[]; workSeconds: number }> {
  const startedMs = performance.now();
  let workSeconds = 0;
  const done = work().finally(() => {
    workSeconds = (performance.now() - startedMs) / 1000;
  });
  // A failure is thrown below, once the searches have ended.
  done.catch(() => {});
  const busy: number[] = [];
  while (workSeconds === 0) busy.push(...(await openLoop({ ...load, seconds: SLICE_SECONDS })));
  await done;
  return { busy, workSeconds };
}
