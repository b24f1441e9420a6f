import { PROMQL_FEATURES } from '#promql';
import {
  durationText,
  maxAgentsOfFleet,
  nameText,
  poolConfiguration,
  type PoolDefinition,
  recordOf,
  RUNTIMES,
  suggestKey,
} from '#telemetry';
import { z } from 'zod';
import { namesOfShipped, SHIPPED_POLICIES, SHIPPED_RULES } from '../shipped.ts';

const port = z.number().int().min(0).max(65_535);

/**
 * A name of something outside: an address, a file, a folder. An empty one is never meant, and read as "every address" or "the
 * working directory" where it is used.
 */
const name = z.string().regex(/\S/, { error: 'must not be empty' });

const databasePassword = z.strictObject({
  password: z.string().optional().describe('The password, where the URL has none.'),
  password_file: name.optional().describe('A file that holds the password.'),
});

/** Asked of pools that are right each by itself: what is wrong with one has not become a pool. */
const togetherRight = z.array(z.custom<PoolDefinition>()).superRefine((all, context) => {
  const refuse = (path: readonly (string | number)[], message: string): void =>
    context.addIssue({ code: 'custom', path: [...path], message });
  const agents = all.reduce((sum, { max }) => sum + max, 0);
  if (agents > maxAgentsOfFleet)
    refuse(
      [],
      `by their max all pools may have ${agents} agents together; a fleet has at most ${maxAgentsOfFleet}`,
    );
  const first = new Map<string, number>();
  for (const [at, { id, runtime, command, min, desired, max }] of all.entries()) {
    const before = first.get(id);
    if (before === undefined) first.set(id, at);
    else refuse([at, 'id'], `fleet.pools.${before} is called "${id}", too; give each pool an id of its own`);
    if (!RUNTIMES.some((name) => name === runtime))
      refuse([at, 'runtime'], `"${runtime}" is unknown${suggestKey(runtime, RUNTIMES)}`);
    if (command[0] === '') refuse([at, 'command', 0], 'name the program');
    if (min > desired || desired > max)
      refuse([at, 'desired'], `min ${min} ≤ desired ${desired} ≤ max ${max} does not hold`);
  }
});

const pools = z.array(poolConfiguration).pipe(togetherRight);

/** Where a browser can go, and what a path can be put behind. */
function isAddress(text: string): boolean {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return false;
  const { search, hash, username, password } = new URL(text);
  return [search, hash, username, password].every((part) => part === '');
}

