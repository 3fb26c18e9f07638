// Arrow IPC, file or stream, in requests of so many rows: small record batches together, large ones cut. Command line.

import { cutRecords, type ReadBody } from '../arrow/cut-records.js';
import { type MessageHeader, readHeader } from '../arrow/message.js';
import {
  endsWithinMessage,
  isFileStart,
  metadataBytesOf,
  PREFIX_BYTES,
  readMessages,
} from '../arrow/read-messages.js';
import { type Field, readSchema } from '../arrow/schema.js';
import { END_OF_STREAM, encapsulate } from '../arrow/write-messages.js';
import { ARROW_TYPE } from './content-types.js';
import { type ImportRequest, type ImportSource, InputError } from './import-request.js';
import type { Input } from './input.js';

/** A record batch that comes through a pipe is held in memory; one of a file is not. */
const PIPED_BODY_BYTES_MAX = 1024 * 1024 * 1024;

interface Options {
  batch: number;
  vectorColumn: string;
}

/** A message whose body was not read yet. */
interface PlacedMessage {
  header: MessageHeader;
  metadata: Uint8Array;
  bodyBytes: number;
  read: ReadBody;
}

/** @throws InputError, malformed_arrow */
export async function arrowSource(input: Input, options: Options): Promise<ImportSource> {
  const messages = 'readAt' in input ? fileMessages(input) : pipedMessages(input.chunks());
  const { value: schema } = await messages.next();
  if (schema?.header.kind !== 'schema') throw new InputError('the input is no Arrow data: it has no schema');
  const fields = readSchema(schema.metadata);
  const vector = fields.find(({ name }) => name === options.vectorColumn);
  return {
    dimension: vector?.type.kind === 'fixed_size_list' ? vector.type.size : undefined,
    requests: recordRequests(messages, { schema: schema.metadata, fields, batch: options.batch }),
  };
}

async function* pipedMessages(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<PlacedMessage> {
  const limits = { bodyBytesMax: PIPED_BODY_BYTES_MAX, isFileAllowed: true };
  for await (const { header, metadata, body } of readMessages(chunks, limits)) {
    const read: ReadBody = async (start, end) => body.subarray(start, end);
    yield { header, metadata, bodyBytes: body.length, read };
  }
}

/** Reads bodies only as far as they are wanted: they may be larger than the memory. */
async function* fileMessages({ readAt }: Extract<Input, { readAt: unknown }>): AsyncGenerator<PlacedMessage> {
  const isFile = isFileStart(await readAt(0, PREFIX_BYTES));
  for (let at = isFile ? PREFIX_BYTES : 0; ; ) {
    const prefix = await readAt(at, at + PREFIX_BYTES);
    const metadataBytes = prefix.length === 0 ? 0 : metadataBytesOf(prefix);
    if (metadataBytes === 0) return;
    const bodyStart = at + PREFIX_BYTES + metadataBytes;
    const metadata = await readAt(at + PREFIX_BYTES, bodyStart);
    const { header, bodyBytes } = readHeader(metadata);
    const read: ReadBody = async (start, end) => {
      const bytes = await readAt(bodyStart + start, bodyStart + end);
      if (end > bodyBytes || bytes.length < end - start) throw endsWithinMessage();
      return bytes;
    };
    yield { header, metadata, bodyBytes, read };
    at = bodyStart + bodyBytes;
  }
}

interface Table {
  schema: Uint8Array;
  fields: Field[];
  batch: number;
}

/** Each request is a stream of its own: the schema, the dictionaries as they are at that point, record batches. */
async function* recordRequests(
  messages: AsyncIterable<PlacedMessage>,
  { schema, fields, batch }: Table,
): AsyncGenerator<ImportRequest> {
  const dictionaries = new Map<number, Uint8Array[]>();
  let pieces: Uint8Array[] = [];
  let [items, inputBytes] = [0, 0];
  const request = (): ImportRequest => {
    const body = [encapsulate(schema), ...[...dictionaries.values()].flat(), ...pieces, END_OF_STREAM];
    const made = { contentType: ARROW_TYPE, body, items, inputBytes };
    [pieces, items, inputBytes] = [[], 0, 0];
    return made;
  };
  for await (const { header, metadata, bodyBytes, read } of messages) {
    if (header.kind === 'schema') throw new InputError('the input has a second schema');
    const rows = header.kind === 'records' ? header.rows : 0;
    if (items > 0 && (header.kind === 'dictionary' || items + rows > batch)) yield request();
    if (header.kind === 'dictionary') {
      dictionaries.set(header.id, [encapsulate(metadata), await read(0, bodyBytes)]);
    } else if (rows <= batch) {
      pieces.push(encapsulate(metadata), await read(0, bodyBytes));
      items += rows;
      inputBytes += bodyBytes;
    } else {
      for (let from = 0; from < rows; from += batch) {
        const to = Math.min(rows, from + batch);
        pieces.push(...(await cutRecords({ fields, metadata, read }, { from, to })));
        items = to - from;
        inputBytes = (bodyBytes * items) / rows;
        yield request();
      }
    }
  }
  if (items > 0) yield request();
}
