import { afterEach, expect, it } from 'vitest';
import { labelValue } from '#telemetry';
import {
  openNotificationStage,
  RecordingReceiver,
  type NotificationStage,
} from '../notification.test-support.ts';
import { maintenanceStage } from './maintenance-stage.ts';

const MINUTE = 60_000;
let stage: NotificationStage;
afterEach(() => stage.close());

it('tells nobody of what is in a maintenance until that has ended, and the end of what somebody knew', async () => {
  const team = new RecordingReceiver();
  let inMaintenance: readonly string[] = [];
  const stages = [
    maintenanceStage((labels) => (inMaintenance.includes(labelValue(labels, 'pool_id')) ? 'mnt_1' : null)),
  ];
  stage = await openNotificationStage({ receivers: { team: [team] }, stages });
  await stage.alerts.fire({ a: { alertname: 'A', pool_id: 'web' } });
  await stage.clock.advance(MINUTE);
  expect(team.take()).toEqual(['first_notification +a']);
  inMaintenance = ['web', 'db'];
  await stage.alerts.fire({ b: { alertname: 'B', pool_id: 'db' } });
  await stage.alerts.resolve('a');
  await stage.clock.advance(5 * MINUTE);
  expect(team.take()).toEqual(['all_resolved -a']);
  expect((await stage.notification.explain('b')).decisions.at(-1)).toMatchObject({
    stage: 'maintenance',
    decision: 'kept back',
    reason: 'a maintenance runs for what it is about (mnt_1)',
  });
  inMaintenance = [];
  await stage.clock.advance(2 * MINUTE);
  expect(team.take()).toEqual(['new_alerts +b']);
});
