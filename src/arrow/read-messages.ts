// Cuts a byte stream into Arrow messages, one in memory at a time; looks at lengths before it makes room. Runs on the
// main thread of the service, and in the command line.

import { ARROW_METADATA_BYTES_MAX } from '../limits.js';
import { ChunkReader } from './chunk-reader.js';
import { malformed } from './malformed.js';
import { type Message, readHeader } from './message.js';

const CONTINUATION = 0xffff_ffff;
/** Of a message; also the bytes of a file before its first message. */
export const PREFIX_BYTES = 8;
/** How a file of the format, in contrast to a stream, begins. */
const FILE_MAGIC = [0x41, 0x52, 0x52, 0x4f, 0x57, 0x31];

export interface MessageLimits {
  bodyBytesMax: number;
  /** A file is a stream behind a magic number, with a footer that a stream does not need. */
  isFileAllowed?: boolean;
}

/**
 * The messages of a stream in order; it ends with the end-of-stream mark, or with the bytes.
 * @throws malformed_arrow where it is no stream, ends within a message, or a message is too large
 */
export async function* readMessages(
  chunks: AsyncIterable<Uint8Array>,
  { bodyBytesMax, isFileAllowed = false }: MessageLimits,
): AsyncGenerator<Message> {
  const reader = new ChunkReader(chunks);
  let prefix = await reader.read(PREFIX_BYTES);
  const isFile = isFileAllowed && isFileStart(prefix);
  if (isFile) prefix = await reader.read(PREFIX_BYTES);
  for (; prefix.length > 0; prefix = await reader.read(PREFIX_BYTES)) {
    const metadataBytes = metadataBytesOf(prefix);
    if (metadataBytes === 0) break;
    const metadata = await readAll(reader, metadataBytes);
    const { header, bodyBytes } = readHeader(metadata);
    if (bodyBytes > bodyBytesMax) throw tooLarge(header.kind, bodyBytes, bodyBytesMax);
    yield { header, metadata, body: await readAll(reader, bodyBytes) };
  }
  if (!isFile && (await reader.read(1)).length > 0) throw malformed('bytes follow its end-of-stream mark');
}

export function isFileStart(bytes: Uint8Array): boolean {
  return FILE_MAGIC.every((byte, index) => bytes[index] === byte);
}

/** Of the message that begins with `prefix`; 0 at the end of the stream. @throws malformed_arrow */
export function metadataBytesOf(prefix: Uint8Array): number {
  if (isFileStart(prefix)) {
    throw malformed('it is an Arrow file; write the stream format instead, or use `coppice import`');
  }
  if (prefix.length < PREFIX_BYTES) throw endsWithinMessage();
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  if (view.getUint32(0, true) !== CONTINUATION) throw malformed('a message does not begin with ffffffff');
  const bytes = view.getUint32(4, true);
  if (bytes > ARROW_METADATA_BYTES_MAX) {
    throw malformed(`the metadata of a message has more than ${ARROW_METADATA_BYTES_MAX} bytes`);
  }
  return bytes;
}

async function readAll(reader: ChunkReader, count: number): Promise<Uint8Array> {
  const bytes = await reader.read(count);
  if (bytes.length < count) throw endsWithinMessage();
  return bytes;
}

export function endsWithinMessage(): Error {
  return malformed('it ends within a message');
}

function tooLarge(kind: Message['header']['kind'], bytes: number, bytesMax: number): Error {
  const what = kind === 'records' ? 'record batch' : kind;
  return malformed(
    `a ${what} has ${bytes} bytes, more than ${bytesMax}; write smaller ones (pyarrow: max_chunksize=1000)`,
  );
}
