import { createHash } from 'node:crypto';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { Message } from '../../message.ts';
import { exampleAlert, exampleMessage, resolvedMessage } from '../message.test-support.ts';
import { createIntegration, loopbackClient } from '../receiver-conformance.test-support.ts';
import { ReceiverServer } from '../receiver-server.test-support.ts';
import { maxEventBytes, maxKeptDetailBytes } from './pagerduty-events.ts';
import { pagerdutyReceiver } from './pagerduty-receiver.ts';
import { pagerdutySettingsSchema } from './pagerduty-settings.ts';

const server = new ReceiverServer();
const http = loopbackClient();

beforeAll(async () => {
  await server.open();
});
beforeEach(() => server.reset());
afterAll(async () => {
  http.close();
  await server.close();
});

async function send(
  written: Readonly<Record<string, unknown>>,
  message: Message = exampleMessage(),
  files: Readonly<Record<string, string>> = {},
) {
  const global = { pagerduty_url: `${server.addressAs()}/v2/enqueue` };
  const integration = createIntegration({ kind: pagerdutyReceiver, files }, { written, global, http });
  return await integration.send(message, { signal: new AbortController().signal, memory: null });
}

interface Event extends Readonly<Record<string, unknown>> {
  readonly payload?: { readonly custom_details: Readonly<Record<string, unknown>> };
}

function event(): Event {
  return JSON.parse(server.received.at(-1)?.body ?? '') as Event;
}

const DEDUP_KEY = createHash('sha256').update(exampleMessage().groupKey).digest('hex');

describe('settings', () => {
  it('have the defaults of Alertmanager', () => {
    expect(
      pagerdutySettingsSchema.parse({ routing_key: 'a', details: { firing: 'own', team: 'web' } }),
    ).toMatchObject({
      send_resolved: true,
      client: '{{ template "pagerduty.default.client" . }}',
      source: '{{ template "pagerduty.default.client" . }}',
      severity: 'error',
      details: {
        firing: 'own',
        team: 'web',
        resolved: '{{ .Alerts.Resolved | toJson }}',
        num_firing: '{{ .Alerts.Firing | len }}',
      },
    });
  });

  it.each([
    [{}, 'missing service or routing key in PagerDuty config'],
    [
      { routing_key: 'a', routing_key_file: '/f' },
      'at most one of routing_key & routing_key_file must be configured',
    ],
    [
      { service_key: 'a', service_key_file: '/f' },
      'at most one of service_key & service_key_file must be configured',
    ],
  ])('%j: %s', (written, message) => {
    const { error } = pagerdutySettingsSchema.safeParse(written);
    expect(error?.issues.map((issue) => issue.message)).toContain(message);
  });
});

