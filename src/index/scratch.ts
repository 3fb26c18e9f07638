// One worker thread's working area inside a generation's memory: the query, its tables and its buffers.

import type { Precision } from '../contract/index-settings.js';
import {
  BLOCK_FACTOR_BYTES,
  BLOCK_VECTORS,
  CANDIDATE_BYTES,
  LEAF_ENTRY_BYTES,
  OVERRUN_BYTES,
  quantizedQueryBytes,
  ROW_HEAD_BYTES_MAX,
} from '../kernels/layout.js';
import { CANDIDATES_MAX, K_MAX } from '../limits.js';
import { growMemory, wholeLines } from './allocate-memory.js';
import { CandidateBuffer } from './candidate-buffer.js';
import { CodeScratch, type QueryForms, queryForms, queryFormsBytes } from './code-scratch.js';
import type { Generation } from './generation.js';
import { LeafCounts, LiveCounts } from './leaf-counts.js';
import { MaskArea } from './mask-area.js';
import { codeDimension, type IndexSettings } from './settings.js';

/** Full vectors copied in at once, to be compared by one kernel call. */
export const BATCH_ROWS = 64;

/** Results kept beyond k, so that equal distances at the k-th place can be ordered by id. */
export const TIES_MAX = 64;

/** Factors of as many candidates as one code memory can bring. */
export const BROUGHT_FACTORS_BYTES = Math.ceil(CANDIDATES_MAX / BLOCK_VECTORS) * BLOCK_FACTOR_BYTES;

/** A search by id asks for one more, and leaves the point itself out. */
const NEAREST_CAPACITY = 2 * (K_MAX + 1 + TIES_MAX);

export class Scratch {
  readonly query: number;
  readonly queryVector: Float32Array;
  /** The query less the origin (for dot the query itself), rotated. */
  readonly rotated: number;
  readonly rotatedVector: Float32Array;
  /** `codeDimension` zeros: the centroid of codes that are relative to the origin alone. */
  readonly zeros: number;
  /** Its lookup tables, what `buildTables` reports of them, its sign code. */
  readonly forms: QueryForms;
  /** {blocks, count, firstPosition, tombstones, firstBit, constant, errorScale, leafNumbers} of the leaves to scan. */
  readonly leafEntries: number;
  readonly leafWords: Uint32Array;
  readonly leafFloats: Float32Array;
  /** A batch of stored vectors. */
  readonly rows: number;
  readonly rowBytes: Uint8Array;
  /** The query as `quantizeQuery` leaves it, for int8 rows. */
  readonly quantizedQuery: number;
  /** Positions of the vectors to read. */
  readonly positions: Uint32Array;
  readonly distances: number;
  readonly distanceValues: Float32Array;
  readonly nodes: CandidateBuffer;
  readonly candidates: CandidateBuffer;
  readonly nearest: CandidateBuffer;
  /** All vectors of each leaf, and the live ones. */
  readonly sizes: LeafCounts;
  readonly live: LiveCounts;
  /**
   * For pending rows: the constant of each leaf that the query reaches, infinite for others, and its error scale; see reached-
   * leaves.ts.
   */
  readonly ownConstants: number;
  readonly ownConstantValues: Float32Array;
  readonly ownErrors: number;
  readonly ownErrorValues: Float32Array;
  /** Leaves whose constant is not infinite. */
  readonly reached: number[] = [];
  /** The mask of the filter, in searches with one. */
  readonly mask: MaskArea;
  /** The areas in the generation's code memories, and where their candidates are brought to. */
  readonly codeAreas: readonly CodeScratch[];
  readonly broughtCandidates: number;
  /** Factors of those, as of blocks of 32; each code memory's own. */
  readonly broughtFactors: number;

  /** Bytes that one area adds to the memory of a generation of so many leaves, beside so many code memories. */
  static bytesFor(settings: IndexSettings, leaves: number, codeMemories: number): number {
    return sum(areaSizes(settings, entriesFor(leaves), codeMemories));
  }

