// A whole engine on a temporary directory, for tests.

import type { Test } from 'tap';
import { Collections, type CollectionsOptions } from '../../src/collections/collections.js';
import type { Log } from '../../src/collections/log.js';
import { type CreateCollection, createCollection } from '../../src/contract/collections.js';
import { type SearchRequest, searchRequest } from '../../src/contract/search.js';

const SILENT: Log = { info: () => {}, warn: () => {}, error: () => {} };

export interface Engine {
  collections: Collections;
  directory: string;
  /** Closes the engine and opens another one on the same directory, its collections loaded. */
  reopen(): Promise<Collections>;
  /** What was logged as a warning or an error. */
  complaints: unknown[];
}

export async function openEngine(
  t: Test,
  directory = t.testdir(),
  options: Partial<CollectionsOptions> = {},
): Promise<Engine> {
  const complaints: unknown[] = [];
  const complain = (fields: object, message: string) => {
    complaints.push({ message, ...fields });
  };
  const log: Log = { ...SILENT, warn: complain, error: complain };
  const open = async () => {
    const collections = await Collections.open(
      // Threads take longer to start than most tests to run.
      { dataDir: directory, searchThreads: 1, buildThreads: 1, ...options },
      log,
    );
    await collections.loaded;
    return collections;
  };
  const engine: Engine = {
    collections: await open(),
    directory,
    complaints,
    async reopen() {
      await engine.collections.close();
      engine.collections = await open();
      return engine.collections;
    },
  };
  t.teardown(() => engine.collections.close());
  return engine;
}

/** The request as the wire would have made it, defaults filled in. */
export function creation(
  request: Partial<CreateCollection> & Pick<CreateCollection, 'name' | 'dimension'>,
): CreateCollection {
  return createCollection.parse({ metric: 'l2', ...request });
}

export function searchFor(
  request: Partial<Omit<SearchRequest, 'vector'>> & { vector?: ArrayLike<number> },
): SearchRequest {
  const { vector, ...rest } = request;
  return searchRequest.parse({ ...rest, ...(vector && { vector: Array.from(vector) }) });
}
