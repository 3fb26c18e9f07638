// The threads that build indexes, apart from those that search: one build at a time, the others wait. Main thread.

import { mkdir, rm } from 'node:fs/promises';
import { ServiceError } from '../errors.js';
import { type ArenaShape, allocateArena, arenaShape } from '../index/build/arena.js';
import { type Blueprint, layoutCounts } from '../index/build/blueprint.js';
import type { BuildControl } from '../index/build/control.js';
import { allocateSamples, sampleShape } from '../index/calibrate/samples.js';
import type { Calibration } from '../index/calibration.js';
import { Generation } from '../index/generation.js';
import type { LayoutCounts } from '../index/memory-layout.js';
import type { IndexSettings } from '../index/settings.js';
import { fsyncDirectory } from '../storage/files.js';
import { preferHugePages } from '../storage/huge-pages.js';
import { openRowTable } from '../storage/row-table.js';
import type { VectorsDescriptor } from '../storage/vectors.js';
import {
  type BuildFacts,
  createLeafVectors,
  type LoadedGeneration,
  leafVectorsDescriptor,
  saveGeneration,
} from './generation-files.js';
import type { BuildShare, BuildTask, SearchView } from './messages.js';
import { WorkerPool } from './worker-pool.js';

/** Threads end after this time without a build, and give their memory back. */
const IDLE_TIMEOUT_MS = 5000;
/** The event loop and searches go first where cores are few: a build gets a tenth of a core that searches use fully. */
const NICE_INCREMENT = 15;

export interface BuildRequest {
  /** What is built from; must stay usable until the build has ended. */
  source: SearchView;
  /** Rows below it are indexed, the others stay pending. */
  rowEnd: number;
  settings: IndexSettings;
  /** Made by the build, removed if it fails. */
  directory: string;
  /** Progress; `cancel()` on it stops the build's threads. */
  control: BuildControl;
  /** Called before memory is allocated: for the arena, then with the counts found, for the generation. May refuse. */
  reserve?(shape: ArenaShape, counts?: LayoutCounts): Promise<void>;
  /** Aborted when the build is canceled, after `control`: one that waits for its turn ends at once. */
  canceled: AbortSignal;
}

export interface BuildPoolOptions {
  threads: number;
  /** Of one memory of an index, before it takes another; undefined: as large as they can be. */
  memoryBytesMax?: number | undefined;
}

