import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { type Test, test } from 'tap';
import { type Service, startService } from './service.js';

const REQUEST_TIMEOUT_MS = 200;

async function withCollection(t: Test): Promise<Service & { port: number }> {
  const service = await startService(t, { REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT_MS) });
  await service.ask('POST /v1/collections', { name: 'c', dimension: 2, metric: 'l2' });
  await service.app.listen({ host: '127.0.0.1', port: 0 });
  return { ...service, port: (service.app.server.address() as AddressInfo).port };
}

/** What comes back until the service ends the connection, while the body's first bytes come at once, then one at a time. */
async function answerToSlow(port: number, call: string, type: string, body: string, intervalMs?: number) {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  let answer = '';
  socket.on('data', (data) => {
    answer += data;
  });
  socket.write(`${call} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: 1000\r\n\r\n${body}`);
  const dribble = intervalMs && setInterval(() => socket.writable && socket.write(' '), intervalMs);
  await once(socket, 'close');
  clearInterval(dribble);
  const [head = '', text = ''] = answer.split('\r\n\r\n');
  return { head, problem: JSON.parse(text || '{}') };
}

const count = async ({ ask }: Service) => (await ask('POST /v1/collections/c/points/count', {})).body.count;

test('a JSON body that comes byte by byte is answered 408 in time, its connection ends, nothing is stored', async (t) => {
  const service = await withCollection(t);
  const calls = [
    ['POST /v1/collections/c/points', '{"points":[{"id":1,"vector":[1,2]}]'],
    ['POST /v1/collections/c/search/batch', '{'],
    ['POST /v1/collections/c/search', '{'],
    ['POST /v1/collections/c/build', '{'],
    ['PUT /v1/collections/c/storage', '{'],
    ['POST /v1/collections', '{'],
  ] as const;
  for (const [call, body] of calls) {
    const { head, problem } = await answerToSlow(service.port, call, 'application/json', body, 10);
    t.match(head, /^HTTP\/1\.1 408/, call);
    t.match(head, /^connection: close/m, call);
    t.match(head, /^content-type: application\/problem\+json/m, call);
    t.match(problem, { status: 408, code: 'body_timeout', detail: /200 ms/ }, call);
  }
  t.equal(await count(service), 0);
});

test('an NDJSON stream that falls silent is answered 408 with what was stored, and its connection ends', async (t) => {
  const service = await withCollection(t);
  const line = '{"id":1,"vector":[1,2]}\n';
  const { head, problem } = await answerToSlow(
    service.port,
    'POST /v1/collections/c/points',
    'application/x-ndjson',
    line,
  );
  t.match(head, /^HTTP\/1\.1 408/);
  t.match(problem, { code: 'body_timeout', upserted: 0, sequence: 0 });
  t.equal(await count(service), 0);
});
