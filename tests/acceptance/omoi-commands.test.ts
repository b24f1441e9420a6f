import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, omoi, OmoiProcess, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';

const OMOI = fileURLToPath(new URL('../../bin/omoi', import.meta.url));
const data = dataDirectory();
const home = mkdtempSync(join(tmpdir(), 'omoi-home-'));
const AS_OWNER = { OMOI_DATA_DIRECTORY: data.path, XDG_CONFIG_HOME: home };

/** Each command is a process of its own, on a machine that may have much else to do. */
const LIMIT_MS = 120_000;

let server: OmoiServer;
let admin: Client;
let logs: OmoiProcess;

const POLICY = `
name: restart_failed_agent
description: An agent whose process has ended unasked gets a new generation, if somebody agrees.
match: ['alertname="AgentFailed"']
mode: approve
target: { kind: agent, label: agent_id }
steps:
  - action: restart
    verify: { within: 2m }
guardian: operators
`;

/** Nobody is told of anything; who would be is on call. */
const ROUTING = `
route: { receiver: infra }
receivers:
  - name: infra
    x-omoi: { on_call: infra }
  - name: ada
  - name: grace
x-omoi:
  people: { ada: { receiver: ada }, grace: { receiver: grace } }
  on_call: { infra: { layers: [{ people: [ada], rotation: weekly, starts_on: 2020-01-06 }] } }
`;

/** Says who it is, and goes on until it is ended. */
const PROGRAM = 'echo "process $$"; while :; do sleep 600; done';

beforeAll(async () => {
  const configFile = join(home, 'omoi.yaml');
  writeFileSync(join(home, 'policy.yaml'), POLICY);
  writeFileSync(join(home, 'alertmanager.yml'), ROUTING);
  const pool = {
    id: 'shells',
    command: [process.execPath, OMOI, 'run', '--', '/bin/sh', '-c', PROGRAM],
    desired: 1,
    max: 2,
    env: { OMOI_DATA_DIRECTORY: join(home, 'none') },
  };
  writeFileSync(
    configFile,
    JSON.stringify({
      watchdog: { policy_files: [join(home, 'policy.yaml')] },
      notification: { config_file: join(home, 'alertmanager.yml') },
      fleet: { pools: [pool] },
    }),
  );
  server = await OmoiServer.start(data.path, { configFile });
  admin = new Client(() => server.url, server.adminToken);
  await until(
    async () => (await agent()).generations[0]?.state === 'registered',
    'the program is an agent',
    LIMIT_MS,
  );
  logs = new OmoiProcess(['logs', 'shells-1', '-f'], AS_OWNER);
  await until(() => processes().length === 1, 'its output is followed', LIMIT_MS);
});

afterAll(async () => {
  await logs.stop();
  await admin.call('/api/v1/fleet/pools/shells/scale', { method: 'POST', body: { desired: 0 } });
  await until(
    async () => ['TERMINATED', 'FAILED'].includes((await agent()).status),
    'the program has ended',
    LIMIT_MS,
  );
  await server.stop();
  data.remove();
  rmSync(home, { recursive: true });
});

/** Runs a command that has to succeed. @returns what it printed */
async function run(...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await omoi(args, AS_OWNER);
  expect({ args, status, stderr }).toMatchObject({ args, status: 0 });
  return stdout;
}

async function ask<Answer>(...args: readonly string[]): Promise<Answer> {
  return JSON.parse(await run(...args, '--json')) as Answer;
}

interface AgentDetails {
  readonly status: string;
  readonly generation: number;
  readonly heartbeats_missed: number;
  readonly generations: readonly { readonly generation: number; readonly state: string }[];
}

interface AgentToken {
  readonly name: string;
  readonly revoked_at: string | null;
}

interface Named {
  readonly id: string;
  readonly rule_id: string;
}

async function anyAlert(): Promise<Named> {
  const { alerts } = await ask<{ alerts: readonly Named[] }>('alerts', 'list', '--state', 'all');
  expect(alerts).not.toEqual([]);
  return alerts[0] ?? { id: '', rule_id: '' };
}

const agent = () => admin.read<AgentDetails>('/api/v1/fleet/agents/shells-1');

