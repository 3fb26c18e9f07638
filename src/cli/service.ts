// The calls of the service that an import needs, with patience where the service asks for it. Command line.

import { setTimeout } from 'node:timers/promises';
import { VERSION } from '../version.js';
import type { ImportRequest } from './import-request.js';

const RETRIED_STATUSES: ReadonlySet<number> = new Set([429, 503]);
const RETRY_SECONDS_DEFAULT = 1;
const RETRY_SECONDS_MAX = 60;

export interface Inserted {
  upserted: number;
  rejected?: number;
  errors?: Issue[];
}

interface Issue {
  path: string;
  message: string;
}

interface Problem {
  code?: string;
  detail?: string;
  errors?: Issue[];
  upserted?: number;
}

/** An answer that is no 2xx, or none at all; its message is fit to be shown. */
export class ServiceFailure extends Error {
  readonly problem: Problem;

  constructor(message: string, problem: Problem = {}) {
    super(message);
    this.problem = problem;
  }
}

export interface ServiceOptions {
  url: string;
  apiKey: string | undefined;
  retries: number;
  /** Aborted: no call goes on. */
  signal: AbortSignal;
  /** Told before each wait. */
  onRetry(reason: string, seconds: number): void;
}

export class Service {
  readonly #options: ServiceOptions;

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  /** Resolves with false where it was there already. @throws ServiceFailure */
  async createCollection(collection: { name: string; dimension: number; metric: string }): Promise<boolean> {
    try {
      await this.#post('/v1/collections', 'application/json', Buffer.from(JSON.stringify(collection)));
      return true;
    } catch (error) {
      if (error instanceof ServiceFailure && error.problem.code === 'collection_exists') return false;
      throw error;
    }
  }

  /** @throws ServiceFailure */
  async insert(name: string, query: Record<string, string>, request: ImportRequest): Promise<Inserted> {
    const path = `/v1/collections/${encodeURIComponent(name)}/points?${new URLSearchParams(query)}`;
    return (await this.#post(path, request.contentType, Buffer.concat(request.body))) as Inserted;
  }

  /** Inserts replace, so that one whose answer was lost can be sent again. */
  async #post(path: string, contentType: string, body: Uint8Array): Promise<unknown> {
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.#attempt(path, contentType, body);
      if (!('retrySeconds' in answer)) return answer.value;
      if (attempt >= this.#options.retries) throw answer.failure;
      this.#options.onRetry(answer.failure.message, answer.retrySeconds);
      await setTimeout(answer.retrySeconds * 1000, undefined, { signal: this.#options.signal });
    }
  }

  async #attempt(
    path: string,
    contentType: string,
    body: Uint8Array,
  ): Promise<{ value: unknown } | { retrySeconds: number; failure: ServiceFailure }> {
    const { url, apiKey, signal } = this.#options;
    let response: Response;
    let text: string;
    try {
      response = await fetch(url + path, {
        method: 'POST',
        headers: {
          'content-type': contentType,
          'user-agent': `coppice-import/${VERSION}`,
          ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
        },
        body,
        signal,
      });
      text = await response.text();
    } catch (error) {
      if (signal.aborted) throw error;
      const failure = new ServiceFailure(`no answer from ${url} (${connectionReason(error)})`);
      return { retrySeconds: RETRY_SECONDS_DEFAULT, failure };
    }
    if (response.ok) return { value: JSON.parse(text) };
    const failure = failureOf(response.status, text);
    if (!RETRIED_STATUSES.has(response.status)) throw failure;
    return { retrySeconds: retrySeconds(response.headers.get('retry-after')), failure };
  }
}

function failureOf(status: number, text: string): ServiceFailure {
  try {
    const problem = JSON.parse(text) as Problem;
    return new ServiceFailure(`${status} ${problem.code}: ${problem.detail}`, problem);
  } catch {
    return new ServiceFailure(`${status}: ${text.slice(0, 200)}`);
  }
}

/** What a proxy writes as a date counts as not said. */
function retrySeconds(header: string | null): number {
  const seconds = Number(header ?? RETRY_SECONDS_DEFAULT);
  return seconds >= 0 ? Math.min(seconds, RETRY_SECONDS_MAX) : RETRY_SECONDS_DEFAULT;
}

/** fetch hides the reason in the cause. */
function connectionReason(error: unknown): string {
  const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException };
  return cause?.code ?? cause?.message ?? message;
}
