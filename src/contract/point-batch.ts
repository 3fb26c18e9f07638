// Reads bodies of points into batches the writer can store as they are. Runs on the main thread for small bodies,
// else on an ingest worker.

import { crc32c } from '@node-rs/crc32';
import { type Issue, ServiceError } from '../errors.js';
import { ERROR_ISSUES_MAX } from '../limits.js';
import type { Metric, Precision } from './index-settings.js';
import { formatPath, parseWith } from './issues.js';
import { parseJson } from './json.js';
import { encodePayload } from './payload.js';
import { type PayloadColumn, packPayloads } from './payload-column.js';
import { idKey, type PointId, pointInput, upsertShell } from './points.js';
import { rowBytes, storeVector } from './stored-vector.js';
import { checkLength, decodeVector } from './vector.js';

/** What a collection takes. */
export interface PointShape {
  dimension: number;
  metric: Metric;
  precision: Precision;
}

/** Points as columns, each on a buffer of its own, which another thread can take over; ids are unique. */
export interface PointBatch {
  count: number;
  ids: PointId[];
  /** One behind the other, as they are stored: see stored-vector.ts. */
  vectors: Uint8Array;
  /** crc32c of each vector's stored bytes. */
  checksums: Uint32Array;
  payloads: PayloadColumn;
}

/**
 * The batch in a `{"points": [...]}` body; all of it is good.
 * @throws malformed_json, validation_failed, dimension_mismatch, vector_not_finite, vector_out_of_range, zero_vector,
 *   duplicate_id; the issues tell the path of each bad point
 */
export function parsePoints(body: Uint8Array, shape: PointShape): PointBatch {
  const { points } = parseWith(upsertShell, parseJson(body));
  const builder = new BatchBuilder(shape, points.length, body.length);
  const refusals: ServiceError[] = [];
  const seen = new Map<string, number>();
  for (const [index, point] of points.entries()) {
    try {
      const id = builder.add(point, ['points', index]);
      refuseDuplicate(seen, id, index);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      refusals.push(error);
      if (refusals.length >= ERROR_ISSUES_MAX) break;
    }
  }
  if (refusals.length > 0) throw mergeRefusals(refusals);
  return builder.finish();
}

function refuseDuplicate(seen: Map<string, number>, id: PointId, index: number): void {
  const key = idKey(id);
  const firstIndex = seen.get(key);
  if (firstIndex === undefined) {
    seen.set(key, index);
    return;
  }
  const [first, second] = [`points[${firstIndex}]`, `points[${index}]`];
  const fields = { id: key, first, second };
  const { message } = new ServiceError('duplicate_id', fields);
  throw new ServiceError('duplicate_id', fields, [{ path: `${second}.id`, message }]);
}

/** One error for all bad points: their common code, or validation_failed where they differ. */
export function mergeRefusals(refusals: ServiceError[]): ServiceError {
  const first = refusals[0] as ServiceError;
  const issues: Issue[] = refusals.flatMap((refusal) => refusal.issues).slice(0, ERROR_ISSUES_MAX);
  const alike = refusals.every((refusal) => refusal.code === first.code);
  return alike
    ? new ServiceError(first.code, first.fields, issues)
    : new ServiceError('validation_failed', {}, issues);
}

/** Collects points into columns. */
export class BatchBuilder {
  readonly #shape: PointShape;
  readonly #vectors: Uint8Array;
  readonly #rowBytes: number;
  /** A bad vector must not spoil the row of the good one it would have replaced. */
  readonly #scratch: Float32Array;
  readonly #ids: PointId[] = [];
  readonly #payloads: (Uint8Array | null)[] = [];

  /** A number of a vector takes at least 2 bytes of text, which bounds the rows better than a count of points does. */
  constructor(shape: PointShape, pointsMax: number, textBytes: number) {
    const rowsMax = Math.min(pointsMax, Math.floor(textBytes / (2 * shape.dimension)) + 1);
    this.#shape = shape;
    this.#rowBytes = rowBytes(shape);
    this.#vectors = new Uint8Array(rowsMax * this.#rowBytes);
    this.#scratch = new Float32Array(shape.dimension);
  }

  get count(): number {
    return this.#ids.length;
  }

  /**
   * Adds a point, or replaces the row that `rowOf` knows for its id.
   * @throws what is wrong with it, with paths that start with `at`; nothing is added then
   */
  add(value: unknown, at: readonly PropertyKey[], rowOf?: (id: PointId) => number | undefined): PointId {
    const point = parseWith(pointInput, value, at);
    const payload = point.payload === undefined ? null : encodePayload(point.payload);
    if (payload !== null && 'refused' in payload) {
      throw new ServiceError('validation_failed', {}, [
        { path: formatPath([...at, 'payload']), message: payload.refused },
      ]);
    }
    const row = rowOf?.(point.id) ?? this.count;
    const vector = this.#checkedVector(point.vector, [...at, 'vector']);
    storeVector(vector, this.#shape.precision, this.#vectors, row * this.#rowBytes);
    this.#ids[row] = point.id;
    this.#payloads[row] = payload;
    return point.id;
  }

  finish(): PointBatch {
    const bytes = this.count * this.#rowBytes;
    const vectors = bytes === this.#vectors.length ? this.#vectors : this.#vectors.slice(0, bytes);
    const checksums = vectorChecksums(vectors, this.count);
    const payloads = packPayloads(this.#payloads);
    return { count: this.count, ids: this.#ids, vectors, checksums, payloads };
  }

  #checkedVector(value: number[] | string, at: readonly PropertyKey[]): Float32Array {
    try {
      decodeVector(value, this.#scratch);
      checkLength(this.#scratch, this.#shape.metric);
      return this.#scratch;
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      const message = error.issues[0]?.message ?? error.message;
      throw new ServiceError(error.code, error.fields, [{ path: formatPath(at), message }]);
    }
  }
}

/** The checksums kept with `count` stored vectors. */
export function vectorChecksums(vectors: Uint8Array, count: number): Uint32Array {
  const stride = vectors.length / count;
  return Uint32Array.from({ length: count }, (_, i) =>
    crc32c(vectors.subarray(i * stride, (i + 1) * stride)),
  );
}
