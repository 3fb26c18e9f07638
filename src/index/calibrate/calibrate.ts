// The end of a calibration: fits the models of the leaves, keeps them in the generation, and chooses the efforts. Runs on the
// leader of a build.

import type { Calibration } from '../calibration.js';
import type { Generation } from '../generation.js';
import { WORD } from '../memory-layout.js';
import { saveProbeModel } from '../probe-model.js';
import { chooseEfforts, type TargetRule } from './choose-efforts.js';
import { chooseGuarantees } from './choose-guarantees.js';
import { fitProbeModel } from './fit-probe-model.js';
import { fitSpreadDimensions } from './fit-spread-dimensions.js';
import { LeafProfiles } from './leaf-profiles.js';
import { isFitted, QuerySample, type SampleShape } from './samples.js';

/** What the samples say. Takes about a second. */
export function calibrate(
  generation: Generation,
  shape: SampleShape,
  buffer: SharedArrayBuffer,
  rule?: TargetRule,
): Calibration {
  const samples = Array.from({ length: shape.queries }, (_, i) => new QuerySample(buffer, shape, i));
  const fitted = samples.filter((_, i) => isFitted(i));
  const model = fitProbeModel(fitted, shape.leaves);
  if (model) saveProbeModel(generation, model);
  const unseen = samples.filter((_, i) => !isFitted(i));
  const profiles = new LeafProfiles(unseen, shape.leaves, generation.leaves, model);
  const dimensions = fitSpreadDimensions(profiles, generation.settings.dimension);
  new Float32Array(generation.memory.buffer, WORD.spreadDimensions * 4, 1)[0] = dimensions;
  const efforts = chooseEfforts(profiles, dimensions, rule);
  const others = new LeafProfiles(fitted, shape.leaves, generation.leaves, model);
  const guarantees = chooseGuarantees(profiles, others, dimensions);
  const nearestMax = profiles.nearestMax(generation.settings.metric);
  return { queries: unseen.length, efforts, guarantees, nearestMax };
}
