import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStage } from '../../src/alerting/alerting.test-support.ts';
import { DATABASE_KINDS } from './state-databases.ts';
import { openPlace } from './state-places.ts';

const RULES = `
groups:
  - name: g
    rules:
      - alert: High
        expr: queue > 30
      - alert: Slow
        expr: queue > 10
        for: 20s
`;

describe.each(DATABASE_KINDS)('the alerts on $name', (kind) => {
  describe.skipIf(!kind.available)('as long as it is there', () => {
    beforeAll(() => kind.start());
    afterAll(() => kind.stop());

    it('live through firing, a fault, a restart, a person and a reload', async () => {
      const place = await kind.createPlace();
      let stage = await openStage(RULES, {}, (clock) => openPlace(place, clock));
      try {
        stage.faults.push('unanswered');
        await stage.append({ 'queue{phase="a"}': 31, 'queue{phase="b"}': 11 });
        await stage.advance(10_000);
        expect(await stage.episodes()).toEqual(['g/High{"phase":"a"}: firing']);
        stage = await stage.restart({ downMs: 5000 });
        await stage.append({ 'queue{phase="a"}': 32, 'queue{phase="b"}': 11 });
        await stage.advance(15_000);
        const firing = await stage.alerting.alerts.list({ state: 'firing', matchers: ['phase=b'], limit: 5 });
        expect(firing.alerts.map((alert) => alert.rule_id)).toEqual(['g/Slow']);
        const [slow] = firing.alerts;
        await stage.alerting.handling.acknowledge(slow?.id ?? '', 'ada');
        await stage.alerting.alerts.resolve(slow?.id ?? '');
        await stage.alerting.rules.load([{ name: 'rules.yml', text: RULES.replace('> 30', '> 31') }]);
        await stage.append({ 'queue{phase="a"}': 3, 'queue{phase="b"}': 3 });
        await stage.advance(2000);
        const episodes = await stage.episodes();
        expect(episodes.toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
          'g/High{"phase":"a"}: resolved recovered',
          'g/Slow{"phase":"a"}: resolved recovered',
          'g/Slow{"phase":"b"}: resolved manual',
        ]);
        const types = (await stage.events()).map((event) => event.event_type);
        expect(types.filter((type) => type === 'monitor.alert.triggered')).toHaveLength(3);
        expect(types.filter((type) => type === 'monitor.alert.resolved')).toHaveLength(3);
      } finally {
        await stage.close();
      }
    });
  });
});
