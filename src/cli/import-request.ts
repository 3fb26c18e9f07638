// One request of an import: points in the form they are sent. Command line.

export interface ImportRequest {
  contentType: string;
  /** In pieces. */
  body: Uint8Array[];
  /** Rows of a table; lines of NDJSON, blank ones included. */
  items: number;
  /** Bytes of the input that it was made of. */
  inputBytes: number;
}

/** An input that is being read. */
export interface ImportSource {
  /** Of its vectors; undefined where only the points themselves tell. */
  dimension: number | undefined;
  requests: AsyncIterable<ImportRequest>;
}

/** An input that cannot be read as what it should be; its message says what to do. */
export class InputError extends Error {}
