// From the index parameters of a request to the settings of an index, and back. Runs on any thread.

import type { IndexSettingsInput } from '../contract/index-settings.js';
import { ServiceError } from '../errors.js';
import { completeSettings, type IndexSettings } from '../index/settings.js';

/** The settings of a new collection: what was given, defaults for the rest. */
export function settingsOf(
  shape: Pick<IndexSettings, 'dimension' | 'metric'>,
  input: IndexSettingsInput,
): IndexSettings {
  return completeSettings({ ...shape, ...given(input) });
}

/**
 * The settings of the next build: what was given replaces the present; the code width is open again with a new quantizer.
 * @throws validation_failed on bits that the present quantizer does not have
 */
export function overrideSettings(present: IndexSettings, input: IndexSettingsInput): IndexSettings {
  const { bits, ...rest } = present;
  const sameQuantizer = input.quantizer === undefined || input.quantizer === present.quantizer;
  const settings = completeSettings({ ...rest, ...(sameQuantizer && { bits }), ...given(input) });
  if (input.bits !== undefined && input.bits !== settings.bits) {
    const message =
      'The sign quantizer, which the collection has, has 1 bit a dimension; rabitq can have more';
    throw new ServiceError('validation_failed', {}, [{ path: 'bits', message }]);
  }
  return settings;
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
