import { durationText, maxAgentsOfFleet, poolConfiguration, recordOf } from '#telemetry';
import { z } from 'zod';
import { namesOfShipped, SHIPPED_POLICIES, SHIPPED_RULES } from '../shipped.ts';

const port = z.number().int().min(0).max(65_535);

const databasePassword = z.strictObject({
  /** The database's password, joined into the URL. */
  password: z.string().optional(),
  password_file: z.string().optional(),
});

const pools = z.array(poolConfiguration).superRefine((all, context) => {
  const agents = all.reduce((sum, { max }) => sum + max, 0);
  if (agents <= maxAgentsOfFleet) return;
  const message = `by their max all pools may have ${agents} agents together; a fleet has at most ${maxAgentsOfFleet}`;
  context.addIssue({ code: 'custom', message });
});

/** The one configuration file. Every key has a default: an empty file is a good one. */
export const configSchema = z.strictObject({
  data_directory: z.string().default('.omoi'),
  http: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: port.default(4600),
      /** Host names a reverse proxy may ask for, besides the listening address and loopback. */
      allowed_hosts: z.array(z.string()).default([]),
      max_body_bytes: z.number().int().positive().default(4_194_304),
    })
    .prefault({}),
  otlp: z
    .strictObject({
      enabled: z.boolean().default(true),
      host: z.string().default('127.0.0.1'),
      port: port.default(4318),
    })
    .prefault({}),
  database: z
    .strictObject({ url: z.string().optional(), url_file: z.string().optional(), ...databasePassword.shape })
    .prefault({}),
  access: z
    .strictObject({
      open_ingest_on_loopback: z.boolean().default(true),
      /** Whether the owner of the data directory is admin over a Unix socket in it, without a token. */
      owner_socket: z.enum(['on', 'off']).default('on'),
      /** Agents that one agent token may have registered, where the token itself names no other number. */
      max_agents_per_token: z.number().int().positive().default(1000),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
      /** `stdout`, or a file. */
      destination: z.string().default('stdout'),
    })
    .prefault({}),
  fleet: z
    .strictObject({
      pools: pools.default([]),
      /** How many processes of pools are started a second, of all together; of one pool half as many. */
      starts_per_second: z.number().int().positive().max(10_000).default(20),
      /** How long one that has ended for good is counted and alerted on. */
      forget_after: durationText.pipe(z.number().int().min(1000).max(2_592_000_000)).prefault('1h'),
      /** How much of what agents write is kept. */
      output: z
        .strictObject({
          max_bytes_per_agent: z.number().int().min(65_536).default(67_108_864),
          max_bytes: z.number().int().min(65_536).default(1_073_741_824),
          reserve_bytes: z.number().int().min(0).max(67_108_864).default(262_144),
        })
        .prefault({}),
    })
    .prefault({}),
  monitor: z
    .strictObject({
      /** Further series to watch for anomalies: PromQL selectors. */
      watch: z.array(z.string()).default([]),
      /** Series whose 95th percentile of the last 30 s must stay below a number. */
      bounds: z.array(z.strictObject({ selector: z.string(), p95: z.number() })).default([]),
    })
    .prefault({}),
  alerting: z
    .strictObject({
      /** Prometheus rule files, or folders of them, beside those that Omoi ships. */
      rule_files: z.array(z.string()).default([]),
      /** Shipped rules that are switched off, by the name of the alert. */
      disable: namesOfShipped(SHIPPED_RULES).default([]),
      /** How long a condition stays false before its alert resolves. */
      resolve_stability: durationText.prefault('1s'),
      /** The share of the event loop's time that evaluations on arrival may take. */
      evaluation_share: z.number().positive().max(1).default(0.25),
      external_labels: recordOf(z.string(), z.string()).default({}),
      /** Where people reach Omoi; the listening address where it is left out. */
      external_url: z.string().optional(),
      /** Groups that are evaluated otherwise, by name. */
      groups: recordOf(
        z.string(),
        z.strictObject({
          evaluate: z.enum(['on_arrival', 'interval']).default('on_arrival'),
          resolve_stability: durationText.optional(),
        }),
      ).default({}),
    })
    .prefault({}),
  watchdog: z
    .strictObject({
      /** Policy files, or folders of them, beside those that Omoi ships. */
      policy_files: z.array(z.string()).default([]),
      /** Shipped policies that are switched off, by name. */
      disable: namesOfShipped(SHIPPED_POLICIES).default([]),
      /** Replaces the mode of every policy; without it each policy's own mode counts. */
      mode: z.enum(['observe', 'approve', 'act']).optional(),
    })
    .prefault({}),
  telemetry: z
    .strictObject({
      /** How long samples are kept. */
      retention: durationText.prefault('15d'),
      /** How many bytes of samples are kept. */
      retention_bytes: z.number().int().positive().default(10_737_418_240),
      max_series: z.number().int().positive().default(2_000_000),
    })
    .prefault({}),
  retention: z
    .strictObject({
      events: durationText.prefault('90d'),
      alerts: durationText.prefault('90d'),
      anomalies: durationText.prefault('30d'),
      remediations: durationText.prefault('90d'),
      tasks: durationText.prefault('30d'),
      spans: durationText.prefault('7d'),
      logs: durationText.prefault('7d'),
      audit: durationText.prefault('1y'),
    })
    .prefault({}),
});

export type Config = z.output<typeof configSchema>;
