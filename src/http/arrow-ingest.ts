// An Arrow IPC stream as record batches to store. Main thread: it looks at lengths only, a worker reads the rest.

import type { Batch } from '../arrow/columns.js';
import { malformed } from '../arrow/malformed.js';
import type { Message } from '../arrow/message.js';
import { readMessages } from '../arrow/read-messages.js';
import type { ArrowPoints } from '../contract/arrow-points.js';
import { ServiceError } from '../errors.js';
import { ARROW_DICTIONARY_BYTES_MAX } from '../limits.js';
import type { InsertStream } from './insert-stream.js';
import type { BlockFormat } from './stream-ingest.js';

/** A record batch and all that it needs to be understood. */
interface RecordBlock {
  schema: Uint8Array;
  dictionaries: (Batch & { id: number })[];
  records: Batch;
  /** From 0. */
  firstRow: number;
}

/** One point a row; a bad row is named by its number, from 0. */
export function arrowFormat(stream: InsertStream): BlockFormat<RecordBlock, ArrowPoints> {
  const { chunks, shape, ingest, query, bodyBytesMax } = stream;
  return {
    blocks: recordBlocks(readMessages(chunks, { bodyBytesMax })),
    parse: (block) => {
      const arrow = {
        ...block,
        idColumn: query.id_column,
        vectorColumn: query.vector_column,
        onError: query.on_error,
        payloadBytesMax: bodyBytesMax,
      };
      return ingest.parseArrowPoints(arrow, shape);
    },
    issuesOf: ({ errors }) => errors,
  };
}

async function* recordBlocks(messages: AsyncIterable<Message>): AsyncGenerator<RecordBlock> {
  let schema: Uint8Array | undefined;
  const dictionaries = new Map<number, Batch & { id: number }>();
  let firstRow = 0;
  for await (const { header, metadata, body } of messages) {
    if ((header.kind === 'schema') !== (schema === undefined))
      throw malformed('it has not one schema, first');
    switch (header.kind) {
      case 'schema':
        schema = metadata;
        break;
      case 'dictionary':
        if (header.isDelta) throw new ServiceError('not_supported', { what: 'A delta dictionary' });
        dictionaries.set(header.id, { id: header.id, metadata, body });
        checkSize(dictionaries.values());
        break;
      case 'records':
        yield {
          schema: schema as Uint8Array,
          dictionaries: [...dictionaries.values()],
          records: { metadata, body },
          firstRow,
        };
        firstRow += header.rows;
    }
  }
}

function checkSize(dictionaries: Iterable<Batch>): void {
  let bytes = 0;
  for (const { metadata, body } of dictionaries) bytes += metadata.length + body.length;
  if (bytes <= ARROW_DICTIONARY_BYTES_MAX) return;
  throw malformed(
    `its dictionaries have more than ${ARROW_DICTIONARY_BYTES_MAX} bytes; write plain utf8 instead`,
  );
}
