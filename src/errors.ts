// Every error a caller can meet: one table of codes, each with its message. Runs on any thread.

/** What went wrong in one place of a request: `path` names the field, the line or the item. */
export interface Issue {
  path: string;
  message: string;
}

type Fields = Record<string, string | number>;

const MESSAGES = {
  validation_failed: () => 'The request does not fit the schema; `errors` says where.',
  malformed_json: (f) => `The body is not valid JSON: ${f.reason}.`,
  malformed_ndjson: (f) =>
    `${f.count} line(s) are not valid points; ${f.stored} point(s) before them are stored.`,
  malformed_arrow: (f) => `The body is not a valid Arrow IPC stream: ${f.reason}.`,
  malformed_request: (f) => `The request cannot be read: ${f.reason}.`,
  unsupported_media_type: (f) => `Content type ${f.type} is not accepted here; send ${f.accepted}.`,
  body_too_large: (f) => `The body is larger than ${f.bytesMax} bytes; send less at a time, or NDJSON.`,
  body_timeout: (f) =>
    `The body, or the next piece of a stream, did not come within ${f.timeoutMs} ms; send it faster, or less at a time.`,
  dimension_mismatch: (f) =>
    `The vector has ${f.actual} numbers, the collection's dimension is ${f.expected}.`,
  vector_not_finite: (f) => `Number ${f.index} of the vector is NaN or infinite.`,
  zero_vector: () => 'A zero vector has no direction; the cosine metric cannot use it.',
  vector_out_of_range: (f) =>
    `The squares of the vector's numbers add up to ${f.squaredNorm}, and float32 arithmetic needs ${f.bound} ${f.limit}.`,
  cursor_invalid: () => 'The cursor is none that this call gave out; begin without one.',
  duplicate_id: (f) => `Id ${f.id} stands in the batch twice, at ${f.first} and ${f.second}.`,
  reply_too_large: (f) =>
    `The payloads and vectors of the answer have more than ${f.bytesMax} bytes; ask for fewer points, or for less of each.`,
  not_supported: (f) => `${f.what} is not supported by this version.`,
  collection_not_found: (f) => `There is no collection named ${f.name}.`,
  collection_exists: (f) => `A collection named ${f.name} exists already.`,
  collection_unavailable: (f) => `Collection ${f.name} cannot be served: ${f.reason}.`,
  payload_index_not_found: (f) => `There is no payload index on key ${f.key}.`,
  too_many_indexes: (f) => `A collection has at most ${f.max} payload indexes; drop one first.`,
  point_not_found: (f) => `There is no point with id ${f.id}.`,
  route_not_found: (f) => `There is no ${f.method} ${f.path}.`,
  method_not_allowed: (f) => `${f.path} takes ${f.allowed}, not ${f.method}.`,
  build_running: (f) => `A build of ${f.name} is ${f.state}; wait for it, or cancel it first.`,
  build_not_found: (f) => `${f.name} has no build to show; start one with POST .../build.`,
  build_failed: (f) => `The build failed: ${f.reason}`,
  build_canceled: () => 'The build was canceled.',
  collection_empty: (f) => `${f.name} has no points to build an index from.`,
  storage_unchanged: (f) => `The vectors of ${f.name} are in ${f.backend} already.`,
  collection_full: (f) => `${f.name} has used up its ${f.rowsMax} row numbers.`,
  memory_full: (f) =>
    `This needs ${f.needed} bytes of RAM, and ${f.used} of the ${f.limit} bytes that may be used are taken.`,
  unauthorized: () => 'Send a valid API key: `Authorization: Bearer KEY`.',
  forbidden: (f) => `This needs a key with scope ${f.scope}.`,
  too_many_requests: (f) => `Too much waits already (${f.what}); try again in a second.`,
  overloaded: () => 'The service has more searches waiting than it can answer soon; try again in a second.',
  not_ready: (f) => `Still loading ${f.collections}; try again in a second.`,
  shutting_down: () => 'The service is stopping; try another instance or again later.',
  timeout: (f) => `The request took longer than ${f.timeoutMs} ms.`,
  disk_full: (f) =>
    `Only ${f.free} bytes are free on the disk, less than the ${f.reserve} kept in reserve; delete something.`,
  writes_stopped: (f) =>
    `Writes to this collection are stopped since the disk failed: ${f.reason}. Restart after mending it.`,
  storage_corrupt: (f) => `${f.path} is damaged: ${f.reason}.`,
  data_directory_in_use: (f) =>
    `${f.path} is in use by process ${f.pid}; stop that one, or set DATA_DIR to another directory.`,
  configuration_invalid: (f) => `${f.name}: ${f.reason}.`,
  internal: () => 'Something failed inside the service; the log has the details under this request id.',
} satisfies Record<string, (fields: Fields) => string>;

/** Stable, part of the API: clients branch on it. */
export type ErrorCode = keyof typeof MESSAGES;

export const ERROR_CODES = Object.keys(MESSAGES) as ErrorCode[];

/** A ServiceError as plain data: an Error that crosses a thread loses its class and fields. */
export interface ErrorData {
  code: ErrorCode;
  fields: Fields;
  issues: Issue[];
}

/** Their messages are for the operator: they name files. */
const OPERATOR_CODES: ReadonlySet<ErrorCode> = new Set([
  'storage_corrupt',
  'data_directory_in_use',
  'configuration_invalid',
]);

/** An expected failure: the caller can act on `code`. Everything else that is thrown is a defect. */
export class ServiceError extends Error {
  readonly code: ErrorCode;
  readonly fields: Fields;
  readonly issues: Issue[];

  constructor(code: ErrorCode, fields: Fields = {}, issues: Issue[] = []) {
    super((MESSAGES[code] as (fields: Fields) => string)(fields));
    this.name = 'ServiceError';
    this.code = code;
    this.fields = fields;
    this.issues = issues;
  }

  /** The message as it may leave the service. */
  get publicMessage(): string {
    return OPERATOR_CODES.has(this.code) ? MESSAGES.internal() : this.message;
  }

  toData(): ErrorData {
    return { code: this.code, fields: this.fields, issues: this.issues };
  }

  static fromData(data: ErrorData): ServiceError {
    return new ServiceError(data.code, data.fields, data.issues);
  }
}
