// The calls of the API, by the client that openapi-fetch makes from the types of openapi/openapi.json.

import { setTimeout } from 'node:timers/promises';
import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './generated/api.js';
import { serverSentEvents } from './server-sent-events.js';

type Schemas = components['schemas'];
export type Collection = Schemas['Collection'];
export type BuildStatus = Schemas['BuildStatus'];
export type BuildPlan = Schemas['BuildPlan'];
export type NewPoint = Schemas['NewPoint'];
export type Point = Schemas['Point'];
export type Filter = Schemas['Filter'];
export type SearchRequest = Schemas['SearchRequest'];
export type SearchResponse = Schemas['SearchResponse'];
export type SearchResult = SearchResponse['results'][number];

const READY_POLL_MS = 5;
const READY_TIMEOUT_MS = 60_000;

/** An answer that is no 2xx. */
export class ApiFailure extends Error {
  readonly status: number;
  /** Stable code of the problem; `unknown` where the answer had none. */
  readonly code: string;

  constructor(status: number, problem: unknown) {
    const { code = 'unknown', detail = '' } = (problem ?? {}) as { code?: string; detail?: string };
    super(`${status} ${code}: ${detail}`);
    this.name = 'ApiFailure';
    this.status = status;
    this.code = code;
  }
}

export class CoppiceClient {
  readonly origin: string;
  readonly #api: Client<paths>;

  constructor(origin: string) {
    this.origin = origin;
    this.#api = createClient<paths>({ baseUrl: origin });
  }

  /** Resolves when all collections are open. */
  async ready(): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const { response, error } = await this.#api.GET('/readyz');
      if (response.ok) return;
      if (performance.now() > deadline) throw new ApiFailure(response.status, error);
      await setTimeout(READY_POLL_MS);
    }
  }

  async createCollection(body: Schemas['CreateCollection']): Promise<Collection> {
    return dataOf(await this.#api.POST('/v1/collections', { body }));
  }

  async describe(name: string): Promise<Collection> {
    return dataOf(await this.#api.GET('/v1/collections/{name}', at(name)));
  }

  async dropCollection(name: string): Promise<void> {
    const { response, error } = await this.#api.DELETE('/v1/collections/{name}', at(name));
    if (!response.ok) throw new ApiFailure(response.status, error);
  }

  async upsert(name: string, points: NewPoint[]): Promise<Schemas['UpsertResponse']> {
    return dataOf(await this.#api.POST('/v1/collections/{name}/points', { ...at(name), body: { points } }));
  }

  async getPoint(name: string, id: string): Promise<Point> {
    const params = { path: { name, id }, query: { encoding: 'base64' as const } };
    return dataOf(await this.#api.GET('/v1/collections/{name}/points/{id}', { params }));
  }

  async deletePoints(name: string, ids: string[]): Promise<{ deleted: number; sequence: number }> {
    return dataOf(
      await this.#api.POST('/v1/collections/{name}/points/delete', { ...at(name), body: { ids } }),
    );
  }

  /** Deletes what meets the filter. */
  async deleteMatching(name: string, filter: Filter): Promise<Schemas['DeleteResponse']> {
    return dataOf(
      await this.#api.POST('/v1/collections/{name}/points/delete', { ...at(name), body: { filter } }),
    );
  }

  /** Sets keys of the payloads of the points that are there. */
  async setPayload(name: string, ids: string[], set: Schemas['Payload']): Promise<void> {
    dataOf(
      await this.#api.POST('/v1/collections/{name}/points/payload', { ...at(name), body: { ids, set } }),
    );
  }

  async countMatching(name: string, filter: Filter): Promise<number> {
    const answer = await this.#api.POST('/v1/collections/{name}/points/count', {
      ...at(name),
      body: { filter },
    });
    return dataOf(answer).count;
  }

  /** Resolves once the index answers; the description is of that moment. */
  async setPayloadIndex(
    name: string,
    key: string,
    type: Schemas['PayloadIndexType'],
  ): Promise<Schemas['PayloadIndex']> {
    const params = { path: { name, key } };
    dataOf(await this.#api.PUT('/v1/collections/{name}/payload-indexes/{key}', { params, body: { type } }));
    for (;;) {
      const { indexes } = dataOf(await this.#api.GET('/v1/collections/{name}/payload-indexes', at(name)));
      const index = indexes.find((one) => one.key === key);
      if (index?.state === 'ready') return index;
      await setTimeout(READY_POLL_MS);
    }
  }

  async search(name: string, body: SearchRequest): Promise<SearchResponse> {
    return dataOf(await this.#api.POST('/v1/collections/{name}/search', { ...at(name), body }));
  }

  async searchBatch(name: string, searches: SearchRequest[]): Promise<SearchResult[][]> {
    return dataOf(
      await this.#api.POST('/v1/collections/{name}/search/batch', { ...at(name), body: { searches } }),
    ).results;
  }

  /** Starts a build, without waiting for it. */
  async startBuild(name: string): Promise<BuildStatus> {
    const answer = dataOf(await this.#api.POST('/v1/collections/{name}/build', { ...at(name), body: {} }));
    return answer as BuildStatus;
  }

  /** What a build would take; none is started. */
  async planBuild(name: string): Promise<BuildPlan> {
    const params = { path: { name }, query: { dry_run: 'true' as const } };
    const answer = dataOf(await this.#api.POST('/v1/collections/{name}/build', { params, body: {} }));
    return answer as BuildPlan;
  }

  /** Starts a build and follows it by its events. @throws ApiFailure where it does not succeed */
  async build(name: string, onProgress: (status: BuildStatus) => void = () => {}): Promise<BuildStatus> {
    let last = await this.startBuild(name);
    const url = `${this.origin}/v1/collections/${encodeURIComponent(name)}/build/events`;
    for await (const data of serverSentEvents(url)) {
      last = JSON.parse(data) as BuildStatus;
      onProgress(last);
    }
    if (last.state !== 'succeeded') {
      throw new ApiFailure(200, { code: `build_${last.state}`, detail: last.error?.message ?? '' });
    }
    return last;
  }

  async convertStorage(name: string, backend: Schemas['Backend']): Promise<Collection> {
    return dataOf(await this.#api.PUT('/v1/collections/{name}/storage', { ...at(name), body: { backend } }));
  }

  /** Figures in Prometheus' text format. */
  async metrics(): Promise<string> {
    return dataOf(await this.#api.GET('/metrics', { parseAs: 'text' }));
  }
}

function at(name: string): { params: { path: { name: string } } } {
  return { params: { path: { name } } };
}

function dataOf<Data>(answer: { data?: Data; error?: unknown; response: Response }): Data {
  if (answer.data === undefined) throw new ApiFailure(answer.response.status, answer.error);
  return answer.data;
}
