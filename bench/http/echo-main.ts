// A service whose search route does everything but search: the real server takes, checks and counts the request and
// writes the reply, but the engine's answer was stored beforehand. What the HTTP part costs alone.
// Started with ECHO_DIMENSION and ECHO_ANSWER (a search reply with statistics) beside the service's own settings.

import { buildApp } from '../../src/app.js';
import type { Collection } from '../../src/collections/collection.js';
import { Collections } from '../../src/collections/collections.js';
import { loadConfig } from '../../src/config.js';
import type { SearchRequest, SearchResponse } from '../../src/contract/search.js';
import { checkVector } from '../../src/contract/vector.js';
import { createLog } from '../../src/log.js';

const dimension = Number(process.env.ECHO_DIMENSION);
const answer = JSON.parse(process.env.ECHO_ANSWER ?? '') as SearchResponse;
const config = loadConfig(process.env);
const log = await createLog({ level: config.logLevel, readable: false });
const collections = await Collections.open(config, log);
await collections.loaded;
const echo = {
  async search({ vector }: SearchRequest): Promise<SearchResponse> {
    checkVector(vector as Float32Array, dimension, 'cosine');
    return answer;
  },
} as Partial<Collection> as Collection;
collections.get = () => echo;
const app = await buildApp({ config, collections, log });
await app.listen({ host: config.host, port: config.port });
process.once('SIGTERM', async () => {
  await app.close();
  await collections.close();
});
