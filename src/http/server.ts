// The HTTP server: limits, plugins, hooks and all routes, in the order in which they count. Main thread.

import type { Socket } from 'node:net';
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyServerOptions,
  LogController,
} from 'fastify';
import type { ApiKey } from '../api-keys.js';
import type { Collections } from '../collections/collections.js';
import { ServiceError } from '../errors.js';
import { ID_BYTES_MAX } from '../limits.js';
import { type Api, type RouteContext, readBodyInBlocks, serialize, validate } from './api.js';
import { requireKeys } from './auth.js';
import { collectDocument, serveDocument } from './document.js';
import { Metrics } from './metrics.js';
import { handleError, PROBLEM_TYPE, sendProblem, toProblem, toServiceError } from './problems.js';
import { logRequests, requestIdOf } from './request-log.js';
import { limitTime } from './request-time.js';
import { buildRoutes } from './routes/build.js';
import { chosenPointsRoutes, countRoutes } from './routes/chosen-points.js';
import { collectionRoutes } from './routes/collections.js';
import { healthRoutes } from './routes/health.js';
import { insertRoutes } from './routes/insert.js';
import { metricsRoutes } from './routes/metrics.js';
import { payloadIndexRoutes } from './routes/payload-indexes.js';
import { pointRoutes } from './routes/points.js';
import { scrollRoutes } from './routes/scroll.js';
import { batchSearchRoutes, recallRoutes, searchRoutes } from './routes/search.js';
import { storageRoutes } from './routes/storage.js';
import { secureReplies } from './security-headers.js';
import { refuseUnknownCalls } from './unknown-calls.js';

const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** An id of 256 bytes, each written as %XX. */
const PARAM_CHARS_MAX = ID_BYTES_MAX * 3;
/**
 * zod checks and JSON.stringify writes. Named before there is an instance, and not set on it, they keep Fastify from
 * loading its own, which takes a tenth of the start of the process. Its types know no others here.
 */
const COMPILERS = {
  buildValidator: () => validate,
  buildSerializer: () => serialize,
} as unknown as NonNullable<FastifyServerOptions['schemaController']>['compilersFactory'] & object;

export interface ServerOptions {
  version: string;
  apiKeys: ApiKey[];
  bodyBytesMax: number;
  requestTimeoutMs: number;
  /** Undefined where only the document is wanted: every other call answers `shutting_down`. */
  collections: Collections | undefined;
  log: FastifyBaseLogger;
}

/** The complete server, ready to listen or to be asked by `inject`. */
export async function buildServer(options: ServerOptions): Promise<FastifyInstance> {
  const app = createInstance(options);
  const metrics = new Metrics(() => options.collections);
  app.addHook('onClose', async () => metrics.close());
  refuseWhileClosing(app);
  const stopping = dropIdlersAtStop(app);
  logRequests(app, metrics);
  limitTime(app, options.requestTimeoutMs);
  secureReplies(app);
  refuseUnknownCalls(app);
  await collectDocument(app, options.version);
  app.after(() => addRoutes(app as unknown as Api, options, metrics, stopping));
  await serveDocument(app);
  await app.ready();
  return app;
}

function createInstance({ bodyBytesMax, log }: ServerOptions): FastifyInstance {
  const app = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    genReqId: requestIdOf,
    bodyLimit: bodyBytesMax,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    routerOptions: { maxParamLength: PARAM_CHARS_MAX },
    schemaController: { compilersFactory: COMPILERS },
    http: { maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: HEADERS_TIMEOUT_MS },
    frameworkErrors: (error, request, reply) => {
      sendProblem(request, reply, toServiceError(error, request));
    },
    clientErrorHandler: answerUnreadable,
  });
  app.setErrorHandler<FastifyError>(handleError);
  app.removeAllContentTypeParsers();
  // Bytes, not a value: the contract parses them, here or in a worker.
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  return app;
}

function addRoutes(app: Api, options: ServerOptions, metrics: Metrics, stopping: AbortSignal): void {
  const context: RouteContext = {
    requestTimeoutMs: options.requestTimeoutMs,
    stopping,
    engine: () => {
      if (options.collections === undefined) throw new ServiceError('shutting_down');
      return options.collections;
    },
  };
  healthRoutes(app, context);
  app.register(async (api) => {
    requireKeys(api as unknown as FastifyInstance, options.apiKeys);
    metricsRoutes(api, metrics);
    collectionRoutes(api, context);
    pointRoutes(api, context);
    countRoutes(api, context);
    scrollRoutes(api, context);
    payloadIndexRoutes(api, context);
    searchRoutes(api, context, metrics);
    await api.register(async (scope) => unhurriedRoutes(scope, context));
    await api.register(async (scope) => insertRoutes(scope, context));
    await api.register(async (scope) => batchSearchRoutes(scope, context, metrics));
  });
}

/** Calls that may take as long as they need, once their body is there. */
function unhurriedRoutes(api: Api, context: RouteContext): void {
  readBodyInBlocks(api, context);
  buildRoutes(api, context);
  chosenPointsRoutes(api, context);
  recallRoutes(api, context);
  storageRoutes(api, context);
}

/** At a stop event streams end, and connections that never sent a request are cut: neither is work to wait for. */
function dropIdlersAtStop(app: FastifyInstance): AbortSignal {
  const stop = new AbortController();
  const silent = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  app.server.on('request', ({ socket }) => silent.delete(socket));
  app.addHook('preClose', async () => {
    stop.abort();
    for (const socket of silent) socket.destroy();
  });
  return stop.signal;
}

/** A request that comes over a kept connection after the stop has begun. */
function refuseWhileClosing(app: FastifyInstance): void {
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onRequest', async () => {
    if (closing) throw new ServiceError('shutting_down');
  });
  // Else the connection would be kept, and the process would wait for it until its grace is over.
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close');
  });
}

/** Bytes that are no HTTP request have no reply object: the problem is written to the socket. */
function answerUnreadable(failure: Error & { code?: string }, socket: Socket): void {
  if (failure.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const headersTooLarge = failure.code === 'HPE_HEADER_OVERFLOW';
  const reason = headersTooLarge
    ? `its headers are larger than ${HEADER_BYTES_MAX} bytes`
    : 'it is no valid HTTP';
  const problem = toProblem(
    new ServiceError('malformed_request', { reason }),
    requestIdOf({ headers: {} } as never),
  );
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `connection: close\r\n\r\n${body}`,
  );
}
