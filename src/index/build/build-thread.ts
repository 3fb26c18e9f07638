// The jobs of a build, as one thread does them: loading, assigning, averaging. What is done in which order, `cluster.ts` decides. Runs on build workers.

import { ServiceError } from '../../errors.js';
import { instantiateKernels, type Kernels } from '../../kernels/kernels.js';
import { METRIC_NUMBER, PRECISION_NUMBER } from '../../kernels/layout.js';
import { SQUARED_NORM_MAX } from '../../limits.js';
import { CandidateBuffer } from '../candidate-buffer.js';
import { medianOf } from '../origin.js';
import type { PositionReader } from '../query.js';
import type { IndexSettings } from '../settings.js';
import { NEIGHBOUR_CANDIDATES_MAX, NEIGHBOURS_MAX, type ThreadLayout } from './arena.js';
import type { ArenaViews } from './arena-views.js';
import type { BuildControl } from './control.js';
import { groupBy } from './group.js';
import { withLock } from './lock.js';

/** Kinds of jobs, each with the meaning of its job words. */
export const JOB = {
  /** [first sample, end] */
  loadSamples: 0,
  /** [first of sampleOrder, end, list address, list length] */
  assignSamples: 1,
  /** [node, first of sampleOrder, end] */
  averageSamples: 2,
  /** [first point, end, 1 = start from the root] */
  assignPoints: 3,
  /** [first of leafList, end] */
  averageLeaves: 4,
  /** [first of leafList, end] */
  findNeighbours: 5,
  /** [points to look at] */
  findOrigin: 6,
} as const;

/** What is kept in 8 bits is rounded, each number by 1/254 of the largest: up to 1.6 times what is let in, at 4096 dimensions. */
const SQUARED_NORM_STORED_MAX = 1.6 * SQUARED_NORM_MAX;

export class BuildThread {
  readonly views: ArenaViews;
  readonly kernels: Kernels;
  readonly #settings: IndexSettings;
  readonly #reader: PositionReader;
  readonly #control: BuildControl;
  readonly #thread: ThreadLayout;
  readonly #threadIndex: number;
  readonly #bytes: Uint8Array;
  readonly #floats: Float32Array;
  readonly #buffer: CandidateBuffer;
  readonly #locks: Int32Array;

  constructor(
    memory: WebAssembly.Memory,
    views: ArenaViews,
    threadIndex: number,
    settings: IndexSettings,
    reader: PositionReader,
    control: BuildControl,
  ) {
    this.views = views;
    this.kernels = instantiateKernels(memory);
    this.#settings = settings;
    this.#reader = reader;
    this.#control = control;
    this.#threadIndex = threadIndex;
    this.#thread = this.views.layout.threads[threadIndex] as ThreadLayout;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#floats = new Float32Array(memory.buffer);
    this.#buffer = new CandidateBuffer(memory.buffer, this.#thread.buffer, NEIGHBOUR_CANDIDATES_MAX);
    this.#locks = new Int32Array(memory.buffer, views.layout.locks, views.shape.sumAreas);
  }

  run(kind: number, job: number): void {
    const [a, b, c, d] = this.views.jobs.subarray(job * 4, job * 4 + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    if (kind === JOB.loadSamples) this.#loadSamples(a, b);
    else if (kind === JOB.assignSamples) this.#assignSamples(a, b, c, d);
    else if (kind === JOB.averageSamples) this.#averageSamples(a, b, c);
    else if (kind === JOB.assignPoints) this.#assignPoints(a, b, c === 1);
    else if (kind === JOB.averageLeaves) this.#averageLeaves(a, b);
    else if (kind === JOB.findNeighbours) this.#findNeighbours(a, b);
    else if (kind === JOB.findOrigin) this.#findOrigin(a);
    else throw new Error(`unknown kind of job ${kind}`);
  }

  /** The median of points that are evenly spread; they take the place of the first samples. */
  #findOrigin(count: number): void {
    const { layout, shape, origin } = this.views;
    origin.fill(0);
    for (let i = 0; i < count; i++)
      this.#load(Math.floor(((i + 0.5) * shape.points) / count), this.views.sampleAddress(i));
    origin.set(medianOf(this.views.floats(layout.sample, count * shape.dim), count, shape.dim));
  }

