import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { LinkOffer, SignedLinks } from '#notification';
import { ERROR_CATALOGUE, formatLabels, OmoiError, parseDuration, toRfc3339 } from '#telemetry';
import { z } from 'zod';
import { PUBLIC } from '../access/roles.ts';
import { PAGE_HEADERS } from '../dashboard/dashboard-files.ts';
import type { ApiApp } from '../http/app.ts';
import { htmlOf, htmlPage } from './link-page.ts';

export interface LinkRouteParts {
  readonly links: Pick<SignedLinks, 'look' | 'act'>;
}

const FORM = 'application/x-www-form-urlencoded';
/** The form has no field. */
export const maxFormBytes = 1_024;
const SILENCE_TIMES = ['1h', '4h', '24h'] as const;

const linkParams = z.object({ token: z.string().describe('As it stands in a message.') });
const linkQuery = z.strictObject({
  for: z.enum(SILENCE_TIMES).default('4h').describe('For how long, where the link silences.'),
});

const HEADERS = {
  ...PAGE_HEADERS,
  // A browser that sends no referrer says of a form that it comes from nowhere, and is refused.
  'referrer-policy': 'same-origin',
  'x-robots-tag': 'noindex, nofollow',
  'cache-control': 'no-store',
};

/**
 * `/n/TOKEN`: what a link in a message leads to. GET shows what it would do, as programs that preview links fetch it; only POST does
 * it. The link itself is the right to do so.
 */
export function registerLinkRoutes(app: ApiApp, { links }: LinkRouteParts): void {
  void app.register((plain, _options, done) => {
    const scope = plain.withTypeProvider<ZodTypeProvider>();
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      FORM,
      { bodyLimit: maxFormBytes },
      async (request: FastifyRequest, payload: Readable) => {
        await scope.bodyReader.read(request, payload, scope.takeBytes(request));
        return {};
      },
    );
    scope.route({
      method: 'GET',
      url: '/n/:token',
      config: { access: PUBLIC },
      schema: {
        tags: ['alerts'],
        summary: 'The page that says what a link in a message does, and asks; changes nothing',
        params: linkParams,
      },
      handler: ({ params }, reply) =>
        answerPage(reply, async () => question(await links.look(params.token), params.token)),
    });
    scope.route({
      method: 'POST',
      url: '/n/:token',
      bodyLimit: maxFormBytes,
      config: { access: PUBLIC, takes: [FORM] },
      schema: {
        tags: ['alerts'],
        summary:
          'Do what a link in a message says: acknowledge its alert or those of its message, or silence it',
        params: linkParams,
        querystring: linkQuery,
      },
      handler: ({ params, query }, reply) =>
        answerPage(reply, async () => {
          const silenceMs = parseDuration(query.for) ?? 0;
          return doneBy(await links.act(params.token, silenceMs), query.for);
        }),
    });
    done();
  });
}

/** People see a page, also where it is not to be. */
async function answerPage(reply: FastifyReply, page: () => Promise<string>): Promise<FastifyReply> {
  void reply.headers(HEADERS).type('text/html; charset=utf-8');
  try {
    return await reply.send(await page());
  } catch (thrown) {
    if (!(thrown instanceof OmoiError)) throw thrown;
    const { status, remedy } = ERROR_CATALOGUE[thrown.code];
    const said = [thrown.message, remedy].map((text) => `<p>${htmlOf(text)}</p>`);
    return reply.code(status).send(htmlPage('Nothing was done', said));
  }
}

/** Of many alerts so many are named. */
export const maxNamed = 20;

function question(offer: LinkOffer, token: string): string {
  const { action, receiver, expiresAtMs } = offer.claim;
  const about = describeAll(offer);
  const firing = offer.alerts.filter(({ endsAtMs }) => endsAtMs === null);
  const open = firing.filter(({ acknowledgedBy: by }) => by === null);
  const isOne = offer.alerts.length === 1;
  if (firing.length === 0) {
    const title = isOne ? 'This alert is over' : 'These alerts are over';
    return htmlPage(title, [...about, '<p>There is nothing to do any more.</p>']);
  }
  const by = `<p>It is done in the name of “link of receiver <code>${htmlOf(receiver)}</code>”, to which the message went. The link counts until ${toRfc3339(expiresAtMs)}.</p>`;
  // Beside the page itself: a proxy may serve all of it below a path of its own.
  const path = encodeURIComponent(token);
  if (action === 'silence') {
    const what = '<p>Nobody is told of an alert with these labels for so long:</p>';
    const forms = SILENCE_TIMES.map((time) => form(`${path}?for=${time}`, `Silence for ${time}`));
    return htmlPage('Silence this alert?', [...about, what, ...forms, by]);
  }
  if (open.length === 0) return htmlPage('Acknowledged already', [...about, ...acknowledgers(offer)]);
  const what = '<p>Who acknowledges says: I have seen it. Repetitions and escalation stop.</p>';
  if (action === 'acknowledge') {
    return htmlPage('Acknowledge this alert?', [...about, what, form(path, 'Acknowledge'), by]);
  }
  const label = open.length === 1 ? 'Acknowledge the alert' : `Acknowledge ${open.length} alerts`;
  return htmlPage(`${label}?`, [what, form(path, label), by, ...about]);
}

function doneBy(offer: LinkOffer, time: string): string {
  const about = describeAll(offer);
  return offer.claim.action === 'silence'
    ? htmlPage('Silenced', [...about, `<p>For ${time} from now.</p>`])
    : htmlPage('Acknowledged', [...acknowledgers(offer), ...about]);
}

/** By whom the alerts are acknowledged, whoever came first. */
function acknowledgers({ alerts }: LinkOffer): readonly string[] {
  const counts = new Map<string, number>();
  for (const { acknowledgedBy: by } of alerts) if (by !== null) counts.set(by, (counts.get(by) ?? 0) + 1);
  const isOne = alerts.length === 1;
  return [...counts].map(
    ([by, count]) => `<p>${isOne ? '' : `${count} `}${isOne ? 'By' : 'by'} ${htmlOf(by)}.</p>`,
  );
}

function describeAll({ claim, alerts, leftOut }: LinkOffer): readonly string[] {
  if (claim.action !== 'acknowledge_message') return alerts.flatMap(describe);
  const over = alerts.filter(({ endsAtMs }) => endsAtMs !== null).length;
  const more = alerts.length - maxNamed;
  return [
    `<p>The message was about ${alerts.length} alerts that fired${over > 0 ? `, of which ${over} are over` : ''}.</p>`,
    ...(leftOut > 0
      ? [
          `<p>Its link is for ${alerts.length} of the ${alerts.length + leftOut} alerts of its group: acknowledge the other ${leftOut} in mission control.</p>`,
        ]
      : []),
    ...alerts.slice(0, maxNamed).flatMap(describe),
    ...(more > 0 ? [`<p>… and ${more} more.</p>`] : []),
  ];
}

function describe({
  labels,
  annotations,
  startsAtMs,
  endsAtMs,
}: LinkOffer['alerts'][number]): readonly string[] {
  const summary = annotations['summary'] ?? annotations['description'];
  return [
    `<p><code>${htmlOf(formatLabels(labels)).replaceAll('`', '&#96;')}</code></p>`,
    ...(summary === undefined ? [] : [`<p>${htmlOf(summary)}</p>`]),
    `<p>It fires since ${toRfc3339(startsAtMs)}${endsAtMs === null ? '' : `, and is over since ${toRfc3339(endsAtMs)}`}.</p>`,
  ];
}

function form(path: string, label: string): string {
  return `<form method="post" action="${path}"><button type="submit">${label}</button></form>`;
}
