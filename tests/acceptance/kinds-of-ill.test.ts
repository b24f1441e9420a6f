import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, OmoiProcess, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';
import { workersOf } from './support/workers.ts';

const WORKER = fileURLToPath(new URL('support/computing-worker.ts', import.meta.url));
const TTL_MS = 1750;
/** More than four TTLs, and much less than the lease. */
const COMPUTE_MS = 8000;
const WITHIN_MS = 60_000;

interface Agent {
  readonly agent_id: string;
  readonly status: string;
  readonly status_reason: string;
  readonly generation: number;
}

/** A server with pools of one worker each, and its agents. */
class Stage {
  readonly data = dataDirectory();
  #server: OmoiServer | null = null;
  readonly commands: OmoiProcess[] = [];

  async open(mode: 'act' | 'observe', pools: readonly string[]): Promise<void> {
    this.#server = await OmoiServer.start(this.data.path, {
      env: { OMOI_WATCHDOG_MODE: mode, OMOI_FLEET_POOLS: JSON.stringify(pools.map(poolOf)) },
    });
  }

  get server(): OmoiServer {
    if (!this.#server) throw new Error('the server has not been started');
    return this.#server;
  }

  get admin(): Client {
    return new Client(() => this.server.url, this.server.adminToken);
  }

  /** `STATUS reason` */
  async standing(agentId: string): Promise<string> {
    const { status, body } = await this.admin.call(`/api/v1/fleet/agents/${agentId}`);
    if (status === 404) return 'unknown';
    const agent = body as Agent;
    return `${agent.status} ${agent.status_reason}`;
  }

  becomes(agentId: string, pattern: RegExp): Promise<unknown> {
    const what = `${agentId} becomes ${pattern}`;
    return until(async () => pattern.test(await this.standing(agentId)), what, WITHIN_MS);
  }

  /** Every status that an agent has taken, in order. */
  async history(agentId: string): Promise<readonly string[]> {
    const events = await this.admin.events('fleet.agent.status_changed');
    return events.flatMap(({ payload }) => {
      const changed = payload as { readonly agent_id: string; readonly to: string };
      return changed.agent_id === agentId ? [changed.to] : [];
    });
  }

  pidOf(agentId: string): number {
    const { url, directory } = this.server;
    const found = workersOf({ url, directory }).find((worker) => worker.agentId === agentId);
    if (!found) throw new Error(`no process of ${agentId}`);
    return found.pid;
  }

  /** `omoi run --id ID -- COMMAND` */
  run(agentId: string, ...command: readonly string[]): OmoiProcess {
    const args = ['run', '--pool', 'visitors', '--id', agentId, '--data-directory', this.data.path];
    const started = new OmoiProcess([...args, '--', ...command]);
    this.commands.push(started);
    return started;
  }

  async close(): Promise<void> {
    await Promise.all(this.commands.map((command) => command.stop()));
    for (const { pid } of workersOf(this.server)) process.kill(pid, 'SIGKILL');
    await this.server.stop();
    this.data.remove();
  }
}

function poolOf(id: string): object {
  return {
    id,
    command: [process.execPath, '--conditions=omoi-source', '--disable-warning=ExperimentalWarning', WORKER],
    desired: 1,
    max: 1,
    phase_id: 'PHASE_TESTING',
    heartbeat_interval: `${TTL_MS / 3.5}ms`,
    grace: '1s',
  };
}

/** The first process that a process has started. */
function childOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return Number(children[0]);
}

