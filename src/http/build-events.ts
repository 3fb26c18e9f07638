// A build's status as server-sent events. Main thread.

import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import type { BuildStatus } from '../contract/build.js';

/** Proxies cut connections that are silent for about a minute. */
const HEARTBEAT_MS = 15_000;

/**
 * Each status as `event: progress`, a comment every 15 s of silence; ends after the last status. Destroying the stream
 * ends the events.
 */
export function buildEventStream(events: (signal: AbortSignal) => AsyncIterable<BuildStatus>): Readable {
  const left = new AbortController();
  const stream = Readable.from(eventTexts(events(left.signal), left.signal), { objectMode: false });
  stream.once('close', () => left.abort());
  return stream;
}

async function* eventTexts(events: AsyncIterable<BuildStatus>, signal: AbortSignal): AsyncGenerator<string> {
  const iterator = events[Symbol.asyncIterator]();
  let next = iterator.next();
  while (!signal.aborted) {
    const result = await firstOf(next, signal);
    if (result === 'silence') {
      yield ': still here\n\n';
      continue;
    }
    if (result.done) return;
    yield `event: progress\ndata: ${JSON.stringify(result.value)}\n\n`;
    next = iterator.next();
  }
}

async function firstOf<T>(next: Promise<T>, signal: AbortSignal): Promise<T | 'silence'> {
  const timer = new AbortController();
  const silence = setTimeout(HEARTBEAT_MS, 'silence' as const, {
    signal: AbortSignal.any([signal, timer.signal]),
  });
  try {
    return await Promise.race([next, silence.catch(() => 'silence' as const)]);
  } finally {
    timer.abort();
  }
}
