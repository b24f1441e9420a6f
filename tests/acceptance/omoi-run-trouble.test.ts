import { createHash, randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createRawServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ScriptedServer } from '../../agent/src/scripted-server.test-support.ts';
import { isLong } from '../long-tests.ts';
import { omoi } from './support/omoi-process.ts';

const OMOI = fileURLToPath(new URL('../../bin/omoi', import.meta.url));
/** Nothing listens there (the discard service, which no machine has any more). */
const NOBODY = 'http://127.0.0.1:9';

let directory: string;
const servers: Server[] = [];
const connections = new Set<Socket>();

beforeAll(async () => {
  // Builds what has changed since the last build, of which it tells on standard error.
  await omoi(['--version']);
  directory = mkdtempSync(join(tmpdir(), 'omoi-trouble-'));
  mkdirSync(join(directory, 'folder'));
  const script = (name: string, text: string, mode: number): void => {
    writeFileSync(join(directory, name), text);
    chmodSync(join(directory, name), mode);
  };
  script('plain', '#!/bin/sh\n', 0o644);
  script('lost', '#!/nowhere/interpreter -x\n', 0o755);
  script('windows', '#!/bin/sh\r\necho hi\r\n', 0o755);
  script('rubbish', '\x7fELF and no more', 0o755);
});
afterAll(async () => {
  for (const connection of connections) connection.destroy();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  rmSync(directory, { recursive: true, force: true });
});

interface Run {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** The most memory that it had, in MiB. */
  readonly peakMiB: number;
}

