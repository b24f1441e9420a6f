import { beforeEach, describe, expect, it } from 'vitest';
import {
  openNotificationStage,
  prepared,
  RecordingReceiver,
  useTestNotification,
  type TestConfiguration,
} from '../notification.test-support.ts';
import { A, ladderRoute } from './escalation.test-support.ts';

const MINUTE = 60_000;
const test = useTestNotification();
const { pass } = test;
let team: RecordingReceiver;
let pager: RecordingReceiver;

const settingsOf = (key: string) => ({ url: key.startsWith('team') ? 'team' : 'pager' });

function configured(changes: TestConfiguration): TestConfiguration {
  const steps = [{ afterMs: 10 * MINUTE, receiver: 'pager', severity: null }];
  return {
    route: ladderRoute,
    escalations: { page: { steps, repeats: 0, during: null } },
    settingsOf,
    ...changes,
  };
}

beforeEach(async () => {
  team = new RecordingReceiver();
  pager = new RecordingReceiver();
  test.stage = await openNotificationStage(configured({ receivers: { team: [team], pager: [pager] } }));
  await test.stage.alerts.fire({ a: A });
  await pass(11 * MINUTE);
  expect(pager.take()).toEqual(['escalation +a']);
});

async function reload(receivers: TestConfiguration['receivers']): Promise<void> {
  await test.stage.notification.take(prepared(configured({ ...(receivers && { receivers }) })));
  await pass(MINUTE);
  await test.stage.alerts.resolve('a');
  await pass(2 * MINUTE);
}

const unheard = async () => {
  await test.stage.notification.decisions.settled();
  const { decisions } = await test.stage.notification.explain('a');
  return decisions.flatMap((one) => (one.decision === 'not sent' ? `${one.stage}: ${one.reason}` : []));
};

describe('whoever was told by a ladder, and is taken away by a reload,', () => {
  it('hears of the end at the same address under another name', async () => {
    await reload({ team: [team], beeper: [pager] });
    expect(pager.take()).toEqual(['all_resolved -a']);
    expect(await unheard()).toEqual([]);
  });

  it('does not where nothing leads there any more, and the explanation says so', async () => {
    await reload({ team: [team] });
    expect(pager.take()).toEqual([]);
    expect(await unheard()).toEqual([
      'escalation: pager/webhook/0 was told that it fires and is not configured any more: nobody hears there that it is over',
    ]);
  });
});
