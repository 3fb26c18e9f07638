import { test } from 'tap';
import { parsePointLines } from '../../src/contract/point-lines.js';
import { bytesOf, floatsOf } from './bodies.js';

const SHAPE = { dimension: 2, metric: 'cosine', precision: 'float32' } as const;
const line = (id: unknown, vector: unknown = [1, 2]) => JSON.stringify({ id, vector });

test('lines become a batch; blank lines and CRLF are fine, the last newline may be absent', async (t) => {
  const block = parsePointLines(bytesOf(`${line('a')}\r\n\n  \n${line('b', [3, 4])}`), 1, SHAPE);
  t.same(block.batch.ids, ['a', 'b']);
  t.same(floatsOf(block.batch.vectors), [1, 2, 3, 4]);
  t.same(
    { ...block, batch: undefined },
    { batch: undefined, accepted: 2, rejected: 0, errors: [], lineCount: 4 },
  );
});

test('each bad line is reported with its number and code, the good ones are in the batch', async (t) => {
  const lines = [line('a'), '{oops', line('b', [1, 2, 3]), line('c', [0, 0]), line(-1), '[]', line('d')];
  const { batch, accepted, rejected, errors } = parsePointLines(bytesOf(lines.join('\n')), 101, SHAPE);
  t.same(batch.ids, ['a', 'd']);
  t.equal(accepted, 2);
  t.equal(rejected, 5);
  t.same(
    errors.map(({ line, code }) => [line, code]),
    [
      [102, 'malformed_json'],
      [103, 'dimension_mismatch'],
      [104, 'zero_vector'],
      [105, 'validation_failed'],
      [106, 'validation_failed'],
    ],
  );
  t.match(errors[3]?.message, /^id: /);
});

test('of lines with the same id the last good one counts', async (t) => {
  const lines = [line(5), line('x'), line('5', [7, 8]), line(5, [0, 0])];
  const { batch, accepted, rejected } = parsePointLines(bytesOf(lines.join('\n')), 1, SHAPE);
  t.same(batch.ids, ['5', 'x']);
  t.same(floatsOf(batch.vectors), [7, 8, 1, 2]);
  t.equal(accepted, 3);
  t.equal(rejected, 1);
});

test('at most 16 lines are reported, all are counted', async (t) => {
  const { errors, rejected } = parsePointLines(bytesOf('x\n'.repeat(50)), 1, SHAPE);
  t.equal(errors.length, 16);
  t.equal(rejected, 50);
});

test('a line that is too long is one bad line', async (t) => {
  const long = `{"id":1,"vector":[1,2],"payload":{"text":"${'x'.repeat(1024 * 1024)}"}}`;
  const { batch, errors } = parsePointLines(bytesOf(`${long}\n${line(2)}`), 1, SHAPE);
  t.same(batch.ids, [2]);
  t.match(errors[0]?.message, /at most 1048576 bytes/);
});
