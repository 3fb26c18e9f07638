// From the index parameters of a request to the settings of an index, and back. Runs on any thread.

import type { IndexSettingsInput } from '../contract/index-settings.js';
import { completeSettings, type IndexSettings } from '../index/settings.js';

/** The settings of a new collection: what was given, defaults for the rest. */
export function settingsOf(
  shape: Pick<IndexSettings, 'dimension' | 'metric'>,
  input: IndexSettingsInput,
): IndexSettings {
  return completeSettings({ ...shape, ...given(input) });
}

/** The settings of the next build: what was given replaces the present; the code width is open again with a new quantizer. */
export function overrideSettings(present: IndexSettings, input: IndexSettingsInput): IndexSettings {
  const { bits, ...rest } = present;
  const sameQuantizer = input.quantizer === undefined || input.quantizer === present.quantizer;
  return completeSettings({ ...rest, ...(sameQuantizer && { bits }), ...given(input) });
}

function given(input: IndexSettingsInput): Partial<IndexSettings> {
  const settings: Partial<IndexSettings> = {};
  if (input.branching_factor !== undefined) settings.branchingFactor = input.branching_factor;
  if (input.max_leaf_size !== undefined) settings.maxLeafSize = input.max_leaf_size;
  if (input.max_iterations !== undefined) settings.maxIterations = input.max_iterations;
  if (input.quantizer !== undefined) settings.quantizer = input.quantizer;
  if (input.bits !== undefined) settings.bits = input.bits;
  return settings;
}
