// The working memory of one build, shared by its threads: everything is found by address, nothing is copied. Runs on build workers.

import { ASSIGN_BEST_BYTES, OVERRUN_BYTES, ROW_HEAD_BYTES_MAX } from '../../kernels/layout.js';
import { allocateMemory } from '../allocate-memory.js';
import { CandidateBuffer } from '../candidate-buffer.js';
import { codeDimension, type IndexSettings } from '../settings.js';

/** Leaves that a vector is compared with in a refinement pass: those nearest to its present one. */
export const NEIGHBOURS_MAX = 128;
/** Room to find them in. */
export const NEIGHBOUR_CANDIDATES_MAX = 2 * NEIGHBOURS_MAX;

/** Sampled points per leaf; k-means is fed well from 39 up (FAISS), 64 and more gain nothing measurable. */
const SAMPLES_PER_LEAF = 64;
const SAMPLE_BYTES_MAX = 384 * 1024 * 1024;
const SAMPLES_MIN = 16_384;

/** Rows of a thread's chunk: the more, the more of them share the leaves they are compared with. */
const CHUNK_BYTES_MAX = 24 * 1024 * 1024;
const CHUNK_ROWS_MAX = 32_768;
const CHUNK_ROWS_MIN = 64;
/** The chunks of all threads together. */
const CHUNKS_BYTES_MAX = 256 * 1024 * 1024;

/** Sums of all threads together. Threads share an area where there is not one for each: adding up is a small part of a pass. */
const SUMS_BYTES_MAX = 64 * 1024 * 1024;

/** A thread more is worth starting for so many points. */
const POINTS_PER_THREAD_MIN = 512;

export const JOB_WORDS = 4;

export interface ArenaShape {
  /** Live vectors to index. */
  points: number;
  /** Threads that take part: fewer than there are where the points are few. */
  threads: number;
  /** Vectors the leaves shall hold on average. */
  leafTarget: number;
  samples: number;
  /** Centroids there is room for: inner nodes, leaves and the leaves that splits add. */
  nodesMax: number;
  /** Nodes that the tree of the sample has at most; the others are for the splits of large leaves. */
  treeNodesMax: number;
  /** Areas for sums of vectors by node, one a thread or fewer. */
  sumAreas: number;
  jobsMax: number;
  /** Rows of a chunk in the passes over all data. */
  chunkRows: number;
  dim: number;
}

/** What a build of `points` needs on at most `threadsMax` threads. Its memory grows with the samples and the nodes, hardly with the threads. */
export function arenaShape(settings: IndexSettings, points: number, threadsMax: number): ArenaShape {
  const dim = codeDimension(settings.dimension);
  const rowBytes = dim * 4;
  const threads = Math.min(threadsMax, Math.ceil(points / POINTS_PER_THREAD_MIN));
  const leafTarget = Math.max(1, Math.round(settings.maxLeafSize / 2));
  const leaves = Math.ceil(points / leafTarget);
  const samplesMax = Math.max(SAMPLES_MIN, Math.floor(SAMPLE_BYTES_MAX / rowBytes));
  const samples = Math.min(points, samplesMax, Math.max(SAMPLES_MIN, SAMPLES_PER_LEAF * leaves));
  const nodesMax = 4 * Math.ceil((6 * leaves + 4 * settings.branchingFactor + 256) / 4);
  const treeNodesMax = Math.floor(nodesMax / 2);
  const sumAreas = atLeast(1, Math.min(threads, SUMS_BYTES_MAX / (treeNodesMax * rowBytes)));
  const chunkBytes = Math.min(CHUNK_BYTES_MAX, CHUNKS_BYTES_MAX / threads);
  const chunkRows = atLeast(
    CHUNK_ROWS_MIN,
    Math.min(CHUNK_ROWS_MAX, chunkBytes / rowBytes, Math.ceil(points / threads)),
  );
  const jobsMax = 2 * nodesMax + Math.ceil(samples / 512) + Math.ceil(points / chunkRows) + 1024;
  return {
    points,
    threads,
    leafTarget,
    samples,
    nodesMax,
    treeNodesMax,
    sumAreas,
    jobsMax,
    chunkRows,
    dim,
  };
}

