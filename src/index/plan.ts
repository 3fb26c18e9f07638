// How much work a search does when the caller does not say. Runs on any thread.

import { CANDIDATES_MAX } from '../limits.js';
import type { IndexSettings } from './settings.js';

export interface SearchPlan {
  probes: number;
  rerankFactor: number;
}

/** Leaves that the default search scans: this many times the square root of their number. */
const PROBES_PER_ROOT = 3;
const PROBES_DEFAULT_MIN = 8;

/** The fewer bits a code has, the more candidates must be compared exactly to find the same neighbours. */
const RERANK_FACTORS = { 1: 30, 2: 12, 4: 12 } as const;
const RERANK_FACTOR_SIGN = 50;

/** For a small k, and among rows whose codes are residuals to one common centre, estimates need more room. */
const CANDIDATES_DEFAULT_MIN = 128;
const UNBUILT_TIMES = 4;

/** Fills in `probes` and `rerankFactor`; never more than there are leaves, or than CANDIDATES_MAX allows. */
export function planSearch(
  settings: IndexSettings,
  leaves: number,
  request: { k: number; probes?: number | undefined; rerankFactor?: number | undefined },
): SearchPlan {
  const probesDefault = Math.max(PROBES_DEFAULT_MIN, Math.ceil(PROBES_PER_ROOT * Math.sqrt(leaves)));
  const byCode = settings.quantizer === 'sign' ? RERANK_FACTOR_SIGN : RERANK_FACTORS[settings.bits];
  const factorDefault = Math.max(
    byCode * (leaves === 0 ? UNBUILT_TIMES : 1),
    CANDIDATES_DEFAULT_MIN / request.k,
  );
  const rerankFactor = request.rerankFactor ?? factorDefault;
  return {
    probes: Math.min(leaves, request.probes ?? probesDefault),
    rerankFactor: Math.min(rerankFactor, CANDIDATES_MAX / request.k),
  };
}
