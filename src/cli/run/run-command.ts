import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createProcessTable, unitIdOf, UNIT_VARIABLE, type ProcessTable, type UnitIdentity } from '#fleet';
import { messageOf, type AgentType, type ExitExpectation, type Labels } from '#telemetry';
import { createAgent, type Agent } from '@omoi/agent';
import { CommandActivity } from './command-activity.ts';
import { commandEnvironment } from './command-environment.ts';
import { settleLeftBehind, type LeftBehindChoice } from './left-behind.ts';
import { describeTrouble } from './server-trouble.ts';
import { RotatingFile } from './rotating-file.ts';
import { UserTerminal } from './user-terminal.ts';
import { WatchedCommand, type CommandEnd } from './watched-command.ts';
import { aside } from '../terminal/aside.ts';

export interface RunOptions {
  readonly command: readonly string[];
  /** Of the server; it may be away. */
  readonly url: string;
  readonly token: string | null;
  readonly agentId: string;
  readonly agentType: AgentType;
  readonly poolId: string;
  readonly phaseId: string | null;
  readonly labels: Labels;
  /**
   * Who this process is where a pool has started it; null: an external agent. A pool keeps the output, ends what is
   * left behind, and sees how the process ended.
   */
  readonly given: { readonly generation: number; readonly nonce: string } | null;
  readonly expect: ExitExpectation;
  readonly leftBehind: LeftBehindChoice;
  /** For how long the command may do nothing; null: for ever; undefined: nobody has said. */
  readonly stallAfterMs: number | null | undefined;
  /** The output is kept in `logs/run/AGENT_ID.stdout.log` and `.stderr.log` below it. */
  readonly dataDirectory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const MAX_NOTES = 100;
const STOPPED = 'T';
const USUAL_STALL_AFTER_MS = 15 * 60_000;
const LEFT_BEHIND_GRACE_MS = 10_000;
/** How long a command that ends at once is kept running for its registration. */
const REGISTRATION_WAIT_MS = 2000;
const REGISTRATION_POLL_MS = 20;

/**
 * Runs a command as an agent: registered and beaten for until it has ended. The command never depends on the server: it
 * starts at once, and its exit status is passed on, whatever it leaves behind. Where the agent is asked to leave, the
 * command gets SIGTERM, as if its starter had been sent it; where this process is killed, see `endingWithParent`.
 * @returns the exit status: the command's own, 128 + n for signal n, 127 or 126 when it could not be started
 */
export async function runCommand(options: RunOptions): Promise<number> {
  const { given } = options;
  const nonce = given?.nonce ?? randomBytes(16).toString('hex');
  const notes = new Notes();
  const warn = (message: string): void => notes.tell(message);
  const table = createProcessTable();
  const copies = given ? null : openCopies(options, warn);
  const command = new WatchedCommand({
    command: options.command,
    env: commandEnvironment(options.env, { ...options, nonce, generation: given?.generation ?? null }),
    terminal: given ? null : UserTerminal.ofThisProcess(),
    copies,
    isStopped: (pid) => table.stat(pid)?.state === STOPPED,
    onWarning: warn,
  });
  if (command.isOnTerminal) notes.hold();
  const unit = unitOf(command, { table, nonce, env: options.env });
  const activity = new CommandActivity(table, command, {
    stallAfterMs: stallAfterMs(options, command),
    nowMs: () => performance.now(),
  });
  let isOver = false;
  let hasTrouble = false;
  const agent = createAgent({
    url: options.url,
    agentId: options.agentId,
    agentType: options.agentType,
    poolId: options.poolId,
    labels: options.labels,
    nonce,
    handleSigterm: false,
    processActivity: () => activity.report(),
    inFlight: () => (activity.last === 'active' ? 1 : 0),
    onError: (error) => {
      hasTrouble = true;
      if (!isOver || command.pid !== null) warn(describeTrouble(error.message, options.url));
    },
    onLeave: (reason) => {
      if (isOver) return;
      warn(`the command gets SIGTERM: ${reason}`);
      process.kill(process.pid, 'SIGTERM');
    },
    ...(given && { generation: given.generation }),
    ...(options.token !== null && { token: options.token }),
    ...(options.phaseId !== null && { phaseId: options.phaseId }),
  });
  const end = await command.ended;
  isOver = true;
  if (unit && !given) {
    const graceMs = LEFT_BEHIND_GRACE_MS;
    await settleLeftBehind(unit, { choice: options.leftBehind, table, graceMs, onWarning: warn });
  }
  await command.passedOn();
  notes.release();
  const { askedBy, lastOutput } = command;
  // Whoever is known not to answer is not waited for.
  if (!given) await registrationOf(agent, () => hasTrouble);
  if (command.pid !== null && agent.enabled && agent.generation === null && !hasTrouble)
    warn(`${options.url} has not answered: the command has ended, and never was an agent`);
  await leave(agent, { ...end, askedBy, lastOutput }, options);
  copies?.stdout.close();
  copies?.stderr.close();
  return end.status;
}

/** A job that is to end has a limit where nobody says one. On a terminal it may wait for a person, else for work. */
function stallAfterMs({ stallAfterMs: said, expect }: RunOptions, command: WatchedCommand): number | null {
  if (said !== undefined) return said;
  return expect === 'once' && !command.isOnTerminal ? USUAL_STALL_AFTER_MS : null;
}

/** The command's first process and the mark of what it starts; null where it was not started. */
function unitOf(
  { pid }: WatchedCommand,
  {
    table,
    nonce,
    env,
  }: { readonly table: ProcessTable; readonly nonce: string; readonly env: RunOptions['env'] },
): UnitIdentity | null {
  const stat = pid === null ? null : table.stat(pid);
  if (!stat) return null;
  // Within another unit the mark is that one's, and on others of its processes too.
  const unitId = env[UNIT_VARIABLE] === undefined ? unitIdOf(nonce) : null;
  return { bootId: table.bootId(), pid: stat.pid, startTicks: stat.startTicks, unitId };
}

/** How a command ended, and the signal by which somebody had asked it to. */
interface Leaving extends CommandEnd {
  readonly askedBy: NodeJS.Signals | null;
  readonly lastOutput: string;
}

/**
 * Tells how the command ended. Of a pool's process the runtime is believed; it cannot know that it was a one-shot, or that
 * somebody had asked it to end: not by its code, nor, where an earlier server had started it, at all.
 */
async function leave(agent: Agent, end: Leaving, { given, expect }: RunOptions): Promise<void> {
  const { askedBy, signal, status } = end;
  const asked = askedBy === null ? null : `stopped by ${askedBy}`;
  if (given) {
    const purpose = asked ?? (expect === 'once' && end.exitCode === 0 ? 'finished' : null);
    await agent.drain(purpose === null ? { silent: true } : { reason: purpose });
    // For the runtime this process is the command: it ends as that one did.
    if (signal !== null) process.kill(process.pid, signal);
    return;
  }
  await agent.drain({
    reason: asked ?? signal ?? `exit ${status}`,
    asked: askedBy !== null,
    // One that could not be started has a shell's status too.
    exitCode: signal === null ? status : null,
    signal,
    ...(end.lastOutput !== '' && { lastOutput: end.lastOutput }),
    ...(expect === 'forever' && { expect }),
  });
}

function openCopies(
  { dataDirectory, agentId }: RunOptions,
  warn: (message: string) => void,
): { readonly stdout: RotatingFile; readonly stderr: RotatingFile } | null {
  const stem = join(dataDirectory, 'logs', 'run', agentId);
  try {
    return { stdout: new RotatingFile(`${stem}.stdout.log`), stderr: new RotatingFile(`${stem}.stderr.log`) };
  } catch (error) {
    warn(`the output is not kept: ${messageOf(error)}`);
    return null;
  }
}

/** A command that ends at once was an agent all the same: its registration may still be on its way. */
async function registrationOf(agent: Agent, isHopeless: () => boolean): Promise<void> {
  const deadline = performance.now() + REGISTRATION_WAIT_MS;
  while (agent.enabled && agent.generation === null && !isHopeless() && performance.now() < deadline) {
    await delay(REGISTRATION_POLL_MS);
  }
}

/** What `omoi run` itself has to say, on standard error. The same is said once: the output belongs to the command. */
class Notes {
  readonly #said = new Set<string>();
  /** What waits until the command has left the terminal; null where nothing does. */
  #held: string[] | null = null;

  tell(message: string): void {
    if (this.#said.has(message) || this.#said.size >= MAX_NOTES) return;
    this.#said.add(message);
    const line = `omoi run: ${message}`;
    if (this.#held) this.#held.push(line);
    else aside(line);
  }

  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    held.forEach(aside);
  }
}

function delay(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
}
