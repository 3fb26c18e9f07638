// Read and delete one point. Main thread.

import { deleteResponse } from '../../contract/chosen-points.js';
import { point } from '../../contract/points.js';
import { ServiceError } from '../../errors.js';
import type { Api, RouteContext } from '../api.js';
import { encodingQuery, pointParams } from '../params.js';
import { pointText } from '../points-text.js';
import { COLLECTION_ERRORS, errors, json, WRITE_ERRORS } from '../responses.js';

const tags = ['points'];

export function pointRoutes(api: Api, { engine }: RouteContext): void {
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
      const result = await engine()
        .get(name)
        .deletePoints({ ids: [id] });
      if (result.deleted === 0) throw new ServiceError('point_not_found', { id });
      return result;
    },
  });
}
