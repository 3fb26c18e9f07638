// Composes the service from its settings, its engine and its log. Main thread.

import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Collections } from './collections/collections.js';
import type { Config } from './config.js';
import { buildServer } from './http/server.js';
import { VERSION } from './version.js';

export interface AppParts {
  config: Pick<Config, 'apiKeys' | 'bodyBytesMax' | 'requestTimeoutMs'>;
  /** Undefined only to write the OpenAPI document. Whoever opened it closes it, after the app. */
  collections: Collections | undefined;
  log: Logger;
}

/** The app, ready to listen or to be asked by `inject`. */
export async function buildApp({ config, collections, log }: AppParts): Promise<FastifyInstance> {
  const { apiKeys, bodyBytesMax, requestTimeoutMs } = config;
  return buildServer({ version: VERSION, apiKeys, bodyBytesMax, requestTimeoutMs, collections, log });
}
