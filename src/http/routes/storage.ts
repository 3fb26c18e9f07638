// Where a collection keeps its full vectors. Main thread.

import { collectionDescription, convertStorage } from '../../contract/collections.js';
import type { Api, RouteContext } from '../api.js';
import { collectionParams } from '../params.js';
import { BODY_ERRORS, COLLECTION_ERRORS, errors, json } from '../responses.js';

const STORAGE_BYTES_MAX = 64 * 1024;

export function storageRoutes(api: Api, { engine }: RouteContext): void {
  api.route({
    method: 'PUT',
    url: '/v1/collections/:name/storage',
    config: { scope: 'admin', unhurried: true },
    bodyLimit: STORAGE_BYTES_MAX,
    schema: {
      tags: ['collections'],
      operationId: 'convertStorage',
      summary: 'Convert the storage of the full vectors',
      description: 'Between memory-mapped files and RAM, in place; searches go on and answer the same.',
      params: collectionParams,
      body: convertStorage,
      response: {
        200: json('Converted.', collectionDescription),
        ...errors(
          ...BODY_ERRORS,
          ...COLLECTION_ERRORS,
          'storage_unchanged',
          'build_running',
          'too_many_requests',
          'memory_full',
          'storage_corrupt',
          'writes_stopped',
        ),
      },
    },
    handler: async (request) => {
      const collection = engine().get(request.params.name);
      await collection.convertStorage(request.body.backend);
      return collection.describe();
    },
  });
}
