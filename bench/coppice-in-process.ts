// Coppice's index without the service: built by the build pool, searched by this thread.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withBackend } from '../src/collections/leaf-vectors.js';
import type { Backend, Precision } from '../src/contract/index-settings.js';
import { rowBytes, storeVector } from '../src/contract/stored-vector.js';
import { BuildControl } from '../src/index/build/control.js';
import type { Calibration } from '../src/index/calibration.js';
import { Generation } from '../src/index/generation.js';
import { type MatchMask, maskOf } from '../src/index/match-mask.js';
import { nextStep, withStepBefore } from '../src/index/next-step.js';
import type { SearchShape } from '../src/index/plan.js';
import type { Answer, PositionReader, Query } from '../src/index/query.js';
import { RowSlots } from '../src/index/row-slots.js';
import { Scratch } from '../src/index/scratch.js';
import { Searcher } from '../src/index/search.js';
import { completeSettings, type IndexSettings } from '../src/index/settings.js';
import { instantiateKernels } from '../src/kernels/kernels.js';
import { SegmentWriter } from '../src/storage/segment.js';
import { segmentCapacityRows } from '../src/storage/segment-header.js';
import type { SegmentDescriptor } from '../src/storage/vectors.js';
import { BuildPool } from '../src/workers/build-pool.js';
import { type LoadedGeneration, loadGeneration } from '../src/workers/generation-files.js';
import type { SearchView } from '../src/workers/messages.js';
import { ViewVectors } from '../src/workers/view-vectors.js';
import { type Matrix, row } from './data/split.js';

export interface BuiltIndex {
  settings: IndexSettings;
  leaves: number;
  /** What plans go by. */
  shape: SearchShape;
  buildSeconds: number;
  /** Bytes in RAM a vector, by kind, as a collection reports them: tree, codes with factors, row -> slot. */
  bytesPerVector: { tree: number; codes: number; ids: number };
  calibration: Calibration | null;
  /** What a calibration measures. */
  calibrated: { generation: Generation; reader: PositionReader };
  /** As the service does it: with all that follows where an answer is in doubt. */
  search(query: Query): Answer;
  /** What a filter that these rows match gives a search. */
  maskOf(rows: ArrayLike<number>): MatchMask;
  /** Opens the vectors anew; the reader may be wrapped. A search through it has all else in common. */
  open(
    backend: Backend,
    wrap?: (reader: PositionReader) => PositionReader,
  ): Promise<(query: Query) => Answer>;
  /** The files of the vectors, and their bytes. */
  vectors: { paths: string[]; bytes: number };
  close(): Promise<void>;
}

/** Writes the vectors to a temporary directory and builds their index with `threads` threads. */
export async function buildInProcess(
  base: Matrix,
  given: Partial<IndexSettings> & Pick<IndexSettings, 'metric'>,
  threads: number,
  {
    precision = 'float32',
    memoryBytesMax,
  }: { precision?: Precision; memoryBytesMax?: number | undefined } = {},
): Promise<BuiltIndex> {
  const settings = completeSettings({ dimension: base.dimension, ...given });
  const directory = await mkdtemp(join(tmpdir(), 'coppice-bench-'));
  const rows = { dimension: base.dimension, precision };
  const segmentRows = segmentCapacityRows(rows);
  const segments: SegmentDescriptor[] = [];
  for (let firstRow = 0; firstRow < base.count; firstRow += segmentRows) {
    const end = Math.min(base.count, firstRow + segmentRows);
    const path = join(directory, `rows-${firstRow}.vec`);
    const file = await SegmentWriter.create(path, { ...rows, firstRow });
    await file.write(0, storedRows(base, precision, firstRow, end));
    await file.close();
    segments.push({ path, firstRow, rows: end - firstRow });
  }

  const empty = Generation.empty(settings);
  empty.publishPending(base.count);
  const source: SearchView = {
    key: 'source',
    generationKey: 'source',
    memories: empty.memories,
    slots: 0,
    rowBase: 0,
    settings,
    vectors: { ...rows, segments },
    leafVectors: null,
    slotRows: { buffer: new SharedArrayBuffer(0) },
  };
  const pool = new BuildPool({ threads, memoryBytesMax }, (error) => console.error(error));
  const built = await pool.build({
    source,
    rowEnd: base.count,
    settings,
    directory: join(directory, 'generation'),
    control: new BuildControl(),
    canceled: new AbortController().signal,
  });
  await pool.close();

  return openBuilt(built, base.count, () => rm(directory, { recursive: true }));
}

