// The time from the start of a process on existing data to its first answer.

import { setTimeout } from 'node:timers/promises';
import { ApiFailure, type SearchRequest } from '../client/coppice-client.js';
import type { TemporaryService } from '../client/temporary-service.js';
import type { Figures } from './figures.js';

const POLL_MS = 5;

/** Adds the time after an orderly stop and after a kill. */
export async function measureRestarts(
  running: TemporaryService,
  { name, search }: { name: string; search: SearchRequest },
  figures: Figures,
): Promise<void> {
  const promise = { wanted: '<= 2000' };
  figures.add(
    'restart to first answer after SIGTERM',
    await restart(running, 'stop', name, search),
    'ms',
    promise,
  );
  figures.add(
    'restart to first answer after kill -9',
    await restart(running, 'kill', name, search),
    'ms',
    promise,
  );
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