describe('an event of version 2', () => {
  it('holds what the configuration says', async () => {
    await send({
      routing_key: 'key-{{ .CommonLabels.severity }}',
      client: 'Omoi',
      client_url: 'https://omoi.example',
      description: 'd'.repeat(2000),
      severity: '{{ .CommonLabels.severity }}',
      class: 'c',
      component: '',
      group: 'g',
      details: {
        firing: '7',
        nested: { list: ['{{ .CommonLabels.agent_id }}', '{a: 1}'] },
        resolved: '',
        num_firing: 'x',
        num_resolved: 'x',
      },
      images: [{ src: 'https://example.com/a.png', alt: 'A' }, { src: '{{ .CommonLabels.nothing }}' }],
      links: [{ href: 'https://example.com/r', text: 'Runbook' }, { href: '' }],
    });
    expect(server.received[0]?.path).toBe('/v2/enqueue');
    expect(event()).toEqual({
      routing_key: 'key-critical',
      dedup_key: DEDUP_KEY,
      event_action: 'trigger',
      client: 'Omoi',
      client_url: 'https://omoi.example',
      images: [{ src: 'https://example.com/a.png', alt: 'A', href: '' }],
      links: [{ href: 'https://example.com/r', text: 'Runbook' }],
      payload: {
        summary: `${'d'.repeat(1023)}…`,
        source: 'Omoi',
        severity: 'critical',
        class: 'c',
        group: 'g',
        custom_details: {
          firing: 7,
          nested: { list: ['w-1', { a: 1 }] },
          resolved: null,
          num_firing: 'x',
          num_resolved: 'x',
        },
      },
    });
  });

  it('resolves the incident that it has opened', async () => {
    await send({ routing_key: 'a' }, resolvedMessage());
    expect(event()).toMatchObject({ dedup_key: DEDUP_KEY, event_action: 'resolve' });
    expect(event()).not.toHaveProperty('links');
  });

  it('has links to act on, unless the configuration has its own', async () => {
    await send({ routing_key: 'a' });
    const { links } = exampleAlert();
    expect(event()['links']).toEqual([
      { href: links.acknowledge, text: 'Acknowledge in Omoi' },
      { href: links.silence, text: 'Silence in Omoi' },
    ]);
    const acknowledgeAll = 'https://omoi.example/n/all';
    await send({ routing_key: 'a' }, exampleMessage({ acknowledgeAll }));
    expect(event()['links']).toContainEqual({ href: acknowledgeAll, text: 'Acknowledge all in Omoi' });
    await send({ routing_key: 'a', links: [] });
    expect(event()).not.toHaveProperty('links');
  });

  it('reads its key from a file', async () => {
    await send({ routing_key_file: '/key' }, exampleMessage(), { '/key': 'from-file\n' });
    expect(event()['routing_key']).toBe('from-file');
  });

  it('without a key is not sent', async () => {
    const delivery = await send({ routing_key: '{{ .CommonLabels.nothing }}' });
    expect(delivery).toMatchObject({ failure: 'clientError', retryable: false });
    expect(server.received).toEqual([]);
  });

  it(`is no longer than ${maxEventBytes} bytes`, async () => {
    const details = {
      firing: 'x'.repeat(maxEventBytes),
      resolved: 'none',
      num_firing: '5000',
      num_resolved: '0',
    };
    await send({ routing_key: 'a', details });
    expect(Buffer.byteLength(server.received[0]?.body ?? '')).toBeLessThanOrEqual(maxEventBytes);
    expect(event().payload?.custom_details).toEqual({
      resolved: 'none',
      num_firing: 5000,
      num_resolved: 0,
      error: 'Custom details have been removed because the original event exceeds the maximum size of 512KB',
    });
  });

  it(`that is too long keeps details of ${maxKeptDetailBytes} bytes, and no longer ones`, async () => {
    // The name, the text and its quotes.
    const detail = (name: string, bytes: number): string => 'x'.repeat(bytes - name.length - 2);
    const kept = detail('kept', maxKeptDetailBytes);
    const details = {
      firing: 'x'.repeat(maxEventBytes),
      resolved: 'none',
      kept,
      left: detail('left', maxKeptDetailBytes + 1),
    };
    await send({ routing_key: 'a', details });
    expect(event().payload?.custom_details).toMatchObject({ resolved: 'none', kept });
    expect(event().payload?.custom_details).not.toHaveProperty('left');
    expect(event().payload?.custom_details).not.toHaveProperty('firing');
  });

  it('that is refused says why', async () => {
    server.reaction = () => ({
      status: 400,
      body: '{"status":"invalid event","message":"Event object is invalid","errors":["Length of \'routing_key\' is incorrect","b"]}',
    });
    expect(await send({ routing_key: 'a' })).toMatchObject({
      reason: "HTTP 400: Event object is invalid: Length of 'routing_key' is incorrect,b",
    });
  });
});

describe('an event of version 1', () => {
  it('goes where it always went', async () => {
    await send({ service_key: 'a', routing_key: 'b', description: 'D', details: { team: 'web' } });
    expect(server.received[0]?.path).toBe('/generic/2010-04-15/create_event.json');
    expect(event()).toMatchObject({
      service_key: 'a',
      incident_key: DEDUP_KEY,
      event_type: 'trigger',
      description: 'D',
      client: 'pagerduty.default.client:firing',
      details: { team: 'web' },
    });
    await send({ service_key: 'a' }, resolvedMessage());
    expect(event()).toMatchObject({ event_type: 'resolve' });
    expect(event()).not.toHaveProperty('client');
  });
});
