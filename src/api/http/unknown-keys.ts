import type { FastifySchema, RouteOptions } from 'fastify';
import { lenientPath } from '#telemetry';
import { z } from 'zod';
import type { ApiApp } from './app.ts';

/** Omoi's own API; below `/prometheus/` and `/v1/` others' clients send more than is read. */
const OWN_ROUTES = '/api/v1/';

const noParameters = z.strictObject({});
/** Of a route that reads no body: clients that always send one send an empty object. */
const noBody = z.strictObject({}).nullish();

/**
 * What a request to Omoi's own API says is read or refused, never dropped in silence: a misspelled filter must not
 * answer everything. A route whose schemas would drop a key does not start.
 */
export function refuseUnknownKeys(app: ApiApp): void {
  app.addHook('onRoute', (route) => {
    if (!route.url.startsWith(OWN_ROUTES)) return;
    const { querystring = noParameters, body = takesBody(route) ? noBody : undefined } = route.schema ?? {};
    assertStrict(route, 'query', querystring);
    assertStrict(route, 'body', body);
    route.schema = { ...route.schema, querystring, ...(body !== undefined && { body }) };
  });
}

/** The schema of a route as it stated it, for its description: without the body that it only refuses. */
export function withoutRefusedBody({ body, ...schema }: FastifySchema): FastifySchema {
  return body === undefined || body === noBody ? schema : { ...schema, body };
}

function takesBody({ method }: RouteOptions): boolean {
  return ![method].flat().some((one) => one === 'GET' || one === 'HEAD');
}

/** @throws Error where the schema drops keys: a programmer's mistake */
function assertStrict({ method, url }: RouteOptions, part: string, schema: unknown): void {
  const dropped = schema instanceof z.ZodType ? lenientPath(schema) : null;
  if (dropped === null) return;
  throw new Error(
    `${[method].flat().join('|')} ${url} would drop unknown keys of its ${part}${dropped}: use z.strictObject`,
  );
}
