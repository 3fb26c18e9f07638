import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { test } from 'tap';
import { type BodyTime, bodyChunks } from '../../src/http/body-chunks.js';

const PAUSE_MS = 20;

/** One byte after each pause; without a count it never ends. */
function dribble(count = Number.POSITIVE_INFINITY): Readable {
  async function* bytes() {
    for (let sent = 0; sent < count; sent += 1) {
      await setTimeout(PAUSE_MS, undefined, { ref: false });
      yield Buffer.from('a');
    }
  }
  return Readable.from(bytes(), { objectMode: false });
}

async function lengthOf(body: Readable, limit: BodyTime): Promise<number> {
  let length = 0;
  for await (const chunk of bodyChunks(body, limit)) length += chunk.length;
  return length;
}

test('a body that comes byte by byte is given up when its time is over', async (t) => {
  await t.rejects(lengthOf(dribble(), { timeoutMs: 10 * PAUSE_MS, for: 'body' }), { code: 'body_timeout' });
});

test('a client that never pauses has no more time than others', async (t) => {
  const flood = new Readable({
    read() {
      this.push('a');
    },
  });
  await t.rejects(lengthOf(flood, { timeoutMs: 50, for: 'body' }), { code: 'body_timeout' });
});

test('a stream may take longer than the limit as a whole, but not stay silent for so long', async (t) => {
  t.equal(await lengthOf(dribble(60), { timeoutMs: 50 * PAUSE_MS, for: 'chunk' }), 60);
  const silent = new Readable({ read() {} });
  silent.push('a');
  await t.rejects(lengthOf(silent, { timeoutMs: PAUSE_MS, for: 'chunk' }), { code: 'body_timeout' });
});

test('the body is not destroyed: its connection carries the reply', async (t) => {
  const silent = new Readable({ read() {} });
  await t.rejects(lengthOf(silent, { timeoutMs: PAUSE_MS, for: 'body' }));
  t.notOk(silent.destroyed);
});
