import { Command } from 'commander';
import { nearestWord } from '#telemetry';
import type { BackupFlags } from './backup.ts';
import type { CheckFlags } from './check.ts';
import { defineAgentList, defineAgents, defineRestart } from './commands/agents.ts';
import { defineAck, defineAlerts } from './commands/alerts.ts';
import { asking, following } from './commands/asking.ts';
import { defineCompletion } from './commands/completion.ts';
import { defineEvents, defineLogs } from './commands/events.ts';
import { showExamples } from './commands/examples.ts';
import { defineLogin } from './commands/login.ts';
import { defineImport } from './commands/import.ts';
import { wholeNumber } from './commands/numbers.ts';
import { defineOnCall } from './commands/on-call.ts';
import { definePools } from './commands/pools.ts';
import { defineDecision, defineRemediations } from './commands/remediations.ts';
import { defineRouting } from './commands/routing.ts';
import { defineRules } from './commands/rules.ts';
import { defineSilences } from './commands/silences.ts';
import { defineDoctor, defineStatus } from './commands/status.ts';
import { defineTasks } from './commands/tasks.ts';
import { definePause, defineResume, defineWatchdog } from './commands/watchdog.ts';
import { defineNotifications, defineReceivers } from './commands/receivers.ts';
import { defineWhy } from './commands/why.ts';
import type { MaintenanceStart } from './maintenance.ts';
import type { QueryFlags } from './query.ts';
import type { RunFlags } from './run.ts';
import type { FollowFlags, ServerFlags } from './server-client.ts';
import { aside } from './terminal/aside.ts';
import type { TokenListFlags } from './token.ts';
import { countBuffersApart, holdYoungGeneration } from './garbage-collection.ts';

/** Where commands look for the server, when they are not told. */
const DATA_DIRECTORY = process.env['OMOI_DATA_DIRECTORY'] ?? '.omoi';

/**
 * The whole command line, as it is read and as its help shows it; what a command needs is loaded when it runs. Parsing
 * throws a `CommanderError` where commander itself would end the process.
 */
export function createProgram(version: string): Command {
  const program = new Command('omoi')
    .description(
      'Watches a fleet of agents and workers, repairs what it may, and proves that the repair worked.',
    )
    .version(version)
    .showSuggestionAfterError()
    .enablePositionalOptions()
    // It quotes what was typed.
    .configureOutput({ writeErr: (text) => aside(text.replace(/\n$/, '')) })
    .exitOverride();
  defineServe(program, version);
  defineRun(program);
  defineGameday(program);
  defineReload(program);
  defineBackup(program);
  defineQuery(program);
  defineNouns(program);
  defineShortcuts(program);
  defineMaintenance(program);
  definePolicies(program);
  defineToken(program);
  defineCheck(program);
  defineImport(program);
  defineDoctor(program, version);
  defineLogin(program);
  defineCompletion(program);
  showExamples(program);
  for (const noun of program.commands) nameVerbs(noun);
  return program;
}

/** Says of a verb that there is not which one was meant, as commander does, or else which there are. */
function nameVerbs(noun: Command): void {
  const verbs = noun.commands.map((verb) => verb.name());
  if (verbs.length === 0) return;
  noun.on('command:*', ([given = '']: readonly string[]) => {
    // Of a short word nearly every other is two letters away.
    const near = nearestWord(given, verbs, Math.floor(given.length / 3));
    const hint = near === null ? `(Known are ${verbs.join(', ')})` : `(Did you mean ${near}?)`;
    noun.error(`error: unknown command '${given}'\n${hint}`, { code: 'commander.unknownCommand' });
  });
}

/**
 * Whether what was typed has nothing left to do when nobody reads any more: what follows, and the server, which never ends
 * by itself. What `omoi run` runs is told so itself, and its end is the status.
 */
