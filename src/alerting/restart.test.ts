import { describe, expect, it } from 'vitest';
import type { Stage } from './alerting.test-support.ts';
import { HIGH, rule, stagesOfTest } from './rule-stage.test-support.ts';

const stages = stagesOfTest();

describe('what survives a restart', () => {
  it.each([{ crash: false }, { crash: true }])(
    'a firing alert goes on as the same episode (%j)',
    async ({ crash }) => {
      const before = await stages.open(HIGH);
      await before.append({ queue: 31 });
      await before.advance(1000);
      const after = await stages.restart(before, { downMs: 10_000, crash });
      await after.append({ queue: 35 });
      await after.advance(2000);
      expect(await after.episodes()).toEqual(['g/High{"severity":"critical"}: firing']);
      await after.append({ queue: 3 });
      await after.advance(1500);
      expect(await after.episodes()).toEqual(['g/High{"severity":"critical"}: resolved recovered']);
      expect((await after.events()).map((event) => event.event_type)).toEqual([
        'monitor.alert.triggered',
        'monitor.alert.resolved',
      ]);
    },
  );

  it('a pending alert keeps its time, without the downtime', async () => {
    const before = await stages.open(rule('alert: High\nexpr: queue > 30\nfor: 60s'));
    await before.append({ queue: 31 });
    await before.advance(40_000);
    const after = await stages.restart(before, { downMs: 100_000 });
    await after.append({ queue: 31 });
    await after.advance(19_000);
    expect(await after.episodes()).toEqual([]);
    await after.advance(2000);
    expect(await after.episodes()).toEqual(['g/High{}: firing']);
  });

  it('a pending alert does not outlive a long downtime', async () => {
    const before = await stages.open(rule('alert: High\nexpr: queue > 30\nfor: 60s'), {
      outageToleranceMs: 60_000,
    });
    await before.append({ queue: 31 });
    await before.advance(59_000);
    const after = await stages.restart(before, { downMs: 61_000 });
    await after.append({ queue: 31 });
    await after.advance(50_000);
    expect(await after.episodes()).toEqual([]);
  });

  it('keep_firing_for goes on where it was', async () => {
    const before = await stages.open(rule('alert: High\nexpr: queue > 30\nkeep_firing_for: 60s'));
    await before.append({ queue: 31 });
    await before.append({ queue: 3 });
    await before.advance(40_000);
    const after = await stages.restart(before, { downMs: 5000 });
    await after.append({ queue: 3 });
    await after.advance(18_000);
    expect(await after.episodes()).toEqual(['g/High{}: firing']);
    await after.advance(4000);
    expect(await after.episodes()).toEqual(['g/High{}: resolved recovered']);
  });

  it('keep_firing_for, also where the clock was an hour ahead and was set right', async () => {
    const before = await stages.open(rule('alert: High\nexpr: queue > 30\nkeep_firing_for: 60s'));
    before.clock.stepWallClock(3_600_000);
    await before.append({ queue: 31 });
    await before.append({ queue: 3 });
    await before.advance(40_000);
    before.clock.stepWallClock(-3_600_000);
    const after = await stages.restart(before, { downMs: 5000, crash: true });
    await after.append({ queue: 3 });
    await after.advance(10_000);
    expect(await after.episodes()).toEqual(['g/High{}: firing']);
    await after.advance(20_000);
    expect(await after.episodes()).toEqual(['g/High{}: resolved recovered']);
  });

  it('a person’s resolution', async () => {
    const before = await stages.open(HIGH);
    await before.append({ queue: 31 });
    await before.alerting.alerts.resolve((await before.events())[0]?.entity_id ?? '');
    const after = await stages.restart(before);
    await after.append({ queue: 33 });
    await after.advance(2000);
    expect(await after.episodes()).toEqual(['g/High{"severity":"critical"}: resolved manual']);
  });

  it('a person’s resolution of what had been false since it fired holds nothing back', async () => {
    const before = await stages.open(HIGH);
    await before.append({ queue: 31 });
    await before.append({ queue: 3 });
    await before.alerting.alerts.resolve((await before.events())[0]?.entity_id ?? '');
    const after = await stages.restart(before, { crash: true });
    await after.append({ queue: 33 });
    expect(await after.episodes()).toEqual([
      'g/High{"severity":"critical"}: resolved manual',
      'g/High{"severity":"critical"}: firing',
    ]);
  });

  it('alerts of a rule that is gone end', async () => {
    const before = await stages.open(HIGH);
    await before.append({ queue: 31 });
    await before.alerting.rules.load([{ name: 'rules.yml', text: rule('alert: Other\nexpr: queue > 90') }]);
    expect(await before.episodes()).toEqual(['g/High{"severity":"critical"}: resolved manual']);
  });
});

describe('the series ALERTS after a restart', () => {
  const states = (stage: Stage) =>
    stage.samples
      .live('ALERTS', stage.clock.wallMs())
      .map(({ alertname, alertstate }) => `${alertname} ${alertstate}`)
      .sort();

  it.each([{ crash: false }, { crash: true }])(
    'end where their alert did, though the process did not hear of it (%j)',
    async ({ crash }) => {
      const before = await stages.open(HIGH);
      await before.append({ queue: 31 });
      before.faults.push('unanswered');
      const resolving = before.alerting.alerts.resolve((await before.events())[0]?.entity_id ?? '');
      await expect(resolving).rejects.toMatchObject({ code: 'database_failed' });
      expect(states(before)).toEqual(['High firing']);
      const after = await stages.restart(before, { downMs: 500, crash });
      expect(states(after)).toEqual([]);
      expect(after.samples.live('ALERTS_FOR_STATE', after.clock.wallMs())).toEqual([]);
      await after.append({ queue: 3 });
      await after.append({ queue: 32 });
      expect(states(after)).toEqual(['High firing']);
    },
  );

  it('end where a pending alert does not outlive the downtime', async () => {
    const before = await stages.open(rule('alert: High\nexpr: queue > 30\nfor: 60s'), {
      outageToleranceMs: 60_000,
    });
    await before.append({ queue: 31 });
    await before.advance(1000);
    const after = await stages.restart(before, {
      downMs: 61_000,
      rules: rule('alert: High\nexpr: queue > 90'),
    });
    expect(states(after)).toEqual([]);
  });

  it('go on where their alert does, and where somebody else sends them', async () => {
    const before = await stages.open(HIGH);
    await before.append({ queue: 31 });
    await before.append({ 'ALERTS{alertname="Theirs",alertstate="firing"}': 1 });
    await before.advance(1000);
    const after = await stages.restart(before, { downMs: 500, crash: true });
    expect(states(after)).toEqual(['High firing', 'Theirs firing']);
  });
});
