import type { StateDatabase } from '#storage';
import type { Role } from '../access/roles.ts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  becomes,
  becomesInTime,
  heldBy,
  openStage,
  RESTART,
  silent,
  type Stage,
} from '../../watchdog/watchdog.test-support.ts';
import { callBelow, startTestApi, type TestAnswer, type TestApi } from '../api.test-support.ts';
import { registerMaintenanceRoutes } from './maintenance-routes.ts';
import { registerWatchdogRoutes } from './watchdog-routes.ts';

let stage: Stage;
let api: TestApi;

function call(role: Role, line: string, payload?: object): Promise<TestAnswer> {
  return callBelow('/api/v1/watchdog/', api, { role, line, ...(payload && { payload }) });
}

async function idOf(alertId: string): Promise<string> {
  const [detail] = await stage.archive.list({ alertId, limit: 1 });
  return detail?.remediation.id ?? '';
}

/** The alert as its record has it: `stage.alerts` keeps none. */
async function insertAlert(database: StateDatabase, id: string): Promise<void> {
  const row = {
    id,
    rule_id: 'fleet/Silent',
    rule_key: 'fleet/Silent',
    fingerprint: '0'.repeat(16),
    labels: '{}',
    annotations: '{}',
    source_labels: '{}',
    severity: 'error',
    state: 'firing' as const,
    value: '1',
    threshold: null,
    comparison: null,
    metric_name: null,
    active_at_ms: 0,
    fired_at_ms: 0,
    remediation_acted: 0,
    updated_at_ms: 0,
  };
  await database.transaction((tx) => tx.db.insertInto('alerts').values(row).execute());
}

beforeEach(async () => {
  stage = await openStage([RESTART.replace('mode: act', 'mode: approve')]);
  stage.fleet.addAgent('w-1');
  stage.fleet.addAgent('w-2');
  api = await startTestApi({
    register: (app) => {
      registerWatchdogRoutes(app, { watchdog: stage.watchdog, remediations: stage.archive });
      registerMaintenanceRoutes(app, stage);
    },
  });
});

afterEach(async () => {
  await api.close();
  await stage.close();
});

