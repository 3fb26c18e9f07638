import type { AddressInfo } from 'node:net';
import { test } from 'tap';
import { problem } from '../../src/contract/problem.js';
import { startWithoutEngine } from './service.js';

test('a method that a known path does not take is 405, and Allow has those that it takes', async (t) => {
  const { ask } = await startWithoutEngine(t);
  const cases = [
    ['PUT /v1/collections', 'GET, HEAD, POST'],
    ['OPTIONS /v1/collections?x=1', 'GET, HEAD, POST'],
    ['PATCH /v1/collections/a%2Fb', 'DELETE, GET, HEAD'],
    ['GET /v1/collections/c/points', 'POST'],
    ['HEAD /v1/collections/c/search', 'POST'],
    ['POST /v1/collections/c/storage', 'PUT'],
    // `count` is an id, too.
    ['PUT /v1/collections/c/points/count', 'DELETE, GET, HEAD, POST'],
    ['DELETE /openapi.json', 'GET, HEAD'],
    ['POST /docs/static/index.html', 'GET, HEAD'],
  ] as const;
  for (const [call, allow] of cases) {
    const { status, headers, body } = await ask(call);
    t.equal(status, 405, call);
    t.equal(headers.allow, allow, call);
    t.match(headers['content-type'], /^application\/problem\+json/);
    t.equal(headers['x-content-type-options'], 'nosniff');
    if (!call.startsWith('HEAD')) t.match(problem.parse(body), { code: 'method_not_allowed', status: 405 });
  }
  const { detail } = (await ask('GET /v1/collections/c/build/')).body;
  t.equal(detail, 'There is no GET /v1/collections/c/build/.');
});

test('a path that no method takes is 404, without Allow', async (t) => {
  const { ask } = await startWithoutEngine(t);
  for (const call of [
    'GET /v2/nothing',
    'POST /v1',
    'DELETE /v1/collections/c/points/1/2',
    'GET /openapiXjson',
  ] as const) {
    const { status, headers, body } = await ask(call);
    t.equal(status, 404, call);
    t.equal(body.code, 'route_not_found', call);
    t.notOk('allow' in headers, call);
  }
});

test('an unknown call is refused before its body is read, whatever that is', async (t) => {
  const { app, ask } = await startWithoutEngine(t);
  const xml = { 'content-type': 'application/xml' };
  t.equal((await ask('POST /v2/nothing', '<a/>', xml)).body.code, 'route_not_found');
  t.equal((await ask('PUT /v1/collections', '<a/>', xml)).body.code, 'method_not_allowed');
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1000)) });
  const response = await fetch(`http://127.0.0.1:${port}/v1/collections`, {
    method: 'PUT',
    body: endless,
    duplex: 'half',
  });
  t.equal(response.status, 405);
});

test('a method that this server never takes is refused like the others', async (t) => {
  const { app } = await startWithoutEngine(t);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/v1/collections`, { method: 'PROPFIND' });
  t.equal(response.status, 405);
  t.equal(((await response.json()) as { code: string }).code, 'method_not_allowed');
});
