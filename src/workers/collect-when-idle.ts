// Gives released memories and mappings back on the main thread, too, where a garbage collection would hold up requests.
// Main thread.

import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { collectGarbage } from './collect-garbage.js';

/** The event loop counts as idle when it was busy for less than this share of a window. */
const BUSY_SHARE_MAX = 0.1;
const WINDOW_MS = 100;
/** A thread that is never idle collects in the end all the same: some 10 ms against memory that is kept for good. */
const WAIT_MS_MAX = 10_000;

let collection: Promise<void> | undefined;

/**
 * Collects garbage once, soon, in a moment without much to do; resolves then. What is let go before that moment goes
 * with it.
 */
export function collectWhenIdle(): Promise<void> {
  collection ??= waitAndCollect();
  return collection;
}

async function waitAndCollect(): Promise<void> {
  for (let waitedMs = 0; waitedMs < WAIT_MS_MAX; waitedMs += WINDOW_MS) {
    const before = performance.eventLoopUtilization();
    await setTimeout(WINDOW_MS, undefined, { ref: false });
    if (performance.eventLoopUtilization(before).utilization < BUSY_SHARE_MAX) break;
  }
  collection = undefined;
  collectGarbage();
}
