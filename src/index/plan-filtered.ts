// How much work a search with a filter does. Runs on any thread.

import { CANDIDATES_MAX } from '../limits.js';
import { type Calibration, effortFor } from './calibration.js';
import type { MatchMask } from './match-mask.js';
import { type EffortRequest, planSearch, type SearchPlan, TARGET_RECALL_DEFAULT } from './plan.js';
import type { FilteredEffort, Query, QueryFilter, QueryStats } from './query.js';
import { codeDimension, type IndexSettings } from './settings.js';

/** From one effort to the next so many times fewer of the vectors near the query match. */
const SHARE_STEP = 2;
/** What was calibrated for the largest k is stretched to so many times as many neighbours, no further. */
const STRETCH = 10;

/** Matches are all compared exactly where that takes no more than ranking leaves, scanning codes and reranking does. */
const EXACT_NS_MAX = 600_000;
/** Of a full vector that is read alone, and more for each of its bytes. */
const VECTOR_NS = 100;
const BYTE_NS = 0.125;

/** Where they were not enough, so many times as many are tried. */
const CANDIDATES_STEP = 8;
/** So many times the candidates of a search without a filter: they are kept, not read, and tell by it whether they are enough. */
const CANDIDATES_FACTOR = 2;

/** Of what lies about as far as the k-th, the bound of a code (factors.ts) loses one in thirty or so: too many for higher targets. */
const NARROWED_TARGET_MAX = 0.95;
/** Codes of matches that crowd put about so many of them beyond the k-th, where they do at all. */
const EXCLUDED_SHARE = 0.25;
/** Of a code that is scanned, and more for each of its bytes. */
const CODE_NS = 3;
const CODE_BYTE_NS = 0.1;

/** What is searched; `rowBytes`: of one stored vector. */
export interface FilteredShape {
  settings: IndexSettings;
  leaves: number;
  slots: number;
  rowBytes: number;
}

/** As `planSearch`, for what the mask leaves. */
export function planFiltered(
  { settings, leaves, rowBytes }: FilteredShape,
  calibration: Calibration | null,
  request: EffortRequest,
  mask: MatchMask,
): SearchPlan & { filter: QueryFilter } {
  const plan = planSearch(settings, leaves, calibration, request);
  const isGiven = request.probes !== undefined || request.rerankFactor !== undefined;
  const wanted = isGiven ? plan.rerankFactor : CANDIDATES_FACTOR * plan.rerankFactor;
  const rerankFactor = Math.min(wanted, CANDIDATES_MAX / request.k);
  const efforts = filteredEfforts(leaves, calibration, request);
  const { targetRecall = TARGET_RECALL_DEFAULT } = request;
  const whenCrowded = isGiven ? 'accept' : targetRecall > NARROWED_TARGET_MAX ? 'compare_all' : 'narrow';
  const exact = plan.exact || matchesNs(mask.matches, rowBytes) <= EXACT_NS_MAX;
  return {
    ...plan,
    rerankFactor,
    exact,
    filter: { mask, efforts, whenCrowded },
  };
}

/**
 * What follows a search that was crowded: all matches are compared, but for those that the codes put beyond the k-th it
 * found, where so many fewer vectors to read are worth a scan of all codes.
 */
export function planCrowded<Q extends Query & { filter: QueryFilter }>(
  shape: FilteredShape,
  query: Q,
  { crowdedAt, way, probes }: QueryStats,
): Q {
  const { settings, leaves, rowBytes } = shape;
  const all = { ...query, exact: true };
  if (crowdedAt === undefined || query.filter.whenCrowded !== 'narrow' || settings.quantizer === 'sign')
    return all;
  // Leaves without a match are not scanned; whoever has looked at all knows their number.
  const share = way === 'all_leaves' ? probes / Math.max(1, leaves) : 1;
  const pays = EXCLUDED_SHARE * matchesNs(query.filter.mask.matches, rowBytes) > codesNs(shape, share);
  return pays ? { ...all, within: crowdedAt } : all;
}

/**
 * What a search under a filter is followed by, if its candidates were too few: the same with more of them, or what
 * `planCrowded` says.
 */
export function planNext<Q extends Query & { filter: QueryFilter }>(
  shape: FilteredShape,
  query: Q,
  stats: QueryStats,
): Q | undefined {
  if (query.exact || query.filter.whenCrowded === 'accept') return undefined;
  if (stats.crowdedAt !== undefined) return planCrowded(shape, query, stats);
  if (!stats.wantsCandidates) return undefined;
  const rerankFactor = Math.min(CANDIDATES_STEP * query.rerankFactor, CANDIDATES_MAX / query.k);
  return rerankFactor > query.rerankFactor ? { ...query, rerankFactor } : { ...query, exact: true };
}

/** About what a thread takes to scan the codes of this share of the leaves. */
export function codesNs({ settings, slots }: FilteredShape, share = 1): number {
  const codeBytes = (codeDimension(settings.dimension) * settings.bits) / 8;
  return share * slots * (CODE_NS + codeBytes * CODE_BYTE_NS);
}

/** About what a thread takes to compare so many matches exactly. */
export function matchesNs(matches: number, rowBytes: number): number {
  return matches * (VECTOR_NS + rowBytes * BYTE_NS);
}

/**
 * The efforts that reach the target, each where a smaller share of the vectors near the query match: the k nearest matches
 * are among the k / share nearest vectors, for which the build has measured what finds them. None where nothing was
 * calibrated, or the target is beyond it; then all leaves with matches are scanned.
 */
function filteredEfforts(
  leaves: number,
  calibration: Calibration | null,
  { k, probes, targetRecall = TARGET_RECALL_DEFAULT }: EffortRequest,
): FilteredEffort[] {
  if (probes !== undefined) return [{ matchShare: 0, probes: Math.min(leaves, probes), probeShare: 1 }];
  const kMax = calibration?.efforts.at(-1)?.k;
  if (calibration === null || kMax === undefined) return [];
  const efforts: FilteredEffort[] = [];
  for (let matchShare = 1; k / matchShare <= STRETCH * kMax; matchShare /= SHARE_STEP) {
    const effort = effortFor(calibration, Math.round(k / matchShare), targetRecall);
    if (effort === undefined || effort.probes >= leaves) break;
    efforts.push({ matchShare, probes: effort.probes, probeShare: effort.probeShare });
  }
  return efforts;
}
