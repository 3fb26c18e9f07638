// What a build will take: RAM, disk and time, foreseen from the number of points. Main thread; allocates nothing.

import type { BuildPlan } from '../contract/build.js';
import { rowBytes } from '../contract/stored-vector.js';
import { ServiceError } from '../errors.js';
import { wholePages } from '../index/allocate-memory.js';
import { type ArenaShape, arenaLayout, arenaShape } from '../index/build/arena.js';
import { foreseenCounts } from '../index/build/foreseen-counts.js';
import { sampleBytes, sampleShape } from '../index/calibrate/samples.js';
import { type LayoutCounts, layOut } from '../index/memory-layout.js';
import { RowSlots } from '../index/row-slots.js';
import type { IndexSettings } from '../index/settings.js';
import { INDEX_MEMORY_BYTES_MAX } from '../limits.js';
import type { CollectionParts } from './collection-parts.js';
import { describedMemory } from './describe.js';
import { builtShape, generationBytes } from './generation-memory.js';
import type { ServedGeneration } from './served-generation.js';

/** The heap of a build thread, with what its libraries allocate. */
const THREAD_HEAP_BYTES = 16 * 1024 * 1024;
/** Lists of all points that the leading thread makes for a moment, beside the arena; u32 each. */
const LISTS = 3;
/** Of one thread, for one dimension of one point: measured by `npm run bench -- memory`. */
const POINT_DIMENSION_NANOSECONDS = 800;
/** On disk: in the index file, and the copy beside it. */
const ROW_TABLES = 2;
const U32_BYTES = 4;

export interface BuildSize {
  /** Claimed while the build runs, what is left of it afterwards included. */
  claimBytes: number;
  /** Of it, what the threads of the build share: one WebAssembly memory. */
  arenaBytes: number;
  /** RAM of the new index, as a collection describes it. */
  indexBytes: number;
  /** Files of the new generation. */
  diskBytes: number;
}

export interface BuildInput {
  settings: IndexSettings;
  shape: ArenaShape;
  /** What was found by clustering; until then what is likely. */
  counts: LayoutCounts | undefined;
  rowBase: number;
  searchThreads: number;
  /** Bytes of a vector in its file. */
  rowBytes: number;
  isInMemory: boolean;
}

export function sizeOfBuild(input: BuildInput): BuildSize {
  const { settings, shape, rowBase, searchThreads, rowBytes, isInMemory } = input;
  const { points, threads } = shape;
  const counts = input.counts ?? foreseenCounts(settings, points);
  const layout = layOut(settings, counts);
  const generation = generationBytes(builtShape(settings, counts, rowBase), searchThreads + threads);
  const samples = sampleBytes(sampleShape(counts.slots, counts.leaves));
  const vectors = points * rowBytes;
  // For each point: its position, its row, the lists, and the ranks that each thread of a calibration keeps.
  const arenaBytes = wholePages(arenaLayout(shape).end);
  const arena = arenaBytes + (2 + LISTS + threads) * points * U32_BYTES;
  return {
    arenaBytes,
    claimBytes: arena + samples + threads * THREAD_HEAP_BYTES + generation + (isInMemory ? vectors : 0),
    indexBytes: layout.chunkTable + RowSlots.bytesFor(rowBase, points),
    diskBytes: vectors + layout.fileBytes + ROW_TABLES * points * U32_BYTES,
  };
}

/** What is the same for all builds of a collection, beside what is given. */
export function buildInput(
  { services, entry, writer }: CollectionParts,
  given: Pick<BuildInput, 'settings' | 'shape' | 'counts' | 'rowBase'>,
): BuildInput {
  return {
    ...given,
    searchThreads: services.searchPool.threads,
    rowBytes: rowBytes(entry),
    isInMemory: writer.meta.backend === 'memory',
  };
}

/** What a build of all points there are now would take. */
export function planBuild(
  parts: CollectionParts,
  settings: IndexSettings,
): { shape: ArenaShape; size: BuildSize; seconds: number } {
  const { writer, services, views } = parts;
  const { pointsCount, nextRow } = writer.meta;
  const shape = arenaShape(settings, pointsCount, services.buildPool.threads);
  const size = sizeOfBuild(buildInput(parts, { settings, shape, counts: undefined, rowBase: nextRow }));
  return { shape, size, seconds: secondsOfBuild(settings, shape, views.current.served) };
}

/** @throws memory_full where the build would not fit, other builds aside: those run before it */
export function checkBuild({ services }: CollectionParts, { claimBytes, arenaBytes }: BuildSize): void {
  if (arenaBytes > INDEX_MEMORY_BYTES_MAX) {
    throw new ServiceError('memory_full', { needed: arenaBytes, used: 0, limit: INDEX_MEMORY_BYTES_MAX });
  }
  const others = [...services.buildClaims].reduce((sum, { bytes }) => sum + bytes, 0);
  services.memory.check(Math.max(0, claimBytes - others));
}

/** The plan as the API gives it, with why the build would be refused. */
export async function describePlan(parts: CollectionParts, settings: IndexSettings): Promise<BuildPlan> {
  const { services, writer, diskUsage, store } = parts;
  const { shape, size, seconds } = planBuild(parts, settings);
  await diskUsage.measure();
  const [freeBytes, pointsBytes] = await Promise.all([services.disk.free(), store.diskBytes()]);
  const now = describedMemory(parts).total_bytes;
  const vectors = writer.meta.backend === 'memory' ? shape.points * rowBytes(parts.entry) : 0;
  const refusal = refusalOf(parts, size, freeBytes);
  return {
    points_count: shape.points,
    threads: shape.threads,
    seconds,
    memory: {
      now_bytes: now,
      peak_bytes: now + size.claimBytes,
      after_bytes: size.indexBytes + vectors,
      used_bytes: services.memory.usedBytes,
      limit_bytes: services.memory.limitBytes,
    },
    disk: {
      now_bytes: diskUsage.bytes,
      peak_bytes: diskUsage.bytes + size.diskBytes,
      after_bytes: pointsBytes + size.diskBytes,
      free_bytes: freeBytes,
    },
    ...(refusal && { refusal }),
  };
}

function refusalOf(parts: CollectionParts, size: BuildSize, freeBytes: number): BuildPlan['refusal'] {
  try {
    checkBuild(parts, size);
    parts.services.disk.check(size.diskBytes, freeBytes);
    return undefined;
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return { code: error.code, message: error.publicMessage };
  }
}

/** At the speed of the collection's last build, where there was one. */
function secondsOfBuild(
  settings: IndexSettings,
  shape: ArenaShape,
  { facts, generation }: ServedGeneration,
): number {
  const work = (shape.points * settings.dimension) / shape.threads;
  if (facts === null) return (POINT_DIMENSION_NANOSECONDS / 1e9) * work;
  const lastWork = (generation.slots * settings.dimension) / (facts.threads ?? shape.threads);
  return facts.buildSeconds * (work / lastWork);
}
