import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { createSeededRandom, createSystemClock, SharedStretch } from '#telemetry';
import { problemsIn, read } from '../../configuration/reading.test-support.ts';
import type { Message } from '../../message.ts';
import { createCheckedNetwork } from '../http/checked-lookup.ts';
import type { Delivery } from '../integration.ts';
import { exampleAlert, exampleMessage, namingTemplates } from '../message.test-support.ts';
import { createChildPrograms } from './child-programs.ts';
import { commandReceiver } from './command.ts';
import { commandSettings, templatedFieldsOfCommand } from './command-settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'omoi-command-'));
const clock = createSystemClock();

afterAll(() => rmSync(folder, { recursive: true, force: true }));

let programs = 0;

/** A program of the shell that the test writes. */
function program(script: string, mode = 0o755): string {
  const path = join(folder, `program-${programs++}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode });
  return path;
}

interface Running {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly allowed?: readonly string[];
  readonly message?: Message;
  readonly signal?: AbortSignal;
  /** Where the table of processes is. */
  readonly proc?: string;
}

function run(command: string, options: Running = {}): Promise<Delivery> {
  const { settings, allowed = [command], message = exampleMessage() } = options;
  const integration = commandReceiver.create?.(commandSettings.parse({ command, ...settings }), 0, {
    clock,
    random: createSeededRandom(1),
    templates: namingTemplates,
    writing: new SharedStretch(clock),
    http: { request: () => Promise.reject(new Error('a command is not called by HTTP')) },
    network: createCheckedNetwork([]),
    readSecret: (path) => Promise.reject(new Error(`there is no ${path}`)),
    programs: createChildPrograms(allowed, clock, options.proc),
  });
  if (integration === undefined) throw new Error('it is not built');
  return integration.send(message, { signal: options.signal ?? new AbortController().signal, memory: null });
}

describe('a command', () => {
  it('reads the payload of a webhook and answers', async () => {
    const seen = join(folder, 'seen.json');
    expect(await run(program(`cat > ${seen}; echo ticket 17`))).toEqual({
      outcome: 'delivered',
      answer: 'exit 0: ticket 17',
    });
    expect(JSON.parse(readFileSync(seen, 'utf8'))).toMatchObject({
      version: '4',
      status: 'firing',
      alerts: [{ labels: { alertname: 'AgentUnresponsive' } }],
    });
  });

  it('is told the same again after a restart in the middle of it, by the same id', async () => {
    const seen = join(folder, 'again');
    const command = program(
      `cat >> ${seen}; echo "$OMOI_NOTIFICATION_ID" >> ${seen}; [ -e ${seen}.2 ] || { touch ${seen}.2; kill -9 $$; }`,
    );
    expect(await run(command)).toMatchObject({ outcome: 'failed', retryable: true });
    // Each run is by an integration that knows nothing of the one before.
    expect(await run(command)).toMatchObject({ outcome: 'delivered' });
    const [first, firstId, second, secondId, ...more] = readFileSync(seen, 'utf8').split('\n');
    expect([second, secondId, more]).toEqual([first, firstId, ['']]);
    expect(firstId).toBe('ntf_01');
  });

  it('reads links where it asks for them', async () => {
    const omoiOf = async (settings: Readonly<Record<string, unknown>>): Promise<unknown> => {
      const seen = join(folder, 'links.json');
      await run(program(`cat > ${seen}`), { settings });
      const { alerts } = JSON.parse(readFileSync(seen, 'utf8')) as { alerts: { omoi?: unknown }[] };
      return alerts[0]?.omoi;
    };
    expect(await omoiOf({ links: true })).toMatchObject({
      alert_id: 'alrt_01',
      links: { acknowledge: 'https://omoi.example/alerts/alrt_01/ack' },
    });
    expect(await omoiOf({})).toBeUndefined();
  });

  it('gets its arguments as they are, whatever values make of them', async () => {
    const evil = `'; touch ${folder}/evil; $(touch ${folder}/evil) "&|\n *`;
    const labels = { ...exampleAlert().labels, evil };
    const message = exampleMessage({ alerts: [exampleAlert({ labels })] });
    const show = program('for arg in "$@"; do printf "<%s>" "$arg"; done');
    const args = ['--evil', '{{ .CommonLabels.evil }}', ''];
    expect(await run(show, { settings: { args }, message })).toEqual({
      outcome: 'delivered',
      answer: `exit 0: <--evil><${evil.replace('\n', ' ')}><>`,
    });
    expect(() => readFileSync(join(folder, 'evil'))).toThrow('ENOENT');
  });

  it('has an environment of its own, and tells nothing of it', async () => {
    process.env['OMOI_TEST_SECRET'] = 'secret of the server';
    const environment = { TOKEN: 'SECRET-command-token' };
    const delivery = await run(program('env; pwd'), { settings: { environment } });
    delete process.env['OMOI_TEST_SECRET'];
    const answer = delivery.outcome === 'delivered' ? delivery.answer : '';
    expect(answer).toContain('TOKEN=<secret>');
    expect(answer).toContain('OMOI_NOTIFICATION_ID=ntf_01');
    expect(answer).toContain('OMOI_STATUS=firing');
    expect(answer).toContain('OMOI_RECEIVER=team-web');
    expect(answer).not.toContain('secret of the server');
    expect(answer).not.toContain('HOME=');
  });

  it.each([
    [75, 'serverError', true],
    [1, 'clientError', false],
    [64, 'clientError', false],
    [255, 'clientError', false],
  ])('that exits with %i', async (code, failure, retryable) => {
    const command = program(`echo no >&2; exit ${code}`);
    expect(await run(command)).toEqual({
      outcome: 'failed',
      failure,
      retryable,
      retryAfterMs: null,
      reason: `${command}: exit ${code}: no`,
    });
  });

  it('that is killed by somebody else is run again', async () => {
    const command = program('kill -KILL $$');
    expect(await run(command)).toMatchObject({
      failure: 'serverError',
      retryable: true,
      reason: `${command} was ended by SIGKILL`,
    });
  });

  it('that does not read is no failure, however much there was to read', async () => {
    const alerts = Array.from({ length: 2_000 }, (_, index) => exampleAlert({ alertId: `alrt_${index}` }));
    expect(await run(program('exit 0'), { message: exampleMessage({ alerts }) })).toEqual({
      outcome: 'delivered',
      answer: 'exit 0',
    });
  });

  it('that writes without end is told by its first 4 KiB', async () => {
    const delivery = await run(program('yes | head -c 3000000'));
    expect(delivery).toMatchObject({ outcome: 'delivered' });
    if (delivery.outcome === 'delivered') expect(delivery.answer.length).toBeLessThanOrEqual(4_096 + 8);
  });

  it('is ended with all that it has started when its time is over', async () => {
    const deadline = new AbortController();
    const pids = join(folder, 'pids');
    const running = run(program(`sleep 1000 & echo $! $$ > ${pids}; wait`), { signal: deadline.signal });
    const [child = '', parent = ''] = (await written(pids)).split(' ');
    deadline.abort();
    expect(await running).toMatchObject({ failure: 'timeout', retryable: true });
    await vi.waitFor(() => expect([isRunning(child), isRunning(parent)]).toEqual([false, false]), patient);
  });

  it('is killed where it does not end when it is asked to', async () => {
    const deadline = new AbortController();
    const ready = join(folder, 'ready');
    const command = program(`trap '' TERM; echo yes > ${ready}; while :; do sleep 1; done`);
    const ended = createChildPrograms([command], clock).run({
      program: command,
      args: [],
      environment: {},
      input: [],
      signal: deadline.signal,
      graceMs: 50,
      maxOutputBytes: 10,
    });
    await written(ready);
    deadline.abort();
    expect(await ended).toEqual({ kind: 'stopped', output: '' });
  });

  it('leaves nobody behind', async () => {
    const pid = join(folder, 'left');
    const command = program(`sleep 1000 & echo $! > ${pid}; echo done`);
    expect(await run(command)).toMatchObject({ outcome: 'delivered', answer: 'exit 0: done' });
    const left = await written(pid);
    await vi.waitFor(() => expect(isRunning(left)).toBe(false), patient);
  });

  it('says what it leaves behind where nobody can tell whose that is, and does not wait for it', async () => {
    const pid = join(folder, 'unseen');
    const command = program(`sleep 1000 & echo $! > ${pid}; echo done`);
    const delivery = await run(command, { proc: join(folder, 'no-proc') });
    const left = await written(pid);
    try {
      expect(delivery).toEqual({
        outcome: 'delivered',
        answer:
          'exit 0: done; what it left behind holds its output open and was not ended, as /proc does not show whose it is: end it by hand',
      });
      expect(isRunning(left)).toBe(true);
    } finally {
      process.kill(Number(left), 'SIGKILL');
    }
  });

  it('is not started when there is no time for it', async () => {
    const command = program('echo started');
    expect(await run(command, { signal: AbortSignal.abort() })).toMatchObject({
      failure: 'timeout',
      reason: `${command} took too long and was ended`,
    });
  });

  it('that is not allowed is not started', async () => {
    const trace = join(folder, 'trace');
    const command = program(`touch ${trace}`);
    for (const allowed of [[], ['/bin/true'], [folder], [`${command}/`]]) {
      const delivery = await run(command, { allowed });
      expect(delivery).toMatchObject({ failure: 'clientError', retryable: false });
      expect(delivery).toHaveProperty('reason', expect.stringContaining('x-omoi.allowed_commands'));
    }
    expect(() => readFileSync(trace)).toThrow('ENOENT');
  });

  it.each([
    ['is not there', () => join(folder, 'nothing'), 'ENOENT'],
    ['may not be executed', () => program('exit 0', 0o644), 'EACCES'],
  ])('that %s is told of', async (_, make, code) => {
    const command = make();
    expect(await run(command)).toMatchObject({
      failure: 'clientError',
      retryable: false,
      reason: `${command} could not be started: ${code}`,
    });
  });

  it('with an argument that cannot be one is not started', async () => {
    const labels = { ...exampleAlert().labels, bad: 'a\0b' };
    const message = exampleMessage({ alerts: [exampleAlert({ labels })] });
    const settings = { args: ['{{ .CommonLabels.bad }}'] };
    expect(await run(program('exit 0'), { settings, message })).toMatchObject({
      failure: 'clientError',
      retryable: false,
    });
  });

  it('is not started where a template fails', async () => {
    expect(await run(program('exit 0'), { settings: { args: ['{{ fail }}'] } })).toMatchObject({
      failure: 'template',
      retryable: false,
    });
  });
});

