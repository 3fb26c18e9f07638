// Hierarchical k-means: splits nodes of the sample level by level until each is small enough. Runs on the leader of a build.

import type { IndexSettings } from '../settings.js';
import type { ArenaViews } from './arena-views.js';
import { JOB } from './build-thread.js';
import { groupBy } from './group.js';
import type { JobList } from './job-list.js';

/** Samples that one assignment job takes. */
const SAMPLES_PER_JOB = 2048;

/** Lloyd iterations stop when fewer samples than this share change their node. */
const MOVED_SHARE_MIN = 0.005;

/** Samples [first, end) of `sampleOrder` that belong to one node. */
export interface NodeRange {
  node: number;
  first: number;
  end: number;
}

interface Split extends NodeRange {
  firstChild: number;
  childCount: number;
  children: NodeRange[];
}

export interface SplitGoal {
  /** Vectors that one sample stands for. */
  scale: number;
  /** A node of more vectors than this is split, into parts of `target`. */
  limit: number;
  target: number;
  /** No nodes are made beyond this number: what is left over stays as it is, or is cut evenly (`cut`). */
  nodesMax: number;
  cut: boolean;
}

export class Splitter {
  readonly #views: ArenaViews;
  readonly #jobs: JobList;
  readonly #settings: IndexSettings;
  readonly #random: () => number;
  #nodeCount = 1;

  constructor(views: ArenaViews, jobs: JobList, settings: IndexSettings, random: () => number) {
    this.#views = views;
    this.#jobs = jobs;
    this.#settings = settings;
    this.#random = random;
  }

  /** Splits the nodes and what comes of them; returns the ranges of the leaves. All nodes of a level are clustered together. */
  split(nodes: NodeRange[], goal: SplitGoal): NodeRange[] {
    const leaves: NodeRange[] = [];
    let frontier = nodes;
    while (frontier.length > 0) {
      const splits: Split[] = [];
      for (const range of frontier) {
        const parts = this.#parts(range, goal);
        if (parts < 2) leaves.push(range);
        else if (this.#nodeCount + parts <= goal.nodesMax) splits.push(this.#open(range, parts));
        else if (goal.cut) leaves.push(...this.#cut(this.#open(range, parts)));
        else leaves.push(range);
      }
      if (splits.length > 0) this.#lloyd(splits);
      frontier = splits.flatMap((split) => split.children);
    }
    return leaves;
  }

  /** Cuts a node of `size` samples or points, which are alike, into parts of equal size; returns the first and the number of them. */
  addCopies(node: number, parts: number): number {
    const { firstChild, childCount } = this.#open({ node, first: 0, end: 0 }, parts);
    for (let child = firstChild; child < firstChild + childCount; child++) this.#copyCentroid(node, child);
    return firstChild;
  }

  #parts(range: NodeRange, goal: SplitGoal): number {
    const samples = range.end - range.first;
    const vectors = samples * goal.scale;
    if (vectors <= goal.limit) return 1;
    return Math.min(this.#settings.branchingFactor, samples, Math.max(2, Math.ceil(vectors / goal.target)));
  }

  #open(range: NodeRange, parts: number): Split {
    const firstChild = this.#nodeCount;
    this.#nodeCount += parts;
    this.#views.children.set([firstChild, parts], range.node * 2);
    this.#views.children.fill(0, firstChild * 2, this.#nodeCount * 2);
    return { ...range, firstChild, childCount: parts, children: [] };
  }

  /** Lloyd's iterations over all splits at once, from random samples of each as first centroids. */
  #lloyd(splits: Split[]): void {
    const { sampleOrder } = this.#views;
    for (const split of splits) {
      const stride = (split.end - split.first) / split.childCount;
      for (let i = 0; i < split.childCount; i++) {
        const at = split.first + Math.floor((i + this.#random()) * stride);
        this.#copySample(sampleOrder[at] as number, split.firstChild + i);
      }
    }
    const samples = splits.reduce((sum, split) => sum + split.end - split.first, 0);
    for (let iteration = 0; iteration < this.#settings.maxIterations; iteration++) {
      const moved = this.#iterate(splits, iteration === 0);
      if (moved < MOVED_SHARE_MIN * samples) break;
    }
    for (const split of splits) {
      if (split.children.some((child) => child.end - child.first === split.end - split.first))
        this.#cut(split);
    }
  }

  /** One iteration; returns how many samples changed their node. */
  #iterate(splits: Split[], isFirst: boolean): number {
    const { layout, sampleNearest } = this.#views;
    const before = sampleNearest.slice();
    for (const split of splits) {
      const list = layout.identity + split.firstChild * 4;
      for (let at = split.first; at < split.end; at += SAMPLES_PER_JOB) {
        this.#jobs.add(at, Math.min(split.end, at + SAMPLES_PER_JOB), list, split.childCount);
      }
    }
    this.#jobs.run(JOB.assignSamples);
    let moved = 0;
    for (const split of splits) {
      for (let i = split.first; i < split.end; i++) if (isFirst || before[i] !== sampleNearest[i]) moved++;
      this.#group(split);
      for (const { node, first, end } of split.children) if (end > first) this.#jobs.add(node, first, end);
    }
    this.#jobs.run(JOB.averageSamples);
    for (const split of splits) this.#reseedEmpty(split);
    return moved;
  }

  /** Sorts the split's samples by child and notes the children's ranges. */
  #group(split: Split): void {
    const { sampleOrder, sampleNearest } = this.#views;
    const local = sampleNearest.slice(split.first, split.end).map((node) => node - split.firstChild);
    const members = sampleOrder.slice(split.first, split.end);
    const { order, groups } = groupBy(local, split.childCount);
    order.forEach((from, to) => {
      sampleOrder[split.first + to] = members[from] as number;
      sampleNearest[split.first + to] = split.firstChild + (local[from] as number);
    });
    split.children = Array.from({ length: split.childCount }, (_, i) => ({
      node: split.firstChild + i,
      first: split.first,
      end: split.first,
    }));
    for (const { value, first, end } of groups) {
      split.children[value] = {
        node: split.firstChild + value,
        first: split.first + first,
        end: split.first + end,
      };
    }
  }

