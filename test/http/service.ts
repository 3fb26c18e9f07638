// A whole service on a temporary directory, asked by inject; it ends with the test.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { pino } from 'pino';
import type { Test } from 'tap';
import { buildApp } from '../../src/app.js';
import { Collections } from '../../src/collections/collections.js';
import { type Config, loadConfig } from '../../src/config.js';
import { createLog } from '../../src/log.js';

export interface Reply {
  status: number;
  headers: Record<string, string | string[] | number | undefined>;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into replies of any shape
  body: any;
}

export interface Service {
  app: FastifyInstance;
  collections: Collections;
  /** Asks; `payload` goes as JSON, unless it is text, bytes or a stream. */
  ask(
    call: `${string} /${string}`,
    payload?: InjectOptions['payload'],
    headers?: Record<string, string>,
  ): Promise<Reply>;
}

export async function startService(t: Test, environment: Record<string, string> = {}): Promise<Service> {
  const dataDir = await mkdtemp(join(tmpdir(), 'coppice-http-'));
  const config: Config = loadConfig({
    DATA_DIR: dataDir,
    SEARCH_THREADS: '1',
    BUILD_THREADS: '1',
    ...environment,
  });
  const log = await createLog({ level: 'silent', readable: false });
  const collections = await Collections.open(config, log);
  await collections.loaded;
  const app = await buildApp({ config, collections, log });
  t.teardown(async () => {
    await app.close();
    await collections.close();
    await rm(dataDir, { recursive: true, force: true });
  });
  return { app, collections, ask: asker(app) };
}

/** The routes alone: whatever needs the engine is refused. */
export async function startWithoutEngine(
  t: Test,
  environment: Record<string, string> = {},
): Promise<Omit<Service, 'collections'>> {
  const app = await buildApp({
    config: loadConfig(environment),
    collections: undefined,
    log: pino({ level: 'silent' }),
  });
  t.teardown(() => app.close());
  return { app, ask: asker(app) };
}

function asker(app: FastifyInstance): Service['ask'] {
  return async (call, payload, headers = {}) => {
    const [method, url] = call.split(' ') as [NonNullable<InjectOptions['method']> & string, string];
    const options: InjectOptions = { method: method as 'GET', url, headers };
    if (payload !== undefined) options.payload = payload;
    if (typeof payload === 'string' && headers['content-type'] === undefined) {
      options.headers = { ...headers, 'content-type': 'application/json' };
    }
    const response = await app.inject(options);
    const text = response.payload;
    const isJson = /json/.test(String(response.headers['content-type']));
    return {
      status: response.statusCode,
      headers: response.headers,
      text,
      body: isJson && text !== '' ? JSON.parse(text) : undefined,
    };
  };
}

/** `count` vectors of `dimension` numbers from a fixed seed. */
export function someVectors(count: number, dimension: number): number[][] {
  let state = 12345;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  return Array.from({ length: count }, () => Array.from({ length: dimension }, next));
}
