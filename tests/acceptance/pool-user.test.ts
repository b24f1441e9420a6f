import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataDirectory, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';

/** Of a second user that every Linux has. */
const NOBODY = 65534;
const isRoot = process.getuid?.() === 0 && process.platform === 'linux';

let place: ReturnType<typeof dataDirectory>;
let server: OmoiServer | null = null;
/** Agents outlive a server that is stopped. */
let probePid: number | null = null;

beforeEach(() => {
  place = dataDirectory();
});

afterEach(async () => {
  await server?.stop('SIGTERM');
  server = null;
  if (probePid !== null) process.kill(probePid, 'SIGKILL');
  probePid = null;
  place.remove();
});

/** A program that writes down what it is and what it gets at, and stays. */
const PROBE = `
const { readFileSync, readdirSync, renameSync, writeFileSync } = require('node:fs');
const { connect } = require('node:net');
const [data, report] = process.argv.slice(2);
const said = { pid: process.pid, home: process.env.HOME, user: process.env.USER };
const status = readFileSync('/proc/self/status', 'utf8');
for (const key of ['Uid', 'Gid', 'Groups', 'NoNewPrivs']) {
  said[key] = new RegExp('^' + key + ':[ \\t]*(.*)$', 'm').exec(status)[1].trim().split(/\\s+/)[0];
}
said.limits = readFileSync('/proc/self/limits', 'utf8');
const attempt = (name, work) => {
  try { work(); said[name] = 'allowed'; } catch (error) { said[name] = error.code; }
};
attempt('list', () => readdirSync(data));
attempt('state', () => readFileSync(data + '/state.sqlite'));
attempt('announcement', () => readFileSync(data + '/server.json'));
const socket = connect(data + '/omoi.sock');
const done = (outcome) => {
  said.socket = outcome;
  socket.destroy();
  writeFileSync(report + '.new', JSON.stringify(said));
  renameSync(report + '.new', report);
};
socket.on('connect', () => done('allowed'));
socket.on('error', (error) => done(error.code));
setInterval(() => {}, 1000);
`;

interface Said {
  readonly pid: number;
  readonly home: string;
  readonly user: string;
  readonly Uid: string;
  readonly Gid: string;
  readonly Groups: string;
  readonly NoNewPrivs: string;
  readonly limits: string;
  readonly list: string;
  readonly state: string;
  readonly announcement: string;
  readonly socket: string;
}

/** Starts a server with one pool of one probe, with these lines in its definition. */
async function probed(keys: readonly string[], more = ''): Promise<Said> {
  const shared = join(place.path, 'shared');
  const data = join(place.path, 'data');
  // The place of the test is the owner's alone; the probe needs a way to its program and its report.
  chmodSync(place.path, 0o711);
  mkdirSync(shared);
  chmodSync(shared, 0o777);
  // As somebody might have made it before: open to all.
  mkdirSync(data);
  chmodSync(data, 0o755);
  const probe = join(shared, 'probe.cjs');
  const report = join(shared, 'report.json');
  writeFileSync(probe, PROBE, { mode: 0o644 });
  const configFile = join(place.path, 'omoi.yaml');
  const command = JSON.stringify([process.execPath, probe, data, report]);
  const pool = ['id: probes', 'desired: 1', 'max: 1', `command: ${command}`, `cwd: ${shared}`, ...keys];
  writeFileSync(configFile, `fleet:\n  pools:\n    - ${pool.join('\n      ')}\n${more}`);
  server = await OmoiServer.start(data, { configFile });
  await until(() => existsSync(report), 'the probe has reported');
  const said = JSON.parse(readFileSync(report, 'utf8')) as Said;
  probePid = said.pid;
  return said;
}

describe('a pool of another user', () => {
  it.skipIf(!isRoot)('reaches neither the data directory nor the owner’s socket', async () => {
    const said = await probed(['user: nobody', 'env: { EXAMPLE: kept }']);
    expect(said).toMatchObject({
      Uid: String(NOBODY),
      user: 'nobody',
      list: 'EACCES',
      state: 'EACCES',
      announcement: 'EACCES',
      socket: 'EACCES',
    });
    expect(said.Gid).not.toBe('0');
    expect(said.Groups).toBe('');
    expect(server?.stderr).not.toContain('run as the server');
  });

  it.skipIf(!isRoot)('may not gain rights, and has its limits', async () => {
    const said = await probed([
      'user: nobody',
      'no_new_privileges: true',
      'max_memory_bytes: 1073741824',
      'max_processes: 4000',
      'max_open_files: 256',
    ]);
    expect(said).toMatchObject({ Uid: String(NOBODY), NoNewPrivs: '1' });
    expect(said.limits).toMatch(/^Max data size +1073741824 +1073741824/m);
    expect(said.limits).toMatch(/^Max processes +4000 +4000/m);
    expect(said.limits).toMatch(/^Max open files +256 +256/m);
  });
});

describe('a pool of the server’s own user', () => {
  it('is named when the server starts, for it reaches all', async () => {
    const said = await probed([]);
    expect(said).toMatchObject({ list: 'allowed', state: 'allowed', socket: 'allowed' });
    expect(server?.stderr).toContain('agents of probes run as the server');
  });

  it('finds no socket where the configuration has switched it off', async () => {
    const said = await probed([], 'access:\n  owner_socket: off\n');
    expect(said.socket).toBe('ENOENT');
  });
});
