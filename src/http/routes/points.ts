// Read, delete and count points. Main thread.

import {
  countRequest,
  countResponse,
  deletePoints,
  deleteResponse,
  idKey,
  type PointId,
  point,
} from '../../contract/points.js';
import { ServiceError } from '../../errors.js';
import type { Api, RouteContext } from '../api.js';
import { collectionParams, encodingQuery, pointParams } from '../params.js';
import { pointText } from '../points-text.js';
import { BODY_ERRORS, COLLECTION_ERRORS, errors, json, WRITE_ERRORS } from '../responses.js';

const tags = ['points'];
/** Read on this thread: as much as takes a few milliseconds. */
const IDS_BYTES_MAX = 2 * 1024 * 1024;
const COUNT_BYTES_MAX = 64 * 1024;

export function pointRoutes(api: Api, context: RouteContext): void {
  onePointRoutes(api, context);
  manyPointsRoutes(api, context);
}

function onePointRoutes(api: Api, { engine }: RouteContext): void {
  api.route({
    method: 'GET',
    url: '/v1/collections/:name/points/:id',
    config: { scope: 'read' },
    schema: {
      tags,
      operationId: 'getPoint',
      summary: 'Read a point',
      params: pointParams,
      querystring: encodingQuery,
      response: {
        200: json('The point as it was last given.', point),
        ...errors('validation_failed', ...COLLECTION_ERRORS, 'point_not_found', 'storage_corrupt'),
      },
    },
    handler: async (request, reply) => {
      const found = await engine().get(request.params.name).getPoint(request.params.id);
      reply.type('application/json');
      return pointText(found, request.query.encoding);
    },
  });

  api.route({
    method: 'DELETE',
    url: '/v1/collections/:name/points/:id',
    config: { scope: 'write' },
    schema: {
      tags,
      operationId: 'deletePoint',
      summary: 'Delete a point',
      params: pointParams,
      response: {
        200: json('Deleted; no later search finds it.', deleteResponse),
        ...errors('validation_failed', ...COLLECTION_ERRORS, 'point_not_found', ...WRITE_ERRORS),
      },
    },
    handler: async (request) => {
      const { id, name } = request.params;
      const result = await engine().get(name).deletePoints([id]);
      if (result.deleted === 0) throw new ServiceError('point_not_found', { id });
      return result;
    },
  });
}

function manyPointsRoutes(api: Api, { engine }: RouteContext): void {
  api.route({
    method: 'POST',
    url: '/v1/collections/:name/points/delete',
    config: { scope: 'write' },
    bodyLimit: IDS_BYTES_MAX,
    schema: {
      tags,
      operationId: 'deletePoints',
      summary: 'Delete points by id',
      description: 'Ids that are not there are passed over; `deleted` counts those that were.',
      params: collectionParams,
      body: deletePoints,
      response: {
        200: json('Deleted; no later search finds them.', deleteResponse),
        ...errors(...BODY_ERRORS, ...COLLECTION_ERRORS, 'not_supported', ...WRITE_ERRORS),
      },
    },
    handler: async (request) => {
      const collection = engine().get(request.params.name);
      return collection.deletePoints(distinct(request.body.ids ?? []));
    },
  });

  api.route({
    method: 'POST',
    url: '/v1/collections/:name/points/count',
    config: { scope: 'read' },
    bodyLimit: COUNT_BYTES_MAX,
    schema: {
      tags,
      operationId: 'countPoints',
      summary: 'Count the points',
      params: collectionParams,
      body: countRequest.optional(),
      response: {
        200: json('The exact number.', countResponse),
        ...errors(...BODY_ERRORS, ...COLLECTION_ERRORS, 'not_supported'),
      },
    },
    handler: async (request) => ({ count: engine().get(request.params.name).countPoints() }),
  });
}

/** 5 and "5" are one point. */
function distinct(ids: readonly PointId[]): PointId[] {
  return [...new Map(ids.map((id) => [idKey(id), id])).values()];
}
