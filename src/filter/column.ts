// Numbers by row, in chunks that know their bounds so that a search passes over most of them. Runs on any thread.

export const CHUNK_ROWS = 4096;

/** Estimates: a chunk's objects and its place in the column; a row with several numbers; one of them after the first. */
const CHUNK_BYTES = CHUNK_ROWS * Float64Array.BYTES_PER_ELEMENT + 300;
const FURTHER_ROW_BYTES = 92;
const FURTHER_NUMBER_BYTES = 8;

/** All numbers of `CHUNK_ROWS` rows that follow each other. */
export interface Chunk {
  /** Its first row. */
  readonly start: number;
  /** The first number of each row, NaN where it has none. */
  readonly first: Float64Array;
  /** The numbers of rows with several of them, but for the first, by the row's place in the chunk. */
  readonly further: Map<number, readonly number[]>;
  /** Rows with a number. */
  count: number;
  /** Bounds of all numbers; wider than these while `isStale`. */
  min: number;
  max: number;
  isStale: boolean;
}

export class Column {
  readonly #chunks = new Map<number, Chunk>();
  #furtherRows = 0;
  #furtherNumbers = 0;

  /** RAM it holds, estimated. */
  get bytes(): number {
    return (
      this.#chunks.size * CHUNK_BYTES +
      this.#furtherRows * FURTHER_ROW_BYTES +
      this.#furtherNumbers * FURTHER_NUMBER_BYTES
    );
  }

  /** With exact bounds; in no order. */
  *chunks(): Iterable<Chunk> {
    for (const chunk of this.#chunks.values()) yield fresh(chunk);
  }

  /** The one that starts at this row, with exact bounds. */
  chunkAt(start: number): Chunk | undefined {
    const chunk = this.#chunks.get(start / CHUNK_ROWS);
    return chunk && fresh(chunk);
  }

  /** `numbers` has one at least, and no NaN; it replaces what the row had. */
  set(row: number, numbers: readonly number[]): void {
    const chunk = this.#chunkFor(row);
    const at = row % CHUNK_ROWS;
    const [first, ...further] = numbers;
    if (Number.isNaN(chunk.first[at])) chunk.count++;
    else chunk.isStale = true;
    chunk.first[at] = first as number;
    this.#setFurther(chunk, at, further);
    for (const number of numbers) {
      if (number < chunk.min) chunk.min = number;
      if (number > chunk.max) chunk.max = number;
    }
  }

  clear(row: number): void {
    const index = Math.floor(row / CHUNK_ROWS);
    const at = row % CHUNK_ROWS;
    const chunk = this.#chunks.get(index);
    if (chunk === undefined || Number.isNaN(chunk.first[at])) return;
    chunk.first[at] = Number.NaN;
    this.#setFurther(chunk, at, []);
    chunk.isStale = true;
    if (--chunk.count === 0) this.#chunks.delete(index);
  }

  #chunkFor(row: number): Chunk {
    const index = Math.floor(row / CHUNK_ROWS);
    let chunk = this.#chunks.get(index);
    if (chunk === undefined) {
      chunk = {
        start: index * CHUNK_ROWS,
        first: new Float64Array(CHUNK_ROWS).fill(Number.NaN),
        further: new Map(),
        count: 0,
        min: Number.POSITIVE_INFINITY,
        max: Number.NEGATIVE_INFINITY,
        isStale: false,
      };
      this.#chunks.set(index, chunk);
    }
    return chunk;
  }

  #setFurther({ further }: Chunk, at: number, numbers: readonly number[]): void {
    const before = further.get(at);
    if (before !== undefined) {
      further.delete(at);
      this.#furtherRows--;
      this.#furtherNumbers -= before.length;
    }
    if (numbers.length === 0) return;
    further.set(at, numbers);
    this.#furtherRows++;
    this.#furtherNumbers += numbers.length;
  }
}

/** Numbers that go do not narrow the bounds at once: that takes a pass over the chunk. */
function fresh(chunk: Chunk): Chunk {
  if (!chunk.isStale) return chunk;
  chunk.min = Number.POSITIVE_INFINITY;
  chunk.max = Number.NEGATIVE_INFINITY;
  for (const number of chunk.first) {
    // Neither holds for NaN.
    if (number < chunk.min) chunk.min = number;
    if (number > chunk.max) chunk.max = number;
  }
  for (const numbers of chunk.further.values()) {
    for (const number of numbers) {
      if (number < chunk.min) chunk.min = number;
      if (number > chunk.max) chunk.max = number;
    }
  }
  chunk.isStale = false;
  return chunk;
}
