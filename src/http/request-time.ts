// The time limit of requests, and the end of those whose client has left. Main thread.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type EndSignal, RequestEnd } from '../collections/end-signal.js';
import { ServiceError } from '../errors.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the first `endOf`. */
    ending: RequestEnd | null;
  }
}

/**
 * Every request has a limit on the time until its reply, but for those whose routes wait or stream by nature. What a
 * thread works on goes on, its result is dropped.
 */
export function limitTime(app: FastifyInstance, timeoutMs: number): void {
  app.decorateRequest('ending', null);
  // Fastify's own `handlerTimeout` and `request.signal` end as soon as a body has been read.
  app.addHook('onRequest', (request, reply, done) => {
    const isHurried = request.routeOptions.config?.unhurried !== true;
    const timer = isHurried ? setTimeout(expire, timeoutMs).unref() : undefined;
    reply.raw.once('close', () => {
      clearTimeout(timer);
      if (!reply.raw.writableEnded) request.ending?.abort(clientLeft());
    });
    done();

    function expire(): void {
      // A reply that streams has sent its head, and is not `sent` until its end.
      if (reply.sent || reply.raw.headersSent) return;
      const isSlowClient = request.raw.complete === false;
      const error = new ServiceError(isSlowClient ? 'body_timeout' : 'timeout', { timeoutMs });
      request.ending?.abort(error);
      // A handler that heard of it answers by itself.
      setImmediate(() => {
        if (!reply.sent && !reply.raw.headersSent) reply.send(error);
      });
    }
  });
}

/** Aborted when nobody waits for the reply any more: its time is over, or its client has left. */
export function endOf(request: FastifyRequest): EndSignal {
  if (request.ending === null) {
    request.ending = new RequestEnd();
    if (request.raw.socket.destroyed) request.ending.abort(clientLeft());
  }
  return request.ending;
}

function clientLeft(): ServiceError {
  return new ServiceError('malformed_request', { reason: 'the client left before its end' });
}