  constructor(generation: Generation) {
    const { settings } = generation;
    const dim = codeDimension(settings.dimension);
    const entriesMax = entriesFor(generation.leaves);
    const sizes = areaSizes(settings, entriesMax, generation.codeMemories.length);
    let next = growMemory(generation.memory, sum(sizes));
    const take = (size: number): number => {
      const address = next;
      next += wholeLines(size);
      return address;
    };
    const { buffer } = generation.memory;
    this.query = take(sizes.query);
    this.queryVector = new Float32Array(buffer, this.query, settings.dimension);
    this.rotated = take(sizes.rotated);
    this.rotatedVector = new Float32Array(buffer, this.rotated, dim);
    this.zeros = take(sizes.zeros);
    this.forms = queryForms(buffer, take(sizes.forms), settings);
    this.leafEntries = take(sizes.leafEntries);
    this.leafWords = new Uint32Array(buffer, this.leafEntries, entriesMax * (LEAF_ENTRY_BYTES / 4));
    this.leafFloats = new Float32Array(buffer, this.leafEntries, entriesMax * (LEAF_ENTRY_BYTES / 4));
    this.rows = take(sizes.rows);
    this.rowBytes = new Uint8Array(buffer, this.rows, sizes.rows);
    this.quantizedQuery = take(sizes.quantizedQuery);
    this.positions = new Uint32Array(buffer, take(sizes.positions), CANDIDATES_MAX);
    this.distances = take(sizes.distances);
    this.distanceValues = new Float32Array(buffer, this.distances, entriesMax);
    this.nodes = new CandidateBuffer(buffer, take(sizes.nodes), 2 * entriesMax);
    this.candidates = new CandidateBuffer(buffer, take(sizes.candidates), 2 * CANDIDATES_MAX);
    this.nearest = new CandidateBuffer(buffer, take(sizes.nearest), NEAREST_CAPACITY);
    this.sizes = LeafCounts.ofSizes(generation, take(sizes.sizes));
    this.live = new LiveCounts(generation, take(sizes.live));
    this.ownConstants = take(sizes.ownConstants);
    this.ownConstantValues = new Float32Array(buffer, this.ownConstants, entriesMax + 1);
    this.ownConstantValues.fill(Number.POSITIVE_INFINITY);
    this.ownErrors = take(sizes.ownErrors);
    this.ownErrorValues = new Float32Array(buffer, this.ownErrors, entriesMax + 1);
    this.mask = new MaskArea(generation);
    this.codeAreas = generation.codeMemories.map((memory) => new CodeScratch(memory, settings));
    this.broughtCandidates = take(sizes.broughtCandidates);
    this.broughtFactors = take(sizes.broughtFactors);
  }

  /** Address of the query in the form that rows of this precision are compared with. */
  queryFor(precision: Precision): number {
    return precision === 'int8' ? this.quantizedQuery : this.query;
  }
}

/** Leaves, or nodes of a level, that are looked at together: no level has more nodes than there are leaves. */
function entriesFor(leaves: number): number {
  return Math.max(BATCH_ROWS, leaves);
}

function areaSizes(settings: IndexSettings, entriesMax: number, codeMemories: number) {
  const dim = codeDimension(settings.dimension);
  return {
    query: settings.dimension * 4,
    rotated: dim * 4,
    zeros: dim * 4,
    forms: queryFormsBytes(settings),
    leafEntries: entriesMax * LEAF_ENTRY_BYTES,
    rows: BATCH_ROWS * (settings.dimension * 4 + ROW_HEAD_BYTES_MAX) + OVERRUN_BYTES,
    quantizedQuery: quantizedQueryBytes(settings.dimension),
    positions: CANDIDATES_MAX * 4,
    // `expectHits` writes four at a time.
    distances: (entriesMax + 3) * 4,
    nodes: CandidateBuffer.bytesFor(2 * entriesMax),
    candidates: CandidateBuffer.bytesFor(2 * CANDIDATES_MAX),
    nearest: CandidateBuffer.bytesFor(NEAREST_CAPACITY),
    sizes: LeafCounts.bytesFor(entriesMax),
    live: LeafCounts.bytesFor(entriesMax),
    ownConstants: (entriesMax + 1) * 4,
    ownErrors: (entriesMax + 1) * 4,
    broughtCandidates: codeMemories > 0 ? CANDIDATES_MAX * CANDIDATE_BYTES : 0,
    broughtFactors: codeMemories * BROUGHT_FACTORS_BYTES,
  };
}

function sum(sizes: Record<string, number>): number {
  return Object.values(sizes).reduce((total, size) => total + wholeLines(size), 0);
}
