import { z } from 'zod';
import { AGENT_TYPES, HEARTBEAT_SOURCES } from '../events/fleet-activity.ts';
import { nameText } from '../ids.ts';
import { recordOf, recordOfAtMost, storedText } from '../stored-text.ts';
import { durationText } from '../time/duration.ts';

/** A pool is never larger: a typing error must not fill the machine. */
export const maxAgentsPerPool = 1000;
/** Nor is the fleet, nor are all pools together. */
export const maxAgentsOfFleet = 20_000;

const count = z.number().int().min(0).max(maxAgentsPerPool);
const graceMs = z.number().int().min(0).max(3_600_000);
const orphanTimeoutMs = z.number().int().min(0).max(2_592_000_000);
/** A process has to be able to start at all. */
const startWithinMs = z.number().int().min(100).max(3_600_000);
/** Shorter would make a beat cost more than it tells. */
const paceMs = z.number().int().min(100).max(3_600_000);
/** Whoever looks every few seconds sees no less. */
const stallAfterMs = z.number().int().min(1000).max(2_592_000_000);
/** No system starts a program with a NUL in its arguments or environment. */
const argument = storedText(4096);
/** A name, or a number. */
const account = z.string().regex(/^(?:\d{1,10}|[A-Za-z_][A-Za-z0-9_.-]{0,254}\$?)$/, 'is no user or group');
const maxVariables = 1000;
/** For how long a claim of a task may run at least and, a week, at most: what a task or a pool may ask for. */
export const taskTimeLimitBounds = { minMs: 100, maxMs: 604_800_000 } as const;
const taskTimeLimitMs = z.number().int().min(taskTimeLimitBounds.minMs).max(taskTimeLimitBounds.maxMs);
const maxTimeLimits = 1000;
/** A type of tasks; `*` for all that are not named. */
const taskType = storedText(200).min(1);
const variableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is no name of a variable');

export const POOL_STATES = ['active', 'removing'] as const;
export type PoolState = (typeof POOL_STATES)[number];

/** What a runtime starts and stops for one generation. */
export const UNIT_STATES = ['intended', 'running', 'ended'] as const;
export type UnitState = (typeof UNIT_STATES)[number];

/**
 * What a unit shall do: `stopped` by a person stays so until a restart, `retired` replicas are filled again when the
 * pool grows, a `replaced` generation has a follower, or gets one when it has ended.
 */
export const DESIRED_UNIT_STATES = ['run', 'stopped', 'retired', 'replaced'] as const;
export type DesiredUnitState = (typeof DESIRED_UNIT_STATES)[number];

/** What is to be known of one key of a pool. */
interface PoolKey<Schema extends z.ZodType = z.ZodType> {
  /** The value as JSON has it, in the API and in the database. */
  readonly schema: Schema;
  /** Absent: it has to be given. */
  readonly default?: unknown;
  /** The variable in which a worker finds it; a null is left out. */
  readonly variable?: string;
  /** True where a change holds at once, for what runs already. */
  readonly live?: true;
  /** True where values may be secrets: they are not shown. */
  readonly secret?: true;
  /** How the configuration writes it, where a duration for a number of ms is not all that differs. */
  readonly configured?: z.ZodType;
}

type More = Omit<PoolKey, 'schema' | 'default'>;

/** A key that has to be given. */
function required<Schema extends z.ZodType, Extra extends More>(
  schema: Schema,
  more: Extra,
): { readonly schema: Schema } & Extra {
  return { schema, ...more };
}

/** A key that has a default. The type keeps whether it is secret. */
function optional<Schema extends z.ZodType, Extra extends More>(
  schema: Schema,
  standard: z.output<Schema>,
  more: Extra,
): { readonly schema: Schema; readonly default: z.output<Schema> } & Extra {
  return { schema, default: standard, ...more };
}

/** What can start and stop the agents of a pool that the configuration names. */
export const RUNTIMES = ['process'] as const;

/**
 * What a pool is, each key once: its type, the API's and the configuration's schemas, how it is kept and what workers
 * find of it all follow from here. In the configuration a key in ms is a duration and loses its `_ms`.
 */
