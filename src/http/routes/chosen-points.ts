// Delete points, change payloads, count, facets: calls about points that ids or a filter choose. Main thread.

import {
  countRequest,
  countResponse,
  deletePoints,
  deleteResponse,
  updatePayload,
  updateResponse,
} from '../../contract/chosen-points.js';
import { facetRequest, facetResponse } from '../../contract/facet.js';
import type { Api, RouteContext } from '../api.js';
import { collectionParams } from '../params.js';
import { BODY_ERRORS, COLLECTION_ERRORS, errors, FILTER_ERRORS, json, WRITE_ERRORS } from '../responses.js';

/** Read on this thread: as much as takes a few milliseconds. */
const IDS_BYTES_MAX = 2 * 1024 * 1024;
export const FILTER_BYTES_MAX = 256 * 1024;

const BY_FILTER =
  'Many points are done some hundred at a time, each time durably: after a fault the same call goes on. A payload that would get ' +
  'too large refuses its hundred; what was done before stays.';

/** They take as long as there are points. */
export function chosenPointsRoutes(api: Api, { engine }: RouteContext): void {
  api.route({
    method: 'POST',
    url: '/v1/collections/:name/points/delete',
    config: { scope: 'write', unhurried: true },
    bodyLimit: IDS_BYTES_MAX,
    schema: {
      tags: ['points'],
      operationId: 'deletePoints',
      summary: 'Delete points by id or filter',
      description: `Ids that are not there are passed over; \`deleted\` counts those that were. ${BY_FILTER}`,
      params: collectionParams,
      body: deletePoints,
      response: {
        200: json('Deleted; no later search finds them.', deleteResponse),
        ...errors(...BODY_ERRORS, ...COLLECTION_ERRORS, ...FILTER_ERRORS, ...WRITE_ERRORS),
      },
    },
    handler: async (request) => engine().get(request.params.name).deletePoints(request.body),
  });

  api.route({
    method: 'POST',
    url: '/v1/collections/:name/points/payload',
    config: { scope: 'write', unhurried: true },
    bodyLimit: IDS_BYTES_MAX,
    schema: {
      tags: ['points'],
      operationId: 'updatePayload',
      summary: 'Change payloads by id or filter',
      description: `Vectors stay as they are. Ids that are not there are passed over. ${BY_FILTER}`,
      params: collectionParams,
      body: updatePayload,
      response: {
        200: json('Changed, durably.', updateResponse),
        ...errors(...BODY_ERRORS, ...COLLECTION_ERRORS, ...FILTER_ERRORS, ...WRITE_ERRORS),
      },
    },
    handler: async (request) => engine().get(request.params.name).updatePayload(request.body),
  });
}

export function countRoutes(api: Api, { engine }: RouteContext): void {
  api.route({
    method: 'POST',
    url: '/v1/collections/:name/points/count',
    config: { scope: 'read' },
    bodyLimit: FILTER_BYTES_MAX,
    schema: {
      tags: ['points'],
      operationId: 'countPoints',
      summary: 'Count the points',
      params: collectionParams,
      body: countRequest.optional(),
      response: {
        200: json('The exact number.', countResponse),
        ...errors(...BODY_ERRORS, ...COLLECTION_ERRORS, ...FILTER_ERRORS),
      },
    },
    handler: async (request) => engine().get(request.params.name).countPoints(request.body?.filter),
  });

  api.route({
    method: 'POST',
    url: '/v1/collections/:name/facet',
    config: { scope: 'read' },
    bodyLimit: FILTER_BYTES_MAX,
    schema: {
      tags: ['points'],
      operationId: 'facet',
      summary: 'Count the values of a key',
      description:
        'Of all points, or of those that meet the filter. A point with several values counts for each.',
      params: collectionParams,
      body: facetRequest,
      response: {
        200: json('The most frequent values.', facetResponse),
        ...errors(...BODY_ERRORS, ...COLLECTION_ERRORS, ...FILTER_ERRORS),
      },
    },
    handler: async (request) => engine().get(request.params.name).facet(request.body),
  });
}
