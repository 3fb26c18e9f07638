// Clustering of a collection, as the leader directs it: a tree from a sample, then passes over all vectors. Runs on a build worker.

import { seededRandom } from '../random.js';
import type { IndexSettings } from '../settings.js';
import { NEIGHBOURS_MAX } from './arena.js';
import type { ArenaViews } from './arena-views.js';
import { type Blueprint, drawBlueprint } from './blueprint.js';
import { JOB } from './build-thread.js';
import type { BuildControl } from './control.js';
import { groupBy } from './group.js';
import { JobList } from './job-list.js';
import { type NodeRange, Splitter } from './split.js';
import type { Team } from './team.js';

const CLUSTER_SEED = 0x5eed_0001;

/** A sampled node is split when it holds this many times the target; between them lies what splitting in two would make too small. */
const SPLIT_LIMIT = 1.34;

/** Passes over the sample in which each point may move to a neighbouring leaf: they mend what the greedy tree got wrong. */
const SAMPLE_PASSES = 4;

/** The same over all vectors, ending with the assignment that counts. */
const DATA_PASSES = 4;

/** Points whose median is the origin: it errs by a twentieth of their deviation. */
const ORIGIN_POINTS = 512;

const SAMPLES_PER_JOB = 1024;
const LEAVES_PER_JOB = 16;

export class Clustering {
  readonly #views: ArenaViews;
  readonly #settings: IndexSettings;
  readonly #control: BuildControl;
  readonly #jobs: JobList;
  readonly #splitter: Splitter;
  readonly #random = seededRandom(CLUSTER_SEED);

  constructor(views: ArenaViews, team: Team, settings: IndexSettings, control: BuildControl) {
    this.#views = views;
    this.#settings = settings;
    this.#control = control;
    this.#jobs = new JobList(views, team);
    this.#splitter = new Splitter(views, this.#jobs, settings, this.#random);
  }

  /** `views.positions` holds the live positions; afterwards `assignment` holds leaf numbers and `slotOrder` the points in slot order. */
  run(): Blueprint {
    const { shape } = this.#views;
    for (let i = 0; i < shape.nodesMax; i++) this.#views.identity[i] = i;
    this.#control.enter('sampling', 1);
    this.#findOrigin();
    this.#pickSamples();
    this.#control.enter('clustering', 1 + SAMPLE_PASSES);
    const leaves = this.#growTree();
    this.#control.advance(1);
    this.#setLeaves(leaves);
    let groups = leaves;
    for (let pass = 0; pass < SAMPLE_PASSES; pass++) {
      groups = this.#refineOnSample(groups);
      this.#control.advance(1);
    }
    this.#control.enter('assigning', shape.points * DATA_PASSES);
    for (let pass = 0; pass < DATA_PASSES; pass++) {
      if (pass > 0) this.#findNeighbours();
      this.#assignAll(pass === 0);
    }
    this.#splitLargeLeaves();
    return drawBlueprint(this.#views);
  }

  #findOrigin(): void {
    this.#jobs.add(Math.min(ORIGIN_POINTS, this.#views.shape.samples));
    this.#jobs.run(JOB.findOrigin);
  }