const POOL_KEYS = {
  agent_type: optional(z.enum(AGENT_TYPES).describe('What its agents are.'), 'worker', {
    variable: 'OMOI_AGENT_TYPE',
  }),
  phase_id: optional(nameText.nullable().describe('The phase that its agents work in, by any name.'), null, {
    variable: 'OMOI_PHASE_ID',
  }),
  runtime: optional(z.string().min(1).max(63).describe('What starts and stops its agents.'), RUNTIMES[0], {}),
  command: required(
    z.array(argument).min(1).max(256).describe('Program and arguments; no shell is involved.'),
    {},
  ),
  cwd: optional(
    argument.nullable().describe('The directory in which the command runs; without it the server’s.'),
    null,
    {},
  ),
  env: optional(
    recordOfAtMost(maxVariables, variableName, storedText(32_768)).describe(
      'Further environment variables; they are never shown.',
    ),
    {},
    { secret: true },
  ),
  desired: required(count.describe('How many agents there should be.'), { live: true }),
  min: optional(
    count.describe('How few there may be: a smaller `desired`, and a person’s, are refused.'),
    0,
    { live: true },
  ),
  max: required(
    count.describe(
      'How many there may be, with those that a policy adds; of all pools together 20,000, those among them that are being removed until their last agent has ended.',
    ),
    { live: true },
  ),
  max_unavailable: optional(
    count
      .min(1)
      .describe('How many replicas may be away at a time while they are brought to a changed definition.'),
    1,
    { live: true },
  ),
  grace_ms: optional(
    graceMs.describe('From being asked to end (SIGTERM) to being ended by force (SIGKILL).'),
    10_000,
    {
      variable: 'OMOI_GRACE_MS',
    },
  ),
  overlap: optional(
    z
      .boolean()
      .describe('Whether the next generation of a hung agent may start before the present one has ended.'),
    false,
    { live: true },
  ),
  orphan_timeout_ms: optional(
    orphanTimeoutMs.describe('How long a worker works on without a server.'),
    600_000,
    { variable: 'OMOI_ORPHAN_TIMEOUT_MS' },
  ),
  on_orphan: optional(
    z
      .enum(['continue', 'leave'])
      .describe('What a worker does whose server stays away for longer than its orphan timeout.'),
    'continue',
    { variable: 'OMOI_ON_ORPHAN' },
  ),
  start_within_ms: optional(
    startWithinMs.describe('From its start to its registration: the silence of so long is no illness.'),
    15_000,
    { live: true },
  ),
  heartbeat: optional(
    z
      .enum(HEARTBEAT_SOURCES)
      .nullable()
      .describe(
        'Who beats for its agents: they themselves (`sdk`), or Omoi, which watches their processes (`process`); without either Omoi finds out.',
      ),
    null,
    { live: true },
  ),
  heartbeat_interval_ms: optional(
    paceMs.nullable().describe('How often its agents beat; without it as often as agents of their type.'),
    null,
    { variable: 'OMOI_HEARTBEAT_INTERVAL_MS' },
  ),
  heartbeat_ttl_ms: optional(
    paceMs
      .nullable()
      .describe('After how much silence an agent is UNRESPONSIVE; without it three and a half intervals.'),
    null,
    { variable: 'OMOI_HEARTBEAT_TTL_MS' },
  ),
  time_limits_ms: optional(
    recordOfAtMost(maxTimeLimits, taskType, taskTimeLimitMs).describe(
      'For how long its agents may hold a task of each type that has no `time_limit_ms` of its own; `*` for all other types.',
    ),
    {},
    { configured: recordOf(taskType, durationText.pipe(taskTimeLimitMs)) },
  ),
  stall_after_ms: optional(
    stallAfterMs
      .nullable()
      .describe(
        'For how long what runs under `omoi run` may put nothing out, use no CPU and make no I/O before it is STALLED.',
      ),
    null,
    { variable: 'OMOI_STALL_AFTER_MS' },
  ),
  user: optional(
    account.nullable().describe('As whom its agents run: a user or its number. The server has to be root.'),
    null,
    {},
  ),
  group: optional(account.nullable().describe('As which group; without it the user’s own.'), null, {}),
  no_new_privileges: optional(
    z.boolean().describe('No program that its agents start gains rights by its file’s mode, as `sudo` does.'),
    false,
    {},
  ),
  max_memory_bytes: optional(
    z
      .number()
      .int()
      .min(1_048_576)
      .max(Number.MAX_SAFE_INTEGER)
      .nullable()
      .describe('Private memory, each process.'),
    null,
    {},
  ),
  max_processes: optional(
    z
      .number()
      .int()
      .min(1)
      .max(4_194_304)
      .nullable()
      .describe('Processes and threads of its user, of whatever pool; it does not bind root.'),
    null,
    {},
  ),
  max_open_files: optional(
    z.number().int().min(8).max(1_048_576).nullable().describe('Each process.'),
    null,
    {},
  ),
  provider: optional(
    storedText(256)
      .min(1)
      .nullable()
      .describe(
        'Who provides what its agents work with (a model, a site): they fail together. A failure domain.',
      ),
    null,
    { variable: 'OMOI_PROVIDER' },
  ),
  enqueue_for: optional(
    z
      .array(z.string().min(1).max(200))
      .max(1000)
      .describe('Pools of others that its agents may put tasks into; `*` for all.'),
    [],
    {},
  ),
} as const;

