// Ways to keep a vector in 8 bits a number, for the comparison with the one the service has.

import { loadVector, rowBytes, storeVector } from '../../src/contract/stored-vector.js';
import type { Matrix } from '../data/split.js';

type Keep = (vector: Float32Array) => Float32Array;

export function eightBitForms(base: Matrix): Record<string, Keep> {
  const shape = { dimension: base.dimension, precision: 'int8' } as const;
  const deviations = deviationsOf(base);
  const largest = largestOf(base);
  const asStored: Keep = (vector) => {
    const bytes = new Uint8Array(rowBytes(shape));
    storeVector(vector, 'int8', bytes, 0);
    return loadVector(bytes, shape);
  };
  return {
    'a scale for each vector': asStored,
    'a scale and an offset for each vector': withOffset,
    'a scale for each dimension': (vector) => perDimension(vector, largest),
    'a scale for each vector, after one for each dimension': (vector) =>
      asStored(vector.map((value, i) => value / (deviations[i] as number))).map(
        (value, i) => value * (deviations[i] as number),
      ),
  };
}

function withOffset(vector: Float32Array): Float32Array {
  const low = Math.min(...vector);
  const step = (Math.max(...vector) - low) / 255 || 1;
  return vector.map((value) => Math.round((value - low) / step) * step + low);
}

function perDimension(vector: Float32Array, largest: Float64Array): Float32Array {
  return vector.map((value, i) => {
    const step = (largest[i] as number) / 127 || 1;
    return Math.round(value / step) * step;
  });
}

function largestOf({ values, dimension }: Matrix): Float64Array {
  const largest = new Float64Array(dimension);
  for (let i = 0; i < values.length; i++) {
    const at = i % dimension;
    largest[at] = Math.max(largest[at] as number, Math.abs(values[i] as number));
  }
  return largest;
}

function deviationsOf({ values, dimension, count }: Matrix): Float64Array {
  const sums = new Float64Array(dimension);
  const squares = new Float64Array(dimension);
  for (let i = 0; i < values.length; i++) {
    const at = i % dimension;
    sums[at] = (sums[at] as number) + (values[i] as number);
    squares[at] = (squares[at] as number) + (values[i] as number) ** 2;
  }
  return squares.map((square, at) => Math.sqrt(square / count - ((sums[at] as number) / count) ** 2) || 1);
}
