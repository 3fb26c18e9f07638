// What searches feel of a build: their latency at a modest rate, before one and while it runs.

import type { CoppiceClient } from '../client/coppice-client.js';
import { quantile } from '../client/timed-searches.js';
import { openLoop } from '../http/open-loop.js';
import type { Figures } from './figures.js';

/** Requests a second. */
const RATE = 200;
/** Searches go on until the build has ended, so many seconds at a time. */
const SLICE_SECONDS = 0.5;

export interface WhileBuilding {
  client: CoppiceClient;
  name: string;
  /** Vectors in base64. */
  queries: string[];
  seconds: number;
}

export async function searchWhileBuilding(
  { client, name, queries, seconds }: WhileBuilding,
  figures: Figures,
): Promise<void> {
  const load = {
    origin: client.origin,
    path: `/v1/collections/${name}/search`,
    bodies: queries.map((vector) => JSON.stringify({ vector })),
    rate: RATE,
  };
  await openLoop({ ...load, seconds: 1 });
  const idle = await openLoop({ ...load, seconds });
  let isBuilding = true;
  const build = client.build(name).finally(() => {
    isBuilding = false;
  });
  const building: number[] = [];
  while (isBuilding) {
    const latencies = await openLoop({ ...load, seconds: SLICE_SECONDS });
    building.push(...latencies);
  }
  await build;
  const setting = `${RATE} requests a second, defaults`;
  for (const [share, wanted] of [
    [0.5, ''],
    [0.99, '<= 3'],
  ] as const) {
    const name = `search p${100 * share}`;
    const [before, during] = [quantile(idle, share), quantile(building, share)];
    figures.add(`${name}, idle`, before, 'ms', { setting });
    figures.add(`${name} during a build`, during, 'ms', { setting });
    figures.add(`${name}, during a build / idle`, during / before, 'ratio', { setting, wanted });
  }
}
