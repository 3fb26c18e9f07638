// Many searches of one request: fed to the dispatcher a few at a time, so that no batch fills its queue. Main thread.

import type { SearchRequest, SearchResponse } from '../contract/search.js';
import { ServiceError } from '../errors.js';
import type { Caller, CollectionSearch } from './collection-search.js';

/** Searches of one batch that wait or run at a time: two tasks, so that one thread never waits for the next. */
const SEARCHES_AT_ONCE = 32;

/**
 * The answer to each request, in order. One that fails fails them all, and those not begun are left out.
 * @throws as `CollectionSearch.search`, telling which search it was
 */
export async function searchBatch(
  search: Pick<CollectionSearch, 'search'>,
  requests: readonly SearchRequest[],
  from: Caller = {},
): Promise<SearchResponse[]> {
  const answers: SearchResponse[] = new Array(requests.length);
  const caller = { ...from, isBatch: true };
  const failures: { index: number; error: unknown }[] = [];
  let next = 0;
  const work = async () => {
    while (next < requests.length && failures.length === 0) {
      const index = next++;
      try {
        answers[index] = await search.search(requests[index] as SearchRequest, caller);
      } catch (error) {
        failures.push({ index, error });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(SEARCHES_AT_ONCE, requests.length) }, work));
  const [first] = failures.sort((a, b) => a.index - b.index);
  if (first !== undefined) throw atSearch(first.index, first.error);
  return answers;
}

/** The failure of one search of a batch, telling which. */
function atSearch(index: number, error: unknown): unknown {
  if (!(error instanceof ServiceError)) return error;
  const issues = error.issues.length > 0 ? error.issues : [{ path: '', message: error.message }];
  const located = issues.map(({ path, message }) => ({
    path: `searches[${index}]${path && `.${path}`}`,
    message,
  }));
  return new ServiceError(error.code, error.fields, located);
}
