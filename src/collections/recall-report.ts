// Sums up what was measured of single queries. Main thread.

import type { RecallReport } from '../contract/recall.js';
import { unindexedWarnings } from '../contract/warnings.js';
import type { SearchPlan } from '../index/plan.js';
import type { SearchWay } from '../index/query.js';

/** Half of a 95 % interval, in standard errors. */
const INTERVAL_ERRORS = 1.96;
/** What n trials have not met once has, with a probability of 95 %, at most this share of 1 / n. */
const UNSEEN = 3;

/** One query: its answer by the index beside the exact one. */
export interface RecallSample {
  recall: number;
  /** The answer had fewer points than there are to find, and nothing was written meanwhile. */
  isShort: boolean;
  /** The query is a stored point that came after the build. */
  isPending: boolean;
  way: SearchWay;
  searchUs: number;
  exactUs: number;
  probes: number;
  plan: SearchPlan;
  unindexedKeys: string[];
}

/** `last` is the last of the samples. */
export function recallReportOf(samples: RecallSample[], last: RecallSample, k: number): RecallReport {
  const recalls = samples.map(({ recall }) => recall);
  const recall = mean(recalls);
  const half = intervalHalf(recalls, recall);
  const ways = { exact: 0, probes: 0, widened: 0, compared_all: 0 };
  for (const { way } of samples) ways[way]++;
  return {
    recall,
    recall_low: Math.max(0, recall - half),
    recall_high: Math.min(1, recall + half),
    recall_min: recalls.reduce((least, one) => Math.min(least, one), 1),
    samples: samples.length,
    pending_samples: samples.filter(({ isPending }) => isPending).length,
    short_answers: samples.filter(({ isShort }) => isShort).length,
    ways,
    k,
    probes: mean(samples.map(({ probes }) => probes)),
    rerank_factor: last.plan.rerankFactor,
    search: latency(samples.map(({ searchUs }) => searchUs)),
    exact: latency(samples.map(({ exactUs }) => exactUs)),
    ...unindexedWarnings(last.unindexedKeys),
  };
}

/** Of the 95 % interval of the mean. Samples that are all alike tell nothing of the spread: then by those that were not seen. */
function intervalHalf(recalls: number[], recall: number): number {
  const count = recalls.length;
  const squares = recalls.reduce((sum, one) => sum + (one - recall) ** 2, 0);
  const isAlike = recalls.every((one) => one === recalls[0]);
  return isAlike ? UNSEEN / count : INTERVAL_ERRORS * Math.sqrt(squares / (count - 1) / count);
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function latency(times: number[]): RecallReport['search'] {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
  return { mean_us: mean(times), p50_us: at(0.5), p99_us: at(0.99) };
}