export function endsWithItsReader(program: Command): boolean {
  let command = program;
  for (const name of program.args) {
    const below = command.commands.find((one) => one.name() === name || one.aliases().includes(name));
    if (!below) break;
    command = below;
  }
  const isServer = command.parent === program && command.name() === 'serve';
  return isServer || command.opts<{ follow?: boolean }>().follow === true;
}

/** `omoi NOUN VERB`. */
function defineNouns(program: Command): void {
  defineAgents(program);
  definePools(program);
  defineTasks(program);
  defineAlerts(program);
  defineReceivers(program);
  defineNotifications(program);
  defineSilences(program);
  defineOnCall(program);
  defineRemediations(program);
  defineWatchdog(program);
  defineRouting(program);
  defineRules(program);
  defineEvents(program);
  defineLogs(program);
}

/** One word for a noun and a verb that are used all day, or for a sum of them. */
function defineShortcuts(program: Command): void {
  defineStatus(program);
  defineAgentList(program, 'ps');
  defineWhy(program, 'why');
  defineRestart(program, 'restart');
  defineAck(program, 'ack');
  defineDecision(program, 'approve');
  definePause(program, 'pause');
  defineResume(program, 'resume');
}

function defineServe(program: Command, version: string): void {
  program
    .command('serve')
    .description('start the server: API, dashboard, watchdog')
    .option('--config <file>', 'configuration file (default: omoi.yaml where it exists)')
    .option('--demo', 'start a small fleet of real workers too, and let the watchdog act on it')
    .option(
      '--strict',
      'refuse a routing of alerts that names integrations or proxies by which Omoi cannot send',
    )
    .action(async (options: { config?: string; demo?: boolean; strict?: boolean }) => {
      countBuffersApart();
      const releaseYoungGeneration = holdYoungGeneration();
      const { serve } = await import('./serve.ts');
      const { config: configFile = null, demo = false, strict = false } = options;
      await serve({ configFile, demo, strict, version, onStarted: releaseYoungGeneration });
    });
}

function defineCheck(program: Command): void {
  program
    .command('check')
    .description(
      'check the configuration, variables, rules, policies, routing of alerts and game days as one; exit 1 where something will not work',
    )
    .argument('[gamedays...]', 'files of game days, to be checked as well')
    .option('--config <file>', 'configuration file (default: omoi.yaml where it exists)')
    .option('--strict', 'refuse integrations of receivers and proxies by which Omoi cannot send')
    .option('--upgrade', 'name each line that meant something else in earlier builds')
    .option('--json', 'print the findings as JSON')
    .action(async (gamedays: string[], flags: CheckFlags) => {
      const { check } = await import('./check.ts');
      process.exitCode = await check(gamedays, flags);
    });
}

function definePolicies(program: Command): void {
  const policies = program.command('policies').description('what the watchdog does about alerts');
  policies
    .command('check')
    .description('which policies somebody could set off who may only send telemetry; exit 1 where one acts')
    .option('--config <file>', 'configuration file (default: omoi.yaml where it exists)')
    .option('--json', 'print them as JSON')
    .action(async (flags: CheckFlags) => {
      const { checkPolicies } = await import('./policies.ts');
      process.exitCode = await checkPolicies(flags);
    });
  following(policies.command('list'))
    .description('list the policies in force: whether each observes, asks or acts, and on how much')
    .action(async (flags: FollowFlags) => {
      const { listPolicies } = await import('./policy-list.ts');
      await listPolicies(flags);
    });
}