export class BuildPool {
  readonly #pool: WorkerPool<BuildTask>;
  readonly #memoryBytesMax: number | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(options: BuildPoolOptions, onError: (error: unknown) => void) {
    this.#memoryBytesMax = options.memoryBytesMax;
    this.#pool = new WorkerPool(
      {
        file: new URL('./build-worker.js', import.meta.url),
        threadsMin: 0,
        threadsMax: options.threads,
        idleTimeoutMs: IDLE_TIMEOUT_MS,
        queuedMax: 4 * options.threads,
        niceIncrement: NICE_INCREMENT,
      },
      onError,
    );
  }

  get threads(): number {
    return this.#pool.threads;
  }

  /**
   * Builds a generation from the live vectors of `source` and writes it to `directory`, durably.
   * @throws build_canceled, collection_empty, memory_full, Error when a thread died or the disk failed
   */
  build(request: BuildRequest): Promise<LoadedGeneration> {
    const before = this.#last;
    const turn = unlessAborted(before, request.canceled).then(() => this.#build(request));
    // Where this one does not wait for the one before, the next still does.
    this.#last = Promise.allSettled([before, turn]).then(() => {});
    return turn;
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #build(request: BuildRequest): Promise<LoadedGeneration> {
    const { source, settings, directory, control } = request;
    const startedMs = performance.now();
    this.#checkCanceled(control);
    const positions = await this.#pool.run<SharedArrayBuffer>({
      kind: 'list',
      source,
      rowEnd: request.rowEnd,
    });
    const points = positions.byteLength / 4;
    if (points === 0) throw new ServiceError('collection_empty', { name: 'The collection' });
    const shape = arenaShape(settings, points, this.threads);
    await request.reserve?.(shape);
    const arena = allocateArena(shape);
    preferHugePages(arena);
    const share = {
      source,
      settings,
      shape,
      arena,
      positions,
      control: control.buffer,
    };

    const blueprint = await this.#together<Blueprint>(shape.threads, control, (threadIndex) => ({
      kind: 'cluster',
      share: { ...share, threadIndex } satisfies BuildShare,
    }));
    const counts = layoutCounts(blueprint, settings, this.#memoryBytesMax);
    await request.reserve?.(shape, counts);
    const generation = Generation.allocate(settings, counts, request.rowEnd);
    for (const memory of generation.memories) preferHugePages(memory);
    // What is built keeps its vectors as they are.
    const { dimension, precision } = source.vectors;
    const rows = { dimension, precision };
    try {
      await mkdir(directory, { recursive: true });
      await createLeafVectors(directory, rows, generation.slots);
      await this.#together<void>(shape.threads, control, (threadIndex) => ({
        kind: 'encode',
        share: { ...share, threadIndex } satisfies BuildShare,
        generation: generation.memories,
        slotRows: generation.slotRows.buffer as SharedArrayBuffer,
        blueprint,
        directory,
      }));
      const leafVectors = leafVectorsDescriptor(directory, rows, generation.slots);
      const calibration = await this.#calibrate(generation, leafVectors, shape.threads, control);
      const facts: BuildFacts = {
        depth: generation.layout.levels.length,
        builtAt: new Date().toISOString(),
        buildSeconds: (performance.now() - startedMs) / 1000,
        calibration,
        threads: shape.threads,
      };
      const slotRows = await saveGeneration(generation, facts, directory);
      await fsyncDirectory(directory);
      this.#checkCanceled(control);
      const served = new Generation(generation.memories, settings, openRowTable(slotRows));
      return { generation: served, facts, leafVectors, slotRows };
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  async #calibrate(
    generation: Generation,
    leafVectors: VectorsDescriptor,
    threads: number,
    control: BuildControl,
  ): Promise<Calibration | null> {
    const { settings, slots, rowBase, memories } = generation;
    const shape = sampleShape(slots, generation.leaves);
    if (shape.queries === 0) return null;
    const samples = allocateSamples(shape);
    const keys = { key: 'calibration', generationKey: 'calibration' };
    const view = {
      ...keys,
      memories,
      slots,
      rowBase,
      settings,
      vectors: { ...leafVectors, segments: [] },
      leafVectors,
      slotRows: { buffer: generation.slotRows.buffer as SharedArrayBuffer },
    };
    return await this.#together<Calibration>(threads, control, (threadIndex) => ({
      kind: 'calibrate',
      ...{ threadIndex, view, shape, samples, control: control.buffer },
    }));
  }

  /** One task on each thread; the first is the leader's and gives the result. When one fails the others are stopped. */
  async #together<Result>(
    threads: number,
    control: BuildControl,
    taskOf: (threadIndex: number) => BuildTask,
  ): Promise<Result> {
    control.reset();
    const wasCanceled = control.canceled;
    let failure: unknown;
    const tasks = Array.from({ length: threads }, async (_, threadIndex) => {
      try {
        return await this.#pool.run<Result>(taskOf(threadIndex));
      } catch (error) {
        failure ??= error;
        control.cancel();
        throw error;
      }
    });
    const [leader] = await Promise.allSettled(tasks);
    if (failure !== undefined && !wasCanceled) throw failure;
    if (leader?.status !== 'fulfilled') throw new ServiceError('build_canceled');
    return leader.value;
  }

  #checkCanceled(control: BuildControl): void {
    if (control.canceled) throw new ServiceError('build_canceled');
  }
}

/** @throws build_canceled as soon as `signal` is aborted */
function unlessAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = new Promise<never>((_resolve, reject) => {
    const refuse = () => reject(new ServiceError('build_canceled'));
    if (signal.aborted) refuse();
    else signal.addEventListener('abort', refuse, { once: true });
  });
  return Promise.race([aborted, promise]);
}
