// A million points with payloads, over HTTP: what payload indexes take, counts and searches under filters, and deleting by
// filter beside searches. Usage: npm run bench -- payloads [--help]

import { benchOptions } from './bench-options.js';
import { clusteredBatches } from './client/clusters.js';
import type { CoppiceClient, NewPoint } from './client/coppice-client.js';
import { base64Of } from './client/ingest.js';
import { withTemporaryService } from './client/temporary-service.js';
import { timeSearches } from './client/timed-searches.js';
import { row } from './data/split.js';
import { median } from './report.js';
import { saveResult } from './results.js';
import { Figures } from './service/figures.js';
import { searchDuring } from './service/search-during.js';

const HELP = `npm run bench -- payloads [--count 1000000] [--dimension 96] [--smoke]

Made-up vectors with a kind (one of 20), a tenant (one of 10,000), a price and a date each.`;

const NAME = 'points';
const BATCH_POINTS = 1000;
const REQUESTS_IN_FLIGHT = 4;
const KINDS = 20;
const TENANTS = 10_000;
/** Of two kinds each. */
const DELETIONS = 5;
const QUERIES = 200;
const SEED = 1;
/** The first day, and points a day. */
const FIRST_DAY_MS = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;

const options = benchOptions(HELP, {
  count: { type: 'string', default: '1000000' },
  dimension: { type: 'string', default: '96' },
});
const count = options.smoke ? 5000 : Number(options.count);
const dimension = options.smoke ? 16 : Number(options.dimension);
const seconds = options.smoke ? 0.5 : 5;
const figures = new Figures();
const shape = { count, dimension, clusters: 300, seed: SEED };
const queries = [...clusteredBatches({ ...shape, count: QUERIES }, QUERIES)].flatMap((batch) =>
  Array.from({ length: batch.count }, (_, i) => base64Of(row(batch, i))),
);

await withTemporaryService(({ client }) => measure(client));
figures.print();
if (!options.smoke) await saveResult('payloads', { count, dimension, figures: figures.all });

async function measure(client: CoppiceClient): Promise<void> {
  await client.createCollection({ name: NAME, dimension, metric: 'l2' });
  await fill(client);
  await client.build(NAME);
  for (const [key, type] of [
    ['kind', 'keyword'],
    ['tenant', 'integer'],
    ['price', 'float'],
    ['day', 'datetime'],
  ] as const) {
    const startedMs = performance.now();
    const { bytes } = await client.setPayloadIndex(NAME, key, type);
    const setting = `${type}, ${key}`;
    const wanted = type === 'keyword';
    const indexSeconds = (performance.now() - startedMs) / 1000;
    figures.add('setting a payload index', indexSeconds, 's', { setting, wanted: wanted ? '<= 30' : '' });
    figures.add('payload index', bytes / count, 'bytes/point', { setting, wanted: wanted ? '<= 20' : '' });
  }
  await searchUnderFilters(client);
  await deleteMany(client);
}

async function fill(client: CoppiceClient): Promise<void> {
  const batches = clusteredBatches(shape, BATCH_POINTS);
  let id = 0;
  const work = async () => {
    for (const batch of batches) {
      const first = id;
      id += batch.count;
      const points = Array.from({ length: batch.count }, (_, i) =>
        pointOf(first + i, base64Of(row(batch, i))),
      );
      await client.upsert(NAME, points);
    }
  };
  await Promise.all(Array.from({ length: REQUESTS_IN_FLIGHT }, work));
}

/** A tenth of them goes with two kinds. */
function pointOf(id: number, vector: string): NewPoint {
  const kind = `kind ${id % KINDS}`;
  const tenant = Math.floor((id * 7919) % TENANTS);
  const price = ((id * 31) % 100_000) / 100;
  const day = new Date(FIRST_DAY_MS + DAY_MS * Math.floor((365 * id) / count)).toISOString();
  return { id, vector, payload: { kind, tenant, price, day } };
}

async function searchUnderFilters(client: CoppiceClient): Promise<void> {
  const filters = {
    none: undefined,
    'kind, 1 of 20': { must: [{ key: 'kind', match: { value: 'kind 3' } }] },
    'tenant, 1 of 10,000': { must: [{ key: 'tenant', match: { value: 77 } }] },
    'price, a tenth': { must: [{ key: 'price', range: { lt: 100 } }] },
    'day and not kind': {
      must: [{ key: 'day', range: { gte: '2026-07-01T00:00:00Z' } }],
      must_not: [{ key: 'kind', match: { value: 'kind 3' } }],
    },
  };
  for (const [setting, filter] of Object.entries(filters)) {
    const searches = queries.map((vector) => ({ vector, k: 10, ...(filter && { filter }) }));
    await timeSearches(client.origin, NAME, searches.slice(0, 20));
    const { p50Ms, p99Ms } = await timeSearches(client.origin, NAME, searches);
    figures.add('search under a filter, p50', p50Ms, 'ms', { setting });
    figures.add('search under a filter, p99', p99Ms, 'ms', { setting });
    if (filter === undefined) continue;
    const startedMs = performance.now();
    const matches = await client.countMatching(NAME, filter);
    figures.add('counting', performance.now() - startedMs, 'ms', { setting: `${setting}: ${matches}` });
  }
}

async function deleteMany(client: CoppiceClient): Promise<void> {
  let deleted = 0;
  const works = Array.from({ length: DELETIONS }, (_, round) => async () => {
    const kinds = [`kind ${2 * round}`, `kind ${2 * round + 1}`];
    const filter = { must: [{ key: 'kind', match: { any: kinds } }] };
    ({ deleted } = await client.deleteMatching(NAME, filter));
  });
  const what = 'a deletion by filter';
  const took = await searchDuring({ client, name: NAME, queries, seconds, what, works }, figures);
  figures.add('deleting by filter', median(took), 's', { setting: `${deleted} points`, wanted: '<= 5' });
  const setting = `the longest of ${DELETIONS}`;
  figures.add('deleting by filter', Math.max(...took), 's', { setting });
}