function defineRun(program: Command): void {
  program
    .command('run')
    .description('run any command as an agent: registered, beaten for, captured')
    .option('--pool <pool>', 'the pool it belongs to; not needed where a pool runs it: then it is that agent')
    .option('--id <id>', 'the agent id that stays (default: of pool, host and working directory)')
    .option('--type <type>', 'worker, monitor, watchdog or guardian', 'worker')
    .option(
      '--expect <once|forever>',
      'once: exit 0 is how it is meant to end; forever: every end is a failure (default: once, in a pool forever)',
    )
    .option(
      '--label <name=value>',
      'a label of the agent, of which host and provider say its failure domains (default: host=this machine); may be repeated',
      (label: string, before: readonly string[]) => [...before, label],
      [],
    )
    .option(
      '--stall-after <duration>',
      'how long it may put nothing out, use no CPU and make no I/O before it is STALLED; never: for ever (default: 15m for what is to end by itself and has no terminal)',
    )
    .option('--left-behind <leave|end>', 'what becomes of processes that outlive the command', 'leave')
    .option(
      '--url <url>',
      'where the server listens (default: $OMOI_URL, the server of the data directory, that of the last `omoi login`, http://127.0.0.1:4600)',
    )
    .option(
      '--data-directory <directory>',
      'where the output is kept; whoever owns the one of a running server needs no token (default: $OMOI_DATA_DIRECTORY, then .omoi)',
    )
    .argument('<command...>', 'the command and its arguments, after --')
    .passThroughOptions()
    .action(async (command: string[], options: RunFlags) => {
      const { run } = await import('./run.ts');
      process.exitCode = await run(command, options);
    });
}

function defineGameday(program: Command): void {
  const gameday = program.command('gameday').description('scripted fault experiments against a real fleet');
  gameday
    .command('run')
    .description(
      'run an experiment; exit 0 only if every step was observed, 77 if it cannot be done on this machine',
    )
    .argument('<game-day>', 'a shipped one by its name (`omoi gameday list`), or the path of a file')
    .option('--json', 'print one JSON report instead of the timeline')
    .option('--control', 'the same fault with the watchdog off')
    .option(
      '--data-directory <directory>',
      'use the server that runs on this directory, if any',
      DATA_DIRECTORY,
    )
    .action(async (given: string, options: { json?: boolean; control?: boolean; dataDirectory: string }) => {
      const { runGameday } = await import('./gameday.ts');
      process.exitCode = await runGameday(given, {
        json: options.json ?? false,
        control: options.control ?? false,
        dataDirectory: options.dataDirectory,
      });
    });
  gameday
    .command('list')
    .description('list the shipped experiments, and what each shows')
    .option('--json', 'print them as JSON')
    .action(async (options: { json?: boolean }) => {
      const { listGamedays } = await import('./shipped-gamedays.ts');
      listGamedays(options);
    });
}

function defineReload(program: Command): void {
  asking(program.command('reload'))
    .description(
      'have the server read its rules and policies anew, and which of them the configuration names: all are taken over, or none',
    )
    .action(async (flags: ServerFlags) => {
      const { reload } = await import('./reload.ts');
      await reload(flags);
    });
}

function defineBackup(program: Command): void {
  program
    .command('backup')
    .description(
      'copy the state into a new file, while the server runs or not; not where it is in PostgreSQL',
    )
    .argument('<file>', 'which must not exist')
    .option('--data-directory <directory>', 'where the state is', DATA_DIRECTORY)
    .option('--json', 'print what was written as JSON')
    .action(async (file: string, flags: BackupFlags) => {
      const { backUp } = await import('./backup.ts');
      backUp(file, flags);
    });
}

function defineQuery(program: Command): void {
  following(program.command('query'))
    .description('evaluate a PromQL expression: a table, or with --range a chart')
    .argument('<expression>', "for instance 'sum by (phase_id) (tasks_queued_total)'")
    .option('--range <duration>', 'draw the last 15m, 1h, 2d …')
    .option(
      '--step <duration>',
      'the time between two points, and with -f between two looks (default: what the chart can show, and 5s)',
    )
    .option('--time <time>', 'the time to look at, RFC 3339 or Unix seconds (default: now)')
    .action(async (expression: string, flags: QueryFlags) => {
      const { query } = await import('./query.ts');
      await query(expression, flags);
    });
}

interface TokenOptions {
  readonly role: string;
  readonly agent?: string[];
  readonly pool?: string;
  readonly memberOf?: string;
  readonly enqueueFor?: string[];
  readonly maxAgents?: number;
  readonly speaksFor?: string[];
  readonly expiresIn?: string;
}

