// Calls that no route takes: 404 for an unknown path, 405 for a known one. Main thread.

import type { FastifyInstance, RouteOptions } from 'fastify';
import { ServiceError } from '../errors.js';
import { sendProblem } from './problems.js';

/** The path goes back in the message. */
const PATH_CHARS_MAX = 256;

/** Must come before the routes: it collects them as they are registered. */
export function refuseUnknownCalls(app: FastifyInstance): void {
  const routes: { methods: string[]; pattern: RegExp }[] = [];
  app.addHook('onRoute', ({ method, url }: RouteOptions) => {
    routes.push({ methods: [method].flat(), pattern: patternOf(url) });
  });
  const allowedAt = (path: string): string[] => {
    const fitting = routes.filter(({ pattern }) => pattern.test(path));
    return [...new Set(fitting.flatMap(({ methods }) => methods))].sort();
  };
  // A hook, since the not-found handler runs only once the body has been read.
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) return done();
    const [path = ''] = request.url.split('?', 1);
    const allowed = allowedAt(path);
    if (allowed.length > 0) reply.header('allow', allowed.join(', '));
    sendProblem(request, reply, refusal(request.method, path.slice(0, PATH_CHARS_MAX), allowed));
  });
}

function refusal(method: string, path: string, allowed: string[]): ServiceError {
  if (allowed.length === 0) return new ServiceError('route_not_found', { method, path });
  return new ServiceError('method_not_allowed', { method, path, allowed: allowed.join(', ') });
}

/** The paths of a route's `url`, in which `:name` stands for one segment, maybe an empty one, and `*` for any rest. */
function patternOf(url: string): RegExp {
  const pattern = url
    .replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll(/:\w+/g, '[^/]*');
  return new RegExp(`^${pattern}$`);
}
