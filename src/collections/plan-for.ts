// The plan of a request on one view. Main thread.

import { planSearch, type SearchPlan } from '../index/plan.js';
import type { LiveView } from './views.js';

/** How much work a request asks for. */
export interface Effort {
  k: number;
  probes?: number | undefined;
  rerank_factor?: number | undefined;
  target_recall?: number | undefined;
}

export function planFor({ view, served }: LiveView, effort: Effort): SearchPlan {
  return planSearch(view.settings, served.generation.leaves, served.facts?.calibration ?? null, {
    k: effort.k,
    probes: effort.probes,
    rerankFactor: effort.rerank_factor,
    targetRecall: effort.target_recall,
  });
}