function defineMaintenance(program: Command): void {
  const maintenance = program
    .command('maintenance')
    .description('leave something alone for a while: alerts are recorded, nothing is repaired');
  const define = (name: string, description: string): Command =>
    asking(maintenance.command(name)).description(description);
  define('start', 'have the watchdog leave a pool, a host or an agent alone; ends by itself')
    .argument('<target>', 'pool:ID, host:NAME or agent:ID; without the kind where only one is called that')
    .requiredOption('--for <duration>', 'how long: 30m, 2h; at most 7d')
    .requiredOption('--reason <text>', 'why: shown with everything that is held back')
    .action(async (target: string, flags: MaintenanceStart) => {
      const { startMaintenance } = await import('./maintenance.ts');
      await startMaintenance(target, flags);
    });
  following(maintenance.command('list'))
    .description('list what is under maintenance')
    .action(async (flags: FollowFlags) => {
      const { listMaintenances } = await import('./maintenance.ts');
      await listMaintenances(flags);
    });
  define('end', 'end a maintenance before its time')
    .argument('<id>', 'as `omoi maintenance list` shows it')
    .action(async (id: string, flags: ServerFlags) => {
      const { endMaintenance } = await import('./maintenance.ts');
      await endMaintenance(id, flags);
    });
}

function defineToken(program: Command): void {
  const tokens = asking(program.command('tokens').alias('token')).description('who may do what');
  const define = (name: string): Command => asking(tokens.command(name));
  // What stands behind `tokens` holds where the command below says nothing itself.
  const flagsOf = (options: ServerFlags): ServerFlags => ({ ...tokens.opts<ServerFlags>(), ...options });
  define('create')
    .description('make a token; its secret is shown once')
    .argument('<name>', 'what the token is called in the audit log')
    .requiredOption('--role <role>', 'ingest, agent, viewer, operator or admin')
    .option('--agent <id...>', 'the agents an agent token speaks for')
    .option('--pool <pool>', 'the pool an agent token speaks for')
    .option('--member-of <pool>', 'the pool that the agents of --agent join')
    .option('--enqueue-for <pool...>', 'pools of others that an agent token may put tasks into; * for all')
    .option('--max-agents <number>', 'how many agents it may have registered at a time', wholeNumber)
    .option('--expires-in <duration>', 'worthless after so long: 12h, 30d (default: until it is revoked)')
    .option(
      '--speaks-for <target...>',
      'targets that policies may act on when an alert rests on what it sends: pool=ID, agent=ID, \'pool_id=~"mail-.*"\'',
    )
    .action(async (name: string, options: TokenOptions & ServerFlags) => {
      const { createToken } = await import('./token.ts');
      await createToken(flagsOf(options), {
        name,
        role: options.role,
        agentIds: options.agent ?? [],
        poolId: options.pool ?? null,
        memberOf: options.memberOf ?? null,
        enqueueFor: options.enqueueFor ?? [],
        maxAgents: options.maxAgents ?? null,
        speaksFor: options.speaksFor ?? [],
        expiresIn: options.expiresIn ?? null,
      });
    });
  following(tokens.command('list'))
    .description('list the tokens that people made: who has one, until when, and when it was used last')
    .option('--all', 'those of agents that Omoi starts, too')
    .action(async (options: TokenListFlags) => {
      const { listTokens } = await import('./token.ts');
      await listTokens({ ...tokens.opts<ServerFlags>(), ...options });
    });
  define('revoke')
    .description('make a token worthless at once')
    .argument('<id>', 'the id that list shows')
    .action(async (id: string, options: ServerFlags) => {
      const { revokeToken } = await import('./token.ts');
      await revokeToken(id, flagsOf(options));
    });
  define('login')
    .description('make a one-time link that logs a browser in')
    .action(async (options: ServerFlags) => {
      const { createLoginLink } = await import('./token.ts');
      await createLoginLink(flagsOf(options));
    });
}
