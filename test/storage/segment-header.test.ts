import { createHash } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import t from 'tap';
import { ServiceError } from '../../src/errors.js';
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
} from '../../src/storage/segment-header.js';

const SHAPE = { dimension: 100, firstRow: 7, capacityRows: 1000 };

/** The first bytes of a header as each version of the format has them. */
const GOLDEN = {
  1: '434f505645433031010000006400000007000000e8030000',
  2: '434f505645433031020000006400000007000000e803000002000000',
};

function headerOf(hex: string): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const checked = Buffer.from(hex, 'hex');
  bytes.set(checked);
  new DataView(bytes.buffer).setUint32(checked.length, crc32c(checked), true);
  return bytes;
}

function reasonOf(bytes: Uint8Array): string {
  try {
    decodeSegmentHeader(bytes, 'x.vec');
    return 'none';
  } catch (error) {
    return error instanceof ServiceError ? String(error.fields.reason) : String(error);
  }
}

t.test('a header is written as version 2 has it, byte by byte', async (t) => {
  const written = encodeSegmentHeader({ ...SHAPE, precision: 'int8' });
  t.equal(sha(written), sha(headerOf(GOLDEN[2])));
});

t.test('headers of both versions are read; the first knew float32 only', async (t) => {
  t.same(decodeSegmentHeader(headerOf(GOLDEN[1]), 'x'), { ...SHAPE, precision: 'float32' });
  t.same(decodeSegmentHeader(headerOf(GOLDEN[2]), 'x'), { ...SHAPE, precision: 'int8' });
  for (const precision of ['float32', 'float16', 'int8'] as const) {
    const shape = { ...SHAPE, precision };
    t.same(decodeSegmentHeader(encodeSegmentHeader(shape), 'x'), shape);
  }
});

t.test('an unknown version or precision is refused, telling which', async (t) => {
  const version = GOLDEN[2].replace('3031020000', '3031090000');
  t.match(reasonOf(headerOf(version)), /version is 9/);
  const precision = `${GOLDEN[2].slice(0, -8)}05000000`;
  t.match(reasonOf(headerOf(precision)), /precision 5, which this program does not know/);
});

t.test('a flipped bit anywhere before the end of the checksum is found', async (t) => {
  for (let byte = 0; byte < 32; byte++) {
    const bytes = encodeSegmentHeader({ ...SHAPE, precision: 'float16' });
    bytes[byte] = (bytes[byte] as number) ^ 1;
    t.not(reasonOf(bytes), 'none', `byte ${byte}`);
  }
});

function sha(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
