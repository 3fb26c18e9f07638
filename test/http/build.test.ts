import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { buildPlan, buildStatus } from '../../src/contract/build.js';
import { collectionDescription } from '../../src/contract/collections.js';
import { type Service, someVectors, startService } from './service.js';

async function withPoints(t: Test, count: number): Promise<Service> {
  const service = await startService(t);
  await service.ask('POST /v1/collections', { name: 'c', dimension: 16, metric: 'l2' });
  const points = someVectors(count, 16).map((vector, id) => ({ id, vector }));
  await service.ask('POST /v1/collections/c/points', { points });
  return service;
}

test('a build is waited for, and described', async (t) => {
  const { ask } = await withPoints(t, 2000);
  t.equal((await ask('GET /v1/collections/c/build')).body.code, 'build_not_found');
  const done = await ask('POST /v1/collections/c/build?wait=true', { max_leaf_size: 64 });
  t.equal(done.status, 200);
  buildStatus.parse(done.body);
  t.match(done.body, { state: 'succeeded', progress: 1, points_count: 2000 });
  const { body } = await ask('GET /v1/collections/c');
  collectionDescription.parse(body);
  t.match(body, {
    indexed_count: 2000,
    pending_count: 0,
    index: { state: 'ready', generation: 1, max_leaf_size: 64 },
  });
  t.match((await ask('POST /v1/collections/c/search', { id: 7, k: 5 })).body.results.length, 5);
  const { queries, efforts } = body.index.calibration;
  t.equal(queries, 1000);
  t.strictSame([...new Set(efforts.map(({ k }: { k: number }) => k))], [1, 10, 100]);
  for (const { recall, recall_low, recall_high, target_recall } of efforts) {
    t.ok(recall_low <= recall && recall <= recall_high && recall >= target_recall);
  }
  const scanned = async (target_recall: number) => {
    const search = { vector: someVectors(1, 16)[0], target_recall, with_stats: true };
    const reply = await ask('POST /v1/collections/c/search', search);
    return reply.body.stats.vectors_scanned as number;
  };
  t.ok((await scanned(0.8)) < (await scanned(0.99)), 'a higher target costs more');
  t.ok((await scanned(0.99)) < (await scanned(1)), 'and all of it an exact search');
});

test('a build goes on in the background, refuses a second one, tells its progress and can be canceled', async (t) => {
  const { ask } = await withPoints(t, 5000);
  const started = await ask('POST /v1/collections/c/build');
  t.equal(started.status, 202);
  t.equal(started.headers.location, '/v1/collections/c/build');
  t.match(started.body.state, /queued|running/);
  const second = await ask('POST /v1/collections/c/build');
  t.equal(second.status, 409);
  t.equal(second.body.code, 'build_running');
  const canceled = await ask('DELETE /v1/collections/c/build');
  t.equal(canceled.status, 200);
  t.match(canceled.body.state, /canceled|succeeded/);
  t.equal((await ask('DELETE /v1/collections/c/build')).body.code, 'build_not_found');
});