describe('while the watchdog acts', () => {
  const stage = new Stage();
  beforeAll(() => stage.open('act', ['hung', 'busy']));
  afterAll(() => stage.close());

  it('a stopped worker is STALLED and replaced', async () => {
    await stage.becomes('hung-1', /^IDLE/);
    const stopped = stage.pidOf('hung-1');
    process.kill(stopped, 'SIGSTOP');
    await stage.becomes('hung-1', /^(STALLED stopped|SPAWNING)/);
    await until(
      async () => {
        const seen = await stage.history('hung-1');
        return seen.includes('STALLED') && seen.at(-1) === 'IDLE';
      },
      'generation 2 works',
      WITHIN_MS,
    );
    const history = await stage.history('hung-1');
    expect(history.slice(history.indexOf('STALLED'))).toEqual(['STALLED', 'SPAWNING', 'IDLE']);
    expect(history).not.toContain('UNRESPONSIVE');
    await until(() => !workersOf(stage.server).some(({ pid }) => pid === stopped), 'the old one has ended');
  });

  it('one that computes under its lease, and does not beat, keeps its task and is left alone', async () => {
    await stage.becomes('busy-1', /^IDLE/);
    const pid = stage.pidOf('busy-1');
    const { task } = await stage.admin.read<{ task: { task_id: string } }>('/api/v1/fleet/tasks', {
      method: 'POST',
      body: {
        task_type: 'compute',
        phase_id: 'PHASE_TESTING',
        pool_id: 'busy',
        payload: { compute_ms: COMPUTE_MS },
      },
    });
    const done = await until(
      async () => {
        const path = `/api/v1/fleet/tasks/${task.task_id}`;
        const { state, attempt, result } = await stage.admin.read<{
          state: string;
          attempt: number;
          result: { pid: number } | null;
        }>(path);
        return state === 'completed' && { attempt, pid: result?.pid };
      },
      'the task is done',
      WITHIN_MS,
    );
    expect(done).toEqual({ attempt: 1, pid });
    const history = await stage.history('busy-1');
    expect(history).toContain('DEGRADED');
    expect(history).not.toContain('UNRESPONSIVE');
    expect(history).not.toContain('STALLED');
    expect(stage.pidOf('busy-1')).toBe(pid);
  });
});

describe('while the watchdog observes', () => {
  const stage = new Stage();
  beforeAll(() => stage.open('observe', ['paused']));
  afterAll(() => stage.close());

  it('a worker that is stopped is STALLED until it is continued', async () => {
    await stage.becomes('paused-1', /^IDLE/);
    const pid = stage.pidOf('paused-1');
    process.kill(pid, 'SIGSTOP');
    await stage.becomes('paused-1', /^STALLED stopped/);
    process.kill(pid, 'SIGCONT');
    await stage.becomes('paused-1', /^IDLE/);
    expect(stage.pidOf('paused-1')).toBe(pid);
  });

  it('a program under omoi run that is stopped is STALLED until it is continued', async () => {
    const program = stage.run('program', 'sleep', '1000');
    await stage.becomes('program', /^IDLE/);
    const child = childOf(program.pid);
    process.kill(child, 'SIGSTOP');
    await stage.becomes('program', /^STALLED stopped/);
    process.kill(child, 'SIGCONT');
    await stage.becomes('program', /^IDLE/);
  });

  it('a program that prints is at work', async () => {
    stage.run('printer', '/bin/sh', '-c', 'while :; do echo line; sleep 0.3; done');
    await stage.becomes('printer', /^RUNNING/);
  });

  it.each([
    ['done', ['true'], /^TERMINATED finished/],
    ['failing', ['/bin/sh', '-c', 'exit 14'], /^FAILED exit 14/],
    ['killed', ['/bin/sh', '-c', 'kill -9 $$'], /^FAILED SIGKILL/],
    ['missing', ['/nowhere/command'], /^FAILED exit 127/],
  ])('a one-shot that is %s', async (name, command, standing) => {
    await stage.run(name, ...command).ended();
    expect(await stage.standing(name)).toMatch(standing);
  });

  it('a program that its person ends has not failed, whatever it exits with', async () => {
    const script = 'trap "exit 5" INT; while :; do sleep 0.05; done';
    const command = stage.run('interrupted', '/bin/sh', '-c', script);
    await stage.becomes('interrupted', /^(IDLE|RUNNING)/);
    expect((await command.stop('SIGINT')).status).toBe(5);
    expect(await stage.standing('interrupted')).toBe('TERMINATED stopped by SIGINT');
  });
});
