// How much work a search does for what the caller asked. Runs on any thread.

import { CANDIDATES_MAX } from '../limits.js';
import { type Calibration, effortFor } from './calibration.js';
import type { IndexSettings } from './settings.js';

export interface SearchPlan {
  probes: number;
  probeShare: number;
  rerankFactor: number;
  exact: boolean;
}

export interface EffortRequest {
  k: number;
  probes?: number | undefined;
  rerankFactor?: number | undefined;
  /** Without one, and without probes: TARGET_RECALL_DEFAULT. */
  targetRecall?: number | undefined;
  /** Instead of both: the share of its k nearest that a query finds at least, with the probability `confidence`. */
  minRecall?: number | undefined;
  confidence?: number | undefined;
}

export const TARGET_RECALL_DEFAULT = 0.95;

/** Leaves that a search scans where nothing was calibrated: this many times the square root of their number. */
const PROBES_PER_ROOT = 3;
const PROBES_DEFAULT_MIN = 8;

/** The fewer bits a code has, the more candidates must be compared exactly to find the same neighbours. */
const RERANK_FACTORS = { 1: 30, 2: 12, 4: 12 } as const;
const RERANK_FACTOR_SIGN = 50;

/** For a small k, and among rows whose codes are residuals to one common centre, estimates need more room. */
const CANDIDATES_DEFAULT_MIN = 128;
const UNBUILT_TIMES = 4;

/**
 * Probes that are given are taken as they are. Otherwise the calibration says what reaches the target; where there is
 * none, or the target is beyond all that it measured, a target that was asked for is met by an exact search.
 */
export function planSearch(
  settings: IndexSettings,
  leaves: number,
  calibration: Calibration | null,
  request: EffortRequest,
): SearchPlan {
  const target = request.targetRecall ?? TARGET_RECALL_DEFAULT;
  const effort =
    request.probes === undefined && calibration ? effortFor(calibration, request.k, target) : undefined;
  const candidates = effort?.candidates ?? defaultCandidates(settings, leaves, request.k);
  const rerankFactor = Math.min(request.rerankFactor ?? candidates / request.k, CANDIDATES_MAX / request.k);
  const isUnreached =
    request.targetRecall !== undefined && request.probes === undefined && effort === undefined;
  // What one query finds is not calibrated.
  const exact = isUnreached || request.minRecall !== undefined;
  const probes = request.probes ?? effort?.probes ?? defaultProbes(leaves);
  return { probes: Math.min(leaves, probes), probeShare: effort?.probeShare ?? 1, rerankFactor, exact };
}

function defaultProbes(leaves: number): number {
  return Math.max(PROBES_DEFAULT_MIN, Math.ceil(PROBES_PER_ROOT * Math.sqrt(leaves)));
}

function defaultCandidates(settings: IndexSettings, leaves: number, k: number): number {
  const factor = settings.quantizer === 'sign' ? RERANK_FACTOR_SIGN : RERANK_FACTORS[settings.bits];
  return Math.max(CANDIDATES_DEFAULT_MIN, factor * k * (leaves === 0 ? UNBUILT_TIMES : 1));
}
