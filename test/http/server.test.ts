import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { test } from 'tap';
import type { Collection } from '../../src/collections/collection.js';
import { problem } from '../../src/contract/problem.js';
import { ServiceError } from '../../src/errors.js';
import { startService, startWithoutEngine } from './service.js';

test('health tells life and readiness', async (t) => {
  const { ask } = await startService(t);
  t.same((await ask('GET /livez')).body, { status: 'ok' });
  t.same((await ask('GET /readyz')).body, { status: 'ready' });
});

test('without a ready engine /readyz is 503 and tells when to come back', async (t) => {
  const { ask } = await startWithoutEngine(t);
  const { status, headers } = await ask('GET /readyz');
  t.equal(status, 503);
  t.equal(headers['retry-after'], '1');
  t.equal((await ask('GET /livez')).status, 200);
});

test('an unknown route is a problem like any other error', async (t) => {
  const { ask } = await startWithoutEngine(t);
  const reply = await ask('GET /v2/nothing?key=secret');
  t.equal(reply.status, 404);
  t.match(reply.headers['content-type'], /^application\/problem\+json/);
  t.match(problem.parse(reply.body), {
    code: 'route_not_found',
    status: 404,
    detail: 'There is no GET /v2/nothing.',
  });
  t.equal(reply.body.request_id, reply.headers['x-request-id']);
  for (const call of ['GET /%zz', `GET /v1/collections/${'x'.repeat(5000)}`] as const) {
    const bad = await ask(call);
    t.ok(bad.status >= 400 && bad.status < 500, `${bad.status}`);
    problem.parse(bad.body);
  }
});

test('a sane request id is kept, another is replaced', async (t) => {
  const { ask } = await startWithoutEngine(t);
  t.equal(
    (await ask('GET /livez', undefined, { 'x-request-id': 'trace-1.2:3' })).headers['x-request-id'],
    'trace-1.2:3',
  );
  for (const id of ['two words', 'x'.repeat(129), '<script>']) {
    t.match(
      (await ask('GET /livez', undefined, { 'x-request-id': id })).headers['x-request-id'],
      /^[0-9a-f-]{36}$/,
    );
  }
});

test('figures are there for Prometheus', async (t) => {
  const { ask } = await startService(t);
  await ask('POST /v1/collections', { name: 'c', dimension: 2, metric: 'l2' });
  await ask('POST /v1/collections/c/points', { points: [{ id: 1, vector: [1, 2] }] });
  await ask('POST /v1/collections/c/search', { vector: [1, 2] });
  await ask('POST /v1/collections/c/search/batch', { searches: [{ vector: [1, 2] }, { vector: [2, 1] }] });
  const grouped = { vector: [1, 2], group_by: 'a', exact: true };
  await ask('POST /v1/collections/c/search', { vector: [1, 2], exact: true });
  await ask('POST /v1/collections/c/search', grouped);
  const { text, headers } = await ask('GET /metrics');
  t.match(headers['content-type'], /^text\/plain/);
  const expected = [
    'coppice_http_requests_total{route="/v1/collections/:name/search",method="POST",status="200"} 3',
    'coppice_search_stage_seconds_count{stage="total"} 5',
    'coppice_points{collection="c",state="pending"} 1',
    'coppice_memory_bytes{collection="c",kind="codes"}',
    'coppice_queue_size{queue="searches"} 0',
    'coppice_queue_size{queue="bodies"} 0',
    'coppice_event_loop_delay_seconds{quantile="0.99"}',
    'coppice_searches_by_way_total{way="exact"} 2',
    'coppice_searches_by_way_total{way="probes"} 0',
    'coppice_searches_by_way_total{way="widened"} 0',
    'coppice_searches_by_way_total{way="compared_all"} 3',
    'coppice_search_wait_seconds_bucket{le="10"} 5',
    'coppice_search_wait_seconds_count 5',
    'coppice_search_task_queries_sum 5',
    'coppice_searches_dropped_total{reason="client_left"} 0',
    'coppice_http_request_seconds_bucket{le="+Inf",route="/v1/collections/:name/search",method="POST"} 3',
    'process_resident_memory_bytes',
  ];
  for (const line of expected) t.ok(text.includes(line), line);
});

