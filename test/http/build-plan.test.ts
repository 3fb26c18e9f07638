// What a dry run of a build foretells comes about: measured on a real process.

import { execFileSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { clusteredBatches } from '../../bench/client/clusters.js';
import { base64Of } from '../../bench/client/ingest.js';
import { withTemporaryService } from '../../bench/client/temporary-service.js';
import { row } from '../../bench/data/split.js';
import { anonymousBytes, watchAnonymousBytes } from '../../bench/process-figures.js';

t.setTimeout(600_000);
const LINUX_ONLY = { skip: process.platform === 'linux' ? false : 'reads /proc' };

const POINTS = 30_000;
const DIMENSION = 256;
/** The threads of a build end after five seconds without one. */
const BUILD_THREADS_IDLE_MS = 8000;

/** Bytes that the files of a directory occupy. */
function diskBytes(directory: string): number {
  return Number(execFileSync('du', ['-s', '-B1', directory], { encoding: 'utf8' }).split('\t')[0]);
}

/** A figure that has stayed the same for a while. */
async function settled(read: () => Promise<number>): Promise<number> {
  for (let last = await read(); ; ) {
    await setTimeout(1000);
    const next = await read();
    if (next === last) return next;
    last = next;
  }
}

t.test('RAM and disk of a build are foreseen within a quarter', LINUX_ONLY, async (t) => {
  await withTemporaryService(
    async ({ service, client, dataDir: directory }) => {
      await client.createCollection({ name: 'c', dimension: DIMENSION, metric: 'cosine' });
      let id = 0;
      const shape = { count: POINTS, dimension: DIMENSION, clusters: 50, seed: 1 };
      for (const vectors of clusteredBatches(shape, 1000)) {
        const points = Array.from({ length: vectors.count }, (_, i) => ({
          id: id + i,
          vector: base64Of(row(vectors, i)),
        }));
        await client.upsert('c', points);
        id += vectors.count;
      }
      const around = (found: number, foreseen: number, what: string) =>
        t.ok(
          Math.abs(found / foreseen - 1) < 0.25,
          `${what}: ${found} bytes where ${foreseen} were foreseen`,
        );

      // Once for the code to be compiled and the allocators to have what they keep.
      await client.build('c');
      await setTimeout(BUILD_THREADS_IDLE_MS);
      const plan = await client.planBuild('c');
      t.equal(plan.points_count, POINTS);
      t.equal(plan.refusal, undefined);
      const before = diskBytes(directory);
      let diskPeak = before;
      const watching = setInterval(() => {
        diskPeak = Math.max(diskPeak, diskBytes(directory));
      }, 100);
      const idle = await client.describe('c');
      around(idle.memory.total_bytes, plan.memory.now_bytes, 'RAM now');
      const building = async () => {
        const beforeBytes = anonymousBytes(service.pid);
        const peak = watchAnonymousBytes(service.pid);
        const { elapsed_seconds } = await client.build('c');
        return { elapsed_seconds, peakBytes: idle.memory.total_bytes + peak() - beforeBytes };
      };
      let { elapsed_seconds, peakBytes } = await building();
      clearInterval(watching);
      // On a machine that is busy garbage is collected late, that of before the build (a peak too low) or its own (too high).
      const isFar = () => Math.abs(peakBytes / plan.memory.peak_bytes - 1) >= 0.25;
      for (let again = 0; again < 2 && isFar(); again++) {
        await setTimeout(BUILD_THREADS_IDLE_MS);
        ({ elapsed_seconds, peakBytes } = await building());
      }
      around(peakBytes, plan.memory.peak_bytes, 'RAM at the peak of the build');
      around(diskPeak, plan.disk.peak_bytes, 'disk at the peak of the build');
      around((await client.describe('c')).memory.total_bytes, plan.memory.after_bytes, 'RAM afterwards');
      const after = await settled(async () => (await client.describe('c')).disk_bytes);
      around(after, plan.disk.after_bytes, 'disk afterwards');
      t.ok(
        plan.seconds > elapsed_seconds / 3 && plan.seconds < elapsed_seconds * 3,
        'as long as the build before',
      );
    },
    { environment: { SEARCH_THREADS: '2', BUILD_THREADS: '2' } },
  );
});
