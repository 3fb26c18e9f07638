// Cuts a byte stream into Arrow messages, one in memory at a time; looks at lengths before it makes room. Runs on the
// main thread of the service, and in the command line.

import { ARROW_METADATA_BYTES_MAX } from '../limits.js';
import { malformed } from './malformed.js';
import { type Message, readHeader } from './message.js';

const CONTINUATION = 0xffff_ffff;
const PREFIX_BYTES = 8;
/** How a file of the format, in contrast to a stream, begins. */
const FILE_MAGIC = [0x41, 0x52, 0x52, 0x4f, 0x57, 0x31];

/**
 * The messages of a stream in order; it ends with the end-of-stream mark, or with the bytes.
 * @throws malformed_arrow where it is no stream, ends within a message, or a message is larger than `bodyBytesMax`
 */
export async function* readMessages(
  chunks: AsyncIterable<Uint8Array>,
  bodyBytesMax: number,
): AsyncGenerator<Message> {
  const reader = new ChunkReader(chunks);
  for (;;) {
    const prefix = await reader.read(PREFIX_BYTES);
    if (prefix === undefined) return;
    const metadataBytes = metadataBytesOf(prefix);
    if (metadataBytes === 0) break;
    const metadata = await reader.readAll(metadataBytes);
    const { header, bodyBytes } = readHeader(metadata);
    if (bodyBytes > bodyBytesMax) throw tooLarge(header.kind, bodyBytes, bodyBytesMax);
    yield { header, metadata, body: await reader.readAll(bodyBytes) };
  }
  if ((await reader.read(1)) !== undefined) throw malformed('bytes follow its end-of-stream mark');
}

/** 0 at the end of the stream. */
export function metadataBytesOf(prefix: Uint8Array): number {
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  if (view.getUint32(0, true) !== CONTINUATION) {
    const isFile = FILE_MAGIC.every((byte, index) => prefix[index] === byte);
    throw malformed(
      isFile
        ? 'it is an Arrow file; write the stream format instead, or use `coppice import`'
        : 'a message does not begin with ffffffff',
    );
  }
  const bytes = view.getUint32(4, true);
  if (bytes > ARROW_METADATA_BYTES_MAX) {
    throw malformed(`the metadata of a message has more than ${ARROW_METADATA_BYTES_MAX} bytes`);
  }
  return bytes;
}

function tooLarge(kind: Message['header']['kind'], bytes: number, bytesMax: number): Error {
  const what = kind === 'records' ? 'record batch' : kind;
  return malformed(
    `a ${what} has ${bytes} bytes, more than ${bytesMax}; write smaller ones (pyarrow: max_chunksize=1000)`,
  );
}

/** Reads a number of bytes from chunks of any size. */
class ChunkReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** A copy of the next bytes on a buffer of its own; undefined where the stream has ended before them. */
  async read(count: number): Promise<Uint8Array | undefined> {
    // Not filled with zeros: memory is taken only as bytes come, so a claimed length alone costs nothing.
    const bytes = Buffer.allocUnsafeSlow(count);
    let filled = 0;
    while (filled < count) {
      if (this.#rest.length === 0 && !(await this.#next())) break;
      const part = this.#rest.subarray(0, count - filled);
      bytes.set(part, filled);
      filled += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    if (filled === count) return new Uint8Array(bytes.buffer);
    if (filled === 0) return undefined;
    throw malformed('it ends within a message');
  }

  async readAll(count: number): Promise<Uint8Array> {
    const bytes = await this.read(count);
    if (bytes === undefined) throw malformed('it ends within a message');
    return bytes;
  }

  async #next(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done) return false;
    this.#rest = value;
    return true;
  }
}
