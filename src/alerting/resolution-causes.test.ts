import { describe, expect, it } from 'vitest';
import { HIGH, rule, stagesOfTest } from './rule-stage.test-support.ts';

const stages = stagesOfTest();

describe('causes', () => {
  it('a vanished series is no recovery', async () => {
    const stage = await stages.open(HIGH);
    await stage.append({ 'queue{phase="a"}': 31, 'queue{phase="b"}': 3 });
    await stage.append({ 'queue{phase="a"}': null });
    await stage.advance(1500);
    expect(await stage.episodes()).toEqual([
      'g/High{"phase":"a","severity":"critical"}: resolved data_vanished',
    ]);
  });

  it('missing data resolves nothing right after the start', async () => {
    const stage = await stages.open(HIGH, { startupGraceMs: 30_000 });
    await stage.append({ queue: 31 });
    await stage.append({ queue: null });
    await stage.advance(20_000);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: firing']);
    await stage.advance(12_000);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: resolved data_vanished']);
  });

  it('what was missing right after the start has to be seen false for a while when it is back', async () => {
    const stage = await stages.open(HIGH, { startupGraceMs: 30_000 });
    await stage.append({ queue: 31 });
    await stage.append({ queue: 3 });
    await stage.append({ queue: null });
    await stage.advance(5000);
    await stage.append({ queue: 3 });
    await stage.advance(500);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: firing']);
    await stage.advance(1000);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: resolved recovered']);
  });

  it('`absent` recovers when data comes back', async () => {
    const stage = await stages.open(rule('alert: Gone\nexpr: absent(queue)'));
    await stage.advance(250);
    expect(await stage.episodes()).toEqual(['g/Gone{}: firing']);
    await stage.append({ queue: 1 });
    await stage.advance(1500);
    expect(await stage.episodes()).toEqual(['g/Gone{}: resolved recovered']);
  });

  it('a failing query keeps the alert firing, marked, and resolves only after a long time', async () => {
    const stage = await stages.open(HIGH, { failedRuleResolveMs: 120_000 });
    await stage.append({ queue: 31 });
    stage.queries.failures.set('queue', 'many-to-many matching');
    await stage.advance(61_000);
    const alertId = (await stage.events())[0]?.entity_id ?? '';
    const errorOf = async () => (await stage.alerting.alerts.get(alertId)).evaluation_error;
    await waitUntil(async () => (await errorOf()) === 'many-to-many matching');
    expect(await stage.statistics()).toMatchObject({ health: 'err' });
    stage.queries.failures.clear();
    await stage.append({ queue: 32 });
    await stage.advance(500);
    await waitUntil(async () => (await errorOf()) === null);
    stage.queries.failures.set('queue', 'many-to-many matching');
    await stage.advance(181_000);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: resolved evaluation_failed']);
  });

  it('a recovery after a remediation has acted is that remediation’s', async () => {
    const stage = await stages.open(HIGH);
    await stage.append({ queue: 31 });
    const alertId = (await stage.events())[0]?.entity_id ?? '';
    await stage.database.transaction((tx) =>
      stage.bus.append(tx, {
        event_type: 'watchdog.remediation.started',
        entity_type: 'remediation',
        entity_id: 'rem_1',
        traceparent: null,
        payload: { remediation_id: 'rem_1', policy: 'p', alert_id: alertId, target: 'pool:a', step: 'scale' },
      }),
    );
    await waitUntil(async () => (await stage.alerting.alerts.get(alertId)).remediation_id === 'rem_1');
    await stage.append({ queue: 3 });
    await stage.advance(1500);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: resolved remediated']);
    const resolved = stage.tracing.spans.find(({ name }) => name === 'alerting.resolve');
    expect(resolved?.attributes?.['omoi.cause']).toBe('remediated');
  });

  it('a person’s resolution holds until the condition was false once', async () => {
    const stage = await stages.open(HIGH);
    await stage.append({ queue: 31 });
    const alertId = (await stage.events())[0]?.entity_id ?? '';
    await stage.alerting.handling.acknowledge(alertId, 'ada');
    await stage.alerting.alerts.resolve(alertId);
    await expect(stage.alerting.alerts.resolve(alertId)).rejects.toMatchObject({ code: 'alert_resolved' });
    await expect(stage.alerting.handling.acknowledge(alertId, 'ada')).rejects.toMatchObject({
      code: 'alert_resolved',
    });
    await stage.append({ queue: 40 });
    await stage.advance(2000);
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: resolved manual']);
    await stage.append({ queue: 3 });
    await stage.advance(100);
    await stage.append({ queue: 40 });
    expect(await stage.episodes()).toHaveLength(2);
    expect((await stage.alerting.alerts.timeline(alertId)).map((event) => event.event_type)).toEqual([
      'monitor.alert.triggered',
      'monitor.alert.acknowledged',
      'monitor.alert.resolved',
    ]);
  });

  it('a person’s resolution of what has been false since it fired holds nothing back', async () => {
    const stage = await stages.open(HIGH);
    await stage.append({ queue: 31 });
    const alertId = (await stage.events())[0]?.entity_id ?? '';
    await stage.append({ queue: 3 });
    expect(await stage.episodes()).toEqual(['g/High{"severity":"critical"}: firing']);
    await stage.alerting.alerts.resolve(alertId);
    await stage.append({ queue: 40 });
    expect(await stage.episodes()).toEqual([
      'g/High{"severity":"critical"}: resolved manual',
      'g/High{"severity":"critical"}: firing',
    ]);
  });

  it('two results with the same labels fail the rule, and so does a limit', async () => {
    const stage = await stages.open(
      rule('alert: High\nexpr: queue > 30\nlabels: {phase: ""}', '    limit: 2\n'),
    );
    const health = async () => (await stage.statistics()).lastError;
    await stage.append({ 'queue{phase="a"}': 31, 'queue{phase="b"}': 31 });
    expect(await health()).toContain('same labelset');
    await stage.append({ 'queue{phase="c"}': 31 });
    await stage.advance(100);
    expect(await health()).toContain('exceeded limit of 2 with 3 alerts');
    expect(await stage.episodes()).toEqual([]);
  });
});

async function waitUntil(holds: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 60_000;
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error('it never came');
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
