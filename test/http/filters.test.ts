// Filters, payload indexes, facets, groups and updates of payloads, as clients meet them.

import { setTimeout } from 'node:timers/promises';
import t, { type Test, test } from 'tap';
import { type Service, someVectors, startService } from './service.js';

// Threads start slowly where the tests share few cores.
t.setTimeout(120_000);

const POINTS = '/v1/collections/c/points';
const INDEXES = '/v1/collections/c/payload-indexes';
const KINDS = ['tree', 'bush', 'herb'];
const isKind = (value: string) => ({ must: [{ key: 'kind', match: { value } }] });

/** Points 0 to 11, by turns trees, bushes and herbs, as far from the origin as their number. */
async function withPoints(t: Test): Promise<Service> {
  const service = await startService(t);
  await service.ask('POST /v1/collections', { name: 'c', dimension: 2, metric: 'l2' });
  const points = Array.from({ length: 12 }, (_, id) => ({
    id,
    vector: [id, 0],
    payload: { kind: KINDS[id % 3], size: { height: id }, 'a/b': [id % 2] },
  }));
  const { status } = await service.ask(`POST ${POINTS}`, { points });
  t.equal(status, 200);
  return service;
}

async function indexed({ ask }: Service, key: string, type: string): Promise<void> {
  await ask(`PUT ${INDEXES}/${encodeURIComponent(key)}`, { type });
  const isReady = async () => {
    const { indexes } = (await ask(`GET ${INDEXES}`)).body;
    return indexes.find((index: { key: string }) => index.key === key).state === 'ready';
  };
  while (!(await isReady())) await setTimeout(2);
}

const idsOf = (items: { id: number }[]) => items.map(({ id }) => id);

test('a payload index is set, listed, replaced and dropped', async (t) => {
  const service = await withPoints(t);
  const { ask } = service;
  t.strictSame((await ask(`GET ${INDEXES}`)).body, { indexes: [] });
  const set = await ask(`PUT ${INDEXES}/kind`, { type: 'text' });
  t.equal(set.status, 200);
  t.match(set.body, { key: 'kind', type: 'text', state: /^(building|ready)$/ });
  await indexed(service, 'kind', 'keyword');
  await indexed(service, 'a', 'bool');
  const { body } = await ask(`GET ${INDEXES}`);
  t.match(body, {
    indexes: [
      { key: 'a', type: 'bool', state: 'ready', progress: 1 },
      { key: 'kind', type: 'keyword', state: 'ready', progress: 1 },
    ],
  });
  t.ok(body.indexes.every(({ bytes }: { bytes: number }) => bytes > 0));
  t.match(await ask(`DELETE ${INDEXES}/a`), { status: 200, body: { dropped: 'a' } });
  const again = await ask(`DELETE ${INDEXES}/a`);
  t.match(again, { status: 404, body: { code: 'payload_index_not_found', detail: /key a\./ } });
  t.equal((await ask(`GET ${INDEXES}`)).body.indexes.length, 1);
  for (const call of ['GET', 'PUT', 'DELETE'] as const) {
    const url = `/v1/collections/nobody/payload-indexes${call === 'GET' ? '' : '/a'}` as const;
    const reply = await ask(`${call} ${url}`, call === 'PUT' ? { type: 'bool' } : undefined);
    t.match(reply, { status: 404, body: { code: 'collection_not_found' } }, call);
  }
});

test('keys with dots, slashes and any letters are URL-encoded', async (t) => {
  const service = await withPoints(t);
  const { ask } = service;
  const keys = ['a/b', 'size.height', 'größe', 'kind of %2F ?#'];
  for (const key of keys) await indexed(service, key, 'integer');
  const { indexes } = (await ask(`GET ${INDEXES}`)).body;
  t.strictSame(
    indexes.map(({ key }: { key: string }) => key),
    keys.toSorted(),
  );
  const filter = {
    must: [{ key: 'size.height', range: { gte: 5 } }],
    must_not: [{ key: 'a/b', match: { value: 1 } }],
  };
  t.strictSame((await ask(`POST ${POINTS}/count`, { filter })).body, { count: 3 }, 'no warning');
  for (const key of keys) {
    t.strictSame((await ask(`DELETE ${INDEXES}/${encodeURIComponent(key)}`)).body, { dropped: key });
  }
  t.strictSame((await ask(`GET ${INDEXES}`)).body, { indexes: [] });
});

