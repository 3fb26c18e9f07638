// Reads a record batch of an Arrow stream into a batch the writer can store: vectors stay where the body has them.
// Runs on an ingest worker.

import {
  type Batch,
  type Column,
  type Dictionaries,
  isNull,
  readColumns,
  readDictionary,
} from '../arrow/columns.js';
import { type Field, readSchema } from '../arrow/schema.js';
import { typeName } from '../arrow/type-name.js';
import { integerReader, textReader } from '../arrow/values.js';
import { type Issue, ServiceError } from '../errors.js';
import { ERROR_ISSUES_MAX, PAYLOAD_BYTES_MAX, POINTS_PER_REQUEST_MAX } from '../limits.js';
import { ArrowPayloads, payloadTooLong } from './arrow-payloads.js';
import { ArrowVectors } from './arrow-vectors.js';
import { formatPath } from './issues.js';
import { PayloadWriter } from './payload-writer.js';
import { mergeRefusals, type PointBatch, type PointShape, vectorChecksums } from './point-batch.js';
import { idKey, idRefusal, type PointId } from './points.js';

export interface ArrowBatch {
  /** Metadata of the schema message. */
  schema: Uint8Array;
  dictionaries: (Batch & { id: number })[];
  records: Batch;
  /** Number of the batch's first row in the stream, from 0. */
  firstRow: number;
  idColumn: string;
  vectorColumn: string;
  /** skip: leave bad rows out. stop: refuse the batch. */
  onError: 'skip' | 'stop';
  /** All payloads of the batch as JSON: a dictionary makes much of little. */
  payloadBytesMax: number;
}

export interface ArrowPoints {
  batch: PointBatch;
  accepted: number;
  rejected: number;
  /** The first 16 of the rows left out. */
  errors: Issue[];
}

/**
 * The points of a record batch; with onError stop all of its rows are good.
 * @throws malformed_arrow, not_supported, validation_failed, dimension_mismatch; with stop also vector_not_finite,
 *   vector_out_of_range, zero_vector and duplicate_id; the issues tell the path of each bad row
 */
export function parseArrowPoints(arrow: ArrowBatch, shape: PointShape): ArrowPoints {
  const fields = readSchema(arrow.schema);
  const named = nameFields(fields, arrow);
  const dictionaries = readDictionaries(fields, arrow.dictionaries);
  const columns = readColumns(fields, arrow.records, dictionaries);
  const rowsCount = columns[0]?.length ?? 0;
  if (rowsCount > POINTS_PER_REQUEST_MAX) {
    throw refusal('', `A record batch has at most ${POINTS_PER_REQUEST_MAX} rows, this one has ${rowsCount}`);
  }
  const reader = new RowReader(
    columns[named.id] as Column,
    new ArrowVectors(columns[named.vector] as Column, shape),
    new ArrowPayloads(columns.filter((_, index) => index !== named.id && index !== named.vector)),
  );
  return reader.read(rowsCount, arrow);
}

/** Where id and vector stand. */
function nameFields(
  fields: readonly Field[],
  { idColumn, vectorColumn }: ArrowBatch,
): { id: number; vector: number } {
  const places = new Map<string, number>();
  for (const [index, { name }] of fields.entries()) {
    if (places.has(name)) throw refusal(name, 'Two columns have this name');
    places.set(name, index);
  }
  const [id, vector] = [idColumn, vectorColumn].map((name) => {
    const place = places.get(name);
    if (place === undefined) throw refusal(name, 'There is no column of this name');
    return place;
  }) as [number, number];
  return { id, vector };
}

function readDictionaries(fields: readonly Field[], batches: ArrowBatch['dictionaries']): Dictionaries {
  const owners = new Map<number, Field>();
  const pending = [...fields];
  for (let field = pending.pop(); field; field = pending.pop()) {
    if (field.dictionary !== undefined) owners.set(field.dictionary.id, field);
    pending.push(...field.children);
  }
  const dictionaries = new Map<number, Column>();
  for (const batch of batches) {
    const owner = owners.get(batch.id);
    if (owner !== undefined) dictionaries.set(batch.id, readDictionary(owner, batch, dictionaries));
  }
  return dictionaries;
}

class RowReader {
  readonly #idAt: (row: number) => PointId;
  readonly #vectors: ArrowVectors;
  readonly #payloads: ArrowPayloads;
  /** Good rows, in order. */
  readonly #rows: number[] = [];
  readonly #ids: PointId[] = [];
  readonly #written = new PayloadWriter();
  readonly #seen = new Map<string, number>();

