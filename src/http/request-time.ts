// The time limit of requests. Main thread.

import type { FastifyInstance } from 'fastify';
import { ServiceError } from '../errors.js';

/**
 * Every request has a limit on the time until its reply, but for those whose routes wait or stream by nature. The work
 * goes on, its result is dropped.
 */
export function limitTime(app: FastifyInstance, timeoutMs: number): void {
  // Fastify's own `handlerTimeout` ends as soon as a body has been read.
  app.addHook('onRequest', (request, reply, done) => {
    if (request.routeOptions.config?.unhurried !== true) {
      const timer = setTimeout(() => {
        // A reply that streams has sent its head, and is not `sent` until its end.
        if (reply.sent || reply.raw.headersSent) return;
        const isSlowClient = request.raw.complete === false;
        reply.send(new ServiceError(isSlowClient ? 'body_timeout' : 'timeout', { timeoutMs }));
      }, timeoutMs).unref();
      reply.raw.once('close', () => clearTimeout(timer));
    }
    done();
  });
}
