import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { OmoiError } from '#telemetry';
import { z } from 'zod';
import { loginFile, readLogins, writeLogins } from '../logins.ts';
import { addressOf } from '../server-address.ts';
import { clientOf } from '../server-client.ts';
import { note, printJson, printLines, tableFor } from '../terminal/print.ts';

const DEFAULT_URL = 'http://127.0.0.1:4600';

const session = z.looseObject({ principal: z.looseObject({ name: z.string(), role: z.string() }) });

/** `omoi login`: keeps the token for a server, which is tried first. It comes from $OMOI_TOKEN, a pipe, or is typed unseen. */
export async function login(
  address: string | undefined,
  { json }: { readonly json?: boolean },
): Promise<void> {
  const url = address ?? (process.env['OMOI_URL'] || DEFAULT_URL);
  const env = process.env;
  addressOf(url, '/');
  // Before anything is typed: a file that can't be used is no reason to ask.
  const before = readLogins(env);
  const given = (env['OMOI_TOKEN'] ?? '').trim();
  const token = given === '' ? (await askForToken(url)).trim() : given;
  if (token === '')
    throw new OmoiError('invalid_request', 'no token was given; make one with `omoi tokens create`');
  const answer = await clientOf({ kind: 'remote', url, token }).call('GET', '/api/v1/session');
  const { name, role } = session.parse(answer).principal;
  const { origin } = new URL(url);
  const file = writeLogins({ current: origin, tokens: { ...before.tokens, [origin]: token } }, env);
  if (json === true) printJson({ url: origin, name, role });
  else printLines([`${origin} knows you as ${name} (${role}); the token is kept in ${file}`]);
}

/** `omoi logout`: forgets the token; whoever has a copy of it can use it until it is revoked. */
export function logout(address: string | undefined, { json }: { readonly json?: boolean }): void {
  const env = process.env;
  const { current, tokens } = readLogins(env);
  const url = address ?? current;
  const origin = url !== null && URL.canParse(url) ? new URL(url).origin : null;
  if (origin === null || !Object.hasOwn(tokens, origin)) {
    throw new OmoiError(
      'not_found',
      `nobody is logged in${url === null ? '' : ` to ${url}`} (${loginFile(env)})`,
    );
  }
  const { [origin]: _forgotten, ...others } = tokens;
  writeLogins({ current: current === origin ? null : current, tokens: others }, env);
  if (json === true) printJson({ url: origin });
  else printLines([`the token for ${origin} is forgotten here; omoi tokens revoke makes it worthless`]);
}

/** `omoi login --list` */
export function listLogins({ json }: { readonly json?: boolean }): void {
  const { current, tokens } = readLogins(process.env);
  const servers = Object.keys(tokens).map((url) => ({ url, current: url === current }));
  if (json === true) return printJson({ servers });
  if (servers.length === 0) return note('nobody is logged in');
  const columns = [
    { heading: 'SERVER', of: (row: (typeof servers)[number]) => row.url },
    { heading: '', of: (row: (typeof servers)[number]) => (row.current ? 'used without --url' : '') },
  ];
  printLines(tableFor(columns).linesOf(servers));
}

async function askForToken(url: string): Promise<string> {
  if (!process.stdin.isTTY) return text(process.stdin);
  // What is typed is not shown, from before it is asked for: a token that is pasted at once is no exception.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  process.stderr.write(`token for ${url} (made by \`omoi tokens create NAME --role operator\`): `);
  try {
    return await reader.question('');
  } finally {
    reader.close();
    process.stderr.write('\n');
  }
}
