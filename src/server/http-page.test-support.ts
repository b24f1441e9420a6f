import { tableRow, type JsonSchema } from '../schema-tables.test-support.ts';
import { errorsOfRoutes } from './http-errors.test-support.ts';
import {
  inputsOf,
  routesOf,
  type Description,
  type Operation,
  type Route,
} from './http-routes.test-support.ts';

const INTRODUCTION = `# HTTP

Every route, as its schemas have it: this page is written from what the server says at \`/openapi.json\`, where programs read it.
[Integration](integration.md) tells how they go together, with a worker in Python and one for the shell; [who may call
what](access.md) has the roles in one table.

- **Who asks**: \`Authorization: Bearer TOKEN\`. The owner of the server's data directory needs none over the socket in it, which the
  command line uses. "Same machine" routes take telemetry of the same machine without one.
- **JSON** is snake_case, times are RFC 3339 in UTC. A key or parameter that is not known is refused under \`/api/v1\`
  (\`unknown_key\`). A key with \`?\` may be missing in an answer; \`[…]\` is a list; what one key of an answer means is in
  \`/openapi.json\`.
- **Errors**: any other status is \`{"error", "message", "docs"}\`, with a code of [errors](errors.md) and its page.
  Which kind of route may answer which is below; a route is of several kinds.
`;

/** What the groups of routes are called, in the order of the page. */
const GROUPS: Readonly<Record<string, string>> = {
  fleet: 'Agents, tasks, locks and pools',
  alerts: 'Alerts and rules',
  watchdog: 'The watchdog',
  monitor: 'Metrics and anomalies',
  overview: 'Overview',
  events: 'Events',
  observability: 'Traces and logs',
  access: 'Tokens and sessions',
  server: 'The server',
  health: 'Health',
  ingest: 'Telemetry',
  prometheus: 'As Prometheus has it',
  alertmanager: 'As Alertmanager has it',
  dashboard: 'Mission control',
};

/** docs/http.md. */
export function httpPage(description: Description): string {
  const routes = routesOf(description);
  const unnamed = routes.filter(({ operation }) => !Object.hasOwn(GROUPS, operation.tags[0] ?? ''));
  if (unnamed.length > 0)
    throw new Error(`no group of the page has ${unnamed.map(({ line }) => line).join()}`);
  const groups = Object.entries(GROUPS).map(([tag, title]) =>
    [
      `## ${title}\n`,
      ...routes
        .filter(({ operation }) => operation.tags[0] === tag)
        .map((route) => section(route, description.components.schemas)),
    ].join('\n'),
  );
  const shapes = Object.entries(description.components.schemas)
    .filter(([name]) => name !== 'Error')
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([name, schema]) => `**${name}**: \`${shapeOf(schema)}\`\n`);
  const errors = ['## Which routes answer which errors\n', ...errorsOfRoutes(routes), ''].join('\n');
  return [INTRODUCTION, errors, ...groups, '## What answers have in common\n', ...shapes].join('\n');
}

type Schemas = Description['components']['schemas'];

function section(route: Route, schemas: Schemas): string {
  const { operation } = route;
  const access = operation['x-omoi-access'];
  const who = access === 'public' ? 'everybody' : access.join(', ');
  const inputs = inputsOf(route).map(({ name, where, standard, type, meaning }) =>
    tableRow([where, `\`${name}\``, type, standard, meaning]),
  );
  const summary = operation.summary.charAt(0).toUpperCase() + operation.summary.slice(1);
  const open = operation['x-omoi-open-on-loopback'] ? ', same machine' : '';
  return [
    `### \`${route.line}\``,
    `${summary}. For: ${who}${open}.\n`,
    ...(inputs.length === 0
      ? []
      : [tableRow(['in', 'name', 'type', 'default', 'meaning']), '|---|---|---|---|---|', ...inputs, '']),
    ...answersOf(operation, schemas),
    '',
  ].join('\n');
}

/** One a line: several are a list, or they would run on. */
function answersOf({ responses }: Operation, schemas: Schemas): readonly string[] {
  const answers = Object.entries(responses)
    .filter(([status]) => status !== 'default')
    .map(([status, { content = {} }]) => {
      const [schema] = Object.values(content).map((one) => one.schema);
      if (schema === undefined) return `Answer ${status}.`;
      const name = nameOf(schema);
      if (name !== null && !Object.hasOwn(schemas, name)) throw new Error(`there is no schema ${name}`);
      return `Answer ${status}: \`${shapeOf(schema)}\``;
    });
  return answers.length > 1 ? answers.map((answer) => `- ${answer}`) : answers;
}

function nameOf({ $ref }: JsonSchema): string | null {
  return $ref === undefined ? null : ($ref.split('/').at(-1) ?? null);
}

/** Deeper ones are in `/openapi.json`. */
const maxDepth = 3;

/** The keys of an answer, nested ones in braces; what has a name by its name. */
function shapeOf(schema: JsonSchema, depth = 0): string {
  const name = nameOf(schema);
  if (name !== null) return name;
  const choices = schema.anyOf?.filter(({ type }) => type !== 'null') ?? [];
  if (choices.length > 0) return [...new Set(choices.map((one) => shapeOf(one, depth)))].join(' | ');
  if (schema.items) return `[${shapeOf(schema.items, depth)}]`;
  const keys = Object.entries(schema.properties ?? {});
  if (keys.length === 0) return schema.type === 'object' ? '{…}' : '…';
  if (depth >= maxDepth) return '{…}';
  const shown = keys.map(([key, inner]) => {
    const inside = shapeOf(inner, depth + 1);
    const may = schema.required?.includes(key) ? '' : '?';
    return inside === '…' ? `${key}${may}` : `${key}${may}: ${inside}`;
  });
  return `{ ${shown.join(', ')} }`;
}