  /** One point at random from each of equal stretches: the sample is spread evenly, and read in order. */
  #pickSamples(): void {
    const { samplePoints, sampleOrder, shape } = this.#views;
    const stride = shape.points / shape.samples;
    for (let i = 0; i < shape.samples; i++) {
      samplePoints[i] = Math.min(shape.points - 1, Math.floor((i + this.#random()) * stride));
      sampleOrder[i] = i;
    }
    this.#jobs.addRanges(shape.samples, SAMPLES_PER_JOB);
    this.#jobs.run(JOB.loadSamples);
  }

  #growTree(): NodeRange[] {
    const { points, samples, leafTarget, treeNodesMax } = this.#views.shape;
    const root = { node: 0, first: 0, end: samples };
    this.#jobs.add(root.node, root.first, root.end);
    this.#jobs.run(JOB.averageSamples);
    const limit = SPLIT_LIMIT * leafTarget;
    return this.#splitter.split([root], {
      scale: points / samples,
      limit,
      target: leafTarget,
      nodesMax: treeNodesMax,
      cut: false,
    });
  }

  #setLeaves(leaves: NodeRange[]): void {
    leaves.forEach(({ node }, i) => {
      this.#views.leafList[i] = node;
    });
    this.#views.leafCount[0] = leaves.length;
    this.#findNeighbours();
  }

  #findNeighbours(): void {
    this.#jobs.addRanges(this.#views.leaves.length, LEAVES_PER_JOB);
    this.#jobs.run(JOB.findNeighbours);
  }

  /** Moves samples to the nearest neighbouring leaf and averages the leaves anew; returns the new groups. */
  #refineOnSample(groups: NodeRange[]): NodeRange[] {
    const { layout, sampleOrder, sampleNearest, shape } = this.#views;
    const { neighbourBytes, neighbourCount } = neighbourLists(this.#views);
    for (const { node, first, end } of groups) {
      const list = layout.neighbours + node * neighbourBytes;
      for (let at = first; at < end; at += SAMPLES_PER_JOB) {
        this.#jobs.add(at, Math.min(end, at + SAMPLES_PER_JOB), list, neighbourCount);
      }
    }
    this.#jobs.run(JOB.assignSamples);
    const regrouped = groupBy(sampleNearest.slice(), shape.nodesMax);
    const members = sampleOrder.slice();
    regrouped.order.forEach((from, to) => {
      sampleOrder[to] = members[from] as number;
    });
    for (const { value, first, end } of regrouped.groups) this.#jobs.add(value, first, end);
    this.#jobs.run(JOB.averageSamples);
    this.#findNeighbours();
    return regrouped.groups.map(({ value, first, end }) => ({ node: value, first, end }));
  }

  #assignAll(fromRoot: boolean): void {
    const { layout, shape } = this.#views;
    this.#views.floats(layout.sums, shape.sumAreas * shape.treeNodesMax * shape.dim).fill(0);
    this.#views.words(layout.counts, shape.sumAreas * shape.treeNodesMax).fill(0);
    this.#jobs.addRanges(shape.points, shape.chunkRows, fromRoot ? 1 : 0);
    this.#jobs.run(JOB.assignPoints);
    this.#jobs.addRanges(this.#views.leaves.length, LEAVES_PER_JOB);
    this.#jobs.run(JOB.averageLeaves);
  }

  /** No leaf holds more than `maxLeafSize`: those that do are split by the vectors they really have. */
  #splitLargeLeaves(): void {
    const { assignment, shape } = this.#views;
    const { maxLeafSize } = this.#settings;
    const { order, groups } = groupBy(assignment.slice(), shape.nodesMax);
    let batch: { node: number; points: Uint32Array }[] = [];
    let batched = 0;
    const flush = (): void => {
      this.#splitBatch(batch);
      batch = [];
      batched = 0;
    };
    for (const { value: node, first, end } of groups) {
      const size = end - first;
      if (size <= maxLeafSize) continue;
      const points = order.subarray(first, end);
      if (size > shape.samples) {
        this.#cutEvenly(node, points);
        continue;
      }
      if (batched + size > shape.samples) flush();
      batch.push({ node, points });
      batched += size;
    }
    if (batched > 0) flush();
  }

  #splitBatch(batch: { node: number; points: Uint32Array }[]): void {
    const { samplePoints, sampleOrder, assignment, shape } = this.#views;
    const ranges: NodeRange[] = [];
    let count = 0;
    for (const { node, points } of batch) {
      samplePoints.set(points, count);
      ranges.push({ node, first: count, end: count + points.length });
      count += points.length;
    }
    for (let i = 0; i < count; i++) sampleOrder[i] = i;
    this.#jobs.addRanges(count, SAMPLES_PER_JOB);
    this.#jobs.run(JOB.loadSamples);
    const leaves = this.#splitter.split(ranges, {
      scale: 1,
      limit: this.#settings.maxLeafSize,
      target: shape.leafTarget,
      nodesMax: Math.floor((shape.nodesMax * 3) / 4),
      cut: true,
    });
    for (const { node, first, end } of leaves) {
      for (let i = first; i < end; i++) assignment[samplePoints[sampleOrder[i] as number] as number] = node;
    }
  }

  /** A leaf larger than the whole sample buffer: its vectors are alike, so any cut is as good. */
  #cutEvenly(node: number, points: Uint32Array): void {
    const parts = Math.ceil(points.length / this.#views.shape.leafTarget);
    const firstChild = this.#splitter.addCopies(node, parts);
    points.forEach((point, i) => {
      this.#views.assignment[point] = firstChild + Math.floor((i * parts) / points.length);
    });
  }
}

function neighbourLists(views: ArenaViews): { neighbourBytes: number; neighbourCount: number } {
  return {
    neighbourBytes: NEIGHBOURS_MAX * 4,
    neighbourCount: Math.min(NEIGHBOURS_MAX, views.leaves.length),
  };
}
