// Indexes built in this thread from vectors in memory, and what is true of them by brute force.

import type { Precision } from '../../src/contract/index-settings.js';
import { loadVector, rowBytes, storeVector } from '../../src/contract/stored-vector.js';
import { type ArenaShape, allocateArena, arenaShape } from '../../src/index/build/arena.js';
import { ArenaViews } from '../../src/index/build/arena-views.js';
import { layoutCounts } from '../../src/index/build/blueprint.js';
import { BuildThread } from '../../src/index/build/build-thread.js';
import { Clustering } from '../../src/index/build/cluster.js';
import { BuildControl } from '../../src/index/build/control.js';
import { LeafEncoder, type SlotWriter } from '../../src/index/build/encode-leaves.js';
import { Team } from '../../src/index/build/team.js';
import { writeTree } from '../../src/index/build/write-tree.js';
import { calibrate } from '../../src/index/calibrate/calibrate.js';
import { CalibrationSampler } from '../../src/index/calibrate/sampler.js';
import { allocateSamples, type SampleShape, sampleShape } from '../../src/index/calibrate/samples.js';
import type { Calibration } from '../../src/index/calibration.js';
import { encodePending } from '../../src/index/encode-pending.js';
import { Generation } from '../../src/index/generation.js';
import { CHUNK_LEAVES_OFFSET, PENDING_CHUNK_ROWS } from '../../src/index/memory-layout.js';
import { nextStep, withStepBefore } from '../../src/index/next-step.js';
import type { SearchShape } from '../../src/index/plan.js';
import type { Answer, PositionReader, Query, QueryPart, SearchWay } from '../../src/index/query.js';
import { seededRandom } from '../../src/index/random.js';
import { Scratch } from '../../src/index/scratch.js';
import { Searcher } from '../../src/index/search.js';
import { completeSettings, type IndexSettings, type Metric } from '../../src/index/settings.js';
import { instantiateKernels, type Kernels } from '../../src/kernels/kernels.js';

export type Given = Partial<IndexSettings> & Pick<IndexSettings, 'dimension' | 'metric'>;

/** Vectors around `clusterCount` centres, as embeddings lie; norms differ, so that the metrics disagree. */
export function clustered(count: number, dimension: number, seed: number, clusterCount = 20): Float32Array[] {
  const random = seededRandom(seed);
  const normal = (): number => random() + random() + random() + random() - 2;
  const centres = Array.from({ length: clusterCount }, () =>
    Float32Array.from({ length: dimension }, normal),
  );
  return Array.from({ length: count }, (_, i) => {
    const centre = centres[i % clusterCount] as Float32Array;
    const length = 0.5 + random();
    return centre.map((value) => length * (value + 0.5 * normal()));
  });
}

/** Internal distances in float64: what the kernels are checked against. */
export function distanceOf(metric: Metric, a: Float32Array, b: Float32Array): number {
  let [product, squared, normA, normB] = [0, 0, 0, 0];
  a.forEach((x, i) => {
    const y = b[i] as number;
    product += x * y;
    squared += (x - y) ** 2;
    normA += x * x;
    normB += y * y;
  });
  if (metric === 'l2') return squared;
  if (metric === 'dot') return -product;
  return 2 - (2 * product) / Math.sqrt(normA * normB);
}

/** The k nearest by brute force; `isLive` leaves out deleted ones. */
export function nearestOf(
  metric: Metric,
  vectors: Float32Array[],
  query: Float32Array,
  k: number,
  isLive: (row: number) => boolean = () => true,
): { row: number; distance: number }[] {
  return vectors
    .map((vector, row) => ({ row, distance: distanceOf(metric, vector, query) }))
    .filter(({ row }) => isLive(row))
    .sort((a, b) => a.distance - b.distance || a.row - b.row)
    .slice(0, k);
}

/** The leaves that the codes of pending rows belong to. */
export function leafNumbers(generation: Generation): number[] {
  return Array.from({ length: generation.pendingCount }, (_, row) => {
    const chunk = generation.chunkAddress(Math.floor(row / PENDING_CHUNK_ROWS));
    const numbers = generation.words(chunk + CHUNK_LEAVES_OFFSET, PENDING_CHUNK_ROWS);
    return numbers[row % PENDING_CHUNK_ROWS] as number;
  });
}

