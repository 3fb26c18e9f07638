// What each kernel must compute, in plain loops over float64.

export type Vector = ArrayLike<number>;

export function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** 2 - 2cos is the squared distance of both at unit length, which loses nothing where they are close. */
export function distance(query: Vector, row: Vector, metric: number): number {
  if (metric === 2) return -dot(query, row);
  if (metric === 1) {
    const [length, rowLength] = [Math.sqrt(dot(query, query)), Math.sqrt(dot(row, row))];
    if (length === 0 || rowLength === 0) return 2;
    return squaredDistance(
      Array.from(query, (value) => value / length),
      Array.from(row, (value) => value / rowLength),
    );
  }
  return squaredDistance(query, row);
}

function squaredDistance(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  return sum;
}

export function rotate(vector: Vector, signs: ArrayLike<number>): number[] {
  const dim = vector.length;
  const length = 2 ** Math.floor(Math.log2(dim));
  const values = Array.from(vector);
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < dim; i++) if (signs[round * dim + i] !== 0) values[i] = -(values[i] as number);
    hadamard(values, round % 2 === 0 ? 0 : dim - length, length);
    if (length !== dim) {
      for (let i = 0; i < dim / 2; i++) {
        const x = values[i] as number;
        const y = values[i + dim / 2] as number;
        values[i] = x + y;
        values[i + dim / 2] = x - y;
      }
    }
  }
  return length === dim ? values : values.map((value) => value / 4);
}

function hadamard(values: number[], start: number, length: number): void {
  for (let step = 1; step < length; step *= 2) {
    for (let i = 0; i < length; i++) {
      if ((i & step) !== 0) continue;
      const x = values[start + i] as number;
      const y = values[start + i + step] as number;
      values[start + i] = x + y;
      values[start + i + step] = x - y;
    }
  }
  for (let i = 0; i < length; i++) values[start + i] = (values[start + i] as number) / Math.sqrt(length);
}

/** Where in a block the nibble of a lane stands: byte of the group and shift. */
export function nibblePlace(lane: number): { byte: number; shift: number } {
  const permutation = [0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15];
  return { byte: permutation.indexOf(lane % 16), shift: lane < 16 ? 0 : 4 };
}

/** The code values of one lane of a block. */
export function readCode(block: Uint8Array, dim: number, bits: number, lane: number): number[] {
  const { byte, shift } = nibblePlace(lane);
  const values = new Array<number>(dim).fill(0);
  for (let plane = 0; plane < bits; plane++) {
    for (let i = 0; i < dim; i++) {
      const group = plane * (dim / 4) + Math.floor(i / 4);
      const bit = ((block[group * 16 + byte] as number) >> (shift + (i % 4))) & 1;
      values[i] = (values[i] as number) * 2 + bit;
    }
  }
  return values;
}

/** Sum of the looked-up table bytes of one lane of a block, each plane weighing half the one before. */
export function lookUpSum(
  tables: Uint8Array,
  block: Uint8Array,
  { dim, bits }: { dim: number; bits: number },
  lane: number,
): number {
  const { byte, shift } = nibblePlace(lane);
  const groups = dim / 4;
  let sum = 0;
  for (let plane = 0; plane < bits; plane++) {
    for (let group = 0; group < groups; group++) {
      const nibble = ((block[(plane * groups + group) * 16 + byte] as number) >> shift) & 15;
      sum += 2 ** (bits - 1 - plane) * (tables[group * 16 + nibble] as number);
    }
  }
  return sum;
}

/** The float whose upper half is given. */
export function floatOfHalf(half: number): number {
  return new Float32Array(Uint32Array.of(half << 16).buffer)[0] as number;
}

/** The upper half of a float, cut off. */
export function halfOfFloat(value: number): number {
  return (new Uint32Array(Float32Array.of(value).buffer)[0] as number) >>> 16;
}

export interface Factors {
  add: number;
  rescale: number;
  error: number;
}

/** The factors of RaBitQ for a residual and the code values it got. */
export function factors(
  residual: Vector,
  centroid: Vector,
  code: number[],
  options: { bits: number; metric: number; usedDim: number },
): Factors {
  const xbar = code.map((value) => value - (2 ** options.bits - 1) / 2);
  const squared = dot(residual, residual);
  const product = dot(residual, xbar);
  if (!(product > 0)) return { add: 0, rescale: 0, error: 0 };
  const spread = Math.max(0, (squared * dot(xbar, xbar)) / product ** 2 - 1);
  const width = 1.9 * Math.sqrt(squared) * Math.sqrt(spread / Math.max(1, options.usedDim - 1));
  if (options.metric === 2) return { add: 0, rescale: -squared / product, error: width };
  const shift = (squared * dot(centroid, xbar)) / product;
  return { add: squared + 2 * shift, rescale: (-2 * squared) / product, error: 2 * width };
}

/** The greatest cosine of a residual and any code on a scale, by trying every scale at which a code changes. */
export function bestCosine(residual: Vector, bits: number): number {
  const top = 2 ** (bits - 1) - 1;
  const magnitudes = Array.from(residual, Math.abs);
  const scales = magnitudes.flatMap((m) =>
    m === 0 ? [] : Array.from({ length: top }, (_, level) => ((level + 1) * (1 + 1e-9)) / m),
  );
  let best = 0;
  for (const scale of [1e-30, ...scales]) {
    const levels = magnitudes.map((m) => Math.min(Math.floor(m * scale), top) + 0.5);
    best = Math.max(best, dot(magnitudes, levels) / Math.sqrt(dot(levels, levels)));
  }
  return best / Math.sqrt(dot(magnitudes, magnitudes));
}

export function nearest(
  point: Vector,
  centroids: Vector[],
  list: ArrayLike<number>,
): { nearest: number; best: number } {
  let found = { nearest: list[0] as number, best: Number.POSITIVE_INFINITY };
  for (const number of Array.from(list)) {
    const centroid = centroids[number] as Vector;
    const value = dot(centroid, centroid) - 2 * dot(point, centroid);
    if (value < found.best) found = { nearest: number, best: value };
  }
  return found;
}

/** Set bits of the difference of two codes. */
export function hamming(a: Uint8Array, b: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < a.length; i++) {
    for (let bits = (a[i] as number) ^ (b[i] as number); bits !== 0; bits &= bits - 1) count++;
  }
  return count;
}
