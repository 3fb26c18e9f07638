// The vector column of an Arrow table: where each row's numbers lie, and what is wrong with them. Runs on an ingest worker.

import { type Column, isNull } from '../arrow/columns.js';
import { typeName } from '../arrow/type-name.js';
import { float32Values } from '../arrow/values.js';
import { ServiceError } from '../errors.js';
import type { PointShape } from './point-batch.js';
import { rowBytes, storeVector } from './stored-vector.js';
import { checkVector } from './vector.js';

const EXPECTED = 'fixed_size_list, list or large_list of float32, float64 or float16';

export class ArrowVectors {
  readonly #column: Column;
  readonly #child: Column;
  readonly #numbers: Float32Array;
  readonly #shape: PointShape;

  /** @throws validation_failed where the column's type holds no vectors, dimension_mismatch where its size is another */
  constructor(column: Column, shape: PointShape) {
    const { field, children } = column;
    const [child] = children;
    const isFloats = child?.field.type.kind === 'float' && child.dictionary === undefined;
    if (child === undefined || !isFloats || column.dictionary !== undefined) {
      throw refusal(field.name, `A vector column is a ${EXPECTED}, this one is a ${typeName(field)}`);
    }
    if (field.type.kind === 'fixed_size_list' && field.type.size !== shape.dimension) {
      const fields = { actual: field.type.size, expected: shape.dimension };
      const { message } = new ServiceError('dimension_mismatch', fields);
      throw new ServiceError('dimension_mismatch', fields, [{ path: field.name, message }]);
    }
    this.#column = column;
    this.#child = child;
    this.#numbers = float32Values(child);
    this.#shape = shape;
  }

  /**
   * Refuses a row without a vector that can be stored.
   * @throws validation_failed, dimension_mismatch, vector_not_finite, vector_out_of_range, zero_vector
   */
  check(row: number): void {
    if (isNull(this.#column, row)) throw refusal('', 'There is no vector in this row');
    const vector = this.#numbers.subarray(this.#startOf(row), this.#startOf(row + 1));
    checkVector(vector, this.#shape.dimension, this.#shape.metric);
    if (this.#child.validity !== null) this.#refuseNulls(row);
  }

  /**
   * The vectors of `rows`, which `check` has found good, in one piece as they are stored: a view where they are kept as
   * float32 and lie side by side.
   */
  pack(rows: readonly number[]): Uint8Array {
    const { dimension, precision } = this.#shape;
    const first = this.#startOf(rows[0] ?? 0);
    const end = this.#startOf((rows.at(-1) ?? -1) + 1);
    if (precision === 'float32' && end - first === rows.length * dimension) {
      const { buffer, byteOffset, byteLength } = this.#numbers.subarray(first, end);
      return new Uint8Array(buffer, byteOffset, byteLength);
    }
    const stride = rowBytes(this.#shape);
    const packed = new Uint8Array(rows.length * stride);
    for (const [index, row] of rows.entries()) {
      const start = this.#startOf(row);
      storeVector(this.#numbers.subarray(start, start + dimension), precision, packed, index * stride);
    }
    return packed;
  }

  #startOf(row: number): number {
    return this.#column.offsets?.[row] ?? row * this.#shape.dimension;
  }

  #refuseNulls(row: number): void {
    const start = this.#startOf(row);
    for (let index = 0; index < this.#shape.dimension; index += 1) {
      if (isNull(this.#child, start + index)) throw refusal('', `Number ${index} of the vector is null`);
    }
  }
}

function refusal(path: string, message: string): ServiceError {
  return new ServiceError('validation_failed', {}, [{ path, message }]);
}
