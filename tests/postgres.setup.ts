import { sql } from 'kysely';
import { Client, Pool } from 'pg';
import { beforeEach, inject } from 'vitest';
import { setTestStateDatabases, type StateDatabase, type StateTables } from '#storage';
import { createSystemClock, nextTurn, silentLogger, VirtualClock, type Clock } from '#telemetry';
import { createPostgresDatabase } from '../src/storage/postgres/postgres-database.ts';
import { openPlace } from './conformance/state-places.ts';
import './postgres.global-setup.ts';

/** What is asked of PostgreSQL for so long waits for a row that only time, or another transaction, frees. */
const maxAnswerMs = 500;
/** What follows from an answer may take some turns of the event loop before it asks again. */
const quietTurns = 5;

/** Questions that PostgreSQL has not answered yet. */
const asked = new Set<Promise<unknown>>();

function counted(prototype: object, name: 'query' | 'connect'): void {
  const original: unknown = Reflect.get(prototype, name);
  if (typeof original !== 'function') throw new Error(`pg has no ${name}`);
  Reflect.set(prototype, name, function ask(this: unknown, ...given: readonly unknown[]): unknown {
    const answer: unknown = Reflect.apply(original, this, given);
    if (!(answer instanceof Promise)) return answer;
    asked.add(answer);
    const forget = (): void => void asked.delete(answer);
    answer.then(forget, forget);
    return answer;
  });
}

/** As on a machine: its boot clock has parts of a millisecond, of which PostgreSQL takes none for a whole number. */
const bootMs = Object.getOwnPropertyDescriptor(VirtualClock.prototype, 'bootMs')?.value as () => number;
VirtualClock.prototype.bootMs = function bootMsWithParts(this: VirtualClock): number {
  return bootMs.call(this) + 0.3;
};

counted(Client.prototype, 'query');
counted(Pool.prototype, 'connect');

/** All that is asked has been answered, and what follows from the answers asks nothing more. */
async function answered(): Promise<void> {
  const end = performance.now() + maxAnswerMs;
  for (let quiet = 0; quiet < quietTurns;) {
    const left = end - performance.now();
    if (left <= 0) return;
    if (asked.size === 0) {
      quiet++;
      await nextTurn();
      continue;
    }
    quiet = 0;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, left);
    await Promise.race([...asked, late]).catch(() => undefined);
    clearTimeout(timer);
  }
}

const emptyUrl = inject('postgresUrl');
const systemClock = createSystemClock();
const template = 'omoi_template';
/** Any number that nothing else here locks. */
const templateTurn = 1;
let made = 0;
const kept: ReadonlySet<string> = new Set(['schema_migrations', 'server_lease']);

async function asAdmin(work: (admin: Client) => Promise<void>): Promise<void> {
  const admin = new Client({ connectionString: emptyUrl ?? '' });
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}

const urlOf = (name: string): string => new URL(`/${name}`, emptyUrl ?? '').href;

/** Migrating takes a second, copying what is migrated some milliseconds. */
async function makeTemplate(admin: Client): Promise<void> {
  await admin.query('select pg_advisory_lock($1)', [templateTurn]);
  const known = await admin.query('select from pg_database where datname = $1', [template]);
  if (known.rowCount === 0) {
    await admin.query(`create database ${template}`);
    await (await openPlace({ url: urlOf(template) })).close();
  }
  await admin.query('select pg_advisory_unlock($1)', [templateTurn]);
}

/** Databases that were closed. */
const free: string[] = [];

async function copyOfTemplate(): Promise<string> {
  const name = `omoi_${process.pid}_${++made}`;
  await asAdmin(async (admin) => void (await admin.query(`create database ${name} template ${template}`)));
  return name;
}

/** Costs less than a copy, or than to truncate the tables. */
async function empty({ reader }: StateDatabase): Promise<void> {
  const tables = (await reader.introspection.getTables()).filter(({ name }) => !kept.has(name));
  const deletions = tables.map(({ name }) => `delete from "${name}"`);
  const { rows: sequences } = await sql<{
    name: string;
  }>`select sequencename as name from pg_sequences`.execute(reader);
  const restarts = sequences.map(({ name }) => `alter sequence "${name}" restart`);
  await sql.raw([...deletions, ...restarts].join(';')).execute(reader);
}

/** Its time is that of the clock: PostgreSQL's own is not moved by a test. */
async function openEmpty(clock: Clock): Promise<StateDatabase> {
  const known = free.pop();
  const name = known ?? (await copyOfTemplate());
  const database = createPostgresDatabase<StateTables>({
    url: urlOf(name),
    applicationName: name,
    clock: systemClock,
    logger: silentLogger,
  });
  if (known !== undefined) await empty(database);
  if (clock instanceof VirtualClock) clock.waitFor(answered);
  return {
    ...database,
    transaction: (work, options) =>
      database.transaction((tx) => work({ ...tx, nowMs: Math.floor(clock.wallMs()) }), options),
    async close() {
      await database.close();
      free.push(name);
    },
  };
}

if (emptyUrl === null) beforeEach(({ skip }) => skip('PostgreSQL is not installed'));
else {
  await asAdmin(makeTemplate);
  setTestStateDatabases(openEmpty);
}