/** A generation over `vectors`, of which the first `indexed` are in leaves and the others pending. */
export class TestIndex {
  readonly generation: Generation;
  readonly settings: IndexSettings;
  readonly kernels: Kernels;
  readonly reader: PositionReader;
  readonly scratch: Scratch;
  readonly #vectors: Float32Array[];
  readonly #searcher: Searcher;

  /** What is searched are the vectors as `precision` keeps them. */
  constructor(
    given: Float32Array[],
    settings: Given,
    indexed = given.length,
    precision: Precision = 'float32',
    memoryBytesMax?: number,
  ) {
    this.settings = completeSettings(settings);
    const vectors = given.map((vector) => kept(vector, precision));
    this.#vectors = vectors;
    this.generation =
      indexed === 0
        ? Generation.empty(this.settings)
        : build(vectors.slice(0, indexed), this.settings, {}, () => {}, precision, memoryBytesMax);
    this.kernels = instantiateKernels(this.generation.memory);
    this.reader = readerOf((position) => this.vectorAt(position), precision);
    this.generation.publishPending(vectors.length - indexed);
    this.scratch = new Scratch(this.generation);
    this.#searcher = new Searcher(this.generation, this.kernels, this.reader, this.scratch);
  }

  vectorAt(position: number): Float32Array {
    return this.#vectors[this.generation.rowOf(position)] as Float32Array;
  }

  positionOf(row: number): number {
    const slot = this.generation.slotRows.indexOf(row);
    return slot >= 0 ? slot : this.generation.slots + row - this.generation.rowBase;
  }

  /** Encodes pending rows until `left` or fewer have no codes. */
  encode(left = 0): void {
    while (this.generation.pendingCount - this.generation.encodedCount > left) {
      encodePending(this.generation, this.kernels, this.reader, this.scratch);
    }
  }

  /** As if another thread encoded all pending rows just before a search looks for the n-th time how many of them have codes. */
  encodeAtLook(n: number): void {
    const { generation, reader } = this;
    const kernels = instantiateKernels(generation.memory);
    const scratch = new Scratch(generation);
    let looks = 0;
    Object.defineProperty(generation, 'encodedCount', {
      configurable: true,
      get: () => {
        if (++looks < n) return 0;
        Reflect.deleteProperty(generation, 'encodedCount');
        while (encodePending(generation, kernels, reader, scratch) > 0);
        return generation.encodedCount;
      },
    });
  }

  /** What is searched, as plans take it. */
  get shape(): SearchShape {
    const { settings, generation } = this;
    const { leaves, slots } = generation;
    const { precision } = this.reader;
    return { settings, leaves, slots, rowBytes: rowBytes({ dimension: settings.dimension, precision }) };
  }

  /** One step of a search. */
  search(query: Partial<Query> & { vector: Float32Array }, part?: QueryPart): Answer {
    return this.#searcher.search(this.#complete(query), part);
  }

  /** The last answer of a search and of what has to follow it, as the engine asks; `ways`: how each step went. */
  find(query: Partial<Query> & { vector: Float32Array }): Answer & { ways: SearchWay[] } {
    const ways: SearchWay[] = [];
    let before: Answer | undefined;
    for (let step = this.#complete(query); ; ) {
      const alone = this.#searcher.search(step);
      const answer = before === undefined ? alone : withStepBefore(before, alone, step);
      before = answer;
      ways.push(answer.stats.searchWay);
      const { slots, pendingCount, deaths } = this.generation;
      const findable = answer.stats.matches ?? slots + pendingCount - deaths;
      const next = nextStep(this.shape, step, answer, findable);
      if (next === undefined) return { ...answer, ways };
      step = next;
    }
  }