type Keys = typeof POOL_KEYS;
type KeyName = keyof Keys;
type Value<Name extends KeyName> = Readonly<z.output<Keys[Name]['schema']>>;
type Camel<Text extends string> = Text extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Text;
type Defaulted = {
  [Name in KeyName]: Keys[Name] extends { readonly default: unknown } ? Name : never;
}[KeyName];
type Shown = { [Name in KeyName]: Keys[Name] extends { readonly secret: true } ? never : Name }[KeyName];

/** Agents of one kind, and how many of them there shall be. */
export type PoolDefinition = { readonly id: string } & {
  readonly [Name in KeyName as Camel<Name>]: Value<Name>;
};

/** What may be changed of a pool. Replicas are brought to what does not hold at once in turn. */
export type PoolChange = Partial<Omit<PoolDefinition, 'id'>>;

/** A pool with what has no default, and whatever else is to differ from it. */
type NewPool = Pick<PoolDefinition, 'id' | Camel<Exclude<KeyName, Defaulted>>> & PoolChange;

const poolId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'small letters, digits, `-` and `_`, at most 63')
  .describe(
    'Its name, of small letters, digits, `-` and `_`; its agents are called `ID-1`, `ID-2` and so on.',
  );
export const poolIdText: z.ZodType<string> = poolId;

const NAMES = Object.keys(POOL_KEYS) as readonly KeyName[];
const keyOf = (name: KeyName): PoolKey => POOL_KEYS[name];
const camel = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const shapeOf = (schemaOf: (name: KeyName) => z.ZodType): z.ZodRawShape =>
  Object.fromEntries(NAMES.map((name) => [name, schemaOf(name)]));

/** A whole definition, with the defaults for what is not given. */
export function definePool(pool: NewPool): PoolDefinition {
  const defaults = NAMES.flatMap((name) =>
    'default' in keyOf(name) ? [[camel(name), keyOf(name).default]] : [],
  );
  // All that has no default is in NewPool.
  return { ...Object.fromEntries(defaults), ...pool } as PoolDefinition;
}

/** The keys as JSON has them; without the id. */
export function poolKeysOf(pool: PoolDefinition): Readonly<Record<KeyName, unknown>> {
  const values = pool as Readonly<Record<string, unknown>>;
  return Object.fromEntries(NAMES.map((name) => [name, values[camel(name)]])) as Record<KeyName, unknown>;
}

/** The keys that hold for a generation from its start on, as JSON has them, where they differ from their defaults. */
export function generationKeysOf(pool: PoolDefinition): Readonly<Record<string, unknown>> {
  const keys = poolKeysOf(pool);
  const isDefault = (name: KeyName): boolean =>
    'default' in keyOf(name) && JSON.stringify(keys[name]) === JSON.stringify(keyOf(name).default);
  return Object.fromEntries(
    NAMES.filter((name) => keyOf(name).live !== true && !isDefault(name)).map((name) => [name, keys[name]]),
  );
}

