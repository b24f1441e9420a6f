import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PAGES, readPage } from '../../src/documentation.test-support.ts';
import { Client } from './support/client.ts';
import { dataDirectory, OmoiServer } from './support/omoi-process.ts';

const directory = dataDirectory();
let server: OmoiServer;
let admin: Client;

beforeAll(async () => {
  server = await OmoiServer.start(directory.path);
  admin = new Client(() => server.url, server.adminToken);
});

afterAll(async () => {
  await server.stop();
  directory.remove();
});

interface Operation {
  readonly parameters?: readonly { readonly name: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: unknown }>> };
}

interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

async function routesBelow(prefix: string): Promise<readonly Route[]> {
  const { paths } = await admin.read<{ paths: Record<string, Record<string, Operation>> }>('/openapi.json');
  return Object.entries(paths)
    .filter(([path]) => path.startsWith(prefix))
    .flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path: path.replace('{trace_id}', '0'.repeat(32)).replace(/\{[^}]+\}/g, 'nobody'),
        operation,
      })),
    );
}

/** Every parameter of it is a label that samples must have: an unknown one fits no sample. */
const OPEN_QUERY = '/api/v1/monitor/metrics';

describe('every route below /api/v1', () => {
  it('refuses a parameter that it does not read', async () => {
    const routes = (await routesBelow('/api/v1/')).filter(({ path }) => path !== OPEN_QUERY);
    expect(routes.length).toBeGreaterThan(50);
    for (const { method, path, operation } of routes) {
      // A body is looked at before the parameters.
      const body = operation.requestBody === undefined ? {} : { body: { no_such_key: 1 } };
      const answer = await admin.call(`${path}?no_such_parameter=1`, { method, ...body });
      const place = operation.requestBody === undefined ? 'query.no_such_parameter' : 'body.no_such_key';
      expect([`${method} ${path}`, answer.status, answer.body]).toEqual([
        `${method} ${path}`,
        400,
        {
          error: 'unknown_key',
          message: expect.stringContaining(`${place}: unknown `),
          docs: '/docs/errors#unknown_key',
        },
      ]);
    }
    expect(await admin.read(`${OPEN_QUERY}?no_such_label=1`)).toEqual([]);
  });

  it('refuses a key of a body that it does not read, and says so in its description', async () => {
    for (const { method, path, operation } of await routesBelow('/api/v1/')) {
      if (method === 'GET') continue;
      const open = Object.values(operation.requestBody?.content ?? {}).flatMap(({ schema }) =>
        openIn(schema),
      );
      expect([path, open]).toEqual([path, []]);
      const refusal = await admin.refusal(path, { method, body: { no_such_key: 1 } });
      expect([`${method} ${path}`, refusal]).toEqual([`${method} ${path}`, '400 unknown_key']);
    }
  });

  it('takes no whole number that a double cannot hold', async () => {
    const numbers = (await routesBelow('/api/v1/')).flatMap(({ path, operation }) =>
      Object.values(operation.requestBody?.content ?? {}).flatMap(({ schema }) => numbersIn(schema, path)),
    );
    expect(numbers.length).toBeGreaterThan(20);
    const rounded = numbers.filter(
      ({ type, maximum = Infinity }) => type !== 'integer' || maximum > Number.MAX_SAFE_INTEGER,
    );
    expect(rounded).toEqual([]);
    const beat = '/api/v1/fleet/agents/nobody/heartbeat';
    for (const sequence of ['9007199254740993', '9007199254740992', '-9007199254740993']) {
      const body = `{"generation":1,"sequence":${sequence}}`;
      expect([sequence, await admin.refusal(beat, { method: 'POST', body })]).toEqual([
        sequence,
        '400 invalid_request',
      ]);
    }
  });

  it('leaves to others what their clients send besides', async () => {
    const query = 'query=1&stats=all&no_such_parameter=1';
    expect((await admin.call(`/prometheus/api/v1/query?${query}`)).status).toBe(200);
    const body = JSON.stringify({ resourceMetrics: [], noSuchKey: 1 });
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(`${server.url}/v1/metrics?a=1`, { method: 'POST', headers, body })).status).toBe(200);
  });
});