/** The one configuration file. Every key has a default: an empty file is a good one. */
export const configSchema = z.strictObject({
  data_directory: name.default('.omoi').describe('Where all is kept; closed to other users.'),
  http: z
    .strictObject({
      host: name.default('127.0.0.1').describe('Where the API and the dashboard listen.'),
      port: port.default(4600).describe('The port of the API and the dashboard; 0: any that is free.'),
      allowed_hosts: z
        .array(name)
        .default([])
        .describe(
          'Further host names under which browsers may reach Omoi (a reverse proxy’s); this machine’s name is one where `host` is every address.',
        ),
      max_body_bytes: z
        .number()
        .int()
        .positive()
        .default(4_194_304)
        .describe('The largest body of a request; telemetry has limits of its own.'),
    })
    .prefault({}),
  otlp: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Whether OTLP has a port of its own.'),
      host: name.default('127.0.0.1').describe('Where OTLP listens.'),
      port: port
        .default(4318)
        .describe('The port of OTLP; taken by another program, it does not keep the server from starting.'),
    })
    .prefault({}),
  database: z
    .strictObject({
      url: z
        .string()
        .optional()
        .describe(
          '`postgres://USER@HOST/DATABASE`: the state is kept there; without it in SQLite, in the data directory.',
        ),
      url_file: name.optional().describe('A file that holds the URL, in place of `database.url`.'),
      ...databasePassword.shape,
    })
    .prefault({}),
  access: z
    .strictObject({
      open_ingest_on_loopback: z
        .boolean()
        .default(true)
        .describe('Whether telemetry from the same machine, and `/metrics`, need no token.'),
      owner_socket: z
        .enum(['on', 'off'])
        .default('on')
        .describe(
          'Whether the owner of the data directory is admin, over a Unix socket in it, without a token.',
        ),
      max_agents_per_token: z
        .number()
        .int()
        .positive()
        .default(1000)
        .describe('How many agents a token may have registered, where it names no other number.'),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error'])
        .default('info')
        .describe('The least severe lines that are logged.'),
      destination: name.default('stdout').describe('Where the log goes: `stdout`, or a file.'),
    })
    .prefault({}),
  fleet: z
    .strictObject({
      pools: pools
        .prefault([])
        .describe('Agents that Omoi starts and stops: how many of each kind, and by which command.'),
      expected: z
        .array(nameText)
        .max(1000)
        .prefault([])
        .describe(
          'Ids of agents that others start and that are to be there: AgentMissing fires while one is not.',
        ),
      starts_per_second: z
        .number()
        .int()
        .positive()
        .max(10_000)
        .default(20)
        .describe(
          'How many processes of pools are started a second, of all together; of one pool half as many.',
        ),
      forget_after: durationText
        .pipe(z.number().int().min(1000).max(2_592_000_000))
        .prefault('1h')
        .describe(
          'How long an agent that has ended and that Omoi does not start again is counted and alerted on; its row stays for 30 days.',
        ),
      output: z
        .strictObject({
          max_bytes_per_agent: z
            .number()
            .int()
            .min(65_536)
            .default(67_108_864)
            .describe('How much output of one agent is kept.'),
          max_bytes: z
            .number()
            .int()
            .min(65_536)
            .default(1_073_741_824)
            .describe('How much output of all agents is kept.'),
          reserve_bytes: z
            .number()
            .int()
            .min(0)
            .max(67_108_864)
            .default(262_144)
            .describe('The room that each stream of output keeps for a full disk; 0: none.'),
        })
        .prefault({}),
    })
    .prefault({}),
  monitor: z
    .strictObject({
      watch: z
        .array(z.string())
        .default([])
        .describe('PromQL selectors of further series that are watched for anomalies.'),
      bounds: z
        .array(z.strictObject({ selector: z.string(), p95: z.number() }))
        .default([])
        .describe('A series whose 95th percentile of the last 30 s is above `p95` is an anomaly.'),
    })
    .prefault({}),
  promql: z
    .strictObject({
      features: z
        .array(z.enum(PROMQL_FEATURES))
        .default([])
        .describe(
          'What is on of the language that is experimental in Prometheus 3.14, by the names that `--enable-feature` has there.',
        ),
    })
    .prefault({}),
  alerting: z
    .strictObject({
      rule_files: z
        .array(name)
        .default([])
        .describe('Prometheus rule files, or folders of them, that are added to the shipped ones.'),
      disable: namesOfShipped(SHIPPED_RULES)
        .default([])
        .describe('Shipped rules that are switched off, by the name of the alert; `*` is all of them.'),
      resolve_stability: durationText
        .prefault('1s')
        .describe('How long a condition has to be false before its alert resolves.'),
      evaluation_interval: durationText
        .pipe(z.number().int().min(1000).max(86_400_000))
        .prefault('15s')
        .describe('The interval of rule groups that name none.'),
      rule_query_offset: durationText
        .prefault('0s')
        .describe('How far the rules of groups that name no `query_offset` look into the past.'),
      max_rules: z
        .number()
        .int()
        .positive()
        .max(1_000_000)
        .default(25_000)
        .describe('How many rules are loaded at most; files with more of them are refused.'),
      evaluation_share: z
        .number()
        .positive()
        .max(1)
        .default(0.25)
        .describe('The share of the event loop’s time that evaluations on arrival may take.'),
      external_labels: recordOf(z.string(), z.string())
        .prefault({})
        .describe(
          'What templates see as `$externalLabels`, and what alerts of rules are told and routed with where they have no label of that name.',
        ),
      external_url: z
        .string()
        .refine(isAddress, {
          error: 'this is no address like https://omoi.example.com or http://host:4600/omoi',
        })
        .optional()
        .describe(
          'Where people reach Omoi; without it the address it listens on, or this machine’s name where that is every address.',
        ),
      groups: recordOf(
        z.string(),
        z.strictObject({
          evaluate: z.enum(['on_arrival', 'interval']).default('on_arrival'),
          resolve_stability: durationText.optional(),
        }),
      )
        .prefault({})
        .describe('Rule groups that are evaluated otherwise, by name.'),
    })
    .prefault({}),
  notification: z
    .strictObject({
      config_file: name
        .optional()
        .describe(
          'An Alertmanager configuration: who is told of alerts, and how. Without it they are told of on the dashboard and in the log.',
        ),
    })
    .prefault({}),
  watchdog: z
    .strictObject({
      policy_files: z
        .array(name)
        .default([])
        .describe('Policy files, or folders of them, that are added to the shipped ones.'),
      disable: namesOfShipped(SHIPPED_POLICIES)
        .default([])
        .describe('Shipped policies that are switched off, by name; `*` is all of them.'),
      mode: z
        .enum(['observe', 'approve', 'act'])
        .optional()
        .describe('Replaces the mode of every policy; without it each policy’s own counts.'),
    })
    .prefault({}),
  reload: z
    .strictObject({
      on_change: z
        .boolean()
        .default(true)
        .describe('Whether files of rules, routing, policies and this one are taken over when they change.'),
      settle: durationText
        .pipe(z.number().int().min(100).max(3_600_000))
        .prefault('1s')
        .describe('How long changed files have to stand still before they are read.'),
    })
    .prefault({}),
  telemetry: z
    .strictObject({
      retention: durationText.prefault('15d').describe('How long samples are kept.'),
      retention_bytes: z
        .number()
        .int()
        .positive()
        .default(10_737_418_240)
        .describe('How many bytes of samples are kept.'),
      max_series: z
        .number()
        .int()
        .positive()
        .default(2_000_000)
        .describe('How many series are in memory at most.'),
    })
    .prefault({}),
  retention: z
    .strictObject({
      events: durationText.prefault('90d').describe('How long events are kept.'),
      alerts: durationText.prefault('90d').describe('How long alerts that have ended are kept.'),
      anomalies: durationText.prefault('30d').describe('How long anomalies that have ended are kept.'),
      remediations: durationText.prefault('90d').describe('How long remediations that have ended are kept.'),
      tasks: durationText.prefault('30d').describe('How long tasks that are finished are kept.'),
      spans: durationText.prefault('7d').describe('How long spans are kept.'),
      logs: durationText.prefault('7d').describe('How long log lines are kept.'),
      audit: durationText.prefault('1y').describe('How long the audit log is kept.'),
    })
    .prefault({}),
});

export type Config = z.output<typeof configSchema>;
