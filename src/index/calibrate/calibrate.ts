// The end of a calibration: fits the model of the leaves, keeps it in the generation, and chooses the efforts. Runs on the leader of a build.

import type { Calibration } from '../calibration.js';
import type { Generation } from '../generation.js';
import { saveProbeModel } from '../probe-model.js';
import { chooseEfforts } from './choose-efforts.js';
import { fitProbeModel } from './fit-probe-model.js';
import { QuerySample, type SampleShape } from './samples.js';

/** What the samples say. Takes about a second. */
export function calibrate(
  generation: Generation,
  shape: SampleShape,
  buffer: SharedArrayBuffer,
): Calibration {
  const samples = Array.from({ length: shape.queries }, (_, i) => new QuerySample(buffer, shape, i));
  const model = fitProbeModel(samples, shape.leaves);
  if (model) saveProbeModel(generation, model);
  return { queries: shape.queries, efforts: chooseEfforts(samples, shape, generation.leaves, model) };
}
