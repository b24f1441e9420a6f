import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';

const installCommand = 'sudo apt-get install --no-install-recommends postgresql';
const startTimeoutMs = 30_000;

/** The databases of a PostgreSQL. */
export interface PostgresDatabases {
  /** Makes a database and tells its URL: an empty one, or a copy of one that nobody is connected to. */
  createDatabase(copyOf?: string): Promise<string>;
  /** Breaks all sessions of a database, as a restart of PostgreSQL would. */
  disconnectAll(url: string): Promise<void>;
}

/** A PostgreSQL of the tests' own: on loopback, in a temporary directory, nothing of it kept. */
export interface PostgresServer extends PostgresDatabases {
  /** Stops it as an operator does who does not wait for its clients. */
  halt(): Promise<void>;
  /** Starts it again after `halt`, on the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Where PostgreSQL's programs are, the newest version first; null where it is not installed. */
function findPostgres(): string | null {
  const home = '/usr/lib/postgresql';
  const versions = existsSync(home) ? readdirSync(home).sort((a, b) => Number(b) - Number(a)) : [];
  const directories = [...versions.map((version) => join(home, version, 'bin')), ...searchPath()];
  return directories.find((directory) => existsSync(join(directory, 'initdb'))) ?? null;
}

/**
 * Whether tests on PostgreSQL can run. Where it is missing they are skipped with the command to type; under
 * `CI=true` missing is failing.
 */
export function postgresForTests(): string | null {
  const programs = findPostgres();
  if (programs !== null) return programs;
  if (process.env['CI'] === 'true')
    throw new Error(`PostgreSQL is missing. To install it: ${installCommand}`);
  console.warn(`Tests on PostgreSQL are skipped: it is not installed. To install it: ${installCommand}`);
  return null;
}

/** @param programs the directory that `postgresForTests` gave */
export async function startPostgres(programs: string): Promise<PostgresServer> {
  const directory = mkdtempSync(join(tmpdir(), 'omoi-postgres-'));
  const user = await startingUser();
  if (user) chownSync(directory, user.uid, user.gid);
  const data = join(directory, 'data');
  const run = { ...user, cwd: directory, env: { PATH: process.env['PATH'], LC_ALL: 'C' } };
  const made = spawnSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'omoi', '--auth=trust', '--no-sync', '--encoding=UTF8', '--no-locale'],
    { ...run, encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.error?.message ?? made.stderr}`);
  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    fsync: 'off',
    full_page_writes: 'off',
    // Each database lives for a moment.
    autovacuum: 'off',
    max_connections: '200',
    shared_buffers: '16MB',
  };
  const urlOf = (database: string): string => `postgres://omoi@127.0.0.1:${port}/${database}`;
  const launch = async (): Promise<{ readonly server: ChildProcess; readonly admin: Client }> => {
    const server = spawn(
      join(programs, 'postgres'),
      ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      { ...run, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    return { server, admin: await connectTo(urlOf('postgres'), server) };
  };
  let { server, admin } = await launch();
  const halt = async (): Promise<void> => {
    await admin.end();
    await stopProcess(server);
  };
  const databases = (): PostgresDatabases => databasesOf(admin, urlOf('postgres'));
  return {
    createDatabase: (copyOf) => databases().createDatabase(copyOf),
    disconnectAll: (url) => databases().disconnectAll(url),
    halt,
    async restart() {
      ({ server, admin } = await launch());
    },
    async stop() {
      await halt();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

let created = 0;

/** Makes databases whose names no other process of the run takes. @param adminUrl of any database of the server */
export function databasesOf(admin: Client, adminUrl: string): PostgresDatabases {
  return {
    async createDatabase(copyOf) {
      const name = `omoi_${process.pid}_${++created}`;
      const template = copyOf === undefined ? 'template1' : nameOf(copyOf);
      await admin.query(`create database ${name} template ${template}`);
      return new URL(`/${name}`, adminUrl).href;
    },
    async disconnectAll(url) {
      await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
        nameOf(url),
      ]);
    },
  };
}

const nameOf = (url: string): string => new URL(url).pathname.slice(1);

/** PostgreSQL refuses to run as root: then it runs as `postgres` or `nobody`. */
async function startingUser(): Promise<{ uid: number; gid: number } | null> {
  if (process.getuid?.() !== 0) return null;
  for (const name of ['postgres', 'nobody']) {
    const uid = spawnSync('id', ['-u', name], { encoding: 'utf8' });
    const gid = spawnSync('id', ['-g', name], { encoding: 'utf8' });
    if (uid.status === 0 && gid.status === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  }
  throw new Error('PostgreSQL cannot run as root, and there is neither a user postgres nor nobody');
}

async function connectTo(url: string, server: ChildProcess): Promise<Client> {
  let log = '';
  server.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text;
    if (/database system is ready/.test(text)) server.emit('omoi-ready');
  });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`PostgreSQL does not start:\n${log}`)), startTimeoutMs);
    server.once('omoi-ready', resolve);
    server.once('exit', (code) => reject(new Error(`PostgreSQL ended with ${code}:\n${log}`)));
    server.once('omoi-ready', () => clearTimeout(timer));
    server.once('exit', () => clearTimeout(timer));
  });
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  // SIGINT is PostgreSQL's fast shutdown: it does not wait for clients.
  child.kill('SIGINT');
  await ended;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('no port was given'));
      });
    });
  });
}

function searchPath(): readonly string[] {
  return (process.env['PATH'] ?? '').split(':').filter((directory) => directory !== '');
}