  #complete(query: Partial<Query> & { vector: Float32Array }): Query {
    return { k: 10, probes: this.generation.leaves, rerankFactor: 50, exact: false, ...query };
  }

  /** Measures every query of the shape, as the threads of a build do. */
  samples(): { shape: SampleShape; buffer: SharedArrayBuffer } {
    const shape = sampleShape(this.generation.slots, this.generation.leaves);
    const buffer = allocateSamples(shape);
    const sampler = new CalibrationSampler(this.generation, this.kernels, this.reader);
    for (let i = 0; i < shape.queries; i++) sampler.sample(i, shape, buffer);
    return { shape, buffer };
  }

  calibrate(): Calibration {
    const { shape, buffer } = this.samples();
    return calibrate(this.generation, shape, buffer);
  }

  /** Mean share of the k nearest, of the kept vectors unless told, among the k found in all steps of a search. */
  recall(
    queries: Float32Array[],
    query: Omit<Partial<Query>, 'vector'> & { k: number },
    among = this.#vectors,
  ): number {
    let hits = 0;
    for (const vector of queries) {
      const truth = new Set(nearestOf(this.settings.metric, among, vector, query.k).map(({ row }) => row));
      const { rows } = this.find({ ...query, vector });
      for (const row of rows.subarray(0, query.k)) if (truth.has(row)) hits++;
    }
    return hits / (queries.length * query.k);
  }
}

/** The vectors one behind the other, as files hold them. */
export function storedRows(vectors: Float32Array[], precision: Precision): Uint8Array {
  const stride = rowBytes({ dimension: vectors[0]?.length ?? 0, precision });
  const rows = new Uint8Array(vectors.length * stride);
  vectors.forEach((vector, i) => {
    storeVector(vector, precision, rows, i * stride);
  });
  return rows;
}

/** What is left of a vector once it is stored. */
export function kept(vector: Float32Array, precision: Precision): Float32Array {
  return loadVector(storedRows([vector], precision), { dimension: vector.length, precision });
}

function readerOf(vectorAt: (position: number) => Float32Array, precision: Precision): PositionReader {
  const copyInto = (position: number, target: Uint8Array, offset: number) =>
    storeVector(vectorAt(position), precision, target, offset);
  const copyAll = (positions: number[], target: Uint8Array) => {
    for (const [i, position] of positions.entries()) {
      const vector = vectorAt(position);
      storeVector(vector, precision, target, i * rowBytes({ dimension: vector.length, precision }));
    }
  };
  return {
    precision,
    pendingEnd: Number.POSITIVE_INFINITY,
    copyInto,
    copyRange: (first, count, target) =>
      copyAll(
        Array.from({ length: count }, (_, i) => first + i),
        target,
      ),
    copyListed: (positions, { target, batchRows, take }) => {
      for (let first = 0; first < positions.length; first += batchRows) {
        const batch = [...positions.subarray(first, first + batchRows)];
        copyAll(batch, target);
        take(first, batch.length);
      }
    },
  };
}

/** The whole build on this thread, which takes the places of all threads of `change` in turn, one job each. */
export function build(
  vectors: Float32Array[],
  settings: IndexSettings,
  change: Partial<ArenaShape> = {},
  write: SlotWriter = () => {},
  precision: Precision = 'float32',
  memoryBytesMax?: number,
): Generation {
  const positions = new SharedArrayBuffer(vectors.length * 4);
  new Uint32Array(positions).forEach((_, i, all) => {
    all[i] = i;
  });
  const shape = { ...arenaShape(settings, vectors.length, 1), ...change };
  const arena = allocateArena(shape);
  const views = new ArenaViews(arena, shape, positions);
  const control = new BuildControl();
  const reader = readerOf((position) => vectors[position] as Float32Array, precision);
  const threads = Array.from(
    { length: shape.threads },
    (_, i) => new BuildThread(arena, views, i, settings, reader, control),
  );
  const team = new Team(control, (kind, job) => threads[job % shape.threads]?.run(kind, job));
  const blueprint = new Clustering(views, team, settings, control).run();

  const generation = Generation.allocate(
    settings,
    layoutCounts(blueprint, settings, memoryBytesMax),
    vectors.length,
  );
  const kernels = instantiateKernels(generation.memory);
  writeTree(generation, kernels, views, blueprint);
  const source = Generation.empty(settings);
  new LeafEncoder(generation, source, kernels, views, reader, write).encode(0, generation.leaves);
  return generation;
}