test('bits that the sign quantizer does not have are refused at creation and for a build', async (t) => {
  const { ask } = await startService(t);
  const collection = { name: 'c', dimension: 16, metric: 'l2' };
  const created = await ask('POST /v1/collections', { ...collection, index: { quantizer: 'sign', bits: 4 } });
  t.equal(created.status, 400);
  t.match(created.body, { code: 'validation_failed', errors: [{ path: 'index.bits', message: /1 bit/ }] });
  await ask('POST /v1/collections', { ...collection, index: { quantizer: 'sign' } });
  await ask('POST /v1/collections/c/points', {
    points: someVectors(50, 16).map((vector, id) => ({ id, vector })),
  });
  for (const body of [{ bits: 2 }, { bits: 4, quantizer: 'sign' }]) {
    const refused = await ask('POST /v1/collections/c/build?wait=true', body);
    t.equal(refused.status, 400);
    t.match(refused.body, { code: 'validation_failed', errors: [{ path: 'bits', message: /1 bit/ }] });
  }
  t.equal((await ask('GET /v1/collections/c/build')).body.code, 'build_not_found', 'none was started');
  t.equal((await ask('POST /v1/collections/c/build?wait=true', { bits: 1 })).status, 200);
  t.equal(
    (await ask('POST /v1/collections/c/build?wait=true', { quantizer: 'rabitq', bits: 4 })).status,
    200,
  );
  t.match((await ask('GET /v1/collections/c')).body.index, { quantizer: 'rabitq', bits: 4 });
  t.equal((await ask('POST /v1/collections/c/build?wait=true', { quantizer: 'sign' })).status, 200);
  t.match((await ask('GET /v1/collections/c')).body.index, { quantizer: 'sign', bits: 1 });
});

test('a build that waits behind that of another collection can be canceled at once, and started again', async (t) => {
  const { ask } = await withPoints(t, 10_000);
  await ask('POST /v1/collections', { name: 'd', dimension: 16, metric: 'l2' });
  await ask('POST /v1/collections/d/points', {
    points: someVectors(50, 16).map((vector, id) => ({ id, vector })),
  });
  await ask('POST /v1/collections/c/build');
  t.equal((await ask('POST /v1/collections/d/build')).body.state, 'queued');
  const canceled = await ask('DELETE /v1/collections/d/build');
  t.equal(canceled.status, 200);
  t.match(canceled.body, { state: 'canceled', phase: 'queued', finished_at: String });
  const other = (await ask('GET /v1/collections/c/build')).body;
  t.notMatch(other.phase, /writing|switching|done/, 'the other has not come far meanwhile');
  t.equal((await ask('POST /v1/collections/d/build?wait=true')).body.state, 'succeeded');
  t.equal((await ask('GET /v1/collections/c/build')).body.state, 'succeeded', 'it came first');
});

test('events end with the last status', async (t) => {
  const { ask } = await withPoints(t, 2000);
  await ask('POST /v1/collections/c/build');
  const { text, headers } = await ask('GET /v1/collections/c/build/events');
  t.match(headers['content-type'], /^text\/event-stream/);
  const events = text.split('\n\n').filter((event) => event.startsWith('event: progress\ndata: '));
  const last = JSON.parse(events.at(-1)?.split('data: ')[1] ?? '{}');
  t.match(buildStatus.parse(last), { state: 'succeeded', progress: 1 });
});

test('an empty collection has nothing to build', async (t) => {
  const { ask } = await startService(t);
  await ask('POST /v1/collections', { name: 'c', dimension: 2, metric: 'dot' });
  const { status, body } = await ask('POST /v1/collections/c/build');
  t.equal(status, 409);
  t.equal(body.code, 'collection_empty');
});

test('a build that the disk fails answers build_failed without paths, and searches go on', async (t) => {
  const dataDir = t.testdir();
  const { ask } = await startService(t, { DATA_DIR: dataDir });
  await ask('POST /v1/collections', { name: 'c', dimension: 16, metric: 'l2' });
  const points = someVectors(50, 16).map((vector, id) => ({ id, vector }));
  await ask('POST /v1/collections/c/points', { points });
  const [id] = readdirSync(join(dataDir, 'collections'));
  const generations = join(dataDir, 'collections', id as string, 'generations');
  rmSync(generations, { recursive: true });
  writeFileSync(generations, 'in the way');
  const { status, body } = await ask('POST /v1/collections/c/build?wait=true', {});
  t.equal(status, 500);
  t.equal(body.code, 'build_failed');
  t.notMatch(JSON.stringify(body), dataDir);
  t.equal((await ask('POST /v1/collections/c/search', { id: 7, k: 5 })).body.results.length, 5);
});