/** `omoi run … -- COMMAND` in the test's directory. @param onOutput told of each piece of its output; it is kept where absent */
async function run(
  url: string,
  command: readonly string[],
  { id = 'trouble', onOutput }: { readonly id?: string; readonly onOutput?: (piece: Buffer) => void } = {},
): Promise<Run> {
  const args = ['run', '--pool', 'p', '--id', id, '--url', url, '--data-directory', join(directory, 'data')];
  const child = spawn(process.execPath, [OMOI, ...args, '--', ...command], {
    cwd: directory,
    env: { ...process.env, OMOI_AGENT_TOKEN: 'secret' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pieces: Buffer[] = [];
  let [stderr, peakMiB] = ['', 0];
  const look = (): void => {
    peakMiB = Math.max(peakMiB, peakOf(child.pid ?? 0));
  };
  child.stdout.on('data', (piece: Buffer) => {
    look();
    if (onOutput) onOutput(piece);
    else pieces.push(piece);
  });
  child.stderr.on('data', (piece: Buffer) => (stderr += piece.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout: Buffer.concat(pieces), stderr, peakMiB };
}

/** `VmHWM` of proc_pid_status(5); 0 where it is not told. */
function peakOf(pid: number): number {
  try {
    const [, kilobytes = '0'] =
      /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) / 1024;
  } catch {
    return 0;
  }
}

async function listening(server: Server): Promise<string> {
  servers.push(server);
  server.on('connection', (connection: Socket) => {
    // The command ends while its connection is open: a reset is no fault of the test's.
    connection.on('error', () => undefined);
    connections.add(connection);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a port');
  return `127.0.0.1:${address.port}`;
}

const http = async (answer: RequestListener): Promise<string> =>
  `http://${await listening(createServer(answer))}`;
const raw = (greet: (connection: Socket) => void): Promise<string> => listening(createRawServer(greet));

describe.concurrent('a command that can’t be run', () => {
  it.each<[what: string, command: readonly string[], status: number, line: string]>([
    ['does not exist', ['no-such-program'], 127, 'omoi run: no-such-program: not found'],
    ['has no path that exists', ['./nowhere/it'], 127, 'omoi run: ./nowhere/it: not found'],
    ['is a blank', [' '], 127, 'omoi run: " ": not found'],
    ['may not be executed', ['./plain'], 126, 'omoi run: ./plain: may not be executed'],
    ['is a directory', ['./folder'], 126, 'omoi run: ./folder: may not be executed'],
    ['is empty', [''], 2, 'omoi: the command is empty: name a program behind -- (invalid_request)'],
    ['is missing', [], 2, "error: missing required argument 'command'"],
    [
      'has an interpreter that is not there',
      ['./lost'],
      127,
      'omoi run: ./lost: the interpreter in its first line, "/nowhere/interpreter", is not there',
    ],
    [
      'has line ends of Windows',
      ['./windows'],
      127,
      'omoi run: ./windows: the interpreter in its first line, "/bin/sh\\r", is not there',
    ],
  ])('because it %s', async (_what, command, status, line) => {
    const ended = await run(NOBODY, command);
    expect([ended.status, ended.stderr, ended.stdout.length]).toEqual([status, `${line}\n`, 0]);
  });
});

describe.concurrent('an address where no Omoi is', () => {
  const unlike = (url: string, status: string): string => `${url} answers unlike Omoi${status}`;
  it.each<[what: string, at: () => Promise<string>, says: (url: string) => string]>([
    ['nobody listens', async () => NOBODY, (url) => `nothing listens at ${url}`],
    [
      'the host is not known',
      async () => 'http://omoi.invalid:4600',
      (url) => `the host of ${url} is not known here`,
    ],
    [
      'a page answers',
      () => http((_, response) => void response.setHeader('content-type', 'text/html').end('<html>')),
      (url) => unlike(url, ' (status 200)'),
    ],
    [
      'other JSON answers',
      () => http((_, response) => void response.end('{"a":1}')),
      (url) => unlike(url, ''),
    ],
    [
      'it leads elsewhere',
      () => http((_, response) => void response.writeHead(302, { location: NOBODY }).end()),
      (url) => unlike(url, ' (status 302)'),
    ],
    [
      'a proxy has nothing behind it',
      () => http((_, response) => void response.writeHead(502).end('<h1>')),
      (url) => unlike(url, ' (status 502)'),
    ],
    [
      'another protocol is spoken',
      async () => `http://${await raw((connection) => void connection.end('SSH-2.0-x\r\n'))}`,
      (url) => `${url} does not speak HTTP`,
    ],
    [
      'connections are closed',
      async () => `http://${await raw((connection) => void connection.destroy())}`,
      (url) => `${url} closes each connection`,
    ],
    [
      'TLS is not spoken',
      async () => `https://${(await http((_, response) => void response.end())).slice('http://'.length)}`,
      (url) => `${url} does not speak TLS; did you mean http://`,
    ],
    [
      'nothing is answered',
      async () => `http://${await raw(() => undefined)}`,
      (url) => `${url} has not answered: the command has ended, and never was an agent`,
    ],
  ])('where %s: one line says so, and the command runs', async (_what, at, says) => {
    const url = await at();
    // It waits for the line, where one comes.
    const ended = await run(url, ['sh', '-c', 'echo out; sleep 0.3; exit 5']);
    expect([ended.status, ended.stdout.toString()]).toEqual([5, 'out\n']);
    expect(ended.stderr).toMatch(/^omoi run: [^\n]*\n$/);
    expect(ended.stderr).toContain(says(url));
  });
});

const MIB = 1024 ** 2;
/** In MiB. */
const amount = isLong ? 2048 : 64;

describe('output without end', () => {
  let server: ScriptedServer;
  beforeAll(async () => {
    server = new ScriptedServer({ register: () => ({ body: { generation: 1, heartbeat_interval_ms: 50 } }) });
    await server.open();
  });
  afterAll(() => server.goAway());

  it.each([
    ['of bytes that are no text', (): Buffer => randomBytes(MIB)],
    ['in one line', (): Buffer => Buffer.alloc(MIB, 'x')],
  ])('%s is passed on as it is, with little memory, and its end is told', async (_what, make) => {
    const block = make();
    writeFileSync(join(directory, 'block'), block);
    const end = Buffer.from('\nlast words\n');
    const expected = createHash('sha256');
    for (let at = 0; at < amount; at++) expected.update(block);
    const found = createHash('sha256');
    let bytes = 0;
    const produce = `at=0; while [ $at -lt ${amount} ]; do cat block; at=$((at + 1)); done`;
    const ended = await run(server.url, ['sh', '-c', `${produce}; printf '\\nlast words\\n'; exit 3`], {
      id: 'flood',
      onOutput(piece) {
        bytes += piece.length;
        found.update(piece);
      },
    });
    expect([ended.status, ended.stderr, bytes]).toEqual([3, '', amount * MIB + end.length]);
    expect(found.digest('hex')).toBe(expected.update(end).digest('hex'));
    expect(ended.peakMiB).toBeLessThan(300);
    expect(server.of('deregister').at(-1)?.body).toMatchObject({
      last_output: expect.stringMatching(/last words$/),
    });
    // Of all that the newest is kept, within its limit.
    expect(statSync(join(directory, 'data/logs/run/flood.stdout.log')).size).toBeLessThanOrEqual(8 * MIB);
  });
});

it.each([
  ['a command', ['check']],
  ['a program that is run', ['run', '--pool', 'p', '--', 'true']],
])('%s in a working directory that was removed is refused in one line', async (_, args) => {
  const gone = join(directory, 'gone');
  mkdirSync(gone);
  const child = spawn('/bin/sh', ['-c', 'rmdir "$0" && exec "$@"', gone, process.execPath, OMOI, ...args], {
    cwd: gone,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [status] = (await once(child, 'close')) as [number];
  expect(said).toBe(
    'omoi: the working directory was removed; change into one that is there, and type the command again\n',
  );
  expect(status).toBe(1);
});
