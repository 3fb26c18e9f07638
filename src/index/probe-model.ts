// How many of a query's nearest vectors to expect in each leaf, before any is scanned: a Poisson model of what the
// ranking of the leaves tells. Its weights stand in a generation's header; the kernel `chooseProbes` computes the
// same. Runs on any thread.

import type { Generation } from './generation.js';
import { WORD } from './memory-layout.js';

/** Weights of the logarithm (base 2) of a leaf's expected hits. Terms that all leaves of a query share are left out. */
export interface ProbeModel {
  /** Of the leaf's distance beyond that of the nearest leaf. */
  gap: number;
  gapSquared: number;
  /** Of the gap in units of the gap of the leaf with index `SPREAD_RANK`. */
  relativeGap: number;
  logSize: number;
  logRank: number;
}

/** The gap of the leaf of this rank is the spread of a query's leaves. */
export const SPREAD_RANK = 20;

const ORDER = ['gap', 'gapSquared', 'relativeGap', 'logSize', 'logRank'] as const;

export function saveProbeModel(generation: Generation, model: ProbeModel): void {
  const weights = new Float32Array(generation.memory.buffer, WORD.probeModel * 4, ORDER.length);
  weights.set(ORDER.map((name) => model[name]));
}

/** Writes the expected hits of `count` leaves, nearest first, up to a factor that is the same for all of them. */
export function expectedHits(
  model: ProbeModel,
  distances: ArrayLike<number>,
  sizes: ArrayLike<number>,
  count: number,
  out: Float32Array,
): void {
  const first = distances[0] as number;
  const spread = (distances[Math.min(SPREAD_RANK, count - 1)] as number) - first;
  const perSpread = spread > 0 ? model.relativeGap / spread : 0;
  for (let i = 0; i < count; i++) {
    const gap = (distances[i] as number) - first;
    out[i] = roughExp2(
      gap * (model.gap + gap * model.gapSquared + perSpread) +
        model.logSize * roughLog2(sizes[i] as number) +
        model.logRank * roughLog2(i + 1),
    );
  }
}

/** Straight lines between the powers of two: within 0.09 of the logarithm, and cheap in a kernel. */
export function roughLog2(value: number): number {
  FLOAT[0] = value;
  return ((BITS[0] as number) - 0x3f800000) * 2 ** -23;
}

/** The inverse of `roughLog2`; exponents beyond +-100 are as +-100. */
export function roughExp2(exponent: number): number {
  BITS[0] = 0x3f800000 + Math.trunc(Math.min(100, Math.max(-100, exponent)) * 2 ** 23);
  return FLOAT[0] as number;
}

const FLOAT = new Float32Array(1);
const BITS = new Int32Array(FLOAT.buffer);
