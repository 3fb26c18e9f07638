// Decides who may call a route: each route names the scope it needs. Main thread.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type ApiKey, includesScope, type Scope, scopeOf } from '../api-keys.js';
import { ServiceError } from '../errors.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Scope a caller needs; a route that names none needs admin. */
    scope?: Scope;
  }
}

/** Guards every route of `api` that is registered after this. Without keys everything is open. */
export function requireKeys(api: FastifyInstance, keys: readonly ApiKey[]): void {
  if (keys.length === 0) return;
  api.addHook('onRequest', async (request, reply) => {
    const needed = request.routeOptions.config.scope ?? 'admin';
    const held = scopeOf(keys, presentedKey(request));
    if (held === undefined)
      throw challenge(reply, 'Bearer realm="coppice"', new ServiceError('unauthorized'));
    if (!includesScope(held, needed)) {
      const how = `Bearer realm="coppice", error="insufficient_scope", scope="${needed}"`;
      throw challenge(reply, how, new ServiceError('forbidden', { scope: needed }));
    }
  });
}

/** `Authorization: Bearer KEY`, or `x-api-key: KEY`. */
function presentedKey(request: FastifyRequest): string {
  const bearer = /^bearer +([\x21-\x7e]+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const header = request.headers['x-api-key'];
  return typeof header === 'string' ? header : '';
}

function challenge(reply: FastifyReply, how: string, error: ServiceError): ServiceError {
  reply.header('www-authenticate', how);
  return error;
}
