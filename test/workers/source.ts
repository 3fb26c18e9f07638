// A collection's worth of vectors on disk, as the pools see it: a view with everything pending.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { Precision } from '../../src/contract/index-settings.js';
import { Generation } from '../../src/index/generation.js';
import { completeSettings } from '../../src/index/settings.js';
import { SegmentWriter } from '../../src/storage/segment.js';
import type { LoadedGeneration } from '../../src/workers/generation-files.js';
import type { SearchView } from '../../src/workers/messages.js';
import { clustered, type Given, storedRows } from '../index/built.js';

export interface Source {
  view: SearchView;
  vectors: Float32Array[];
  generation: Generation;
  /** Removed when the test ends. */
  directory: string;
}

export async function pendingSource(
  t: Test,
  count: number,
  given: Given,
  precision: Precision = 'float32',
): Promise<Source> {
  const directory = await mkdtemp(join(tmpdir(), 'coppice-workers-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const settings = completeSettings(given);
  const { dimension } = settings;
  const vectors = clustered(count, dimension, 11);
  const path = join(directory, 'rows.vec');
  const file = await SegmentWriter.create(path, { dimension, precision, firstRow: 0 });
  await file.write(0, storedRows(vectors, precision));
  await file.close();
  const generation = Generation.empty(settings);
  generation.publishPending(count);
  const view: SearchView = {
    key: `${directory}/0/0`,
    generationKey: `${directory}/0`,
    memories: generation.memories,
    slots: 0,
    rowBase: 0,
    settings,
    vectors: { dimension, precision, segments: [{ path, firstRow: 0, rows: count }] },
    leafVectors: null,
    slotRows: { buffer: new SharedArrayBuffer(0) },
  };
  return { view, vectors, generation, directory };
}

/** The view of what was built from `source`. */
export function builtView(
  source: Source,
  { generation, leafVectors, slotRows }: Pick<LoadedGeneration, 'generation' | 'leafVectors' | 'slotRows'>,
): SearchView {
  const key = `${source.directory}/1`;
  return {
    ...source.view,
    key: `${key}/0`,
    generationKey: key,
    memories: generation.memories,
    slots: generation.slots,
    rowBase: generation.rowBase,
    leafVectors,
    slotRows,
  };
}
