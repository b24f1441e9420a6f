import { createHash } from 'node:crypto';

import { nextTurn } from '#telemetry';

import { type Message, statusOfMessage } from '../../message.ts';
import { goText, goValue } from '../go-json.ts';
import { inOrder } from '../in-order.ts';
import { membersText, payloadJson, type PayloadTools } from '../payload-template.ts';
import { truncateCharacters } from '../truncation.ts';
import type { PagerdutySettings } from './pagerduty-settings.ts';

/** PagerDuty takes 512 KB. https://developer.pagerduty.com/docs/events-api-v2-overview#size-limits */
export const maxEventBytes = 512_000;
/** What is still told of an event that is too long: details of this many bytes, one by one. */
export const maxKeptDetailBytes = 1_000;
const maxSummaryCharacters = 1024;

/** The same for every message of a group, so that its resolution finds its incident. */
function dedupKeyOf(groupKey: string): string {
  return createHash('sha256').update(groupKey).digest('hex');
}

function filled(members: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== ''));
}

/** The details in JSON, each in a turn of its own: those of all alerts take a while. */
async function detailsOf(
  { details }: PagerdutySettings,
  tools: PayloadTools,
): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const [name, detail] of Object.entries(details)) {
    texts.set(name, await payloadJson(detail, tools));
    await nextTurn();
  }
  return texts;
}

/** An event in JSON; where it is too long, without the long ones of its details. */
function bounded(details: ReadonlyMap<string, string>, eventOf: (details: string) => string): string {
  const whole = eventOf(membersText(details));
  if (Buffer.byteLength(whole) <= maxEventBytes) return whole;
  const short = [...details].filter(([name, text]) => Buffer.byteLength(name + text) <= maxKeptDetailBytes);
  const error = goText(
    'Custom details have been removed because the original event exceeds the maximum size of 512KB',
  );
  const some = eventOf(membersText(new Map([...short, ['error', error]])));
  return Buffer.byteLength(some) <= maxEventBytes ? some : eventOf(membersText(new Map([['error', error]])));
}

/** An object in JSON with a member more, which is JSON already. */
function withMember(members: Readonly<Record<string, unknown>>, name: string, text: string): string {
  return `${goValue(members).slice(0, -1)},${goText(name)}:${text}}`;
}

/** The pages on which people act, where the configuration has no links of its own. */
function ownLinks({
  alerts,
  acknowledgeAll,
}: Message): readonly { readonly href: string; readonly text: string }[] {
  const [first] = alerts;
  if (!first) return [];
  const { acknowledge, silence, trace } = first.links;
  return [
    acknowledgeAll === null
      ? { href: acknowledge, text: 'Acknowledge in Omoi' }
      : { href: acknowledgeAll, text: 'Acknowledge all in Omoi' },
    { href: silence, text: 'Silence in Omoi' },
    ...(trace === null ? [] : [{ href: trace, text: 'Trace' }]),
  ];
}

/** An event of the Events API, version 2. */
export async function eventV2(
  settings: PagerdutySettings,
  message: Message,
  { routingKey, ...tools }: PayloadTools & { readonly routingKey: string },
): Promise<string> {
  const { expand } = tools;
  const isFiring = statusOfMessage(message) === 'firing';
  const allImages = await inOrder(settings.images ?? [], async ({ src, alt, href }) => ({
    src: await expand(src),
    alt: await expand(alt),
    href: await expand(href),
  }));
  const images = allImages.filter(({ src }) => src !== '');
  const allLinks = await inOrder(settings.links ?? [], async ({ href, text }) => ({
    href: await expand(href),
    text: await expand(text),
  }));
  const links = allLinks.filter(({ href }) => href !== '');
  const shownLinks = settings.links || !isFiring ? links : ownLinks(message);
  const head = {
    routing_key: routingKey,
    dedup_key: dedupKeyOf(message.groupKey),
    event_action: isFiring ? 'trigger' : 'resolve',
    ...filled({ client: await expand(settings.client), client_url: await expand(settings.client_url) }),
    ...(images.length > 0 ? { images } : {}),
    ...(shownLinks.length > 0 ? { links: shownLinks } : {}),
  };
  const payload = {
    summary: truncateCharacters(await expand(settings.description), maxSummaryCharacters),
    source: await expand(settings.source),
    severity: await expand(settings.severity),
    ...filled({
      class: await expand(settings.class),
      component: await expand(settings.component),
      group: await expand(settings.group),
    }),
  };
  return bounded(await detailsOf(settings, tools), (details) =>
    withMember(head, 'payload', withMember(payload, 'custom_details', details)),
  );
}

/** An event of the first version of the API, for integrations of that age. */
export async function eventV1(
  settings: PagerdutySettings,
  message: Message,
  { serviceKey, ...tools }: PayloadTools & { readonly serviceKey: string },
): Promise<string> {
  const { expand } = tools;
  const isFiring = statusOfMessage(message) === 'firing';
  const client = { client: await expand(settings.client), client_url: await expand(settings.client_url) };
  const head = {
    service_key: serviceKey,
    incident_key: dedupKeyOf(message.groupKey),
    event_type: isFiring ? 'trigger' : 'resolve',
    description: truncateCharacters(await expand(settings.description), maxSummaryCharacters),
    ...(isFiring ? filled(client) : {}),
  };
  return bounded(await detailsOf(settings, tools), (details) => withMember(head, 'details', details));
}
