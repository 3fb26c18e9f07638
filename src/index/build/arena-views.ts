// Typed views on the regions of a build's arena. Runs on build workers.

import { type ArenaLayout, type ArenaShape, arenaLayout, JOB_WORDS, NEIGHBOURS_MAX } from './arena.js';

export class ArenaViews {
  readonly shape: ArenaShape;
  readonly layout: ArenaLayout;
  /** Of each point: its position in the source. */
  readonly positions: Uint32Array;
  readonly assignment: Uint32Array;
  readonly slotOrder: Uint32Array;
  readonly samplePoints: Uint32Array;
  readonly sampleOrder: Uint32Array;
  readonly sampleNearest: Uint32Array;
  /** What samples, chunks and centroids are relative to; zero until the leader has found it. */
  readonly origin: Float32Array;
  readonly centroids: Float32Array;
  readonly norms: Float32Array;
  readonly children: Uint32Array;
  readonly identity: Uint32Array;
  readonly neighbours: Uint32Array;
  readonly leafList: Uint32Array;
  readonly leafCount: Uint32Array;
  readonly jobs: Uint32Array;
  readonly #buffer: ArrayBufferLike;

  constructor(memory: WebAssembly.Memory, shape: ArenaShape, positions: SharedArrayBuffer) {
    const layout = arenaLayout(shape);
    const { buffer } = memory;
    const words = (address: number, length: number): Uint32Array => new Uint32Array(buffer, address, length);
    this.shape = shape;
    this.layout = layout;
    this.#buffer = buffer;
    this.positions = new Uint32Array(positions);
    this.assignment = words(layout.assignment, shape.points);
    this.slotOrder = words(layout.slotOrder, shape.points);
    this.samplePoints = words(layout.samplePoints, shape.samples);
    this.sampleOrder = words(layout.sampleOrder, shape.samples);
    this.sampleNearest = words(layout.sampleNearest, shape.samples);
    this.origin = this.floats(layout.origin, shape.dim);
    this.centroids = this.floats(layout.centroids, shape.nodesMax * shape.dim);
    this.norms = this.floats(layout.norms, shape.nodesMax);
    this.children = words(layout.children, shape.nodesMax * 2);
    this.identity = words(layout.identity, shape.nodesMax);
    this.neighbours = words(layout.neighbours, shape.nodesMax * NEIGHBOURS_MAX);
    this.leafList = words(layout.leafList, shape.nodesMax);
    this.leafCount = words(layout.leafCount, 1);
    this.jobs = words(layout.jobs, shape.jobsMax * JOB_WORDS);
  }

  floats(address: number, length: number): Float32Array {
    return new Float32Array(this.#buffer, address, length);
  }

  words(address: number, length: number): Uint32Array {
    return new Uint32Array(this.#buffer, address, length);
  }

  /** The leaves' node numbers. */
  get leaves(): Uint32Array {
    return this.leafList.subarray(0, this.leafCount[0]);
  }

  centroidAddress(node: number): number {
    return this.layout.centroids + node * this.shape.dim * 4;
  }

  sampleAddress(sample: number): number {
    return this.layout.sample + sample * this.shape.dim * 4;
  }
}
