// A collection as the API describes it. Main thread.

import type { CollectionDescription } from '../contract/collections.js';
import { rowBytes } from '../contract/stored-vector.js';
import type { Calibration } from '../index/calibration.js';
import type { VectorsDescriptor } from '../storage/vectors.js';
import type { CollectionParts } from './collection-parts.js';
import type { ServedGeneration } from './served-generation.js';

/** @throws collection_unavailable when it is closed */
export function describeCollection(parts: CollectionParts, isBuilding: boolean): CollectionDescription {
  const { entry, writer, diskUsage } = parts;
  const { view, served } = parts.views.current;
  const { backend, pointsCount } = writer.meta;
  return {
    name: entry.name,
    dimension: entry.dimension,
    metric: entry.metric,
    storage: {
      backend,
      is_using_mmap: backend === 'mmap',
      precision: entry.precision,
      vectors_bytes: (view.slots + served.generation.pendingCount) * rowBytes(entry),
    },
    index: describeIndex(served, isBuilding),
    points_count: pointsCount,
    indexed_count: served.indexedCount,
    pending_count: served.pendingCount,
    deleted_count: served.deadCount,
    memory: describedMemory(parts),
    disk_bytes: diskUsage.bytes,
  };
}

function describeIndex(served: ServedGeneration, isBuilding: boolean): CollectionDescription['index'] {
  const { settings, leaves } = served.generation;
  const built = served.number > 0 ? 'ready' : 'none';
  return {
    state: isBuilding ? 'building' : built,
    generation: served.number,
    leaves,
    depth: served.facts?.depth ?? 0,
    ...(served.facts && { built_at: served.facts.builtAt, build_seconds: served.facts.buildSeconds }),
    branching_factor: settings.branchingFactor,
    max_leaf_size: settings.maxLeafSize,
    max_iterations: settings.maxIterations,
    quantizer: settings.quantizer,
    bits: settings.bits,
    ...(served.facts?.calibration && { calibration: describeCalibration(served.facts.calibration) }),
  };
}

/** Both sides of a 95 % confidence interval, in standard errors. */
const CONFIDENCE_ERRORS = 1.96;

function describeCalibration({
  queries,
  efforts,
}: Calibration): NonNullable<CollectionDescription['index']['calibration']> {
  return {
    queries,
    efforts: efforts.map((effort) => {
      const width = CONFIDENCE_ERRORS * effort.standardError;
      return {
        k: effort.k,
        target_recall: effort.targetRecall,
        recall: effort.recall,
        recall_low: Math.max(0, effort.recall - width),
        recall_high: Math.min(1, effort.recall + width),
        probes: effort.probesMean,
        vectors_scanned: effort.vectorsScannedMean,
        candidates: effort.candidates,
      };
    }),
  };
}

/** RAM the collection holds, and what it maps. @throws collection_unavailable when it is closed */
export function describedMemory(parts: CollectionParts): CollectionDescription['memory'] {
  const { view, served } = parts.views.current;
  const { treeBytes, codesBytes } = served.generation.bytesByKind;
  const memory = {
    tree_bytes: treeBytes,
    codes_bytes: codesBytes,
    ids_bytes: served.rowSlotsBytes,
    vectors_bytes: parts.pending.memoryBytes + bufferBytes(served.leafVectors),
    payload_indexes_bytes: parts.filters.indexBytes,
  };
  const total = Object.values(memory).reduce((sum, bytes) => sum + bytes, 0);
  const rows = view.slots + served.generation.pendingCount;
  const mapped = parts.writer.meta.backend === 'mmap' ? rows * rowBytes(parts.entry) : 0;
  return {
    ...memory,
    total_bytes: total,
    anonymous_bytes: total,
    mapped_bytes: mapped + served.generation.slotRows.byteLength,
  };
}

function bufferBytes(vectors: VectorsDescriptor | null): number {
  return vectors?.segments.reduce((sum, { buffer }) => sum + (buffer?.byteLength ?? 0), 0) ?? 0;
}
