// The OpenAPI document, made from the routes' zod schemas, and the page that shows it. Main thread.

import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { POINTS_PER_REQUEST_MAX } from '../limits.js';
import { tidyComponents } from './components.js';
import { ARROW_TYPE, NDJSON_TYPE } from './routes/insert.js';

const DESCRIPTION = `Vector search over collections of points.

A write that is answered 2xx is durable and visible to every later search. Errors are \`application/problem+json\`; branch on
\`code\`. With API keys set, send \`Authorization: Bearer KEY\` or \`x-api-key: KEY\`.`;

const ARROW_DESCRIPTION =
  `An Arrow IPC stream, uncompressed, one point a row, in record batches of at most ${POINTS_PER_REQUEST_MAX} rows and
BODY_BYTES_MAX bytes. \`id\` (utf8 or integers) and \`vector\` (fixed_size_list of the collection's dimension, or list; float32,
or float64 and float16, which are converted) must be there. Each other column is a key of the payload: utf8, bool, integers,
floats, timestamps (as RFC 3339 text; without a zone they count as UTC), dates, lists of those, dictionaries of those; a null
leaves the key out.`.replaceAll('\n', ' ');

/** Everything comes from this service, over http too; the page writes styles of its own. */
const PAGE_POLICY =
  "default-src 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'self'; script-src 'self'; script-src-attr 'none'; " +
  "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:";

/** Must come before the routes: it collects them as they are registered. */
export async function collectDocument(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Coppice',
        version,
        description: DESCRIPTION,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/', description: 'This service' }],
      tags: [
        { name: 'collections', description: 'Named sets of vectors of one dimension and one metric.' },
        { name: 'points', description: 'Vectors with an id and a payload.' },
        { name: 'build', description: 'The clustered index of a collection.' },
        { name: 'search', description: 'Nearest points, and how well they are found.' },
        { name: 'service', description: 'Health and figures of the process.' },
      ],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'An API key.' },
          apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
        },
      },
      security: [{ bearer: [] }, { apiKey: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => {
      const object = jsonSchemaTransformObject(document);
      addStreamBodies(object);
      return tidyComponents(object);
    },
  });
}

/** `/docs` and `/openapi.json`, open to everybody. */
export async function serveDocument(app: FastifyInstance): Promise<void> {
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: PAGE_POLICY,
    uiConfig: { deepLinking: true, validatorUrl: null },
  });
  app.get('/openapi.json', { schema: { hide: true } as object }, async () => app.swagger());
}

/** zod describes JSON only: the other forms of the insert's body are added by hand. */
function addStreamBodies(object: object): void {
  const { paths } = object as {
    paths?: Record<string, { post?: { requestBody?: { content: Record<string, unknown> } } }>;
  };
  const content = paths?.['/v1/collections/{name}/points']?.post?.requestBody?.content;
  if (content === undefined) return;
  const description = 'One NewPoint a line.';
  content[NDJSON_TYPE] = {
    schema: { type: 'string', description },
    example: '{"id":"word:tree","vector":[0.12,-0.5,0.33]}\n',
  };
  content[ARROW_TYPE] = { schema: { type: 'string', format: 'binary', description: ARROW_DESCRIPTION } };
}