interface DocumentedKeys {
  readonly page: string;
  /** `POST /api/v1/fleet/tasks/{}`. */
  readonly route: string;
  readonly keys: readonly string[];
}

const ROUTE = /`(GET|POST|PUT|PATCH|DELETE) (\/api\/v1\/[^`\s?]*)`?/;
const routeOf = (method: string, path: string): string => `${method} ${path.replace(/:\w+|\{\w*\}/g, '{}')}`;
const namesIn = (text: string): readonly string[] => text.match(/[a-z]+(?:_[a-z]+)*/g) ?? [];

/** The keys of bodies, `{a, b}` in a row of a table that begins with a route; and of queries, behind it: (filters `a`, `b`; …). */
function documentedKeys(page: string): readonly DocumentedKeys[] {
  const text = readPage(page);
  const bodies = text.split('\n').flatMap((line) => {
    const [, method, path = ''] = ROUTE.exec(line.split('|')[1] ?? '') ?? [];
    const [, body] = /`(\{[^`]*\})`/.exec(line) ?? [];
    return method === undefined || body === undefined
      ? []
      : [{ page, route: routeOf(method, path), keys: namesIn(body) }];
  });
  const queries = [
    ...text.replace(/\s+/g, ' ').matchAll(/`GET (\/api\/v1\/[^`?]*)` \(filters ([^)]*)\)/g),
  ].map(([, path = '', filters = '']) => ({
    page,
    route: routeOf('GET', path),
    keys: [...filters.matchAll(/`(\w+)`/g)].map(([, key = '']) => key),
  }));
  return [...bodies, ...queries];
}

/** The names of all properties below a schema. */
function propertiesIn(schema: unknown): readonly string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const own = 'properties' in schema ? Object.keys(schema.properties as object) : [];
  return [...own, ...Object.values(schema).flatMap(propertiesIn)];
}

describe('the documentation', () => {
  it('names keys of bodies and queries that are read', async () => {
    const { paths } = await admin.read<{ paths: Record<string, Record<string, Operation>> }>('/openapi.json');
    const read = new Map(
      Object.entries(paths).flatMap(([path, operations]) =>
        Object.entries(operations).map(([method, { parameters = [], requestBody }]) => {
          const body = Object.values(requestBody?.content ?? {}).flatMap(({ schema }) =>
            propertiesIn(schema),
          );
          return [
            routeOf(method.toUpperCase(), path),
            new Set([...parameters.map(({ name }) => name), ...body]),
          ] as const;
        }),
      ),
    );
    const documented = PAGES.flatMap(documentedKeys);
    expect(documented.length).toBeGreaterThan(5);
    for (const { page, route, keys } of documented) {
      expect([page, route, keys.filter((key) => read.get(route)?.has(key) !== true)]).toEqual([
        page,
        route,
        [],
      ]);
    }
  });
});

/** The object schemas that name properties and say nothing of others. */
function openIn(schema: unknown, at = 'body'): readonly string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const isOpen = 'properties' in schema && !('additionalProperties' in schema);
  const inner = Object.entries(schema).flatMap(([key, value]) => openIn(value, `${at}.${key}`));
  return isOpen ? [at, ...inner] : inner;
}

interface NumberSchema {
  readonly at: string;
  readonly type: 'integer' | 'number';
  readonly maximum?: number;
}

function numbersIn(schema: unknown, at: string): readonly NumberSchema[] {
  if (typeof schema !== 'object' || schema === null) return [];
  if ('type' in schema && (schema.type === 'integer' || schema.type === 'number')) {
    return [{ ...schema, at, type: schema.type }];
  }
  return Object.entries(schema).flatMap(([key, value]) => numbersIn(value, `${at} ${key}`));
}