/** The processes that the followed output has told of, the first one first. */
const processes = (): readonly string[] => logs.stdout.match(/process \d+/g) ?? [];

describe('a person operates Omoi by its commands', () => {
  it('sees who works', async () => {
    const listed = await run('ps');
    expect(listed).toMatch(/^AGENT +STATUS +SINCE +POOL +GEN +TASKS +WHY$/m);
    expect(listed).toMatch(/^shells-1 +(IDLE|RUNNING) /m);
    expect(await run('status')).toMatch(/^agents +1 (IDLE|RUNNING)$/m);
  });

  it('restarts an agent, whose process is then another one', async () => {
    expect(await run('restart', 'shells-1', '--wait', '--reason', 'to see it')).toBe(
      'shells-1: generation 2 is up\n',
    );
    await until(() => processes().length === 2, 'the next process says who it is', LIMIT_MS);
    expect(new Set(processes()).size).toBe(2);
    expect(logs.stderr).toContain('shells-1, generation 2');
    expect(await run('logs', 'shells-1', '--generation', '1')).toBe(`${processes()[0]}\n`);
    const asked = ['--about', 'shells-1', '--type', 'fleet.agent.restart_requested'];
    const { events } = await ask<{ events: readonly { payload: { reason?: string } }[] }>('events', ...asked);
    expect(events.map(({ payload }) => payload.reason)).toEqual(['to see it']);
  });

  it('has one token for the process that runs, and none for the one that has ended', async () => {
    const { tokens } = await ask<{ tokens: readonly AgentToken[] }>('tokens', 'list', '--all');
    const own = tokens.filter(({ name }) => name.startsWith('agent/shells-1/'));
    expect(own.map(({ name, revoked_at: at }) => [name, at === null])).toEqual([
      ['agent/shells-1/2', true],
      ['agent/shells-1/1', false],
    ]);
    // Its heartbeats come with it, and are still taken.
    const { heartbeats_missed: missed, status } = await agent();
    expect([missed, ['IDLE', 'RUNNING'].includes(status)]).toEqual([0, true]);
  });

  it('lets a repair be done that waits for its word', async () => {
    const following = new OmoiProcess(['remediations', 'list', '-f', '--json'], AS_OWNER);
    const { replicas } = await ask<{ replicas: readonly { pid: number }[] }>('pools', 'show', 'shells');
    process.kill(replicas[0]?.pid ?? 0, 'SIGKILL');
    const rows = () =>
      following.stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as { readonly id: string; readonly state: string });
    const waiting = await until(
      () => rows().find(({ state }) => state === 'awaiting_approval')?.id,
      'a repair waits for approval, and is told of',
      LIMIT_MS,
    );
    await following.stop();

    const { alerts } = await ask<{ alerts: readonly { id: string; rule_id: string }[] }>('alerts', 'list');
    expect(alerts.map(({ rule_id: rule }) => rule)).toContain('fleet/AgentFailed');
    const { id = '' } = alerts.find(({ rule_id: rule }) => rule === 'fleet/AgentFailed') ?? {};
    const seen = `${id} (fleet/AgentFailed) is acknowledged by the owner of the data directory\n`;
    expect(await run('ack', 'AgentFailed')).toBe(seen);
    expect(await run('alerts', 'ack', 'fleet/AgentFailed')).toBe(seen);
    expect(await run('alerts', 'show', 'AgentFailed')).toContain(`${id}\n`);
    expect(await run('alerts', 'snooze', 'AgentFailed', '--for', '2h', '--note', 'at lunch')).toContain(
      'is snoozed until',
    );
    expect(await run('alerts', 'list')).toContain('snoozed');
    expect(await run('alerts', 'assign', id, '--to', 'ada')).toContain('is assigned to ada');
    expect(await run('alerts', 'comment', id, 'it was the disk')).toContain('has a comment more');
    const shown = await run('alerts', 'show', id);
    for (const part of ['at lunch', 'ada', 'it was the disk']) expect(shown).toContain(part);
    for (const command of ['show', 'explain'])
      expect(await run('alerts', command, id)).toMatch(/\ncomments\n {2}\S+Z .*: it was the disk\n/);
    expect(await run('alerts', 'unsnooze', id)).toContain('is not snoozed any more');
    expect(await run('alerts', 'assign', id, '--nobody')).toContain('is assigned to nobody');
    await run('ack', '--all');
    expect(await run('why', 'shells-1')).toContain('awaiting_approval');

    expect(await run('approve', waiting)).toContain(`${waiting} is `);
    await until(() => processes().length === 3, 'the repaired process says who it is', LIMIT_MS);
    expect((await agent()).generation).toBe(3);
    await until(
      async () => {
        const { outcome } = await ask<{ outcome: string | null }>('remediations', 'show', waiting);
        return outcome === 'healed';
      },
      'the repair is proven',
      LIMIT_MS,
    );
  });

  it('pauses the watchdog and has it go on', async () => {
    expect(await run('pause', '--reason', 'new disks')).toContain(
      'by the owner of the data directory: new disks',
    );
    expect(await run('status')).toMatch(/^watchdog +paused for \d+s, .*: new disks$/m);
    expect(await run('watchdog', 'resume')).toMatch(
      /^asks: none of \d+ policies acts by itself, \d+ ask a person/,
    );
  });

  it('queues a task, and once more when it has failed', async () => {
    const enqueue = [
      'tasks',
      'enqueue',
      'mail',
      '--phase',
      'PHASE_IMPLEMENTATION',
      '--payload',
      '{"to":"ann"}',
    ];
    const task = (await run(...enqueue)).trim();
    const worker = { agent_id: 'mailer-1', generation: 1 };
    await admin.read('/api/v1/fleet/agents', {
      method: 'POST',
      body: { agent_id: worker.agent_id, agent_type: 'worker', nonce: 'a nonce of its own' },
    });
    const claimed = await admin.read<{ tasks: readonly { payload: unknown }[] }>(
      '/api/v1/fleet/tasks/claim',
      {
        method: 'POST',
        body: { ...worker, task_types: ['mail'] },
      },
    );
    expect(claimed.tasks[0]?.payload).toEqual({ to: 'ann' });
    await admin.read(`/api/v1/fleet/tasks/${task}/fail`, {
      method: 'POST',
      body: { ...worker, error: 'no \u001b[2J such box', retry: false },
    });
    const failed = await run('tasks', 'list', '--state', 'failed');
    expect(failed).toContain(`${task}  failed`);
    expect(failed).toContain('no \\u001b[2J such box');
    expect(await run('tasks', 'retry', task)).toBe(`task ${task} is queued\n`);
    expect(await run('tasks', 'cancel', task)).toBe(`task ${task} is cancelled\n`);
    expect(await run('agents', 'forget', 'mailer-1')).toContain('mailer-1 is forgotten');
  });

  it('names what was probably meant by what is not there', async () => {
    const { task: made } = await admin.read<{ task: { task_id: string } }>('/api/v1/fleet/tasks', {
      method: 'POST',
      body: { task_type: 'nobody-does-it', phase_id: 'PHASE_TESTING' },
    });
    const { alerts } = await ask<{ alerts: readonly { id: string }[] }>('alerts', 'list', '--state', 'all');
    const { remediations } = await ask<{ remediations: readonly { id: string }[] }>('remediations', 'list');
    const { task_id: task } = made;
    const [alert = '', repair = ''] = [alerts[0]?.id, remediations[0]?.id];
    expect([alert, repair]).not.toContain('');
    for (const [args, code, meant] of [
      [['agents', 'show', 'shell-1'], 'unknown_agent', 'shells-1'],
      [['agents', 'why', 'shels-1'], 'unknown_agent', 'shells-1'],
      [['restart', 'shells-11'], 'unknown_agent', 'shells-1'],
      [['agents', 'quarantine', 'shels-1', '--reason', 'x'], 'unknown_agent', 'shells-1'],
      [['agents', 'drain', 'shels-1'], 'unknown_agent', 'shells-1'],
      [['agents', 'forget', 'shels-1'], 'unknown_agent', 'shells-1'],
      [['logs', 'shels-1'], 'unknown_agent', 'shells-1'],
      [['pools', 'show', 'shell'], 'unknown_pool', 'shells'],
      [['pools', 'scale', 'shell', '2'], 'unknown_pool', 'shells'],
      [['pools', 'scale', 'shell', '+1', '--for', '1m'], 'unknown_pool', 'shells'],
      [['tasks', 'show', task.slice(0, -1)], 'unknown_task', task],
      [['tasks', 'retry', `${task}x`], 'unknown_task', task],
      [['alerts', 'show', alert.slice(0, -2)], 'unknown_alert', alert],
      [['ack', `${alert}x`], 'unknown_alert', alert],
      [['ack', 'AgentFaild'], 'unknown_alert', 'AgentFailed'],
      [['alerts', 'resolve', 'fleet/AgntFailed'], 'unknown_alert', 'fleet/AgentFailed'],
      [['remediations', 'show', repair.slice(1)], 'unknown_remediation', repair],
      [['approve', `${repair}x`], 'unknown_remediation', repair],
    ] as const) {
      const { status, stderr } = await omoi(args, AS_OWNER);
      expect({ args, status, stderr }).toEqual({
        args,
        status: 1,
        stderr: expect.stringContaining(`; did you mean ${meant}? (${code})\n`),
      });
    }
    await run('tasks', 'cancel', task);
  });

  it('follows an agent, why it stands so, and what is under maintenance', async () => {
    const following = [
      ['agents', 'show', 'shells-1', '-f'],
      ['agents', 'why', 'shells-1', '-f'],
      ['maintenance', 'list', '-f'],
    ].map((args) => new OmoiProcess(args, AS_OWNER));
    const [shown, why, maintenances] = following;
    if (!shown || !why || !maintenances) throw new Error('three follow');
    const says = (one: OmoiProcess, text: string) =>
      until(() => (one.stdout + one.stderr).includes(text), `it says: ${text}`, LIMIT_MS);
    await Promise.all([
      says(shown, 'agent       shells-1'),
      says(why, 'Evidence'),
      says(maintenances, 'nothing is under maintenance'),
    ]);
    await run('agents', 'quarantine', 'shells-1', '--reason', 'to look at it');
    await Promise.all([says(shown, 'QUARANTINED for'), says(why, 'to look at it')]);
    const started = await run('maintenance', 'start', 'shells', '--for', '30m', '--reason', 'new disks');
    await Promise.all([says(maintenances, 'new disks'), says(why, 'new disks')]);
    const [id = ''] = started.split(' ');
    const [before, told] = [maintenances.stderr.length, shown.stdout.length];
    await run('maintenance', 'end', id);
    await until(
      () => maintenances.stderr.slice(before).includes('nothing is under maintenance'),
      'it has ended',
      LIMIT_MS,
    );
    await run('agents', 'release', 'shells-1', '--reason', 'looked at');
    await until(() => /(IDLE|RUNNING) for/.test(shown.stdout.slice(told)), 'it works again', LIMIT_MS);
    for (const { status } of await Promise.all(following.map((one) => one.stop('SIGINT')))) {
      expect(status).not.toBe(1);
    }
  });

  it('says that nobody serves a task: as it is enqueued, in the lists, and no more when somebody does', async () => {
    const unheard = { heartbeat_interval_ms: 300_000 };
    const worker = { agent_id: 'mailer-2', agent_type: 'worker', nonce: 'a nonce of its own', ...unheard };
    await admin.read('/api/v1/fleet/agents', { method: 'POST', body: { ...worker, capabilities: ['mail'] } });
    const reason = 'no living agent claims it (agents claim: "mail"); did you mean "mail"?';
    const enqueue = ['tasks', 'enqueue', 'mial', '--phase', 'PHASE_IMPLEMENTATION'];
    const { status, stdout, stderr } = await omoi(enqueue, AS_OWNER);
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: `omoi: 1 task of type "mial" waits: ${reason}\n`,
    });
    const task = stdout.trim();
    await run(...enqueue);
    const listed = await omoi(['tasks', 'list'], AS_OWNER);
    expect(listed.stderr).toBe(`omoi: 2 tasks of type "mial" wait: ${reason}\n`);
    expect(await run('tasks', 'show', task)).toMatch(/^warning +no living agent claims it/m);
    await until(
      async () => (await run('status')).includes(`warning   tasks: 2 tasks of type "mial" wait: ${reason}\n`),
      'the status says it',
      LIMIT_MS,
    );
    const able = { ...worker, agent_id: 'mailer-3', capabilities: ['mial'] };
    await admin.read('/api/v1/fleet/agents', { method: 'POST', body: able });
    expect(await run('status')).not.toContain('warning   tasks');
    expect((await omoi(['tasks', 'list'], AS_OWNER)).stderr).toBe('');
    const { tasks } = await admin.read<{ tasks: readonly unknown[] }>('/api/v1/fleet/tasks/claim', {
      method: 'POST',
      body: { agent_id: 'mailer-3', generation: 1, max_tasks: 5 },
    });
    expect(tasks).toHaveLength(2);
    for (const id of ['mailer-2', 'mailer-3']) await run('agents', 'forget', id);
  });

  it('silences alerts, and ends that again', async () => {
    interface Silence {
      readonly id: string;
      readonly state: string;
      readonly ends_at: string;
      readonly matcher_sets: readonly (readonly string[])[];
      readonly end: { readonly by: string } | null;
    }
    const following = new OmoiProcess(['silences', 'list', '-f', '--json'], AS_OWNER);
    const said = await run(
      'silences',
      'add',
      'HighLoad',
      'team=~"a|b"',
      'or',
      'host=x',
      '--for',
      '2h',
      '--reason',
      'disks',
    );
    const [id = ''] = said.split(' ');
    expect(said).toContain(`${id} silences alertname="HighLoad" team=~"a|b" or host="x" until `);
    await until(() => following.stdout.includes(id), 'it is told of', LIMIT_MS);
    await following.stop();

    const { id: alert, rule_id: rule } = await anyAlert();
    const ofAlert = ['--alert', alert, '--for', '1h', '--until-resolved', '--reason', 'on it'];
    const one = await ask<Silence & { readonly alert_id: string }>('silences', 'add', ...ofAlert);
    expect(one.alert_id).toBe(alert);
    expect(one.matcher_sets[0]).toContain(`alertname="${rule.slice(rule.lastIndexOf('/') + 1)}"`);
    expect(await run('silences', 'show', one.id)).toMatch(/^until resolved +yes$/m);

    const { silences } = await ask<{ silences: readonly Silence[] }>('silences', 'list', '--match', 'host=x');
    expect(silences.map((silence) => silence.id)).toEqual([id]);
    expect(await run('silences', 'list')).toMatch(/^SILENCE +STATE +ENDS +BY +FOR +REASON$/m);
    expect(await run('silences', 'extend', id, '--for', '1d')).toMatch(/ ends in (23h59m|1d)\n$/);
    const changed = await run('silences', 'change', one.id, '--reason', 'soon', '--no-until-resolved');
    expect(changed).toContain(`${one.id} silences `);
    expect(await run('silences', 'show', one.id)).not.toMatch(/^until resolved/m);
    const other = await ask<Silence>('silences', 'change', one.id, 'host=y');
    expect(other.matcher_sets).toEqual([['host="y"']]);
    expect(await run('silences', 'show', one.id)).toMatch(new RegExp(`^replaced by +${other.id}$`, 'm'));
    for (const [gone, code, told] of [
      [one.id, 'silence_ended', `${other.id} took its place`],
      ['00000000-0000-4000-8000-000000000000', 'unknown_silence', ''],
    ] as const) {
      const late = await omoi(['silences', 'change', gone, '--reason', 'late'], AS_OWNER);
      expect(late).toMatchObject({ status: 1, stdout: '' });
      expect(late.stderr).toMatch(new RegExp(`^omoi: .*${told}.*\\(${code}\\)\\n`));
    }
    expect(await run('silences', 'expire', id, other.id)).toContain(`${id} has ended, `);
    expect((await omoi(['silences', 'list'], AS_OWNER)).stderr).toBe('omoi: no silence is set\n');
    const shown = await ask<Silence>('silences', 'show', id);
    expect([shown.state, shown.end?.by]).toEqual(['expired', 'the owner of the data directory']);
    const { events } = await ask<{ events: readonly { event_type: string }[] }>('events', '--about', id);
    expect(events.map(({ event_type: type }) => type).toSorted()).toEqual([
      'notification.silence.changed',
      'notification.silence.created',
      'notification.silence.expired',
    ]);
  });

  it('ends an alert that was posted, once', async () => {
    const posted = { labels: { alertname: 'BackupIsLate', agent_id: 'shells-1' } };
    const path = '/alertmanager/api/v2/alerts';
    expect(await admin.call(path, { method: 'POST', body: [posted] })).toMatchObject({ status: 200 });
    const said = await run('alerts', 'resolve', 'posted/BackupIsLate');
    const [id = ''] = said.split(' ');
    expect(said).toBe(`${id} (posted/BackupIsLate) is resolved\n`);
    const shown = await ask<{ alert: object }>('alerts', 'show', id);
    expect(shown.alert).toMatchObject({ state: 'resolved', cause: 'manual' });
    const again = await omoi(['alerts', 'resolve', id], AS_OWNER);
    expect(again.status).toBe(1);
    expect(again.stderr).toMatch(new RegExp(`^omoi: .*${id}.* \\(\\w+\\)\n`));
  });

  it('says who is on call, puts somebody else there, and takes that back', async () => {
    const now = async () => (await run('on-call', 'show')).split('\n');
    expect((await now())[1]).toMatch(/^infra +ada +ada +/);
    const put = ['infra', 'grace', '--for', '8h', '--reason', 'ada is on a train'];
    const { id, person } = await ask<{ id: string; person: string }>('on-call', 'override', ...put);
    expect(person).toBe('grace');
    const shown = await now();
    expect(shown[1]).toMatch(/^infra +grace \(override\) +grace +\S+Z \((8h|7h59m)\) +ada$/);
    expect(shown).toContainEqual(expect.stringMatching(`^${id} +infra +grace .*ada is on a train$`));
    expect((await omoi(['on-call', 'cancel', id], AS_OWNER)).stderr).toBe(
      'omoi: grace no longer stands in for infra\n',
    );
    expect((await now())[1]).toMatch(/^infra +ada +ada +/);
  });

  it('asks a server elsewhere as whom it has logged in', async () => {
    const token = (await run('tokens', 'create', 'ann', '--role', 'viewer')).trim();
    const elsewhere = { XDG_CONFIG_HOME: home };
    const logged = await omoi(['login', server.url], { ...elsewhere, OMOI_TOKEN: token });
    expect(logged).toMatchObject({ status: 0 });
    expect(statSync(join(home, 'omoi', 'logins.json')).mode & 0o777).toBe(0o600);
    const doctor = await omoi(['doctor'], { ...elsewhere, OMOI_URL: server.url });
    expect(doctor).toMatchObject({ status: 0, stderr: '' });
    expect(doctor.stdout).toMatch(/^ok +access +you are ann \(viewer\)/m);
    const refused = await omoi(['restart', 'shells-1'], { ...elsewhere, OMOI_URL: server.url });
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      /^omoi: .*\(forbidden\)\n {2}http:\/\/127\.0\.0\.1:\d+\/docs\/errors#forbidden\n$/,
    );
  });

  it.each([
    [['agents', 'retsart', 'shells-1'], 2, 'Did you mean restart?'],
    [['restart'], 2, "missing required argument 'agent'"],
    [['pools', 'scale', 'shells', '4', '--for', '3m'], 2, 'write +N, not 4'],
    [['restart', 'nobody'], 1, '(unknown_agent)'],
    [['ps', '--url', 'http://127.0.0.1:9'], 1, 'no server answers at http://127.0.0.1:9'],
    [['silences', 'add', 'a=b', '--for', '2h'], 2, "required option '--reason <text>' not specified"],
    [['silences', 'add', '--for', '2h', '--reason', 'x'], 2, 'name the alerts by matchers'],
    [['silences', 'expire', 'nothing'], 1, '(unknown_silence)'],
    [['login', 'build-1:4600'], 2, 'did you mean http://build-1:4600?'],
  ])('is told in a line what is wrong with %j', async (args, status, said) => {
    const ended = await omoi(args, AS_OWNER);
    expect(ended).toMatchObject({ status, stdout: '' });
    expect(ended.stderr).toContain(said);
    expect(ended.stderr.split('\n').length).toBeLessThan(4);
  });
});
