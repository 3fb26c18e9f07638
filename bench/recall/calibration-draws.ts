// Calibrations of one index that have no query in common: how much what they choose depends on the queries they drew.

import { CalibrationSampler } from '../../src/index/calibrate/sampler.js';
import {
  allocateSamples,
  type SampleShape,
  sampleBytes,
  sampleShape,
} from '../../src/index/calibrate/samples.js';
import { instantiateKernels } from '../../src/kernels/kernels.js';
import type { BuiltIndex } from '../coppice-in-process.js';

export interface CalibrationDraws {
  /** Of each draw. */
  shape: SampleShape;
  samples: SharedArrayBuffer[];
}

/** Each has as many queries as a build takes, evenly spread over the slots, or fewer where there are too few for all. */
export function drawCalibrations({ calibrated }: BuiltIndex, draws: number): CalibrationDraws {
  const { generation, reader } = calibrated;
  const sampler = new CalibrationSampler(generation, instantiateKernels(generation.memory), reader);
  const whole = sampleShape(generation.slots, generation.leaves);
  const queries = Math.min(whole.queries, Math.floor(generation.slots / draws));
  const shape = { ...whole, queries };
  const all = { ...whole, queries: queries * draws };
  const buffer = allocateSamples(all);
  const bytes = sampleBytes({ ...whole, queries: 1 });
  const samples = Array.from({ length: draws }, () => allocateSamples(shape));
  for (let i = 0; i < all.queries; i++) {
    sampler.sample(i, all, buffer);
    const target = samples[i % draws] as SharedArrayBuffer;
    new Uint8Array(target, Math.floor(i / draws) * bytes, bytes).set(
      new Uint8Array(buffer, i * bytes, bytes),
    );
  }
  return { shape, samples };
}