describe('a configuration with a command', () => {
  const configured = (allowed: string) => `route:
  receiver: a
receivers:
  - name: a
    x-omoi:
      command_configs:
        - command: /usr/local/bin/page
x-omoi:
  allowed_commands: ${allowed}
`;

  it('is refused where the command is not allowed, with its place', async () => {
    expect(await problemsIn(configured('[/usr/local/bin/other]'))).toEqual([
      'am.yml:7:11: "receivers.0.x-omoi.command_configs.0.command": /usr/local/bin/page may not be started; ' +
        'name it in x-omoi.allowed_commands at the top of the configuration',
    ]);
    expect(await problemsIn(configured('[/usr/local/bin/page]'))).toEqual([]);
  });

  it('shows nothing of its environment', async () => {
    const text = configured('[/usr/local/bin/page]').replace(
      'command: /usr/local/bin/page',
      '{ command: /usr/local/bin/page, environment: { TOKEN: SECRET-token } }',
    );
    const { shown } = await read(text);
    expect(shown).not.toContain('command_configs');
    expect(shown).not.toContain('SECRET-token');
  });
});

describe('commandSettings', () => {
  it('has defaults', () => {
    expect(commandSettings.parse({ command: '/bin/true' })).toEqual({
      send_resolved: true,
      command: '/bin/true',
      links: false,
      args: [],
      environment: {},
      timeout: 30_000,
      max_alerts: 500,
    });
  });

  it.each([
    [{}, 'absolute path'],
    [{ command: 'page' }, 'absolute path'],
    [{ command: './page' }, 'absolute path'],
    [{ command: '/usr/../bin/page' }, 'absolute path'],
    [{ command: '/usr/bin/' }, 'absolute path'],
    [{ command: '/bin/true', environment: { 'A=B': 'c' } }, '"A=B" is no name of a variable'],
    [{ command: '/bin/true', timeout: '0s' }, 'timeout above 0'],
    [{ command: '/bin/true', args: ['a\0b'] }, 'NUL'],
    [{ command: '/bin/true', shell: true }, 'Unrecognized key'],
  ])('refuses %j', (written, message) => {
    const issues = commandSettings.safeParse(written).error?.issues ?? [];
    expect(issues.map((issue) => issue.message)).toContainEqual(expect.stringContaining(message));
  });

  it('names the arguments as templates', () => {
    const settings = commandSettings.parse({ command: '/bin/true', args: ['a', '{{ .Status }}'] });
    expect(templatedFieldsOfCommand(settings)).toEqual([
      { path: ['args', 0], text: 'a' },
      { path: ['args', 1], text: '{{ .Status }}' },
    ]);
  });
});

const patient = { timeout: 60_000, interval: 5 };

/** What a program has written into a file, when it has. */
function written(path: string): Promise<string> {
  return vi.waitFor(() => {
    const text = readFileSync(path, 'utf8');
    expect(text).toMatch(/\n$/);
    return text.trim();
  }, patient);
}

/** A process that has ended may be there still for as long as nobody has asked how. */
function isRunning(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