/** What the service answers to raw bytes; the connection is ended after `lastText`, or by the service. */
function answerTo(port: number, bytes: string, lastText?: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (data) => {
      text += data;
      if (lastText?.test(text)) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}

test('bytes that are no HTTP get a problem, too', async (t) => {
  const { app } = await startWithoutEngine(t);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const garbage = await answerTo(port, 'EHLO there\r\n\r\n');
  t.match(garbage, /^HTTP\/1\.1 400/);
  t.match(JSON.parse(garbage.slice(garbage.indexOf('{'))), { code: 'malformed_request', status: 400 });
  const long = await answerTo(port, `GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'x'.repeat(20_000)}\r\n\r\n`);
  t.match(long, /headers are larger than 16384 bytes/);
});

test('work that takes too long is given up with 503', async (t) => {
  const { app, collections } = await startService(t, { REQUEST_TIMEOUT_MS: '100' });
  const never = () => new Promise<never>(() => {});
  collections.get = () => ({ getPoint: never, search: never }) as unknown as Collection;
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const get = 'GET /v1/collections/c/points/1 HTTP/1.1\r\nhost: x\r\n\r\n';
  const search =
    'POST /v1/collections/c/search HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{"vector":[1,2]}';
  for (const request of [get, search]) {
    const answer = await answerTo(port, request, /"code"[^}]+}/);
    t.match(answer, /^HTTP\/1\.1 503/);
    t.match(answer, /"code":"timeout"/);
  }
});

/** A collection whose searches wait until nobody wants them any more; `ends` tells why each of them ended. */
function patientCollection(): { collection: Collection; started: Promise<void>; ends: Promise<unknown> } {
  let start = () => {};
  let end = (_reason: unknown) => {};
  const started = new Promise<void>((resolve) => {
    start = resolve;
  });
  const ends = new Promise<unknown>((resolve) => {
    end = resolve;
  });
  const search = (_request: unknown, { signal }: { signal: AbortSignal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        end(signal.reason);
        reject(signal.reason);
      });
      start();
    });
  return { collection: { search } as unknown as Collection, started, ends };
}

const SEARCH =
  'POST /v1/collections/c/search HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{"vector":[1,2]}';

test('a search that waits ends with its time, and is answered once', async (t) => {
  const { app, collections } = await startService(t, { REQUEST_TIMEOUT_MS: '100' });
  const { collection, ends } = patientCollection();
  collections.get = () => collection;
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const answer = await answerTo(port, SEARCH, /"code"[^}]+}/);
  t.match(answer, /^HTTP\/1\.1 503/);
  t.match(answer, /retry-after: 1/i);
  t.match(answer, /"code":"timeout"/);
  t.match(await ends, { code: 'timeout' });
});

test('a search that waits ends when its client leaves', async (t) => {
  const { app, collections } = await startService(t);
  const { collection, started, ends } = patientCollection();
  collections.get = () => collection;
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1', () => socket.write(SEARCH));
  await started;
  socket.destroy();
  t.match(await ends, { code: 'malformed_request' });
});

test('an answered request is not taken for one whose client left', async (t) => {
  const { app, collections } = await startService(t);
  let signal: AbortSignal | undefined;
  const search = async (_request: unknown, given: { signal: AbortSignal }) => {
    signal = given.signal;
    return { results: [] };
  };
  collections.get = () => ({ search }) as unknown as Collection;
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  t.match(await answerTo(port, SEARCH, /"results"/), /^HTTP\/1\.1 200/);
  t.equal(signal?.aborted, false);
});

test('an overloaded service says when to come back', async (t) => {
  const { ask, collections } = await startService(t);
  const search = async () => {
    throw new ServiceError('overloaded');
  };
  collections.get = () => ({ search }) as unknown as Collection;
  const { status, headers, body } = await ask('POST /v1/collections/c/search', { vector: [1, 2] });
  t.equal(status, 503);
  t.equal(headers['retry-after'], '1');
  t.equal(body.code, 'overloaded');
});

test('a client whose stream is refused early gets the reply, and does not hold up the end of the service', async (t) => {
  const { app, ask } = await startService(t);
  await ask('POST /v1/collections', { name: 'c', dimension: 2, metric: 'l2' });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const lines = `{"id":1,"vector":[1]}\n${'{"id":2,"vector":[1,2]}\n'.repeat(150_000)}`;
  const head = `POST /v1/collections/c/points HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\ncontent-length: ${lines.length + 100}\r\n\r\n`;
  const answer = await answerTo(port, head + lines, /"sequence":0}/);
  t.match(answer, /^HTTP\/1\.1 400/);
  t.match(answer, /"code":"malformed_ndjson"/);
  const startedAt = performance.now();
  await app.close();
  t.ok(performance.now() - startedAt < 5000);
});

test('while a collection is loading /readyz is 503 and names it', async (t) => {
  const { ask, collections } = await startService(t);
  collections.loading = () => ['slow'];
  const { status, body } = await ask('GET /readyz');
  t.equal(status, 503);
  t.match(body, { code: 'not_ready', errors: [{ path: 'slow' }] });
});
