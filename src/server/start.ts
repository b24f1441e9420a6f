import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  CONNECTION_BOUNDS,
  createAccess,
  createApi,
  createSecret,
  type FirstAdmin,
  type Reloaded,
} from '#api';
import {
  AgentOutput,
  createProcessTable,
  findUnitGroups,
  DEFAULT_FLEET_LIMITS,
  forgottenOutput,
  ProcessRuntime,
  RunCopies,
  UnitStarter,
} from '#fleet';
import { createLogging, createLogStore, createSpanStore, createTracing } from '#observability';
import { parseMatcher } from '#promql';
import {
  Leadership,
  makeDataDirectory,
  openStateDatabase,
  openTelemetryDatabase,
  tellHeldTransactions,
} from '#storage';
import {
  createSystemClock,
  createSystemRandom,
  SelfMetrics,
  SteadyClock,
  type Clock,
  type OmoiError,
  type PoolDefinition,
} from '#telemetry';
import { createTsdb } from '#tsdb';
import { actInCharge } from './act-in-charge.ts';
import { ignoredVariables } from './config/load.ts';
import type { Config } from './config/schema.ts';
import { ConfigInForce } from './config-in-force.ts';
import { connectionsWithin, descriptorLimit } from './descriptor-limit.ts';
import { DiskReserve, openFromReserve, writeFromReserve } from './disk-reserve.ts';
import { watchEventLoop } from './event-loop.ts';
import { createIngest } from './ingest.ts';
import type { ConfigurationWarning } from './in-force-warnings.ts';
import { keepAliveDuring } from './keep-alive.ts';
import { tellLastWords } from './last-words.ts';
import { Lifecycle } from './lifecycle.ts';
import { listening } from './listening.ts';
import { OtlpListener } from './otlp-listener.ts';
import { outputFiles } from './output-files.ts';
import { startParts, type Ground, type Parts } from './parts.ts';
import { createReceiverNetwork } from './receiver-network.ts';
import { reloadFiles } from './reload-files.ts';
import { ReloadOnChange } from './reload-on-change.ts';
import { reloadsInTurn } from './reloads.ts';
import { serverProcesses } from './own-process.ts';
import { prometheusFacts } from './prometheus-facts.ts';
import { hostsAllowed, urlForOthers } from './public-address.ts';
import { routingWarnings } from './routing.ts';
import { registerRoutes } from './routes.ts';
import { prepareOwnerSocket, removeAbandonedSocket } from './owner-socket.ts';
import { startRetention } from './retention.ts';
import { ServerWarnings } from './server-warnings.ts';
import { ownUser, poolsOfOwnUser, sharedUserWarning } from './shared-user.ts';
import { StateWrites } from './state-writes.ts';
import { WatchedFiles } from './watched-files.ts';
import { announceServer, lastAnnouncement, withdrawServer } from './running-server.ts';

export interface ServerOptions {
  readonly config: Config;
  /** Reads the configuration anew, for a reload; that of the start counts where absent. @throws OmoiError `config_invalid` */
  readonly readConfig?: () => Config;
  /** The file that `readConfig` reads; null or absent where there is none. */
  readonly configFile?: string | null;
  readonly version: string;
  /** Pools beside those of the configuration, made once the address is known. */
  readonly extraPools: (url: string) => readonly PoolDefinition[];
  /** Whether the agents end with the server, or work on. */
  readonly agentsOnStop: 'end' | 'work_on';
  /** Where the built dashboard is. */
  readonly dashboardDirectory: string;
  /** The pages of the documentation; may be missing. */
  readonly docsDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The umask of the pools' processes, where the server has one of its own. */
  readonly workerUmask?: number;
  /** Whether a routing that names what is not built is refused. */
  readonly isStrict?: boolean;
  /** The machine's where absent. */
  readonly clock?: Clock;
}