test('a dry run tells what a build would take, and builds nothing', async (t) => {
  const { ask } = await withPoints(t, 2000);
  const { status, body } = await ask('POST /v1/collections/c/build?dry_run=true', { max_leaf_size: 64 });
  t.equal(status, 200);
  const plan = buildPlan.parse(body);
  t.match(plan, { points_count: 2000, threads: 1, refusal: undefined });
  for (const { now_bytes, peak_bytes, after_bytes } of [plan.memory, plan.disk]) {
    t.ok(now_bytes > 0 && after_bytes > 0 && peak_bytes > Math.max(now_bytes, after_bytes));
  }
  t.equal((await ask('GET /v1/collections/c/build')).body.code, 'build_not_found');
  t.match((await ask('GET /v1/collections/c')).body, { index: { state: 'none', max_leaf_size: 700 } });
  const done = await ask('POST /v1/collections/c/build?wait=true', { max_leaf_size: 64 });
  const { body: again } = await ask('POST /v1/collections/c/build?dry_run=true');
  const ratio = again.seconds / done.body.elapsed_seconds;
  t.ok(ratio > 0.3 && ratio <= 1.1, `the same again takes as long: ${ratio}`);
});

test('a build that does not fit into the memory limit is 507 with the numbers; a dry run says so, too', async (t) => {
  const service = await startService(t, { MEMORY_BYTES_MAX: String(64 * 2 ** 20) });
  const { ask } = service;
  await ask('POST /v1/collections', { name: 'c', dimension: 2048, metric: 'l2', storage: 'memory' });
  const points = someVectors(500, 2048).map((vector, id) => ({ id, vector }));
  for (let batch = 0; batch < 4; batch++) {
    const moved = points.map(({ vector, id }) => ({ vector, id: id + 500 * batch }));
    t.equal((await ask('POST /v1/collections/c/points', { points: moved })).status, 200);
  }
  const refused = await ask('POST /v1/collections/c/build');
  t.equal(refused.status, 507);
  t.match(refused.body, { code: 'memory_full', detail: new RegExp(`of the ${64 * 2 ** 20} bytes`) });
  t.match((await ask('POST /v1/collections/c/build?dry_run=true')).body, {
    refusal: { code: 'memory_full', message: refused.body.detail },
    memory: { limit_bytes: 64 * 2 ** 20 },
  });
  t.equal((await ask('DELETE /v1/collections/c/points/7')).status, 200);
  const { text } = await ask('GET /metrics');
  t.match(text, /coppice_memory_budget_bytes\{kind="limit"\} 67108864/);
  t.match(text, /coppice_memory_budget_bytes\{kind="used"\} [1-9]/);
  t.match(text, /coppice_mapped_bytes\{collection="c"\} 0/);
  if (process.platform === 'linux') t.match(text, /coppice_process_memory_bytes\{kind="anonymous"\} [1-9]/);
});

test('what becomes of a collection while its build is waited for is told by its own code', async (t) => {
  const { ask } = await withPoints(t, 3000);
  const dropped = ask('POST /v1/collections/c/build?wait=true');
  await ask('GET /v1/collections/c/build');
  t.ok((await ask('DELETE /v1/collections/c')).status < 300);
  const { status, body } = await dropped;
  t.ok(['build_canceled', 'collection_not_found'].includes(body.code), body.detail);
  t.ok(status === 409 || status === 404);

  await ask('POST /v1/collections', { name: 'c', dimension: 2, metric: 'l2' });
  await ask('POST /v1/collections/c/points', { points: [{ id: 1, vector: [1, 2] }] });
  // Empty before the build has listed its points.
  const [emptied] = await Promise.all([
    ask('POST /v1/collections/c/build?wait=true'),
    ask('POST /v1/collections/c/points/delete', { ids: [1] }),
  ]);
  t.ok(emptied.status === 200 || emptied.body.code === 'collection_empty', emptied.body.detail);
});
