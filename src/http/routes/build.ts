// Builds of an index: start, watch, cancel. Main thread.

import { z } from 'zod';
import type { BuildJob } from '../../collections/build-job.js';
import { type BuildStatus, buildPlan, buildRequest, buildStatus } from '../../contract/build.js';
import { type ErrorCode, ServiceError } from '../../errors.js';
import type { Api, RouteContext } from '../api.js';
import { buildEventStream } from '../build-events.js';
import { collectionParams, flagParam } from '../params.js';
import { BODY_ERRORS, COLLECTION_ERRORS, errors, json, text } from '../responses.js';

const tags = ['build'];
const BUILD_BYTES_MAX = 64 * 1024;
const buildQuery = z.strictObject({
  wait: flagParam.describe('true: reply when the build has ended.'),
  dry_run: flagParam.describe('true: build nothing, and reply what it would take.'),
});

export function buildRoutes(api: Api, context: RouteContext): void {
  startRoute(api, context);
  watchRoutes(api, context);
}

function startRoute(api: Api, { engine }: RouteContext): void {
  api.route({
    method: 'POST',
    url: '/v1/collections/:name/build',
    config: { scope: 'admin', unhurried: true },
    bodyLimit: BUILD_BYTES_MAX,
    schema: {
      tags,
      operationId: 'buildIndex',
      summary: 'Build the index',
      description:
        'Builds a new generation of the index from all points. Searches, inserts and deletes go on meanwhile. ' +
        'Parameters of the body replace those of the collection. With `dry_run=true` nothing is built: the reply tells ' +
        'the RAM, the disk and the time that a build would take, and whether it would be refused.',
      params: collectionParams,
      querystring: buildQuery,
      body: buildRequest.optional(),
      response: {
        200: json(
          'With `wait=true`: the build has succeeded. With `dry_run=true`: what it would take.',
          z.union([buildStatus, buildPlan]),
        ),
        202: json('The build has begun; `Location` has its status.', buildStatus),
        ...errors(
          ...BODY_ERRORS,
          ...COLLECTION_ERRORS,
          'build_running',
          'collection_empty',
          'memory_full',
          'disk_full',
          'build_failed',
          'build_canceled',
          'too_many_requests',
        ),
      },
    },
    handler: async (request, reply) => {
      const { name } = request.params;
      const collection = engine().get(name);
      const settings = request.body ?? {};
      if (request.query.dry_run === 'true') return collection.planBuild(settings);
      const job = collection.startBuild(settings);
      if (request.query.wait === 'true') return succeeded(job);
      reply.code(202).header('location', `/v1/collections/${encodeURIComponent(name)}/build`);
      return job.status();
    },
  });
}

function watchRoutes(api: Api, { engine, stopping }: RouteContext): void {
  const jobOf = (name: string): BuildJob => {
    const job = engine().get(name).build;
    if (job === undefined) throw new ServiceError('build_not_found', { name });
    return job;
  };

  api.route({
    method: 'GET',
    url: '/v1/collections/:name/build',
    config: { scope: 'read' },
    schema: {
      tags,
      operationId: 'getBuild',
      summary: 'Status of the build',
      description: 'Of the build that runs, or of the last one since the service was started.',
      params: collectionParams,
      response: { 200: json('Its status.', buildStatus), ...errors(...COLLECTION_ERRORS, 'build_not_found') },
    },
    handler: async (request) => jobOf(request.params.name).status(),
  });

  api.route({
    method: 'DELETE',
    url: '/v1/collections/:name/build',
    config: { scope: 'admin', unhurried: true },
    schema: {
      tags,
      operationId: 'cancelBuild',
      summary: 'Cancel the build',
      description: 'The index stays as it was. A build that is about to be switched to is completed instead.',
      params: collectionParams,
      response: {
        200: json('The last status.', buildStatus),
        ...errors(...COLLECTION_ERRORS, 'build_not_found'),
      },
    },
    handler: async (request) => engine().get(request.params.name).cancelBuild(),
  });

  api.route({
    method: 'GET',
    url: '/v1/collections/:name/build/events',
    config: { scope: 'read', unhurried: true },
    exposeHeadRoute: false,
    schema: {
      tags,
      operationId: 'watchBuild',
      summary: 'Watch the build',
      description:
        'Server-sent events: `progress` with a BuildStatus as its data. The stream ends when the build has ended.',
      params: collectionParams,
      response: {
        200: text('The events.', 'text/event-stream'),
        ...errors(...COLLECTION_ERRORS, 'build_not_found'),
      },
    },
    handler: async (request, reply) => {
      const job = jobOf(request.params.name);
      reply.type('text/event-stream').header('cache-control', 'no-store').header('x-accel-buffering', 'no');
      const events = (left: AbortSignal) => job.events(AbortSignal.any([left, stopping]));
      return reply.send(buildEventStream(events));
    },
  });
}

/** What became of the collection or its disk meanwhile is no defect of the build. */
const OUTER_CODES: ReadonlySet<ErrorCode> = new Set([
  'collection_empty',
  'collection_not_found',
  'disk_full',
  'memory_full',
  'shutting_down',
]);

async function succeeded(job: BuildJob): Promise<BuildStatus> {
  const status = await job.done;
  if (status.state === 'canceled') throw new ServiceError('build_canceled');
  if (status.state !== 'failed') return status;
  const { failure } = job;
  if (failure instanceof ServiceError && OUTER_CODES.has(failure.code)) throw failure;
  throw new ServiceError('build_failed', { reason: status.error?.message ?? 'unknown' });
}