export interface RunningOmoi {
  readonly url: string;
  /** Where people on other machines reach it; null where it is not known, or there is no way. */
  readonly urlForOthers: string | null;
  /** Where OTLP is taken: on its own port, or, where another program has that, with the API; null where it is off. */
  readonly otlpUrl: string | null;
  readonly dataDirectory: string;
  readonly database: 'sqlite' | 'postgres';
  readonly parts: Parts;
  /** The admin token and login link of a first start; null later. */
  readonly firstAdmin: FirstAdmin | null;
  /** Which agents run as the server's own user, and what that means; null where none do. */
  readonly sharedUser: string | null;
  /** What else a person should know of how it is set up. */
  readonly warnings: () => readonly ConfigurationWarning[];
  /** What makes it impossible to go on: the process has to end at once, without an orderly stop. */
  readonly broken: Promise<OmoiError>;
  /**
   * Reads rules and policies anew, and which of them the configuration names. What is broken changes nothing.
   * @throws OmoiError `config_invalid`, `rule_file_invalid`, `policy_file_invalid`, `files_changing`
   */
  reload(): Promise<Reloaded>;
  /**
   * @param why the server stops, for the log
   * @returns the parts that did not stop in time: what they hold may keep the process alive
   */
  stop(why?: string): Promise<readonly string[]>;
}

const STOP_GRACE_MS = 5000;
const INHERITED = [
  'PATH',
  'HOME',
  'USER',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
  'SSL_CERT_FILE',
  'NODE_EXTRA_CA_CERTS',
];

/**
 * Builds the parts in order and starts to serve; what was started is stopped again when a later part fails.
 * @throws OmoiError `config_invalid`, `database_busy`, `database_too_new`, `rule_file_invalid`, …
 */
export async function startServer(options: ServerOptions): Promise<RunningOmoi> {
  const metrics = new SelfMetrics();
  const clock = options.clock ?? createSystemClock();
  const lifecycle = new Lifecycle(clock);
  // The log may lie in it.
  await makeDataDirectory(resolve(options.config.data_directory));
  const { level, destination } = options.config.log;
  const logging = createLogging({ level, destination, serviceName: 'omoi', clock, metrics });
  const logger = logging.logger('server');
  const fallSilent = tellLastWords(logging, process);
  lifecycle.started('logging', async () => {
    await logging.stop();
    fallSilent();
  });
  try {
    return await keepAliveDuring(() => start(options, { lifecycle, metrics, clock, logging }));
  } catch (thrown) {
    await lifecycle.stop(logger);
    throw thrown;
  }
}

interface Begun {
  readonly lifecycle: Lifecycle;
  readonly metrics: SelfMetrics;
  readonly clock: Clock;
  readonly logging: ReturnType<typeof createLogging>;
}