test('bad indexes are refused, and one more than 64', async (t) => {
  const { ask } = await withPoints(t);
  for (const body of [{}, { type: 'number' }, { type: 'keyword', extra: 1 }]) {
    t.match(await ask(`PUT ${INDEXES}/kind`, body), { status: 400, body: { code: 'validation_failed' } });
  }
  const long = await ask(`PUT ${INDEXES}/${'k'.repeat(257)}`, { type: 'bool' });
  t.not(long.status, 200);
  for (let number = 0; number < 64; number++) await ask(`PUT ${INDEXES}/k${number}`, { type: 'bool' });
  t.match(await ask(`PUT ${INDEXES}/one-more`, { type: 'bool' }), {
    status: 422,
    body: { code: 'too_many_indexes', detail: /at most 64/ },
  });
  t.equal((await ask(`PUT ${INDEXES}/k5`, { type: 'keyword' })).status, 200, 'in place of one');
  const { indexes } = (await ask(`GET ${INDEXES}`)).body;
  t.equal(indexes.length, 64);
  t.equal(indexes.find(({ key }: { key: string }) => key === 'k5').type, 'keyword');
});

test('count, scroll, facet, search and recall go by the filter', async (t) => {
  const { ask } = await withPoints(t);
  const filter = { must: [...isKind('bush').must, { key: 'size.height', range: { gte: 4 } }] };
  t.equal((await ask(`POST ${POINTS}/count`, { filter })).body.count, 3);
  t.equal(
    (await ask(`POST ${POINTS}/count`, { filter: {} })).body.count,
    12,
    'all meet a filter without conditions',
  );

  const first = await ask(`POST ${POINTS}/scroll`, { filter, limit: 2 });
  t.strictSame(idsOf(first.body.points), [10, 4], 'in the order of their bytes');
  const cursor = first.body.next_cursor;
  const second = await ask(`POST ${POINTS}/scroll`, { filter, limit: 2, cursor });
  t.strictSame(idsOf(second.body.points), [7]);
  t.notOk('next_cursor' in second.body);

  const facet = await ask('POST /v1/collections/c/facet', { key: 'a/b', filter });
  t.strictSame(facet.body.facets, [
    { value: 0, count: 2 },
    { value: 1, count: 1 },
  ]);
  const kinds = await ask('POST /v1/collections/c/facet', { key: 'kind', limit: 2 });
  t.strictSame(kinds.body.facets, [
    { value: 'bush', count: 4 },
    { value: 'herb', count: 4 },
  ]);

  const search = { vector: [0, 0], filter, with_stats: true };
  const found = await ask('POST /v1/collections/c/search', search);
  t.strictSame(idsOf(found.body.results), [4, 7, 10]);
  t.match(found.body.stats.filter, { matches: 3, way: 'exact' });
  const plain = await ask('POST /v1/collections/c/search', { vector: [0, 0], with_stats: true });
  t.notOk('filter' in plain.body.stats);
  const byId = await ask('POST /v1/collections/c/search', { id: 7, filter });
  t.strictSame(idsOf(byId.body.results), [10, 4], 'without the point itself');
  const batch = await ask('POST /v1/collections/c/search/batch', {
    searches: [search, { vector: [0, 0], filter: isKind('tree'), k: 1 }],
  });
  t.strictSame(batch.body.results.map(idsOf), [[4, 7, 10], [0]]);
  const recall = await ask('POST /v1/collections/c/recall', { filter, samples: 3, k: 2 });
  t.match(recall, { status: 200, body: { recall: 1, samples: 3, k: 2 } });
});

test('the way a search goes stands in its statistics', async (t) => {
  const service = await startService(t);
  const { ask } = service;
  await ask('POST /v1/collections', { name: 'c', dimension: 8, metric: 'l2', index: { max_leaf_size: 50 } });
  const points = someVectors(7000, 8).map((vector, id) => ({
    id,
    vector,
    payload: { all: true, few: id < 5 },
  }));
  await ask(`POST ${POINTS}`, { points });
  await ask('POST /v1/collections/c/build', {});
  while ((await ask('GET /v1/collections/c/build')).body.state !== 'succeeded') await setTimeout(20);
  const wayOf = async (key: string, more: object) => {
    const filter = { must: [{ key, match: { value: true } }] };
    const request = { vector: points[0]?.vector, filter, with_stats: true, ...more };
    const { stats, results } = (await ask('POST /v1/collections/c/search', request)).body;
    t.equal(results[0].id, 0);
    return stats.filter;
  };
  t.strictSame(await wayOf('few', {}), { matches: 5, way: 'exact', unindexed_keys: ['few'] });
  t.strictSame(await wayOf('all', { probes: 3 }), { matches: 7000, way: 'probes', unindexed_keys: ['all'] });
  t.strictSame(await wayOf('all', { exact: true }), { matches: 7000, way: 'exact', unindexed_keys: ['all'] });
});

