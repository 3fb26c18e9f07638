// How much work a search does for what the caller asked. Runs on any thread.

import { CANDIDATES_MAX, CONFIDENCE_DEFAULT } from '../limits.js';
import { BOUND_WIDTHS, widthsIndexOf } from './bound-widths.js';
import { type CalibratedEffort, type Calibration, effortFor, guaranteeFor } from './calibration.js';
import { EXACT_NS_MAX, matchesNs } from './costs.js';
import { REMOTENESS_MAX } from './expected-hits.js';
import type { MatchMask } from './match-mask.js';
import type { PlannedEffort, Query } from './query.js';
import type { IndexSettings } from './settings.js';

/** The part of a query that a request leaves open. */
export type SearchPlan = Omit<Query, 'vector' | 'k' | 'doubt' | 'mask'> & { probeShare: number };

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

/** What is searched. */
export interface SearchShape {
  settings: IndexSettings;
  leaves: number;
  slots: number;
  /** Bytes of one stored vector. */
  rowBytes: number;
}

export const TARGET_RECALL_DEFAULT = 0.95;

/** Leaves that a search scans where nothing was calibrated and candidates are given: this many times the square root of their number. */
const PROBES_PER_ROOT = 3;
const PROBES_DEFAULT_MIN = 8;

/** The fewer bits a code has, the more candidates must be compared exactly to find the same neighbours. */
const RERANK_FACTORS = { 1: 30, 2: 12, 4: 12 } as const;
const RERANK_FACTOR_SIGN = 50;

/** For a small k, and among rows whose codes are residuals to one common centre, estimates need more room. */
const CANDIDATES_DEFAULT_MIN = 128;
const UNBUILT_TIMES = 4;

/** From one effort to the next so many times fewer of the vectors near the query may be found. */
const SHARE_STEP = 2;
/** What was calibrated for the largest k is stretched to so many times as many neighbours, no further. */
const STRETCH = 10;

/**
 * Probes and a rerank factor that are given are taken as they are. Otherwise the calibration says what reaches the target; where it cannot
 * tell, all is compared. `mask`: what a filter leaves, all of which is compared where it is little.
 */
export function planSearch(
  { settings, leaves, rowBytes }: SearchShape,
  calibration: Calibration | null,
  request: EffortRequest,
  mask?: MatchMask,
): SearchPlan {
  const { k, probes, rerankFactor } = request;
  const effort =
    probes === undefined && calibration !== null ? wantedEffort(calibration, request) : undefined;
  const isCapped = probes !== undefined || rerankFactor !== undefined;
  const candidates = effort?.candidates ?? defaultCandidates(settings, leaves, k);
  const wanted = rerankFactor ?? candidates / k;
  const plan = {
    probes: Math.min(leaves, probes ?? effort?.probes ?? defaultProbes(leaves)),
    probeShare: effort?.probeShare ?? 1,
    rerankFactor: Math.min(wanted, CANDIDATES_MAX / k),
  };
  // Without leaves all codes are scanned, whatever the target.
  const isUnknown = probes === undefined && effort === undefined && (leaves > 0 || isAll(request));
  const isFew = mask !== undefined && matchesNs(mask.matches, rowBytes) <= EXACT_NS_MAX;
  const exact = isFew || isUnknown;
  if (probes !== undefined || exact) return { ...plan, exact };
  const efforts = effortsFor(leaves, calibration, request);
  const nearestMax = calibration?.nearestMax ?? REMOTENESS_MAX;
  const boundWidths = boundWidthsFor(request);
  return { ...plan, exact, efforts, nearestMax, boundWidths, isCapped, missedMax: missesLeft(request) };
}

type WantedEffort = Pick<CalibratedEffort, 'probes' | 'probeShare' | 'candidates' | 'leftMax' | 'missedMax'>;

function wantedEffort(
  calibration: Calibration,
  request: EffortRequest,
  k = request.k,
): WantedEffort | undefined {
  const { minRecall, confidence = CONFIDENCE_DEFAULT, targetRecall = TARGET_RECALL_DEFAULT } = request;
  if (minRecall === undefined) return effortFor(calibration, k, targetRecall);
  return guaranteeFor(calibration, k, minRecall, confidence);
}

/** What only an exact comparison is sure to reach. */
function isAll({ targetRecall, minRecall }: EffortRequest): boolean {
  return targetRecall === 1 || minRecall !== undefined;
}

function boundWidthsFor({ targetRecall = TARGET_RECALL_DEFAULT, minRecall }: EffortRequest): number {
  return BOUND_WIDTHS[minRecall !== undefined ? 1 : widthsIndexOf(targetRecall)];
}

/** Of the misses that a target allows, those that may be expected in what a second look leaves out. */
const LEFT_PART = 0.8;

/** Neighbours that may be expected in what a second look leaves out. */
function missesLeft({
  k,
  targetRecall = TARGET_RECALL_DEFAULT,
  minRecall,
  confidence,
}: EffortRequest): number {
  const allowed = minRecall === undefined ? (1 - targetRecall) * k : 1 - (confidence ?? CONFIDENCE_DEFAULT);
  return LEFT_PART * allowed;
}

/**
 * The efforts that reach the target, each where a smaller share of the vectors near the query may be found: the k nearest of those
 * are among the k / share nearest vectors, for which the build has measured what finds them.
 */
function effortsFor(
  leaves: number,
  calibration: Calibration | null,
  request: EffortRequest,
): PlannedEffort[] {
  const kMax = calibration?.efforts.at(-1)?.k;
  if (calibration === null || kMax === undefined) return [];
  const efforts: PlannedEffort[] = [];
  for (let matchShare = 1; request.k / matchShare <= STRETCH * kMax; matchShare /= SHARE_STEP) {
    const effort = wantedEffort(calibration, request, Math.round(request.k / matchShare));
    if (effort === undefined) break;
    const { probes, probeShare, leftMax, missedMax } = effort;
    // Of what may be missed the same share may be found.
    const missed = { leftMax: leftMax * matchShare, missedMax: missedMax * matchShare };
    efforts.push({ matchShare, probes, probeShare, ...missed });
    if (probes >= leaves && probeShare === 1) break;
  }
  return efforts;
}

function defaultProbes(leaves: number): number {
  return Math.max(PROBES_DEFAULT_MIN, Math.ceil(PROBES_PER_ROOT * Math.sqrt(leaves)));
}

function defaultCandidates(settings: IndexSettings, leaves: number, k: number): number {
  const factor = settings.quantizer === 'sign' ? RERANK_FACTOR_SIGN : RERANK_FACTORS[settings.bits];
  return Math.max(CANDIDATES_DEFAULT_MIN, factor * k * (leaves === 0 ? UNBUILT_TIMES : 1));
}
