import { readFile } from 'node:fs/promises';
import { test } from 'tap';
import { ERROR_CODES } from '../../src/errors.js';
import { startWithoutEngine } from './service.js';

// biome-ignore lint/suspicious/noExplicitAny: a JSON document
type Json = any;

test('the committed document is the one the service gives', async (t) => {
  const { app, ask } = await startWithoutEngine(t);
  const committed = JSON.parse(await readFile('openapi/openapi.json', 'utf8'));
  const { body } = await ask('GET /openapi.json');
  t.same(body, committed, 'run `npm run openapi`');
  t.same(body, JSON.parse(JSON.stringify(app.swagger())));
});

test('every call is described: id, tag, summary, errors as problems', async (t) => {
  const { ask } = await startWithoutEngine(t);
  const document: Json = (await ask('GET /openapi.json')).body;
  t.equal(document.openapi, '3.1.0');
  const ids = new Set<string>();
  for (const [path, methods] of Object.entries<Json>(document.paths)) {
    for (const [method, call] of Object.entries<Json>(methods)) {
      const name = `${method} ${path}`;
      t.ok(call.operationId && call.summary && call.tags?.length === 1, name);
      t.notOk(ids.has(call.operationId), `${call.operationId} is unique`);
      ids.add(call.operationId);
      if (!path.startsWith('/v1/')) continue;
      for (const status of ['401', '403', '500', '503']) {
        t.ok(call.responses[status].content['application/problem+json'], `${name} ${status}`);
      }
    }
  }
  t.same(document.components.schemas.Problem.properties.code.enum, ERROR_CODES);
  const insert = document.paths['/v1/collections/{name}/points'].post.requestBody.content;
  t.same(Object.keys(insert), [
    'application/json',
    'application/x-ndjson',
    'application/vnd.apache.arrow.stream',
  ]);
});

test('the page works offline and under its policy', async (t) => {
  const { ask } = await startWithoutEngine(t);
  const page = await ask('GET /docs');
  t.equal(page.status, 200);
  const policy = String(page.headers['content-security-policy']);
  t.match(policy, /script-src 'self'/);
  t.notMatch(policy, /upgrade-insecure-requests|https:/);
  t.notMatch(page.text, /<script>[^<]*\S/, 'no inline script: the policy forbids them');
  const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] as string);
  t.ok(assets.length >= 4);
  for (const asset of assets) {
    t.notMatch(asset, /^(https?:)?\/\//, `${asset} is our own`);
    const { pathname } = new URL(asset, 'http://localhost/docs');
    t.equal((await ask(`GET ${pathname as '/'}`)).status, 200, asset);
  }
  t.notMatch((await ask('GET /docs/static/swagger-initializer.js')).text, /validator\.swagger\.io/);
});
