import { expect, it } from 'vitest';
import { openNotificationStage, testRoute } from '../../notification.test-support.ts';
import { exampleMessage } from '../message.test-support.ts';
import { emailAt, stageMailServers } from './email-stage.test-support.ts';
import { refusal } from './mail-server.test-support.ts';
import type { Integration } from '../integration.ts';

const { mailServer } = stageMailServers();
const OPS = 'ops@example.org';
const EVA = 'eva@example.org';

it('whoever has a mail gets it no second time after a kill, and who could not be given it gets it', async () => {
  const refused = new Map([[EVA, '450 4.2.0 Greylisted']]);
  const server = await mailServer({
    onRcptTo: ({ address }, _, callback) => {
      const answer = refused.get(address);
      callback(answer === undefined ? null : refusal(answer));
    },
  });
  const sending = new Set<Promise<unknown>>();
  const email = emailAt(server.port);
  const integration: Integration = {
    type: email.type,
    index: email.index,
    sendResolved: email.sendResolved,
    maxAlerts: email.maxAlerts,
    timeoutMs: email.timeoutMs,
    // Nothing of the mail is in the memory of the process that sends it again.
    send: (message, options) => {
      const sent = emailAt(server.port).send(message, options);
      sending.add(sent);
      return sent.finally(() => sending.delete(sent));
    },
  };
  const stage = await openNotificationStage({ route: testRoute(), receivers: { team: [integration] } });
  try {
    stage.clock.waitFor(async () => {
      await Promise.all(sending);
    });
    await stage.alerts.fire({ a: { alertname: 'A', group: 'one' } });
    await stage.clock.advance(10_500);
    expect(server.received.map(({ to }) => to)).toEqual([[OPS]]);
    refused.clear();
    stage.killAfterCommits(0);
    await stage.revive();
    await stage.clock.advance(120_000);
    expect(server.received.map(({ to }) => to)).toEqual([[OPS], [EVA]]);
    await stage.clock.advance(600_000);
    expect(server.received).toHaveLength(2);
  } finally {
    await stage.close();
  }
});

it('sends nothing where all of its recipients have it', async () => {
  const server = await mailServer();
  const { signal } = new AbortController();
  const options = { signal, memory: null, takenBy: [OPS, EVA] };
  expect(await emailAt(server.port).send(exampleMessage(), options)).toMatchObject({ outcome: 'delivered' });
  expect(server.received).toEqual([]);
});
