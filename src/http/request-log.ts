// One log line and one set of figures for each request; request ids. Main thread.

import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Metrics } from './metrics.js';

/** What may stand in a log and a header without harm. */
const SANE_ID = /^[\w.:-]{1,128}$/;

/** The caller's id where it is sane, so that one id follows a request through several services. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && SANE_ID.test(given) ? given : randomUUID();
}

export function logRequests(app: FastifyInstance, metrics: Metrics): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    const { url: route = 'none', config } = request.routeOptions;
    const { method, log } = request;
    const status = reply.statusCode;
    const ms = Math.round(reply.elapsedTime * 1000) / 1000;
    metrics.observeRequest({ route, method, status, seconds: reply.elapsedTime / 1000 });
    const quiet = config?.quiet === true && status < 400;
    log[quiet ? 'debug' : 'info']({ method, route, status, ms }, 'request');
  });
  app.addHook('onRequestAbort', async (request) => {
    request.log.info({ method: request.method, route: request.routeOptions.url }, 'the client left');
  });
}