async function start(options: ServerOptions, begun: Begun): Promise<RunningOmoi> {
  const { config, version } = options;
  const { lifecycle, metrics, clock, logging } = begun;
  const logger = logging.logger('server');
  const eventLoop = watchEventLoop(metrics, clock);
  lifecycle.started('event loop', () => eventLoop.stop());
  const random = createSystemRandom();
  const sampleClock = new SteadyClock(clock);
  const startedAtMs = clock.wallMs();
  const dataDirectory = resolve(config.data_directory);
  const broken = Promise.withResolvers<OmoiError>();
  const leadership = new Leadership(clock);
  const directory = {
    onCommitUnknown: broken.resolve,
    directory: dataDirectory,
    clock,
    logger: logging.logger('storage'),
    role: 'server' as const,
  };

  const reserve = new DiskReserve(dataDirectory, { clock, logger: logging.logger('storage') });
  lifecycle.started('disk reserve', () => reserve.close());
  // The telemetry database is this directory's lock, whatever database the state is in.
  const telemetry = await openFromReserve(() => openTelemetryDatabase(directory), reserve);
  lifecycle.started('telemetry', () => telemetry.close());
  reserve.keep();
  const { url: databaseUrl } = config.database;
  const stateWrites = new StateWrites({ clock, logger: logging.logger('storage'), leadership });
  const loggerOf = (component: string) => stateWrites.withoutRepetitions(logging.logger(component));
  const opened =
    databaseUrl === undefined
      ? openFromReserve(() => openStateDatabase(directory), reserve)
      : openStateDatabase({
          ...directory,
          url: databaseUrl,
          leadership,
          processes: serverProcesses(),
          onWait: (what) => stateWrites.waitFor(what),
        });
  const state = stateWrites.watch(writeFromReserve(await opened, reserve));
  lifecycle.started('state', () => state.close());
  const owner = (name: string) => ({ owner: name, clock, metrics, logger: loggerOf(name) });
  const logs = createLogStore(tellHeldTransactions(telemetry, owner('logs')), clock);
  logging.storeIn(logs);
  lifecycle.started('log store', () => logging.flush());
  const spans = createSpanStore(tellHeldTransactions(telemetry, owner('tracing')), clock);
  const tracing = createTracing({
    store: spans,
    clock,
    random,
    metrics,
    logger: loggerOf('tracing'),
    serviceName: 'omoi',
  });
  lifecycle.started('tracing', () => tracing.stop());
  const tsdb = await createTsdb({
    clock: sampleClock,
    logger: loggerOf('tsdb'),
    selfMetrics: metrics,
    directory: dataDirectory,
    telemetryDatabase: tellHeldTransactions(telemetry, owner('tsdb')),
    limits: {
      retentionMs: config.telemetry.retention,
      retentionBytes: config.telemetry.retention_bytes,
      maxSeries: config.telemetry.max_series,
    },
  });
  lifecycle.started('tsdb', () => tsdb.stop());
  const access = createAccess({
    database: tellHeldTransactions(state, owner('access')),
    clock,
    random,
    logger: loggerOf('access'),
    parseMatcher,
    options: {
      openIngestOnLoopback: config.access.open_ingest_on_loopback,
    },
  });
  lifecycle.started('access', () => access.stop());
  await access.loadGrants();
  await access.endTokensOfGone();

  const starter = new UnitStarter(loggerOf('runtime'), options.workerUmask ?? null);
  const outputDirectory = join(dataDirectory, 'agents');
  const isForgotten = forgottenOutput(state, clock, DEFAULT_FLEET_LIMITS.endedAgentRetentionMs);
  const outputs = outputFiles({ config, directory: outputDirectory, metrics, starter, isForgotten });
  const runtime = new ProcessRuntime({
    clock,
    logger: loggerOf('runtime'),
    table: createProcessTable(),
    starter,
    logs: outputs,
    groups: findUnitGroups(dataDirectory),
  });
  // Whoever can reach nobody is not silent: before this server listens, and while it stops.
  const reach = { isOpen: false, opened: Promise.withResolvers<undefined>() };
  const receivers = createReceiverNetwork({ clock, random, environment: options.environment, version });
  lifecycle.started('receivers', () => receivers.close());
  const files = new WatchedFiles({ configFile: options.configFile ?? null, clock, routing: receivers.files });
  await files.begin(config);
  const ground: Ground = {
    receivers: { ...receivers, files: files.routing },
    isStrict: options.isStrict === true,
    clock,
    sampleClock,
    random,
    state,
    tsdb,
    tracing,
    metrics,
    runtimes: [actInCharge(runtime, leadership)],
    listens: () => reach.isOpen && leadership.listens,
    reachable: reach.opened.promise,
    createSecret,
    agentTokens: {
      mint: (tx, agent) => access.mintAgentToken(tx, agent),
      end: (tx, agent) => access.endAgentTokens(tx, agent),
    },
    grantOf: (sender) => access.grantOf(sender),
    logger: loggerOf,
  };
  const address = { url: '' };
  const otlp = new OtlpListener({
    address: config.otlp,
    open: (asked) => api.listenForIngest(asked),
    apiUrl: () => address.url,
    clock,
    logger,
  });
  const connection = {
    get url() {
      return address.url;
    },
    get otlpUrl() {
      return config.otlp.enabled ? (otlp.url ?? address.url) : null;
    },
    inheritedEnv: inheritedEnvironment(options.environment),
  };
  const parts = await startParts({ config, ground, lifecycle, connection });
  const endWhenFenced = async (): Promise<void> => {
    const fencedBy = await leadership.fenced;
    logger.error({ error: fencedBy.message }, 'Another server is in charge now: this one ends.');
    if (wasTakenElsewhere(fencedBy, clock)) await endUnits(parts.pools.runningUnits(), runtime);
    broken.resolve(fencedBy);
  };
  void endWhenFenced();
  const ingest = createIngest(ground, { fleet: parts.fleet, spans, logs });
  const { readConfig } = options;
  const read = readConfig === undefined ? null : () => files.readConfig(readConfig);
  const inForce = new ConfigInForce({ started: config, read, clock, metrics });
  const facts = prometheusFacts(inForce, parts.engine, { version, startedAtMs, dataDirectory });
  const unread = ignoredVariables(options.environment).map((name) => ({
    key: name,
    message: `${name}: no such variable is read; docs/configuration.md names those that are`,
  }));
  const warnings = new ServerWarnings({
    config: () => inForce.current,
    clock,
    logger,
    parts,
    live: () => [
      ...unread,
      ...otlp.warnings,
      ...inForce.warnings(),
      ...routingWarnings(parts.notification.configuration),
    ],
  });
  await warnings.refresh();
  const reload = reloadsInTurn(async () => {
    const whileStill = files.whileStill.bind(files);
    const reloaded = await reloadFiles(inForce, { ...parts, whileStill, logger });
    await warnings.refresh();
    return reloaded;
  });
  const unready = new Set(['pools']);
  const maxConnections = connectionsWithin(CONNECTION_BOUNDS.maxConnections, descriptorLimit());
  const api = await createApi({
    access,
    events: parts.bus,
    clock,
    random,
    logger: loggerOf('api'),
    metrics,
    standardMetrics: () => parts.monitor.standardMetrics(),
    doubt: () => leadership.doubt,
    waitsFor: () => stateWrites.waitsFor,
    notReady: () => [
      ...unready,
      ...(stateWrites.failure === null ? [] : [`the state can’t be written: ${stateWrites.failure}`]),
    ],
    register: (app) =>
      registerRoutes(app, {
        parts,
        clock,
        sampleClock,
        spans,
        logs,
        output: new AgentOutput({
          clock,
          newest: async (agentId) => {
            const { row } = await parts.fleet.directory.get(agentId);
            return { generation: row.generation, managed: row.managed === 1 };
          },
          hasEnded: (of) => parts.fleet.directory.hasEnded(of),
          managed: outputs,
          external: new RunCopies(join(dataDirectory, 'logs', 'run')),
        }),
        ingest,
        tsdb,
        facts,
        maxIngestBytes: MAX_INGEST_BYTES,
        metrics,
        warnings: () => warnings.list(),
        reload,
      }),
    limits: { maxBodyBytes: config.http.max_body_bytes },
    connections: { ...CONNECTION_BOUNDS, maxConnections },
    options: {
      version,
      allowedHosts: hostsAllowed(config.http),
      dashboardDirectory: existsSync(options.dashboardDirectory) ? options.dashboardDirectory : null,
      docsDirectory: options.docsDirectory,
    },
  });
  lifecycle.started('api', () => {
    reach.isOpen = false;
    return api.close();
  });
  address.url = await listening('http', config.http, (asked) => api.listen(asked));
  reach.isOpen = true;
  reach.opened.resolve(undefined);
  lifecycle.started('otlp', () => otlp.stop());
  if (config.otlp.enabled) await otlp.start();
  const abandoned = lastAnnouncement(dataDirectory)?.socket ?? null;
  if (abandoned !== null) removeAbandonedSocket(abandoned);
  const socket = config.access.owner_socket === 'on' ? prepareOwnerSocket({ dataDirectory }) : null;
  if (socket !== null) {
    lifecycle.started('owner socket', () => socket.remove());
    await api.listenLocally(socket.path);
  }

  await parts.pools.start();
  lifecycle.started('pools', () =>
    options.agentsOnStop === 'end'
      ? parts.pools.stopAll(STOP_GRACE_MS).then(() => parts.pools.close())
      : parts.pools.close(),
  );
  const asked = { reason: 'configured', by: 'configuration', traceparent: null };
  const pools = [...config.fleet.pools, ...options.extraPools(address.url)];
  for (const pool of pools) await parts.pools.declare(pool, asked);
  const kept = await parts.pools.list({ afterPoolId: null, limit: MAX_POOLS_LOOKED_AT });
  const ofOwnUser = poolsOfOwnUser(
    kept.map(({ definition }) => definition),
    ownUser(),
  );
  // What fires since before this start may be about a pool that was not known until now.
  await parts.watchdog.reconsider();
  unready.clear();

  const retention = startRetention({
    keep: config.retention,
    state: tellHeldTransactions(state, owner('retention')),
    telemetry: tellHeldTransactions(telemetry, owner('retention')),
    logs,
    clock,
    metrics,
    logger: loggerOf('retention'),
  });
  lifecycle.started('retention', () => retention.stop());
  if (config.reload.on_change) {
    const { settle: settleMs } = config.reload;
    const onChange = new ReloadOnChange({
      clock,
      logger,
      changed: () => files.changed(inForce.current),
      reload,
      settleMs,
    });
    onChange.start();
    lifecycle.started('reload on change', () => onChange.stop());
  }
  announceServer(dataDirectory, { url: address.url, socket: socket?.path ?? null });
  lifecycle.started('announcement', () => withdrawServer(dataDirectory));
  logger.info(
    {
      url: address.url,
      data_directory: dataDirectory,
      version,
      ...(socket !== null && { log_in: `omoi token login --data-directory ${dataDirectory}` }),
    },
    'Omoi is up and answers requests',
  );
  // Last: a start that fails leaves no token that nobody has seen.
  const firstAdmin = await access.ensureAdmin();
  const sharedUser = sharedUserWarning(ofOwnUser);
  if (sharedUser !== null) logger.warn({ pool_ids: ofOwnUser }, sharedUser);
  return {
    url: address.url,
    urlForOthers: urlForOthers(config, new URL(address.url).port),
    get otlpUrl() {
      return connection.otlpUrl;
    },
    sharedUser,
    dataDirectory,
    database: state.dialect,
    parts,
    firstAdmin,
    broken: broken.promise,
    warnings: () => warnings.list(),
    reload,
    stop(why = 'it was asked to') {
      logger.info({ why }, 'Omoi stops');
      return lifecycle.stop(logger);
    },
  };
}

/** The successor runs on another machine, or after another boot: it takes what ran here for ended. */
function wasTakenElsewhere({ details }: OmoiError, { bootId }: Pick<Clock, 'bootId'>): boolean {
  return typeof details['boot_id'] === 'string' && details['boot_id'] !== bootId;
}

/** What is left here would run on beside its next generation, unseen; its work was given away. */
async function endUnits(
  units: readonly { readonly handle: string }[],
  runtime: ProcessRuntime,
): Promise<void> {
  await Promise.allSettled(units.map(({ handle }) => runtime.stop(handle, { how: 'force' })));
}

/** Enough to name some. */
const MAX_POOLS_LOOKED_AT = 1000;
const MAX_INGEST_BYTES = 16 * 1024 * 1024;

/** What a worker inherits: enough to find programs and certificates, and none of the server's secrets. */
function inheritedEnvironment(environment: ServerOptions['environment']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    INHERITED.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}
