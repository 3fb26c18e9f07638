// The nearest groups of points that share a value: found by searches under filters that leave out the groups that are known
// already, and then fill those that are not full. Main thread.

import type { Filter, FilterCondition, Scalar } from '../contract/filter.js';
import type { SearchGroup, SearchRequest, SearchResponse, SearchResult } from '../contract/search.js';
import { isScalar } from '../filter/predicate.js';
import { pathOf, valuesAt } from '../filter/values.js';
import { K_MAX } from '../limits.js';
import type { Caller, CollectionSearch } from './collection-search.js';

/** The first search asks for so many times the points that full groups would have. */
const FIRST_TIMES = 2;
/** Each round fills a group, or all of them: where a few have nearly all points the others may stay smaller than they could be. */
const FILL_ROUNDS_MAX = 8;
/** Of searches for further groups. */
const FIND_ROUNDS_MAX = 16;

type Search = Pick<CollectionSearch, 'search'>;

/** `request.group_by` is set. @throws as `CollectionSearch.search` */
export async function searchGroups(
  search: Search,
  request: SearchRequest & { group_by: string },
  caller: Caller,
): Promise<SearchResponse> {
  const grouping = new Grouping(search, request, caller);
  await grouping.findGroups();
  await grouping.fillGroups();
  return grouping.response();
}

class Grouping {
  readonly #search: Search;
  readonly #request: SearchRequest & { group_by: string };
  readonly #caller: Caller;
  readonly #path: readonly string[];
  /** In the order of their nearest points. */
  readonly #groups = new Map<Scalar, SearchResult[]>();
  readonly #warnings = new Set<string>();
  #first: SearchResponse = { results: [] };

  constructor(search: Search, request: SearchRequest & { group_by: string }, caller: Caller) {
    this.#search = search;
    this.#request = request;
    this.#caller = caller;
    this.#path = pathOf(request.group_by);
  }

  /** A group comes as near as its nearest point, so the first k that are met are the nearest. */
  async findGroups(): Promise<void> {
    const { k, group_size, group_by, filter } = this.#request;
    const wanted = Math.min(K_MAX, FIRST_TIMES * k * group_size);
    this.#first = await this.#ask(wanted, filter);
    let found = this.#first.results;
    this.#take(found);
    for (let round = 0; round < FIND_ROUNDS_MAX; round++) {
      if (found.length < wanted || this.#groups.size >= k) return;
      // Not `must_not`: a point of a group that is known may be the nearest of one that is not. And a value there must be.
      const others: FilterCondition = { key: group_by, match: { except: [...this.#groups.keys()] } };
      found = (await this.#ask(wanted, { must: [others, ...inner(filter)] })).results;
      // A point may have lost the value meanwhile.
      if (!this.#take(found)) return;
    }
  }

  /** All that are not full are asked for together: where fewer points come than were asked for there are no more. */
  async fillGroups(): Promise<void> {
    const { group_size, group_by, filter } = this.#request;
    for (let round = 0; round < FILL_ROUNDS_MAX; round++) {
      const lacking = [...this.#groups].filter(([, results]) => results.length < group_size);
      if (lacking.length === 0) return;
      const any = lacking.map(([value]) => value);
      const filled = new Map<Scalar, SearchResult[]>(any.map((value) => [value, []]));
      const own: Filter = { must: [{ key: group_by, match: { any } }, ...inner(filter)] };
      const { results } = await this.#ask(K_MAX, own);
      this.#sort(results, filled);
      for (const [value, members] of filled) {
        // Where others have all the nearest points, what was known already is more.
        if (members.length >= (this.#groups.get(value)?.length ?? 0)) this.#groups.set(value, members);
      }
      if (results.length < K_MAX) return;
    }
  }

  /** Puts each result into its groups, as far as these are wanted and not full. */
  #sort(results: readonly SearchResult[], groups: ReadonlyMap<Scalar, SearchResult[]>): void {
    for (const result of results) {
      for (const value of this.#valuesOf(result)) {
        const group = groups.get(value);
        if (group !== undefined && group.length < this.#request.group_size) group.push(result);
      }
    }
  }

  response(): SearchResponse {
    const { with_payload } = this.#request;
    const groups = [...this.#groups].map(([value, results]): SearchGroup => {
      if (with_payload) return { value, results };
      return { value, results: results.map(({ payload, ...result }) => result) };
    });
    const warnings = [...this.#warnings];
    return { ...this.#first, results: [], groups, ...(warnings.length > 0 && { warnings }) };
  }

  /** Groups that are known already stay as they are: of those only the search that found them had all points. False where none is new. */
  #take(results: readonly SearchResult[]): boolean {
    const { k, group_size } = this.#request;
    const known = new Set(this.#groups.keys());
    for (const result of results) {
      for (const value of this.#valuesOf(result)) {
        if (known.has(value)) continue;
        const group = this.#groups.get(value) ?? [];
        if (group.length === 0 && this.#groups.size >= k) continue;
        if (group.length < group_size) group.push(result);
        this.#groups.set(value, group);
      }
    }
    return this.#groups.size > known.size;
  }

  #valuesOf({ payload }: SearchResult): Set<Scalar> {
    return new Set(valuesAt(payload ?? null, this.#path).values.filter(isScalar));
  }

  async #ask(k: number, filter: Filter | undefined): Promise<SearchResponse> {
    const { group_by, ...request } = this.#request;
    const response = await this.#search.search({ ...request, k, filter, with_payload: true }, this.#caller);
    for (const warning of response.warnings ?? []) this.#warnings.add(warning);
    return response;
  }
}

/** The filter as a condition of another. */
function inner(filter: Filter | undefined): Filter[] {
  return filter === undefined || Object.keys(filter).length === 0 ? [] : [filter];
}
