import t from 'tap';
import { BuildJob } from '../../src/collections/build-job.js';
import { ServiceError } from '../../src/errors.js';

const newJob = () => new BuildJob({ generation: 3, pointsCount: 7 });

t.test('a job tells its state, phase and progress, and an estimate once there is one', async (t) => {
  const job = newJob();
  t.match(job.status(), { state: 'queued', phase: 'queued', progress: 0, points_count: 7, generation: 3 });
  t.notOk('eta_seconds' in job.status());
  job.control.enter('clustering', 10);
  job.control.advance(5);
  t.match(job.status(), { state: 'running', phase: 'clustering' });
  t.ok((job.status().eta_seconds ?? -1) >= 0);
  job.beginSwitch();
  t.equal(job.status().phase, 'switching');
  job.succeed();
  t.match(await job.done, { state: 'succeeded', phase: 'done', progress: 1, finished_at: String });
  t.notOk(job.isActive);
});

t.test('a failure tells its code; a defect does not tell its insides', async (t) => {
  const known = newJob();
  known.fail(new ServiceError('memory_full', { needed: 2, limit: 1 }));
  t.match(await known.done, { state: 'failed', error: { code: 'memory_full' } });
  const damaged = newJob();
  damaged.fail(new ServiceError('storage_corrupt', { path: '/data/secret', reason: 'secret' }));
  t.match((await damaged.done).error, { code: 'storage_corrupt', message: /inside the service/ });
  t.notMatch(JSON.stringify(damaged.status()), /secret/);
  const defect = newJob();
  defect.fail(new Error('secret'));
  t.match((await defect.done).error, { code: 'internal' });
  t.notMatch(JSON.stringify(defect.status()), /secret/);
});

t.test('a canceled job ends as canceled, one that switches goes on', async (t) => {
  const canceled = newJob();
  t.notOk(canceled.canceled.aborted);
  canceled.cancel();
  t.ok(
    canceled.control.canceled && canceled.canceled.aborted,
    'its threads know, and who waits for its turn',
  );
  t.throws(() => canceled.beginSwitch(), { code: 'build_canceled' });
  canceled.fail(new ServiceError('build_canceled'));
  t.match(await canceled.done, { state: 'canceled' });
  t.notOk('error' in canceled.status());
  const late = newJob();
  late.beginSwitch();
  late.cancel();
  late.succeed();
  t.match(await late.done, { state: 'succeeded' });
});

t.test('events tell each change once and end with the job', async (t) => {
  const job = newJob();
  const states: string[] = [];
  const listening = (async () => {
    for await (const status of job.events()) states.push(status.state);
  })();
  await new Promise((resolve) => setImmediate(resolve));
  job.succeed();
  await listening;
  t.strictSame(states, ['queued', 'succeeded']);
});

t.test('events end when the listener leaves', async (t) => {
  const leaving = new AbortController();
  const seen: string[] = [];
  const listening = (async () => {
    for await (const status of newJob().events(leaving.signal)) seen.push(status.state);
  })();
  await new Promise((resolve) => setImmediate(resolve));
  leaving.abort();
  await listening;
  t.strictSame(seen, ['queued']);
});
