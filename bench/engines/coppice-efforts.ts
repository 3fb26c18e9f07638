// The settings at which Coppice is measured: declared recalls, as its searches are meant to be asked, and beyond the
// ends of what is calibrated probes as given.

import type { Calibration } from '../../src/index/calibration.js';
import { planSearch, type SearchPlan, type SearchShape } from '../../src/index/plan.js';

const TARGETS = [0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 0.998];
/** Where nothing is calibrated. */
const PROBES = [
  [8, 4],
  [16, 4],
  [24, 5],
  [56, 6],
  [96, 8],
  [176, 10],
  [400, 16],
  [600, 20],
] as const;

export interface CoppiceEffort {
  setting: string;
  plan: SearchPlan;
}

interface Index {
  shape: SearchShape;
  calibration: Calibration | null;
}

export function coppiceEfforts({ shape, calibration }: Index, k: number): CoppiceEffort[] {
  const fixed = PROBES.filter(([probes]) => probes <= shape.leaves).map(([probes, rerankFactor]) => ({
    setting: `probes ${probes}, rerank ${rerankFactor}`,
    plan: { probes, probeShare: 1, rerankFactor, exact: false },
  }));
  if (calibration === null) return fixed;
  const declared = TARGETS.map((targetRecall) => ({
    setting: `target_recall ${targetRecall}`,
    plan: planSearch(shape, calibration, { k, targetRecall }),
  })).filter(({ plan }) => !plan.exact);
  return [...fixed.slice(0, 2), ...declared, ...fixed.slice(-1)];
}
