import type { FastifySchemaCompiler } from 'fastify';
import { knownKeys, OmoiError, suggestKey } from '#telemetry';
import type { z } from 'zod';

const PARTS: Readonly<Record<string, string>> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'header',
};

/** Beyond these a message says how many more fields are wrong. */
const maxNamedFields = 5;
/** Messages repeat no more of a key that nobody knows. */
const maxShownCharacters = 100;

/** Checks each part of a request against its zod schema; what is refused is told by an error of the catalogue. */
export const compileValidator: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart = '' }) => {
  const asked = { schema, part: PARTS[httpPart] ?? 'request' };
  return (value: unknown) => {
    const read = schema.safeParse(value);
    return read.success ? { value: read.data } : { error: refusalOf(read.error.issues, asked) };
  };
};

interface Asked {
  readonly schema: z.ZodType;
  readonly part: string;
}

type Issue = z.core.$ZodIssue;

/** `body.desired: expected number, received string`, one for each field that is wrong. */
export function refusalOf(issues: readonly Issue[], asked: Asked): OmoiError {
  const unknown = issues.some(({ code }) => code === 'unrecognized_keys');
  const named: string[] = [];
  let wrong = 0;
  for (const issue of issues) {
    const room = maxNamedFields - named.length;
    wrong += issue.code === 'unrecognized_keys' ? issue.keys.length : 1;
    if (room > 0) named.push(...problemsOf(issue, asked, room));
  }
  const unnamed = wrong - named.length;
  const message = named.join('; ') + (unnamed > 0 ? `; and ${unnamed} more` : '');
  return new OmoiError(unknown ? 'unknown_key' : 'invalid_request', message);
}

function problemsOf(issue: Issue, { schema, part }: Asked, atMost: number): readonly string[] {
  const place = [part, ...issue.path.map(String)].join('.');
  if (issue.code !== 'unrecognized_keys') return [`${place}: ${issue.message}`];
  const known = knownKeys(schema, issue.path);
  const what = part === 'query' ? 'unknown parameter' : 'unknown key';
  return issue.keys.slice(0, atMost).map((key) => {
    const hint = known.length === 0 ? '; none is read here' : suggestKey(key, known);
    return `${place}.${shown(key)}: ${what}${hint}`;
  });
}

function shown(key: string): string {
  return key.length <= maxShownCharacters ? key : `${key.slice(0, maxShownCharacters)}…`;
}
