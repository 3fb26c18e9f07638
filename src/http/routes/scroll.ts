// Page through points. Main thread.

import { cursorOf, scrollRequest, scrollResponse } from '../../contract/scroll.js';
import type { Api, RouteContext } from '../api.js';
import { collectionParams, encodingQuery } from '../params.js';
import { PointsWriter } from '../points-text.js';
import { BODY_ERRORS, COLLECTION_ERRORS, errors, FILTER_ERRORS, json } from '../responses.js';
import { FILTER_BYTES_MAX } from './chosen-points.js';

export function scrollRoutes(api: Api, { engine }: RouteContext): void {
  api.route({
    method: 'POST',
    url: '/v1/collections/:name/points/scroll',
    config: { scope: 'read' },
    bodyLimit: FILTER_BYTES_MAX,
    schema: {
      tags: ['points'],
      operationId: 'scrollPoints',
      summary: 'Page through the points, all or those that meet a filter',
      description:
        'In an order of the ids that does not change. Points may be inserted and deleted meanwhile: those that are there ' +
        'all the while come exactly once. Go on with `next_cursor` until a page has none.',
      params: collectionParams,
      querystring: encodingQuery,
      body: scrollRequest.optional(),
      response: {
        200: json('The next points.', scrollResponse),
        ...errors(...BODY_ERRORS, ...COLLECTION_ERRORS, 'cursor_invalid', ...FILTER_ERRORS),
      },
    },
    handler: async (request, reply) => {
      const wanted = request.body ?? scrollRequest.parse({});
      const { points, lastKey, warnings } = await engine().get(request.params.name).scrollPoints(wanted);
      const texts = await new PointsWriter(request.query.encoding).write(points);
      const next = lastKey === undefined ? '' : `,"next_cursor":"${cursorOf(lastKey)}"`;
      const said = warnings === undefined ? '' : `,"warnings":${JSON.stringify(warnings)}`;
      reply.type('application/json');
      return `{"points":${texts}${next}${said}}`;
    },
  });
}