/** What a service has built, from its generation's directory; the service no longer runs. */
export async function openInProcess(directory: string): Promise<BuiltIndex> {
  const loaded = await loadGeneration(directory, 'float32');
  return openBuilt(loaded, loaded.generation.slots, async () => {});
}

function openBuilt(
  { generation, facts, leafVectors, slotRows }: LoadedGeneration,
  count: number,
  close: () => Promise<void>,
): BuiltIndex {
  const { settings } = generation;
  const view: SearchView = {
    key: 'built',
    generationKey: 'built',
    memories: generation.memories,
    slots: generation.slots,
    rowBase: generation.rowBase,
    settings,
    vectors: { ...leafVectors, segments: [] },
    leafVectors,
    slotRows,
  };
  let slotOfRow: Uint32Array | undefined;
  let masks = 0;
  const kernels = instantiateKernels(generation.memory);
  const scratch = new Scratch(generation);
  const searcher = new Searcher(generation, kernels, new ViewVectors(view), scratch);
  const open: BuiltIndex['open'] = async (backend, wrap = (reader) => reader) => {
    const opened = { ...view, leafVectors: await withBackend(leafVectors, backend) };
    const own = new Searcher(generation, kernels, wrap(new ViewVectors(opened)), scratch);
    return searchWith(own);
  };
  const shape: SearchShape = {
    settings,
    leaves: generation.leaves,
    slots: generation.slots,
    rowBytes: rowBytes(leafVectors),
  };
  const searchWith = (one: Searcher) => (query: Query) => searchInSteps(one, shape, query);
  const { treeBytes, codesBytes } = generation.bytesByKind;
  const idsBytes = RowSlots.bytesFor(generation.rowBase, generation.slots);
  return {
    settings,
    leaves: generation.leaves,
    shape,
    buildSeconds: facts.buildSeconds,
    bytesPerVector: { tree: treeBytes / count, codes: codesBytes / count, ids: idsBytes / count },
    calibration: facts.calibration,
    calibrated: { generation, reader: new ViewVectors(view) },
    search: searchWith(searcher),
    maskOf: (rows) => {
      slotOfRow ??= invert(generation.slotRows, generation.rowBase);
      const slots = Uint32Array.from(rows, (row) => slotOfRow?.[row] as number);
      const listed = { slots, pending: new Uint32Array() };
      return maskOf(++masks, listed, { slots: generation.slots, pendingCount: 0 });
    },
    open,
    vectors: {
      paths: leafVectors.segments.map(({ path }) => path),
      bytes: generation.slots * rowBytes(leafVectors),
    },
    close,
  };
}

function searchInSteps(searcher: Searcher, shape: SearchShape, query: Query): Answer {
  let before: Answer | undefined;
  for (let step = query; ; ) {
    const alone = searcher.search(step);
    const answer = before === undefined ? alone : withStepBefore(before, alone, step);
    const next = nextStep(shape, step, answer, answer.stats.matches ?? shape.slots);
    if (next === undefined) return answer;
    before = answer;
    step = next;
  }
}

function invert(slotRows: Uint32Array, rowEnd: number): Uint32Array {
  const slots = new Uint32Array(rowEnd);
  slotRows.forEach((row, slot) => {
    slots[row] = slot;
  });
  return slots;
}

/** Rows [first, end). */
function storedRows(base: Matrix, precision: Precision, first: number, end: number): Uint8Array {
  const stride = rowBytes({ dimension: base.dimension, precision });
  const rows = new Uint8Array((end - first) * stride);
  for (let i = first; i < end; i++) storeVector(row(base, i), precision, rows, (i - first) * stride);
  return rows;
}
