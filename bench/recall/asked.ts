// What queries are asked with, and what came of it: the figures that the benchmark of `min_recall` judges by.

import type { SearchWay } from '../../src/index/query.js';

export const K = 10;

/** As the API names them: one of the two. */
export type Effort = { target_recall: number } | { min_recall: number; confidence: number };

/** Of one query. */
export interface Found {
  /** Of its true K nearest. */
  hits: number;
  way: SearchWay;
  scanned: number;
  /** Full vectors: those of a comparison of all are read, though the stats call them scanned. */
  read: number;
}

export interface Asked {
  found: Found[];
  /** Processor time of all threads, a query. */
  cpuUs: number;
}

/** A data set behind an engine, with queries it has not seen. */
export interface Subject {
  name: string;
  /** So large a share of searches that compare all is too dear. */
  comparedAllMax: number;
  ask(effort: Effort): Promise<Asked>;
  close(): Promise<void>;
}

/** Processor microseconds that the work takes. */
export async function cpuUsOf<Result>(work: () => Promise<Result>): Promise<{ result: Result; us: number }> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return { result, us: user + system };
}
