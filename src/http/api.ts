// What all routes share: the instance's type with zod types, validation by the contract, plain JSON replies. Main thread.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyRequest,
  FastifySchemaCompiler,
  FastifySerializerCompiler,
  FastifyTypeProvider,
  RawServerDefault,
} from 'fastify';
import type { z } from 'zod';
import type { Collections } from '../collections/collections.js';
import { parseWith } from '../contract/issues.js';
import { parseJson } from '../contract/json.js';
import { ServiceError } from '../errors.js';
import { INLINE_PARSE_BYTES_MAX } from '../limits.js';
import { readBlocks } from './body-blocks.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Content types the route takes, for the message of a 415. */
    accepts?: string;
    /** No limit on the time until the reply: streams, and waiting for a build. */
    unhurried?: boolean;
    /** Not logged: asked for all the time. */
    quiet?: boolean;
  }
}

/** Requests have the types of their zod schemas. Replies are typed where they are made. */
export interface ZodRequests extends FastifyTypeProvider {
  validator: this['schema'] extends z.ZodType ? z.output<this['schema']> : unknown;
  serializer: unknown;
}

export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodRequests
>;

/** What the routes work on. */
export interface RouteContext {
  /** @throws shutting_down where the service runs without an engine */
  engine(): Collections;
  requestTimeoutMs: number;
  /** Aborted when the service begins to stop: streams end. */
  stopping: AbortSignal;
}

/** Validates params and query; a JSON body arrives as bytes and is parsed here. */
export const validate: FastifySchemaCompiler<unknown> = ({ schema: ofRoute, httpPart }) => {
  const schema = ofRoute as z.ZodType;
  const read = httpPart === 'body' ? bodyValue : (data: unknown) => data;
  const at = httpPart === undefined || httpPart === 'body' ? [] : [httpPart];
  return (data) => {
    try {
      return { value: parseWith(schema, read(data), at) };
    } catch (error) {
      if (error instanceof ServiceError) return { error };
      throw error;
    }
  };
};

/** For routes that parse the body themselves, maybe in a worker: take it by `bodyBytes`. */
export const validateExceptBody: FastifySchemaCompiler<unknown> = (route) => {
  return route.httpPart === 'body' ? (data) => ({ value: data }) : validate(route);
};

/** Replies are made by our own typed code: checking them again would cost more than the search. */
export const serialize: FastifySerializerCompiler<unknown> = () => (data) => JSON.stringify(data);

/** @throws malformed_json where there is no body */
export function bodyBytes(request: FastifyRequest): Uint8Array {
  const body: unknown = request.body;
  if (body instanceof Uint8Array && body.length > 0) return body;
  throw new ServiceError('malformed_json', { reason: 'it is empty' });
}

/**
 * JSON bodies of this scope's routes have a time limit of their own, and are not joined to one piece: for routes whose
 * handlers have no limit, and for those with large bodies, which take them by `bodyBlocks`.
 */
export function readBodyInBlocks(api: Api, { requestTimeoutMs }: RouteContext): void {
  api.removeContentTypeParser('application/json');
  api.addContentTypeParser('application/json', (request: FastifyRequest, body: IncomingMessage) =>
    readBlocks(body, {
      bytesMax: request.routeOptions.bodyLimit,
      bytesExpected: Number(request.headers['content-length']),
      timeoutMs: requestTimeoutMs,
    }),
  );
}

/** @throws malformed_json where there is no body */
export function bodyBlocks(request: FastifyRequest): Uint8Array[] {
  const blocks = optionalBodyBlocks(request);
  if (blocks.length > 0) return blocks;
  throw new ServiceError('malformed_json', { reason: 'it is empty' });
}

/** None where there is no body. */
export function optionalBodyBlocks(request: FastifyRequest): Uint8Array[] {
  const blocks: unknown = request.body;
  return Array.isArray(blocks) ? (blocks as Uint8Array[]) : [];
}

/** Whether the body takes so little to parse that a worker is not worth it. */
export function isSmall(blocks: Uint8Array[]): boolean {
  return blocks.length <= 1 && (blocks[0]?.length ?? 0) <= INLINE_PARSE_BYTES_MAX;
}

/** No bytes are no body; whether there must be one is the schema's matter. */
function bodyValue(data: unknown): unknown {
  const bytes: unknown = Array.isArray(data) ? Buffer.concat(data) : data;
  return bytes instanceof Uint8Array && bytes.length > 0 ? parseJson(bytes) : undefined;
}