  /** A child that lost all its samples starts again from a random one. */
  #reseedEmpty(split: Split): void {
    for (const child of split.children) {
      if (child.end > child.first) continue;
      const at = split.first + Math.floor(this.#random() * (split.end - split.first));
      this.#copySample(this.#views.sampleOrder[at] as number, child.node);
    }
  }

  /** Vectors that are all alike cannot be told apart: they are shared out evenly. */
  #cut(split: Split): NodeRange[] {
    const size = split.end - split.first;
    split.children = Array.from({ length: split.childCount }, (_, i) => ({
      node: split.firstChild + i,
      first: split.first + Math.floor((size * i) / split.childCount),
      end: split.first + Math.floor((size * (i + 1)) / split.childCount),
    }));
    for (const { node, first, end } of split.children) this.#jobs.add(node, first, end);
    this.#jobs.run(JOB.averageSamples);
    return split.children;
  }

  #copySample(sample: number, node: number): void {
    const { dim } = this.#views.shape;
    this.#setCentroid(node, this.#views.floats(this.#views.sampleAddress(sample), dim));
  }

  #copyCentroid(from: number, to: number): void {
    const { dim } = this.#views.shape;
    this.#setCentroid(to, this.#views.floats(this.#views.centroidAddress(from), dim));
  }

  #setCentroid(node: number, vector: Float32Array): void {
    const { dim } = this.#views.shape;
    this.#views.floats(this.#views.centroidAddress(node), dim).set(vector);
    this.#views.norms[node] = vector.reduce((sum, value) => sum + value * value, 0);
  }
}
