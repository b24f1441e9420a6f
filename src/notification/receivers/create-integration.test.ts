import { beforeEach, expect, it } from 'vitest';
import { statusOfMessage } from '../message.ts';
import { DELIVERED, RecordingReceiver } from '../notification.test-support.ts';
import { createIntegration } from './create-integration.ts';
import type { Delivery, IncidentLog } from './integration.ts';
import { resolvedMessage } from './message.test-support.ts';
import type { IntegrationTools } from './receiver-kind.ts';

/** What is asked of the service and of the log, in order. */
const asked: string[] = [];
beforeEach(() => {
  asked.length = 0;
});

const incident: IncidentLog = {
  isOpen: false,
  opened: (memory) => {
    asked.push(`written ${JSON.stringify(memory)}`);
    return Promise.resolve();
  },
};

function sent(log: IncidentLog, { sendResolved = true } = {}): Promise<Delivery> {
  const service = new RecordingReceiver({ sendResolved });
  service.answer = (message, { memory }) => {
    asked.push(`${statusOfMessage(message)} ${JSON.stringify(memory)}`);
    return { ...DELIVERED, memory: { issue: 'OPS-1' } };
  };
  const kind = {
    opensIncidents: true,
    create: () => service,
  } as const;
  // None of them is needed to make it.
  const made = createIntegration(kind, { settings: null, index: 0 }, {} as IntegrationTools);
  if (!made) throw new Error('it is built');
  const { signal } = new AbortController();
  return made.send(resolvedMessage({ reason: 'brief' }), { signal, memory: null, incident: log });
}

it('an incident of what came and went is written down as open before its closing is sent', async () => {
  expect(await sent(incident)).toEqual({
    outcome: 'delivered',
    answer: 'incident opened (HTTP 200) and closed (HTTP 200)',
    memory: { issue: 'OPS-1' },
  });
  expect(asked).toEqual(['firing null', 'written {"issue":"OPS-1"}', 'resolved {"issue":"OPS-1"}']);
});

it('is closed alone where it is open already', async () => {
  expect(await sent({ ...incident, isOpen: true })).toMatchObject({
    outcome: 'delivered',
    answer: 'incident opened before and closed (HTTP 200)',
  });
  expect(asked).toEqual(['resolved null']);
});

it.each([
  [false, ['firing null']],
  [true, []],
])('is left open where nothing is closed by messages; open already: %s', async (isOpen, calls) => {
  expect(await sent({ ...incident, isOpen }, { sendResolved: false })).toMatchObject({
    outcome: 'delivered',
    answer: expect.stringContaining('to be closed by hand (send_resolved)'),
  });
  expect(asked).toEqual(calls);
});

it('is not closed before that could be written down', async () => {
  const opened = () => Promise.reject(new Error('the database is away'));
  expect(await sent({ ...incident, opened })).toMatchObject({
    outcome: 'failed',
    retryable: true,
    isOpened: true,
    reason:
      'incident opened, but not closed: that it is open cannot be written down now: the database is away',
  });
  expect(asked).toEqual(['firing null']);
});