/** A pool whose generations start as another definition had it: with what `generationKeysOf` gave of that. */
export function withGenerationKeys(
  pool: PoolDefinition,
  generationKeys: Readonly<Record<string, unknown>>,
): PoolDefinition {
  const keys = poolKeysOf(pool);
  const live = NAMES.filter((name) => keyOf(name).live === true).map((name) => [name, keys[name]]);
  return poolOfKeys(pool.id, { ...Object.fromEntries(live), ...generationKeys });
}

/** Whether a change names a key that holds for generations from their start on. */
export function concernsGenerations(change: PoolChange): boolean {
  return NAMES.some((name) => camel(name) in change && keyOf(name).live !== true);
}

/** What `poolKeysOf` gave, perhaps before a key was added. */
export function poolOfKeys(id: string, keys: Readonly<Record<string, unknown>>): PoolDefinition {
  const known = NAMES.filter((name) => keys[name] !== undefined).map((name) => [camel(name), keys[name]]);
  return definePool({ id, ...Object.fromEntries(known) } as NewPool);
}

/** The variables in which a worker finds what its pool says. */
export const poolVariableNames: readonly string[] = NAMES.flatMap((name) => keyOf(name).variable ?? []);

/** What a worker finds of its pool in its environment. */
export function poolVariables(pool: PoolDefinition): Readonly<Record<string, string>> {
  const keys = poolKeysOf(pool);
  const variables = NAMES.flatMap((name) => {
    const { variable } = keyOf(name);
    const value = keys[name];
    if (variable === undefined || value === null) return [];
    return [[variable, typeof value === 'string' ? value : JSON.stringify(value)]];
  });
  return Object.fromEntries(variables) as Record<string, string>;
}

/** A pool in a request. */
export const newPoolBody: z.ZodType<PoolDefinition> = z
  .strictObject({ pool_id: poolId, ...shapeOf((name) => withDefault(keyOf(name))) })
  .transform(({ pool_id: id, ...keys }) => poolOfKeys(id, keys));

/** A change of a pool in a request: any of its keys. */
export const poolChangeBody: z.ZodType<PoolChange> = z
  .strictObject(shapeOf((name) => keyOf(name).schema.optional()))
  .refine((change) => Object.keys(change).length > 0, 'names nothing to change')
  .transform((keys) => Object.fromEntries(Object.entries(keys).map(([name, value]) => [camel(name), value])));

/** The keys of a pool as the API shows them. */
export const shownPoolKeys = Object.fromEntries(
  NAMES.filter((name) => !keyOf(name).secret).map((name) => [name, keyOf(name).schema]),
) as { readonly [Name in Shown]: Keys[Name]['schema'] };

/** The values of `shownPoolKeys`. */
export function viewPoolKeys(pool: PoolDefinition): { [Name in Shown]: z.output<Keys[Name]['schema']> } {
  const keys = poolKeysOf(pool);
  return Object.fromEntries(Object.keys(shownPoolKeys).map((name) => [name, keys[name as KeyName]])) as {
    [Name in Shown]: z.output<Keys[Name]['schema']>;
  };
}

const isDuration = (name: KeyName): boolean => name.endsWith('_ms');
const configuredName = (name: KeyName): string => (isDuration(name) ? name.slice(0, -'_ms'.length) : name);

/** A pool in the configuration file. */
export const poolConfiguration: z.ZodType<PoolDefinition> = z
  .strictObject({
    id: poolId,
    ...Object.fromEntries(NAMES.map((name) => [configuredName(name), configured(name)])),
  })
  .transform(({ id, ...given }) => {
    const values = given as Readonly<Record<string, unknown>>;
    return poolOfKeys(id, Object.fromEntries(NAMES.map((name) => [name, values[configuredName(name)]])));
  });

function configured(name: KeyName): z.ZodType {
  const { schema, configured: written } = keyOf(name);
  const value =
    written ?? (isDuration(name) ? durationText.pipe(schema as z.ZodType<unknown, number>) : schema);
  const { description = '' } = schema;
  const described = value.describe(description);
  return 'default' in keyOf(name) ? described.optional() : described;
}

function withDefault(poolKey: PoolKey): z.ZodType {
  return 'default' in poolKey ? poolKey.schema.default(poolKey.default) : poolKey.schema;
}
