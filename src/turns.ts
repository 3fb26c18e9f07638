// Gives the event loop a turn inside long loops over points. Main thread.

import { setImmediate } from 'node:timers/promises';

/**
 * A computation aims at so long between two turns, as an answer needs a few of them; a step is not cut. Measured, not counted
 * in points: code that has only just begun to run takes several times as long for each.
 */
const TURN_MS = 0.5;
/** Points handled between two looks at the clock. */
export const POINTS_PER_STEP = 16;

/** Runs a stepwise computation to its end, with a turn of the event loop whenever half a millisecond is over; returns what it returns. */
export async function runInTurns<Result>(steps: Generator<undefined, Result>): Promise<Result> {
  for (;;) {
    const endMs = performance.now() + TURN_MS;
    do {
      const step = steps.next();
      if (step.done) return step.value;
    } while (performance.now() < endMs);
    await setImmediate();
  }
}

/** One turn of the event loop. */
export async function yieldToLoop(): Promise<void> {
  await setImmediate();
}
