// Create, list, describe and drop collections. Main thread.

import { z } from 'zod';
import { collectionDescription, collectionList, createCollection } from '../../contract/collections.js';
import type { Api, RouteContext } from '../api.js';
import { collectionParams } from '../params.js';
import { BODY_ERRORS, COLLECTION_ERRORS, errors, json } from '../responses.js';

const tags = ['collections'];
const BODY_BYTES_MAX = 64 * 1024;

export function collectionRoutes(api: Api, { engine }: RouteContext): void {
  api.route({
    method: 'POST',
    url: '/v1/collections',
    config: { scope: 'admin' },
    bodyLimit: BODY_BYTES_MAX,
    schema: {
      tags,
      operationId: 'createCollection',
      summary: 'Create a collection',
      description:
        'Dimension and metric are fixed from here on; index parameters can change with each build.',
      body: createCollection,
      response: {
        201: json('Created; `Location` has its address.', collectionDescription),
        ...errors(...BODY_ERRORS, 'collection_exists', 'disk_full', 'memory_full', 'too_many_requests'),
      },
    },
    handler: async (request, reply) => {
      const collection = await engine().create(request.body);
      reply.code(201).header('location', `/v1/collections/${encodeURIComponent(collection.name)}`);
      return collection.describe();
    },
  });

  api.route({
    method: 'GET',
    url: '/v1/collections',
    config: { scope: 'read' },
    schema: {
      tags,
      operationId: 'listCollections',
      summary: 'List all collections',
      response: { 200: json('All collections, by name.', collectionList), ...errors() },
    },
    handler: async (): Promise<z.output<typeof collectionList>> => ({ collections: engine().list() }),
  });

  api.route({
    method: 'GET',
    url: '/v1/collections/:name',
    config: { scope: 'read' },
    schema: {
      tags,
      operationId: 'getCollection',
      summary: 'Describe a collection',
      params: collectionParams,
      response: {
        200: json('Its settings, counts and sizes.', collectionDescription),
        ...errors(...COLLECTION_ERRORS),
      },
    },
    handler: async (request) => engine().get(request.params.name).describe(),
  });

  api.route({
    method: 'DELETE',
    url: '/v1/collections/:name',
    config: { scope: 'admin' },
    schema: {
      tags,
      operationId: 'dropCollection',
      summary: 'Drop a collection',
      description: 'All its points go; disk and memory are given back.',
      params: collectionParams,
      response: {
        204: z.undefined().describe('Dropped.'),
        ...errors('collection_not_found', 'collection_unavailable'),
      },
    },
    handler: async (request, reply) => {
      await engine().drop(request.params.name);
      return reply.code(204).send();
    },
  });
}
