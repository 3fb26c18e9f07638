// The plan of a request on one view. Main thread.

import { rowBytes } from '../contract/stored-vector.js';
import type { MatchMask } from '../index/match-mask.js';
import { type EffortRequest, planSearch, type SearchPlan, type SearchShape } from '../index/plan.js';
import { CONFIDENCE_DEFAULT } from '../limits.js';
import type { LiveView } from './views.js';

/** How much work a request asks for. */
export interface Effort {
  k: number;
  probes?: number | undefined;
  rerank_factor?: number | undefined;
  target_recall?: number | undefined;
  min_recall?: number | undefined;
  confidence?: number | undefined;
}

/** `mask`: what a filter leaves. */
export function planFor(live: LiveView, effort: Effort, mask?: MatchMask): SearchPlan {
  return planSearch(shapeOf(live), live.served.facts?.calibration ?? null, requestOf(effort), mask);
}

export function shapeOf({ view, served }: LiveView): SearchShape {
  const { leaves, slots } = served.generation;
  return { settings: view.settings, leaves, slots, rowBytes: rowBytes(view.vectors) };
}

/** Of `minRecall` and `confidence` there are both or none. */
function requestOf({ k, probes, rerank_factor, target_recall, min_recall, ...rest }: Effort): EffortRequest {
  const confidence = min_recall === undefined ? undefined : (rest.confidence ?? CONFIDENCE_DEFAULT);
  return {
    ...{ k, probes, rerankFactor: rerank_factor, targetRecall: target_recall },
    ...{ minRecall: min_recall, confidence },
  };
}