function atLeast(min: number, wanted: number): number {
  return Math.max(min, Math.floor(wanted));
}

/** Addresses of the regions. */
export interface ArenaLayout {
  /** u32 per point: the node it is assigned to. */
  assignment: number;
  /** u32 per point: points in slot order. */
  slotOrder: number;
  /** dim floats: what all vectors are relative to. */
  origin: number;
  /** samples x dim floats. */
  sample: number;
  /** u32 per sample: which point it is. */
  samplePoints: number;
  /** u32 per sample: samples grouped by node. */
  sampleOrder: number;
  /** u32 per sample, in `sampleOrder`: the nearest node found last. */
  sampleNearest: number;
  /** nodesMax x dim floats, and their squared norms. */
  centroids: number;
  norms: number;
  /** u32 pairs per node: first child, number of children (0 = leaf). */
  children: number;
  /** 0, 1, 2, ...: any run of nodes as a list. */
  identity: number;
  /** nodesMax x NEIGHBOURS_MAX node numbers. */
  neighbours: number;
  /** u32: the leaves, their number in `leafCount`. */
  leafList: number;
  leafCount: number;
  /** Per area: treeNodesMax x dim float sums, treeNodesMax u32 counts; a lock for each area. */
  sums: number;
  counts: number;
  locks: number;
  jobs: number;
  /** Per thread: one chunk of rows, in which order and to what they are assigned, a buffer of neighbours, one stored row. */
  threads: ThreadLayout[];
  end: number;
}

export interface ThreadLayout {
  chunk: number;
  /** u32 per row of the chunk: rows of one node one after another, and the node that each of these turned out nearest to. */
  chunkOrder: number;
  chunkNearest: number;
  /** Scratch of the kernel that assigns. */
  best: number;
  buffer: number;
  /** One vector as it is stored. */
  row: number;
}

export function arenaLayout(shape: ArenaShape): ArenaLayout {
  let next = 64;
  const take = (bytes: number): number => {
    const address = next;
    next += Math.ceil(bytes / 64) * 64;
    return address;
  };
  const { points, samples, nodesMax, treeNodesMax, sumAreas, dim, threads } = shape;
  const layout = {
    assignment: take(points * 4),
    slotOrder: take(points * 4),
    origin: take(dim * 4),
    sample: take(samples * dim * 4),
    samplePoints: take(samples * 4),
    sampleOrder: take(samples * 4),
    sampleNearest: take(samples * 4),
    centroids: take(nodesMax * dim * 4),
    norms: take(nodesMax * 4),
    children: take(nodesMax * 8),
    identity: take(nodesMax * 4),
    neighbours: take(nodesMax * NEIGHBOURS_MAX * 4),
    leafList: take(nodesMax * 4),
    leafCount: take(4),
    sums: take(sumAreas * treeNodesMax * dim * 4),
    counts: take(sumAreas * treeNodesMax * 4),
    locks: take(sumAreas * 4),
    jobs: take(shape.jobsMax * JOB_WORDS * 4),
  };
  const threadLayouts = Array.from({ length: threads }, () => ({
    chunk: take(shape.chunkRows * dim * 4),
    chunkOrder: take(shape.chunkRows * 4),
    chunkNearest: take(shape.chunkRows * 4),
    best: take(ASSIGN_BEST_BYTES),
    buffer: take(CandidateBuffer.bytesFor(NEIGHBOUR_CANDIDATES_MAX)),
    row: take(dim * 4 + ROW_HEAD_BYTES_MAX + OVERRUN_BYTES),
  }));
  return { ...layout, threads: threadLayouts, end: next };
}

/** @throws memory_full */
export function allocateArena(shape: ArenaShape): WebAssembly.Memory {
  return allocateMemory(arenaLayout(shape).end);
}
