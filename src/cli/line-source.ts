// NDJSON in requests of whole lines, as they stand. Command line.

import { NDJSON_LINE_BYTES_MAX } from '../limits.js';
import { NDJSON_TYPE } from './content-types.js';
import { type ImportRequest, type ImportSource, InputError } from './import-request.js';

const NEWLINE = 0x0a;
/** A request ends early with the line that brings it to this size. */
const REQUEST_BYTES = 8 * 1024 * 1024;
const FLOAT_BYTES = 4;

/** @throws InputError on a line that no service takes */
export async function lineSource(
  chunks: AsyncIterable<Uint8Array>,
  { batch }: { batch: number },
): Promise<ImportSource> {
  const requests = lineRequests(chunks, batch);
  const first = await requests.next();
  return {
    dimension: first.done ? undefined : dimensionOf(first.value),
    requests: first.done ? requests : behind(first.value, requests),
  };
}

async function* behind(
  first: ImportRequest,
  rest: AsyncGenerator<ImportRequest>,
): AsyncGenerator<ImportRequest> {
  yield first;
  yield* rest;
}

async function* lineRequests(
  chunks: AsyncIterable<Uint8Array>,
  batch: number,
): AsyncGenerator<ImportRequest> {
  let body: Uint8Array[] = [];
  let [items, bytes, lineBytes] = [0, 0, 0];
  const cut = (): ImportRequest => {
    const request = { contentType: NDJSON_TYPE, body, items, inputBytes: bytes };
    [body, items, bytes] = [[], 0, 0];
    return request;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let at = 0; at < chunk.length; ) {
      const newline = chunk.indexOf(NEWLINE, at);
      const end = newline === -1 ? chunk.length : newline + 1;
      lineBytes += end - at;
      bytes += end - at;
      if (lineBytes > NDJSON_LINE_BYTES_MAX + 1) {
        throw new InputError(`a line has more than ${NDJSON_LINE_BYTES_MAX} bytes`);
      }
      at = end;
      if (newline === -1) break;
      lineBytes = 0;
      items += 1;
      if (items < batch && bytes < REQUEST_BYTES) continue;
      body.push(chunk.subarray(start, end));
      start = end;
      yield cut();
    }
    if (start < chunk.length) body.push(chunk.subarray(start));
  }
  if (bytes === 0) return;
  if (lineBytes > 0) items += 1;
  yield cut();
}

/** Of the first line that has a vector: the service judges all of them. */
function dimensionOf({ body }: ImportRequest): number | undefined {
  const line = Buffer.concat(body)
    .toString()
    .split('\n')
    .find((text) => text.trim() !== '');
  try {
    const { vector } = JSON.parse(line ?? '') as { vector?: unknown };
    if (Array.isArray(vector)) return vector.length;
    return typeof vector === 'string' ? Buffer.from(vector, 'base64').length / FLOAT_BYTES : undefined;
  } catch {
    return undefined;
  }
}
