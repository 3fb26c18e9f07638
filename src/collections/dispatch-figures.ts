// What the dispatcher counts, for metrics. Main thread.

import { Histogram } from './histogram.js';

/** 0.1 ms to 10 s. */
const WAIT_SECONDS = [
  1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
const TASK_QUERIES = [1, 2, 4, 8, 16];

export class DispatchFigures {
  /** Time from a query's arrival to the moment it is handed to a thread. */
  readonly waitSeconds = new Histogram(WAIT_SECONDS);
  /** Queries that go to a thread together. */
  readonly taskQueries = new Histogram(TASK_QUERIES);
  /** Queries that no thread was given, by reason: refused at once, or taken out of the queue. */
  readonly dropped = { overloaded: 0, too_many_requests: 0, timeout: 0, client_left: 0 };
}
