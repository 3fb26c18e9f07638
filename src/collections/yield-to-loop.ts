// Gives the event loop a turn inside long loops over points. Main thread.

import { setImmediate } from 'node:timers/promises';

/** Points handled between two turns of the event loop: some 1 ms of work, more where their payloads are large and must be parsed. */
export const POINTS_PER_TURN = 128;

/** Runs a stepwise computation to its end, with a turn of the event loop at each step; returns what it returns. */
export async function runInTurns<Result>(steps: Generator<undefined, Result>): Promise<Result> {
  let step = steps.next();
  while (!step.done) {
    await setImmediate();
    step = steps.next();
  }
  return step.value;
}

/** One turn of the event loop. */
export async function yieldToLoop(): Promise<void> {
  await setImmediate();
}