test('groups come instead of results, nearest first', async (t) => {
  const { ask } = await withPoints(t);
  const request = {
    vector: [0, 0],
    group_by: 'kind',
    group_size: 2,
    k: 2,
    filter: { must_not: isKind('bush').must },
  };
  const { status, body } = await ask('POST /v1/collections/c/search', request);
  t.equal(status, 200);
  t.strictSame(body.results, []);
  t.strictSame(
    body.groups.map(({ value, results }: { value: string; results: { id: number }[] }) => [
      value,
      idsOf(results),
    ]),
    [
      ['tree', [0, 3]],
      ['herb', [2, 5]],
    ],
  );
  t.notOk('payload' in body.groups[0].results[0]);
  const full = await ask('POST /v1/collections/c/search', {
    ...request,
    with_payload: true,
    with_stats: true,
  });
  t.match(full.body.groups[0].results[0], { id: 0, payload: { kind: 'tree' } });
  t.ok(full.body.stats);
  const many = await ask('POST /v1/collections/c/search', { ...request, k: 501 });
  t.match(many, { status: 400, body: { code: 'validation_failed', errors: [{ path: 'group_size' }] } });
  const batch = await ask('POST /v1/collections/c/search/batch', { searches: [{ vector: [0, 0] }, request] });
  t.match(batch, {
    status: 400,
    body: { code: 'validation_failed', errors: [{ path: 'searches[1].group_by' }] },
  });
});

test('a filter deletes points and changes their payloads', async (t) => {
  const { ask } = await withPoints(t);
  const update = (body: object) => ask(`POST ${POINTS}/payload`, body);
  const payloadOf = async (id: number) => (await ask(`GET ${POINTS}/${id}`)).body.payload;
  t.match(await update({ filter: isKind('tree'), set: { seen: true, 'a/b': 7 } }), {
    status: 200,
    body: { updated: 4 },
  });
  t.strictSame(await payloadOf(3), { kind: 'tree', size: { height: 3 }, 'a/b': 7, seen: true });
  t.match((await update({ ids: [3, '3', 4, 'nobody'], delete_keys: ['size.height', 'a/b'] })).body, {
    updated: 2,
  });
  t.strictSame(await payloadOf(3), { kind: 'tree', size: {}, seen: true });
  const { sequence } = (await update({ ids: [4], overwrite: { kind: 'tree' } })).body;
  t.strictSame(await payloadOf(4), { kind: 'tree' });
  const deleted = await ask(`POST ${POINTS}/delete`, { filter: isKind('tree') });
  t.match(deleted, { status: 200, body: { deleted: 5, sequence: sequence + 1 } });
  t.equal((await ask(`GET ${POINTS}/4`)).body.code, 'point_not_found');
  t.strictSame((await ask(`POST ${POINTS}/delete`, { ids: [1, 2] })).body, {
    deleted: 2,
    sequence: sequence + 2,
  });
  t.equal((await ask(`POST ${POINTS}/count`, {})).body.count, 5);
  // A filter that came out as nothing empties no collection.
  t.equal((await ask(`POST ${POINTS}/delete`, { filter: {} })).body.code, 'validation_failed');
  t.equal((await ask(`POST ${POINTS}/count`, {})).body.count, 5);
});

test('a choice of points is one, and so is a change; bad filters are refused everywhere', async (t) => {
  const { ask } = await withPoints(t);
  const cases: [`POST /${string}`, object][] = [
    [`POST ${POINTS}/delete`, {}],
    [`POST ${POINTS}/delete`, { ids: [1], filter: {} }],
    [`POST ${POINTS}/payload`, { set: { a: 1 } }],
    [`POST ${POINTS}/payload`, { ids: [1], filter: {}, set: { a: 1 } }],
    [`POST ${POINTS}/payload`, { ids: [1] }],
    [`POST ${POINTS}/payload`, { ids: [1], set: { a: 1 }, overwrite: {} }],
    [`POST ${POINTS}/payload`, { ids: [1], set: [] }],
    [`POST ${POINTS}/payload`, { ids: [1], delete_keys: [] }],
    ['POST /v1/collections/c/facet', {}],
    ['POST /v1/collections/c/facet', { key: 'kind', limit: 1001 }],
  ];
  const filter = { must: [{ key: 'kind', match: { value: 'tree', any: ['bush'] } }] };
  cases.push(
    [`POST ${POINTS}/delete`, { filter }],
    [`POST ${POINTS}/payload`, { filter, set: { a: 1 } }],
    [`POST ${POINTS}/count`, { filter }],
    [`POST ${POINTS}/scroll`, { filter }],
    ['POST /v1/collections/c/facet', { key: 'kind', filter }],
    ['POST /v1/collections/c/search', { vector: [0, 0], filter }],
    ['POST /v1/collections/c/search/batch', { searches: [{ vector: [0, 0], filter }] }],
    ['POST /v1/collections/c/recall', { filter }],
  );
  for (const [call, body] of cases) {
    t.match(
      await ask(call, body),
      { status: 400, body: { code: 'validation_failed' } },
      `${call} ${JSON.stringify(body)}`,
    );
  }
  t.equal((await ask(`POST ${POINTS}/count`, {})).body.count, 12, 'nothing was deleted');
});

