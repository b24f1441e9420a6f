import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createProcessTable, type ProcessTable } from '#fleet';
import { messageOf, type AgentType } from '#telemetry';
import { createAgent, type Agent } from '@omoi/agent';
import { CommandActivity } from './command-activity.ts';
import { commandEnvironment } from './command-environment.ts';
import { RotatingFile } from './rotating-file.ts';
import { WatchedCommand } from './watched-command.ts';

export interface RunOptions {
  readonly command: readonly string[];
  /** Of the server; it may be away. */
  readonly url: string;
  readonly token: string | null;
  readonly agentId: string;
  readonly agentType: AgentType;
  readonly poolId: string;
  readonly phaseId: string | null;
  /** The output is kept in `logs/run/AGENT_ID.stdout.log` and `.stderr.log` below it. */
  readonly dataDirectory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const LEFT_BEHIND_POLL_MS = 250;
/** How long a command that ends at once is kept on the books for its registration. */
const REGISTRATION_WAIT_MS = 2000;
const REGISTRATION_POLL_MS = 20;

/**
 * Runs a command as an external agent: registered and beaten for while it or anything it started lives. The
 * command never depends on the server: it starts at once, and its exit status is passed on.
 * Where the agent is asked to leave, the command gets SIGTERM, as if its starter had been sent it.
 * @returns the exit status: the command's own, 128 + n for signal n, 127 or 126 when it could not be started
 */
export async function runCommand(options: RunOptions): Promise<number> {
  const nonce = randomBytes(16).toString('hex');
  const warn = onceEach((message) => process.stderr.write(`omoi run: ${message}\n`));
  const table = createProcessTable();
  const copies = openCopies(options, warn);
  const command = new WatchedCommand({
    command: options.command,
    env: commandEnvironment(options.env, { ...options, nonce }),
    copies,
    onWarning: warn,
  });
  const activity = new CommandActivity(table, command);
  let isOver = false;
  const agent = createAgent({
    url: options.url,
    agentId: options.agentId,
    agentType: options.agentType,
    poolId: options.poolId,
    nonce,
    handleSigterm: false,
    processActivity: () => activity.look(),
    inFlight: () => (activity.last === 'active' ? 1 : 0),
    onError: (error) => warn(error.message),
    onLeave: (reason) => {
      if (isOver) return;
      warn(`the command gets SIGTERM: ${reason}`);
      process.kill(process.pid, 'SIGTERM');
    },
    ...(options.token !== null && { token: options.token }),
    ...(options.phaseId !== null && { phaseId: options.phaseId }),
  });
  const end = await command.ended;
  await leftBehindEnd(table, nonce);
  isOver = true;
  await command.closed;
  await registrationOf(agent);
  const { askedBy } = command;
  await agent.drain({
    reason: askedBy === null ? (end.signal ?? `exit ${end.status}`) : `stopped by ${askedBy}`,
    asked: askedBy !== null,
    // One that could not be started has a shell's status too.
    exitCode: end.signal === null ? end.status : null,
    signal: end.signal,
  });
  copies?.stdout.close();
  copies?.stderr.close();
  return end.status;
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

/** What the command started and left has its environment: the agent lives as long as it does. */
async function leftBehindEnd(table: ProcessTable, nonce: string): Promise<void> {
  const mark = `OMOI_AGENT_NONCE=${nonce}`;
  const isLeft = (pid: number): boolean =>
    table.stat(pid)?.state !== 'Z' && table.environ(pid)?.split('\0').includes(mark) === true;
  let left = table.pids().filter(isLeft);
  const stop = (signal: NodeJS.Signals): void => {
    for (const pid of left.filter(isLeft)) process.kill(pid, signal);
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  while (left.length > 0) {
    await delay(LEFT_BEHIND_POLL_MS);
    left = table.pids().filter(isLeft);
  }
  process.off('SIGTERM', stop).off('SIGINT', stop);
}

/** A command that ends at once was an agent all the same: its registration may still be on its way. */
async function registrationOf(agent: Agent): Promise<void> {
  const deadline = performance.now() + REGISTRATION_WAIT_MS;
  while (agent.enabled && agent.generation === null && performance.now() < deadline) {
    await delay(REGISTRATION_POLL_MS);
  }
}

/** The same trouble is told of once: the output belongs to the command. */
function onceEach(tell: (message: string) => void): (message: string) => void {
  const told = new Set<string>();
  return (message) => {
    if (told.has(message) || told.size >= 100) return;
    told.add(message);
    tell(message);
  };
}

function delay(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
}
