// Reads a body chunk by chunk, with a limit on the time that its client takes to send it. Main thread.

import type { Readable } from 'node:stream';
import { ServiceError } from '../errors.js';

export interface BodyTime {
  timeoutMs: number;
  /** What must come in that time: the whole body, or, where a body may be of any length, each next chunk. */
  for: 'body' | 'chunk';
}

/**
 * The chunks of a body; time spent between two of them by their reader counts for `body` only. Does not destroy the
 * body: that would cut the connection before the reply is out.
 * @throws body_timeout
 */
export async function* bodyChunks(body: Readable, limit: BodyTime): AsyncGenerator<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array> = body.iterator({ destroyOnReturn: false });
  const { timeoutMs } = limit;
  let endsAtMs = performance.now() + timeoutMs;
  try {
    for (;;) {
      if (limit.for === 'chunk') endsAtMs = performance.now() + timeoutMs;
      const result = await inTime(chunks.next(), endsAtMs, timeoutMs);
      if (result.done) return;
      yield result.value;
    }
  } finally {
    // Lets go of the body; not awaited, because a read that never ends would hold it up.
    chunks.return?.().catch(() => {});
  }
}

async function inTime<T>(promise: Promise<T>, endsAtMs: number, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const refuse = () => reject(new ServiceError('body_timeout', { timeoutMs }));
    const leftMs = endsAtMs - performance.now();
    // A client that sends without a pause would otherwise always be faster than the timer.
    if (leftMs <= 0) refuse();
    else timer = setTimeout(refuse, leftMs);
  });
  // Where the timeout wins, nobody waits for the read any more.
  promise.catch(() => {});
  try {
    return await Promise.race([late, promise]);
  } finally {
    clearTimeout(timer);
  }
}