test('a call warns of keys that no index answers, and of no others', async (t) => {
  const service = await withPoints(t);
  const { ask } = service;
  const filter = isKind('tree');
  const calls: [`POST /${string}`, object][] = [
    [`POST ${POINTS}/count`, { filter }],
    [`POST ${POINTS}/scroll`, { filter }],
    ['POST /v1/collections/c/facet', { key: 'kind', filter }],
    ['POST /v1/collections/c/search', { vector: [0, 0], filter }],
    [`POST ${POINTS}/payload`, { filter, set: { seen: 1 } }],
    [`POST ${POINTS}/delete`, { filter }],
  ];
  for (const [call, body] of calls.slice(0, 5)) {
    t.match((await ask(call, body)).body.warnings, [/on "kind": payloads were read/], call);
  }
  await indexed(service, 'kind', 'geo');
  t.match(
    (await ask(...(calls[0] as (typeof calls)[0]))).body.warnings,
    [/"kind"/],
    'an index of a type that does not help',
  );
  await indexed(service, 'kind', 'keyword');
  for (const [call, body] of calls) {
    const reply = await ask(call, body);
    t.equal(reply.status, 200);
    t.notOk('warnings' in reply.body, call);
  }
  await ask(`DELETE ${INDEXES}/kind`);
  const bushes = { filter: isKind('bush') };
  t.ok((await ask(`POST ${POINTS}/delete`, bushes)).body.warnings);
});

test('a payload that would get too large is refused, and nothing is stored', async (t) => {
  const { ask } = await withPoints(t);
  const text = (letters: number) => ({ long: 'x'.repeat(letters) });
  t.equal((await ask(`POST ${POINTS}/payload`, { ids: [1], set: text(60_000) })).status, 200);
  const before = (await ask('GET /v1/collections/c')).body;
  const refused = await ask(`POST ${POINTS}/payload`, { ids: [0, 1, 2], set: { more: 'y'.repeat(6000) } });
  t.match(refused, {
    status: 400,
    body: {
      code: 'validation_failed',
      errors: [{ path: 'set', message: /Point 1: A payload has at most 65536 bytes/ }],
    },
  });
  for (const id of [0, 1, 2]) t.notOk('more' in (await ask(`GET ${POINTS}/${id}`)).body.payload);
  t.equal((await ask('GET /v1/collections/c')).body.points_count, before.points_count);
  const exists = { filter: { must: [{ key: 'more', exists: true }] } };
  t.equal((await ask(`POST ${POINTS}/count`, exists)).body.count, 0);
});

test('a key with scope read asks, and changes nothing', async (t) => {
  const { ask } = await startService(t, { API_KEYS: 'reader-key:read,boss-key' });
  const reader = { authorization: 'Bearer reader-key' };
  const boss = { authorization: 'Bearer boss-key' };
  await ask('POST /v1/collections', { name: 'c', dimension: 2, metric: 'l2' }, boss);
  await ask(`POST ${POINTS}`, { points: [{ id: 1, vector: [1, 0], payload: { kind: 'tree' } }] }, boss);
  const calls: [`${string} /${string}`, object | undefined][] = [
    [`PUT ${INDEXES}/kind`, { type: 'keyword' }],
    [`DELETE ${INDEXES}/kind`, undefined],
    [`POST ${POINTS}/payload`, { filter: {}, overwrite: {} }],
    [`POST ${POINTS}/delete`, { filter: {} }],
  ];
  for (const [call, body] of calls) {
    t.match(await ask(call, body, reader), { status: 403, body: { code: 'forbidden' } }, call);
  }
  t.strictSame((await ask(`GET ${INDEXES}`, undefined, reader)).body, { indexes: [] });
  t.equal((await ask(`POST ${POINTS}/count`, { filter: isKind('tree') }, reader)).body.count, 1);
});
