// Arrow streams for tests: fixtures that pyarrow wrote, and tables that the official library encodes.
import { readFileSync } from 'node:fs';
import type { Message } from '../../src/arrow/message.js';
import { readMessages } from '../../src/arrow/read-messages.js';
import { type ArrowBatch, type ArrowPoints, parseArrowPoints } from '../../src/contract/arrow-points.js';
import { payloadAt } from '../../src/contract/payload-column.js';
import type { PointShape } from '../../src/contract/point-batch.js';

const MEBIBYTE = 1024 * 1024;

/** Bytes of a file in test/arrow/fixtures, whose make.py says how it was made. */
export function fixture(name: string): Uint8Array {
  return readFileSync(new URL(`../../../test/arrow/fixtures/${name}`, import.meta.url));
}

/** The bytes in pieces of `size`, as a socket might bring them. */
export async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function messagesOf(
  bytes: Uint8Array,
  bodyBytesMax = MEBIBYTE,
  size = 1000,
): Promise<Message[]> {
  const messages: Message[] = [];
  for await (const message of readMessages(inPieces(bytes, size), { bodyBytesMax })) messages.push(message);
  return messages;
}

/** All batches of a stream, parsed one after the other. */
export async function parseStream(
  bytes: Uint8Array,
  shape: PointShape,
  options: Partial<ArrowBatch> = {},
): Promise<ArrowPoints[]> {
  const [schema, ...rest] = await messagesOf(bytes);
  const dictionaries: ArrowBatch['dictionaries'] = [];
  const parsed: ArrowPoints[] = [];
  let firstRow = 0;
  for (const { header, metadata, body } of rest) {
    if (header.kind === 'dictionary') dictionaries.push({ id: header.id, metadata, body });
    if (header.kind !== 'records') continue;
    const arrow: ArrowBatch = {
      schema: schema?.metadata as Uint8Array,
      dictionaries,
      records: { metadata, body },
      firstRow,
      idColumn: 'id',
      vectorColumn: 'vector',
      onError: 'stop',
      payloadBytesMax: MEBIBYTE,
      ...options,
    };
    parsed.push(parseArrowPoints(arrow, shape));
    firstRow += header.rows;
  }
  return parsed;
}

/** The points of parsed batches as a reader would see them. */
export function pointsOf(
  parsed: ArrowPoints[],
): { id: string | number; vector: number[]; payload: unknown }[] {
  return parsed.flatMap(({ batch }) => {
    const numbers = new Float32Array(batch.vectors.slice().buffer);
    const dimension = numbers.length / batch.count;
    return batch.ids.map((id, row) => {
      const bytes = payloadAt(batch.payloads, row);
      const payload = bytes === null ? null : JSON.parse(Buffer.from(bytes).toString());
      return { id, vector: [...numbers.subarray(row * dimension, (row + 1) * dimension)], payload };
    });
  });
}
