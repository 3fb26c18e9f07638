// One encapsulated message of Arrow's IPC format: metadata, a FlatBuffer, and a body of buffers. Runs on any thread.
// Source: https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format

import { FlatTable } from './flat-table.js';
import { malformed, readUntrusted } from './malformed.js';

/** First versions with the buffers of today: V4 is Arrow 0.8, V5 is 1.0. */
const VERSION_MIN = 3;
const SCHEMA = 1;
const DICTIONARY_BATCH = 2;
const RECORD_BATCH = 3;

export type MessageHeader =
  | { kind: 'schema' }
  | { kind: 'dictionary'; id: number; isDelta: boolean }
  | { kind: 'records'; rows: number };

export interface Message {
  header: MessageHeader;
  metadata: Uint8Array;
  /** Has a buffer to itself. */
  body: Uint8Array;
}

/** What a reader of the stream must know of a message before its body comes. @throws malformed_arrow */
export function readHeader(metadata: Uint8Array): { header: MessageHeader; bodyBytes: number } {
  return readUntrusted('the metadata of a message', () => {
    const message = FlatTable.root(metadata);
    if (message.int16(0) < VERSION_MIN) throw malformed('its metadata is older than version 4 of the format');
    const bodyBytes = message.count64(3);
    const table = message.table(2);
    if (table === undefined) throw malformed('a message has no header');
    return { header: readKind(message.uint8(1), table), bodyBytes };
  });
}

function readKind(type: number, table: FlatTable): MessageHeader {
  switch (type) {
    case SCHEMA:
      return { kind: 'schema' };
    case DICTIONARY_BATCH:
      return { kind: 'dictionary', id: table.count64(0), isDelta: table.uint8(2) !== 0 };
    case RECORD_BATCH:
      return { kind: 'records', rows: table.count64(0) };
    default:
      throw malformed('it has a message that is neither schema, dictionary nor record batch');
  }
}

/** The header's table of a message that `readHeader` has read. */
export function headerTable(metadata: Uint8Array): FlatTable {
  const table = FlatTable.root(metadata).table(2);
  if (table === undefined) throw malformed('a message has no header');
  return table;
}