  #loadSamples(first: number, end: number): void {
    for (let sample = first; sample < end; sample++) {
      this.#load(this.views.samplePoints[sample] as number, this.views.sampleAddress(sample));
    }
  }

  /**
   * Loads one point's vector, zero-padded and relative to the origin; normalised for cosine, since k-means by angle is
   * k-means of unit vectors.
   */
  #load(point: number, address: number): void {
    const { dimension, metric } = this.#settings;
    const { dim } = this.views.shape;
    this.#reader.copyInto(this.views.positions[point] as number, this.#bytes, this.#thread.row);
    this.kernels.decodeRow(this.#thread.row, dimension, PRECISION_NUMBER[this.#reader.precision], address);
    this.#floats.fill(0, address / 4 + dimension, address / 4 + dim);
    this.#refuseDamaged(this.kernels.squaredNorm(address, dim), point);
    if (metric === 'cosine') this.kernels.normalize(address, dim);
    this.kernels.subtract(address, this.views.layout.origin, address, dim);
  }

  /** One vector of NaN or of huge numbers would spoil the centroids, and so the codes of all the others. */
  #refuseDamaged(squaredNorm: number, point: number): void {
    if (squaredNorm <= SQUARED_NORM_STORED_MAX) return;
    throw new ServiceError('storage_corrupt', {
      path: 'a file of vectors',
      reason: `the vector at position ${this.views.positions[point]} has the squared length ${squaredNorm}`,
    });
  }

  #assignSamples(first: number, end: number, list: number, listLength: number): void {
    const { sample, sampleOrder, sampleNearest } = this.views.layout;
    this.#assign(sample, sampleOrder + first * 4, end - first, list, listLength, sampleNearest + first * 4);
  }

  #averageSamples(node: number, first: number, end: number): void {
    const { layout, shape } = this.views;
    const { dim } = shape;
    const centroid = this.views.centroidAddress(node);
    this.kernels.sumListed(layout.sample, layout.sampleOrder + first * 4, end - first, dim, centroid);
    this.kernels.scaleVector(centroid, dim, 1 / (end - first));
    this.views.norms[node] = this.kernels.squaredNorm(centroid, dim);
  }

  /** One chunk of a pass over all data: each point goes to the nearest leaf among the neighbours of its present one. */
  #assignPoints(first: number, end: number, fromRoot: boolean): void {
    const { views } = this;
    const count = end - first;
    this.#loadChunk(first, count);
    const nodes = views.assignment.slice(first, end);
    if (fromRoot) this.#descend(nodes);
    const listLength = Math.min(NEIGHBOURS_MAX, views.leafCount[0] as number);
    this.#regroup(nodes, (leaf) => [views.layout.neighbours + leaf * NEIGHBOURS_MAX * 4, listLength]);
    views.assignment.set(nodes, first);
    this.#accumulate(first, count);
    this.#control.advance(count);
  }

  /** Adds the chunk's vectors to the sums of their leaves; threads with the same area take turns. */
  #accumulate(first: number, count: number): void {
    const { layout, shape } = this.views;
    const area = this.#threadIndex % shape.sumAreas;
    const sums = layout.sums + area * shape.treeNodesMax * shape.dim * 4;
    const counts = layout.counts + area * shape.treeNodesMax * 4;
    const nodes = layout.assignment + first * 4;
    withLock(this.#locks, area, () =>
      this.kernels.accumulate(this.#thread.chunk, count, shape.dim, nodes, sums, counts),
    );
  }

  #loadChunk(first: number, count: number): void {
    const rowBytes = this.views.shape.dim * 4;
    for (let i = 0; i < count; i++) this.#load(first + i, this.#thread.chunk + i * rowBytes);
  }

  /** From the root to a leaf, at each level to the nearest child. */
  #descend(nodes: Uint32Array): void {
    const { children, layout } = this.views;
    nodes.fill(0);
    for (let moved = children[1] !== 0; moved; ) {
      moved = false;
      this.#regroup(nodes, (node) => {
        const childCount = children[node * 2 + 1] as number;
        if (childCount === 0) return undefined;
        moved = true;
        return [layout.identity + (children[node * 2] as number) * 4, childCount];
      });
    }
  }

  /** Replaces each point's node by the nearest in its node's list; points of one node are compared together. */
  #regroup(
    nodes: Uint32Array,
    listOf: (node: number) => [address: number, length: number] | undefined,
  ): void {
    const { chunk, chunkOrder, chunkNearest } = this.#thread;
    const { order, groups } = groupBy(nodes, this.views.shape.nodesMax);
    const nearest = this.views.words(chunkNearest, nodes.length);
    this.views.words(chunkOrder, nodes.length).set(order);
    for (const { value, first, end } of groups) {
      const list = listOf(value);
      if (list === undefined) continue;
      this.#assign(chunk, chunkOrder + first * 4, end - first, ...list, chunkNearest + first * 4);
      for (let i = first; i < end; i++) nodes[order[i] as number] = nearest[i] as number;
    }
  }

  /** Writes for each of the rows of `matrix` whose numbers `points` holds which of the listed nodes is nearest. */
  #assign(
    matrix: number,
    points: number,
    count: number,
    list: number,
    listLength: number,
    nearest: number,
  ): void {
    const { layout, shape } = this.views;
    const { centroids, norms } = layout;
    const { best } = this.#thread;
    const { dim } = shape;
    this.kernels.assign(matrix, points, count, dim, centroids, norms, list, listLength, nearest, best);
  }

  /** New centroids: the means of what all threads have summed up. An empty leaf keeps its centroid. */
  #averageLeaves(first: number, end: number): void {
    const { views } = this;
    const { dim, treeNodesMax, sumAreas } = views.shape;
    for (let i = first; i < end; i++) {
      const leaf = views.leafList[i] as number;
      const total = views.floats(views.layout.sums + leaf * dim * 4, dim);
      let count = views.words(views.layout.counts + leaf * 4, 1)[0] as number;
      for (let area = 1; area < sumAreas; area++) {
        const sums = views.floats(views.layout.sums + (area * treeNodesMax + leaf) * dim * 4, dim);
        for (let j = 0; j < dim; j++) total[j] = (total[j] as number) + (sums[j] as number);
        count += views.words(views.layout.counts + (area * treeNodesMax + leaf) * 4, 1)[0] as number;
      }
      if (count === 0) continue;
      const centroid = views.centroidAddress(leaf);
      views.floats(centroid, dim).set(total);
      this.kernels.scaleVector(centroid, dim, 1 / count);
      views.norms[leaf] = this.kernels.squaredNorm(centroid, dim);
    }
  }

  /** For each leaf the NEIGHBOURS_MAX leaves with the nearest centroids, itself among them. */
  #findNeighbours(first: number, end: number): void {
    const { views } = this;
    const { dim } = views.shape;
    const { leaves } = views;
    const buffer = this.#buffer;
    const wanted = Math.min(NEIGHBOURS_MAX, leaves.length);
    for (let i = first; i < end; i++) {
      const leaf = leaves[i] as number;
      buffer.reset(wanted);
      this.kernels.pushListed(
        views.centroidAddress(leaf),
        views.layout.centroids,
        views.layout.leafList,
        leaves.length,
        dim,
        METRIC_NUMBER.l2,
        buffer.address,
      );
      this.kernels.sortBuffer(buffer.address, wanted);
      for (let j = 0; j < wanted; j++) views.neighbours[leaf * NEIGHBOURS_MAX + j] = buffer.positionAt(j);
    }
  }
}