describe('/api/v1/watchdog', () => {
  it('shows the policies in force', async () => {
    const { status, body } = await call('viewer', 'GET policies');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      policies: [
        {
          name: 'restart_it',
          mode: 'approve',
          match: ['alertname="Silent"'],
          target: { kind: 'agent', label: 'agent_id' },
          steps: [
            { action: 'restart', verify_within_ms: 30_000 },
            { action: 'restart', verify_within_ms: 30_000 },
          ],
          guards: { cooldown_ms: 60_000, max_parallel: 2, spare_healthy: false },
        },
      ],
    });
  });

  it('pages through the policies in their order', async () => {
    await stage.watchdog.policies.load(
      ['one', 'two', 'three'].map((name) => ({
        name: `${name}.yaml`,
        text: RESTART.replace('name: restart_it', `name: ${name}`),
      })),
      stage.clock,
    );
    const names = async (query: string) => {
      const { body } = await call('viewer', `GET policies?${query}`);
      return (body['policies'] as { name: string }[] | undefined)?.map(({ name }) => name) ?? body['error'];
    };
    expect(await names('limit=2')).toEqual(['one', 'two']);
    expect(await names('limit=2&after=two')).toEqual(['three']);
    expect(await names('after=three')).toEqual([]);
    expect(await names('after=gone')).toBe('invalid_request');
  });

  it('refuses to begin a page behind what is no remediation', async () => {
    const { status, body } = await call('viewer', 'GET remediations?before=forged');
    expect([status, body['error']]).toEqual([400, 'invalid_request']);
    expect(body['message']).toContain('query.before: must be the id of a remediation');
  });

  it('says of a repeated last step what it has to bring about', async () => {
    const text = RESTART.replace(/ {2}- \{ action.*\n/, '');
    await stage.watchdog.policies.load([{ name: 'one.yaml', text }], stage.clock);
    await stage.changeStatus('w-1', { status: 'FAILED' });
    await stage.alerts.raise('a1', silent('w-1'));
    await becomes(stage, 'a1', 'verifying');
    await stage.changeStatus('w-1', { status: 'FAILED' });
    await heldBy(stage, 'a1', 'cooldown');
    await becomesInTime(stage, 'a1', 'verifying');
    const { body } = await call('viewer', `GET remediations/${await idOf('a1')}`);
    expect(body).toMatchObject({ step: 2, attempts: 2, verifies: expect.stringContaining('stays well') });
  });

  it('lets an operator approve, and shows what was done', async () => {
    await stage.alerts.raise('a1', silent('w-1'));
    await becomes(stage, 'a1', 'awaiting_approval');
    const id = await idOf('a1');
    expect((await call('viewer', `POST remediations/${id}/approve`)).status).toBe(403);
    expect((await call('operator', `POST remediations/${id}/approve`)).status).toBe(200);
    await becomes(stage, 'a1', 'verifying');
    const { body } = await call('viewer', `GET remediations/${id}`);
    expect(body).toMatchObject({
      state: 'verifying',
      step: 1,
      target: { kind: 'agent', id: 'w-1' },
      actions: [
        {
          step: 1,
          action: 'restart',
          expected_generation: 1,
          attempts: 1,
          next_attempt_at: null,
          result: 'done',
          detail: 'generation 2 should run',
        },
      ],
    });
    const again = await call('operator', `POST remediations/${id}/approve`);
    expect([again.status, again.body['error']]).toEqual([409, 'remediation_settled']);
  });

  it('lets an operator reject, and pages through what there was', async () => {
    await stage.alerts.raise('a1', silent('w-1'));
    await stage.alerts.raise('a2', silent('w-2'));
    await becomes(stage, 'a2', 'awaiting_approval');
    const rejected = await call('operator', `POST remediations/${await idOf('a2')}/reject`);
    expect(rejected.body).toMatchObject({ state: 'cancelled', outcome: 'cancelled' });
    const listed = async (query: string) => {
      const { body } = await call('viewer', `GET remediations?${query}`);
      return (body['remediations'] as { alert_id: string }[]).map((one) => one.alert_id);
    };
    expect(await listed('state=awaiting_approval')).toEqual(['a1']);
    expect(await listed('target_id=w-2')).toEqual(['a2']);
    const newest = await listed('limit=1');
    const before = await idOf(newest[0] ?? '');
    expect([...newest, ...(await listed(`before=${before}`))].toSorted()).toEqual(['a1', 'a2']);
    const unknown = await call('viewer', 'GET remediations/rem_no');
    expect([unknown.status, unknown.body['error']]).toEqual([404, 'unknown_remediation']);
  });

  it('lists what the guardian has while its alert fires, and the newest relapse of what is tried again', async () => {
    await api.close();
    await stage.close();
    stage = await openStage([RESTART]);
    stage.fleet.addAgent('w-1');
    stage.fleet.addAgent('w-2');
    api = await startTestApi({
      register: (app) =>
        registerWatchdogRoutes(app, { watchdog: stage.watchdog, remediations: stage.archive }),
    });
    const concern = async (name: string) => {
      const { body } = await call('viewer', `GET remediations?concern=${name}`);
      return (body['remediations'] as { alert_id: string }[]).map((one) => one.alert_id);
    };
    const fires = (alertId: string) => insertAlert(stage.database, alertId);
    const ends = (alertId: string) =>
      stage.database.transaction((tx) =>
        tx.db.updateTable('alerts').set({ state: 'resolved' }).where('id', '=', alertId).execute(),
      );
    for (const alertId of ['a1', 'a2', 'a3']) {
      await fires(alertId);
      await stage.alerts.raise(alertId, silent('w-1'));
      await becomesInTime(stage, alertId, 'verifying');
      const earlier = alertId === 'a1' ? [] : [`a${Number(alertId.slice(1)) - 1}`];
      expect(await concern('relapsing')).toEqual(earlier);
      await Promise.all([stage.alerts.resolve(alertId, 'remediated'), ends(alertId)]);
      await becomes(stage, alertId, 'completed(healed)');
      expect(await concern('relapsing')).toEqual([]);
      await stage.clock.advance(1000);
    }
    await fires('a4');
    await stage.alerts.raise('a4', silent('w-1'));
    await becomes(stage, 'a4', 'escalated(no_effect)');
    expect(await concern('given_up')).toEqual(['a4']);
    expect(await concern('relapsing')).toEqual([]);
    await ends('a4');
    expect(await concern('given_up')).toEqual([]);
    const wrong = await call('viewer', 'GET remediations?concern=none');
    expect([wrong.status, wrong.body['error']]).toEqual([400, 'invalid_request']);
  });

  it('pauses and resumes', async () => {
    expect((await call('viewer', 'POST pause', { reason: 'x' })).status).toBe(403);
    expect((await call('operator', 'POST pause', {})).status).toBe(400);
    const paused = await call('operator', 'POST pause', { reason: 'maintenance' });
    expect(paused.body).toMatchObject({ states: [{ state: 'paused', reason: 'maintenance' }] });
    await stage.alerts.raise('a1', silent('w-1'));
    await heldBy(stage, 'a1', 'paused');
    const { body } = await call('viewer', `GET remediations/${await idOf('a1')}`);
    expect(body).toMatchObject({
      state: 'planned',
      suppressions: [{ guard: 'paused', count: 1, until: null }],
    });
    expect((await call('operator', 'POST resume')).body).toMatchObject({
      states: [],
      storms: [],
      more_storms: 0,
    });
    expect((await call('viewer', 'GET state')).body).toMatchObject({
      states: [],
      storms: [],
      more_storms: 0,
    });
    await becomes(stage, 'a1', 'awaiting_approval');
  });

  it('takes the reason of a second pause, tells it, and keeps it over a restart', async () => {
    const { body: first } = await call('operator', 'POST pause', { reason: 'maintenance' });
    await stage.clock.advance(5000);
    for (const reason of ['an upgrade', 'an upgrade']) await call('operator', 'POST pause', { reason });
    const { body } = await call('viewer', 'GET state');
    const [{ since }] = (first as { readonly states: readonly [{ readonly since: string }] }).states;
    expect(body).toMatchObject({ states: [{ state: 'paused', reason: 'an upgrade', since }] });
    await stage.restartProcess();
    expect(stage.watchdog.states.get('paused')).toMatchObject({ reason: 'an upgrade' });
    const told = (await stage.events()).filter((event) => event.event_type === 'watchdog.state.changed');
    expect(told.map(({ payload }) => payload)).toMatchObject([
      { state: 'paused', active: true, reason: 'maintenance' },
      { state: 'paused', active: true, reason: 'an upgrade' },
    ]);
  });

  it('lists the failure domains that are in a storm', async () => {
    stage.fleet.silent = 3;
    await stage.clock.advance(1000);
    const startedAt = stage.clock.wallMs();
    await vi.waitFor(async () => {
      const { body } = await call('viewer', 'GET state');
      expect(body).toMatchObject({
        states: [{ state: 'storm', by: 'watchdog' }],
        storms: [
          {
            domain: 'pool:demo',
            reason: expect.stringMatching(/^3 of \d+ agents fell silent at once$/),
            since: new Date(startedAt).toISOString(),
          },
        ],
        more_storms: 0,
      });
    });
    // Read is how it stands now.
    stage.fleet.silent = 4;
    await stage.clock.advance(1000);
    await vi.waitFor(async () => {
      const { body } = await call('viewer', 'GET state');
      const now = expect.stringMatching(/^4 of \d+ agents are silent$/) as string;
      const named = expect.stringMatching(/^pool:demo: 4 of \d+ agents are silent$/) as string;
      expect(body).toMatchObject({
        states: [{ state: 'storm', reason: named }],
        storms: [{ domain: 'pool:demo', reason: now }],
      });
    });
    expect((await call('operator', 'POST resume')).body).toMatchObject({ storms: [] });
  });

  it('puts an agent under maintenance and ends it', async () => {
    const order = { target: 'w-1', duration_ms: 60_000, reason: 'new disks' };
    expect((await call('viewer', 'POST maintenance', order)).status).toBe(403);
    const begun = await call('operator', 'POST maintenance', order);
    const startedAt = stage.clock.wallMs();
    expect([begun.status, begun.body]).toEqual([
      201,
      {
        id: expect.stringMatching(/^mnt_/) as string,
        target: { kind: 'agent', id: 'w-1' },
        reason: 'new disks',
        started_by: 'the operator',
        started_at: new Date(startedAt).toISOString(),
        until: new Date(startedAt + 60_000).toISOString(),
      },
    ]);
    await stage.alerts.raise('a1', silent('w-1'));
    await heldBy(stage, 'a1', 'maintenance');
    expect((await call('viewer', 'GET maintenance')).body).toEqual({ maintenances: [begun.body] });
    expect((await call('viewer', 'GET state')).body).toMatchObject({ maintenances: 1 });
    const path = `DELETE maintenance/${String(begun.body['id'])}`;
    expect((await call('viewer', path)).status).toBe(403);
    for (const _time of [1, 2]) expect((await call('operator', path)).body).toEqual({ maintenances: [] });
    await becomes(stage, 'a1', 'awaiting_approval');
  });

  it('says of what is held which maintenance lasts longest now, whichever held it first', async () => {
    const lengthsMs = [60_000, 3_600_000];
    const begin = async (at: number) =>
      (
        await call('operator', 'POST maintenance', {
          target: 'w-1',
          duration_ms: lengthsMs[at],
          reason: `the ${at}.`,
        })
      ).body;
    const shown = async () => {
      const { body } = await call('viewer', `GET remediations/${await idOf('a1')}`);
      return (body['suppressions'] as { reason: string; until: string }[])[0];
    };
    const first = await begin(0);
    await stage.alerts.raise('a1', silent('w-1'));
    await heldBy(stage, 'a1', 'maintenance');
    const second = await begin(1);
    const longest = {
      reason: 'agent:w-1 is under maintenance by the operator: the 1.',
      until: second['until'],
    };
    expect(await shown()).toMatchObject(longest);
    await call('operator', `DELETE maintenance/${String(second['id'])}`);
    const left = { reason: 'agent:w-1 is under maintenance by the operator: the 0.', until: first['until'] };
    expect(await shown()).toMatchObject(left);
  });

  it.each([
    ['an unknown target', { target: 'nobody' }, 404, 'unknown_target'],
    ['too long', { duration_ms: 8 * 86_400_000 }, 400, 'invalid_request'],
    ['no reason', { reason: '' }, 400, 'invalid_request'],
  ])('refuses a maintenance: %s', async (_what, change, status, error) => {
    const order = { target: 'w-1', duration_ms: 60_000, reason: 'new disks', ...change };
    const answer = await call('operator', 'POST maintenance', order);
    expect([answer.status, answer.body['error']]).toEqual([status, error]);
  });
});
