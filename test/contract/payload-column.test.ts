import { test } from 'tap';
import { packPayloads, payloadAt } from '../../src/contract/payload-column.js';

test('payloads come out of a column as they went in', async (t) => {
  const payloads = ['{"a":1}', null, '{}', null, '{"b":"ä"}'].map((text) =>
    text === null ? null : Buffer.from(text),
  );
  const column = packPayloads(payloads);
  t.equal(column.bytes.buffer.byteLength, column.bytes.byteLength, 'a buffer of its own');
  for (const [index, payload] of payloads.entries())
    t.same(payloadAt(column, index), payload && Uint8Array.from(payload));
  t.equal(packPayloads([]).bytes.length, 0);
  t.equal(payloadAt(packPayloads([null]), 0), null);
});
