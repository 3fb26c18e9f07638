// The time from the start of a process on existing data to its first answer.

import { setTimeout } from 'node:timers/promises';
import { ApiFailure, type SearchRequest } from '../client/coppice-client.js';
import type { TemporaryService } from '../client/temporary-service.js';
import { processorSeconds } from '../process-figures.js';
import type { Figures } from './figures.js';

const POLL_MS = 5;

/** Adds the time after an orderly stop and after a kill, and the processor time of the new process in it. */
export async function measureRestarts(
  running: TemporaryService,
  { name, search, wanted }: { name: string; search: SearchRequest; wanted: string },
  figures: Figures,
): Promise<void> {
  for (const [how, after] of [
    ['stop', 'SIGTERM'],
    ['kill', 'kill -9'],
  ] as const) {
    const elapsedMs = await restart(running, how, name, search);
    const processorMs = processorSeconds(running.service.pid) * 1000;
    figures.add(`restart to first answer after ${after}`, elapsedMs, 'ms', { wanted });
    figures.add('processor time of that restart', processorMs, 'ms');
  }
}

async function restart(
  running: TemporaryService,
  how: 'stop' | 'kill',
  name: string,
  search: SearchRequest,
): Promise<number> {
  await running.service[how]();
  const startedMs = performance.now();
  await running.start();
  for (;;) {
    try {
      await running.client.search(name, search);
      return performance.now() - startedMs;
    } catch (error) {
      if (!(error instanceof ApiFailure && error.code === 'collection_unavailable')) throw error;
      await setTimeout(POLL_MS);
    }
  }
}