  constructor(ids: Column, vectors: ArrowVectors, payloads: ArrowPayloads) {
    this.#idAt = idReader(ids);
    this.#vectors = vectors;
    this.#payloads = payloads;
  }

  read(rowsCount: number, { firstRow, onError, payloadBytesMax }: ArrowBatch): ArrowPoints {
    const refusals: ServiceError[] = [];
    let rejected = 0;
    for (let row = 0; row < rowsCount; row += 1) {
      try {
        this.#add(row, firstRow);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        rejected += 1;
        if (refusals.length < ERROR_ISSUES_MAX) refusals.push(error);
        else if (onError === 'stop') break;
      }
      if (this.#written.byteLength > payloadBytesMax) {
        throw refusal(
          '',
          `The payloads of a record batch have more than ${payloadBytesMax} bytes as JSON; write smaller ones`,
        );
      }
    }
    if (onError === 'stop' && rejected > 0) throw mergeRefusals(refusals);
    const errors = refusals.flatMap(({ issues }) => issues.slice(0, 1));
    return { batch: this.#finish(), accepted: this.#rows.length, rejected, errors };
  }

  /** @throws with the path of the row in the stream; nothing is added then */
  #add(row: number, firstRow: number): void {
    let part = 'id';
    try {
      const id = this.#newId(row, firstRow);
      part = 'vector';
      this.#vectors.check(row);
      part = 'payload';
      const payload = this.#payloads.textAt(row);
      if (this.#written.add(payload) > PAYLOAD_BYTES_MAX) {
        this.#written.drop();
        throw refusal('', payloadTooLong());
      }
      this.#seen.set(idKey(id), row);
      this.#ids.push(id);
      this.#rows.push(row);
    } catch (error) {
      throw isRefusal(error) ? refusalAt(error, ['rows', firstRow + row, part]) : error;
    }
  }

  #newId(row: number, firstRow: number): PointId {
    const id = this.#idAt(row);
    const key = idKey(id);
    const before = this.#seen.get(key);
    if (before === undefined) return id;
    const [first, second] = [before, row].map((place) => formatPath(['rows', firstRow + place])) as [
      string,
      string,
    ];
    throw new ServiceError('duplicate_id', { id: key, first, second });
  }

  #finish(): PointBatch {
    const vectors = this.#vectors.pack(this.#rows);
    return {
      count: this.#rows.length,
      ids: this.#ids,
      vectors,
      checksums: vectorChecksums(vectors, this.#rows.length),
      payloads: this.#written.finish(),
    };
  }
}

/** @throws validation_failed where the column's type holds no ids */
function idReader(column: Column): (row: number) => PointId {
  const { field, dictionary } = column;
  const read = dictionary === undefined ? plainIdReader(column) : dictionaryIdReader(column, dictionary);
  if (read === undefined) {
    throw refusal(field.name, `An id column holds integers or utf8, this one is a ${typeName(field)}`);
  }
  return (row) => {
    const id = isNull(column, row) ? null : read(row);
    const message = idRefusal(id);
    if (message !== undefined) throw refusal('', message);
    return id as PointId;
  };
}

function plainIdReader(column: Column): ((row: number) => PointId) | undefined {
  const { kind } = column.field.type;
  if (kind === 'int') return integerReader(column);
  if (kind !== 'utf8' && kind !== 'utf8_view') return undefined;
  const read = textReader(column);
  return (row) => {
    const { buffer, byteOffset, length } = read(row);
    return Buffer.from(buffer, byteOffset, length).toString();
  };
}

function dictionaryIdReader(
  column: Column,
  dictionary: Column,
): ((row: number) => PointId | null) | undefined {
  const read = plainIdReader(dictionary);
  if (read === undefined) return undefined;
  const indexOf = integerReader(column);
  return (row) => {
    const index = indexOf(row);
    const isThere = index >= 0 && index < dictionary.length && !isNull(dictionary, index);
    return isThere ? read(index) : null;
  };
}

/** Of a value, in contrast to a stream that makes no sense from here on. */
function isRefusal(error: unknown): error is ServiceError {
  return error instanceof ServiceError && error.code !== 'malformed_arrow';
}

function refusalAt({ code, fields, issues, message }: ServiceError, path: PropertyKey[]): ServiceError {
  const issue = issues[0] ?? { path: '', message };
  const place = formatPath(issue.path === '' ? path : [...path, issue.path]);
  return new ServiceError(code, fields, [{ path: place, message: issue.message }]);
}

function refusal(path: string, message: string): ServiceError {
  return new ServiceError('validation_failed', {}, [{ path, message }]);
}
