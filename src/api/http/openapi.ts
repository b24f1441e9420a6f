import swagger from '@fastify/swagger';
import type { FastifySchema } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiApp } from './app.ts';
import { describeRequest } from './request-words.ts';
import { withoutRefusedBody } from './unknown-keys.ts';
import { CSRF_HEADER, SESSION_COOKIE } from '../access/guard.ts';
import { PUBLIC } from '../access/roles.ts';

const ERROR_RESPONSE = {
  description: 'The request failed, and nothing was changed.',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
};

/**
 * Serves the description of every route at `/openapi.json`: its schemas, the roles that may call it
 * (`x-omoi-access`), and the error that it answers with. Register it before the routes.
 */
export async function serveOpenApi(app: ApiApp, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Omoi',
        version,
        description:
          'Watches a fleet of agents and workers, alerts, repairs and proves that the repair worked.',
      },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'A token: `omoi_<role>_…`.' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: SESSION_COOKIE,
            description: `The dashboard’s session. Changes also need the header ${CSRF_HEADER}.`,
          },
        },
      },
    },
    transform: (document) => {
      const stated = withoutRefusedBody(document.schema ?? {});
      const transformed = jsonSchemaTransform({ ...document, schema: stated });
      const { access, openOnLoopback = false } = document.route.config ?? {};
      const security = access === 'public' ? [] : [{ token: [] }, { session: [] }];
      const schema: FastifySchema & Record<`x-${string}`, unknown> = {
        ...transformed.schema,
        // An empty alternative says that no scheme is needed where the peer is loopback.
        security: openOnLoopback ? [...security, {}] : security,
        'x-omoi-access': access,
        'x-omoi-open-on-loopback': openOnLoopback,
      };
      return { schema, url: transformed.url };
    },
    transformObject: (document) => {
      const described = jsonSchemaTransformObject(document);
      for (const path of Object.values(described.paths ?? {})) {
        for (const operation of Object.values<unknown>(path ?? {})) {
          addErrorResponse(operation);
          describeRequest(operation);
        }
      }
      if ('components' in described) dropUnnamed(described.components?.schemas ?? {}, described.paths);
      return described;
    },
  });

  app.get(
    '/openapi.json',
    {
      config: { access: PUBLIC },
      schema: {
        tags: ['health'],
        summary: 'This description',
        response: { 200: z.looseObject({ openapi: z.string() }) },
      },
    },
    () => z.looseObject({ openapi: z.string() }).parse(app.swagger()),
  );
}

function addErrorResponse(operation: unknown): void {
  if (typeof operation !== 'object' || operation === null || !('responses' in operation)) return;
  const { responses } = operation;
  if (typeof responses !== 'object' || responses === null || 'default' in responses) return;
  Object.assign(responses, { default: ERROR_RESPONSE });
}

const REFERENCE = /"#\/components\/schemas\/([^"]+)"/g;

/** Every schema is described for requests and for answers; this drops those that no path comes to by its names. */
function dropUnnamed(schemas: Record<string, unknown>, paths: unknown): void {
  const named = new Set<string>();
  const texts = [JSON.stringify(paths)];
  for (let text = texts.pop(); text !== undefined; text = texts.pop()) {
    for (const [, name = ''] of text.matchAll(REFERENCE)) {
      if (named.has(name) || !Object.hasOwn(schemas, name)) continue;
      named.add(name);
      texts.push(JSON.stringify(schemas[name]));
    }
  }
  for (const name of Object.keys(schemas)) if (!named.has(name)) delete schemas[name];
}
