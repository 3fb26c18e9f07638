// Payload indexes: set, list, drop. Main thread.

import { z } from 'zod';
import { payloadKey } from '../../contract/filter.js';
import { payloadIndexDescription, payloadIndexList, setPayloadIndex } from '../../contract/payload-index.js';
import type { Api, RouteContext } from '../api.js';
import { collectionParams } from '../params.js';
import { BODY_ERRORS, COLLECTION_ERRORS, errors, FILTER_ERRORS, json, WRITE_ERRORS } from '../responses.js';

const tags = ['payload indexes'];
const indexParams = collectionParams.extend({ key: payloadKey });
const BODY_BYTES_MAX = 1024;

export function payloadIndexRoutes(api: Api, { engine }: RouteContext): void {
  api.route({
    method: 'PUT',
    url: '/v1/collections/:name/payload-indexes/:key',
    config: { scope: 'write' },
    bodyLimit: BODY_BYTES_MAX,
    schema: {
      tags,
      operationId: 'setPayloadIndex',
      summary: 'Index a key of the payloads',
      description:
        'It is filled in the background, kept by every write, and still there after a restart. One of another type ' +
        'takes the place of what the key had.',
      params: indexParams,
      body: setPayloadIndex,
      response: {
        200: json('The index, which may still be filling.', payloadIndexDescription),
        ...errors(
          ...BODY_ERRORS,
          ...COLLECTION_ERRORS,
          ...FILTER_ERRORS,
          ...WRITE_ERRORS,
          'too_many_indexes',
          'memory_full',
        ),
      },
    },
    handler: async (request) => {
      const { name, key } = request.params;
      return engine().get(name).setPayloadIndex(key, request.body.type);
    },
  });

  api.route({
    method: 'GET',
    url: '/v1/collections/:name/payload-indexes',
    config: { scope: 'read' },
    schema: {
      tags,
      operationId: 'listPayloadIndexes',
      summary: 'List the payload indexes',
      params: collectionParams,
      response: {
        200: json('All of them, by key.', payloadIndexList),
        ...errors('validation_failed', ...COLLECTION_ERRORS, ...FILTER_ERRORS),
      },
    },
    handler: async (request) => ({ indexes: await engine().get(request.params.name).listPayloadIndexes() }),
  });

  api.route({
    method: 'DELETE',
    url: '/v1/collections/:name/payload-indexes/:key',
    config: { scope: 'write' },
    schema: {
      tags,
      operationId: 'dropPayloadIndex',
      summary: 'Drop a payload index',
      description: 'Filters on the key work on, slower.',
      params: indexParams,
      response: {
        200: json('Dropped.', z.strictObject({ dropped: payloadKey }).meta({ id: 'DroppedPayloadIndex' })),
        ...errors(
          'validation_failed',
          ...COLLECTION_ERRORS,
          'payload_index_not_found',
          ...FILTER_ERRORS,
          ...WRITE_ERRORS,
        ),
      },
    },
    handler: async (request) => {
      const { name, key } = request.params;
      await engine().get(name).dropPayloadIndex(key);
      return { dropped: key };
    },
  });
}
