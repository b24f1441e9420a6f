import type { MatcherText, Notification, Silence, Silences, SilenceState } from '#notification';
import {
  type Clock,
  type Labels,
  type Matcher,
  messageOf,
  OmoiError,
  PageCursors,
  RegexSum,
} from '#telemetry';
import { OPERATORS, READERS } from '../access/roles.ts';
import type { ApiApp } from '../http/app.ts';
import { sendPagedList } from '../http/paged-list.ts';
import { formatSilencePlace, parseSilencePlace, type SilencePlace, silencesBehind } from './silence-list.ts';
import {
  changeSilenceBody,
  extendSilenceBody,
  newSilenceBody,
  silencePreviewAnswer,
  silencePreviewQuery,
  silenceParams,
  silencesAnswer,
  silencesQuery,
  silenceView,
} from './silence-schemas.ts';
import { viewOfSilence } from './silence-view.ts';
import { hasMatchers } from './matcher-filter.ts';

export interface SilenceRouteParts {
  readonly silences: Pick<Silences, 'list' | 'listEnded' | 'get' | 'set' | 'change' | 'setEnd' | 'expire'>;
  /** Which alerts a silence would be for. */
  readonly notification: Pick<Notification, 'firingOf'>;
  readonly language: SilenceLanguage;
  /** The labels of an alert by its id. @throws OmoiError `unknown_alert` */
  readonly labelsOfAlert: (alertId: string) => Promise<Labels>;
  readonly clock: Pick<Clock, 'wallMs'>;
}

/** What notification knows of its words. */
export interface SilenceLanguage {
  /** @throws Error with the place of the mistake */
  readonly parseMatcher: (text: string) => Matcher;
  readonly formatMatcher: (matcher: Matcher) => string;
  readonly silenceStateAt: (silence: Silence, wallMs: number) => SilenceState;
}

const PATH = '/api/v1/alerts/silences';
/** So many of the alerts are named. */
export const maxPreviewedAlerts = 10;

/** `/api/v1/alerts/silences`: for which alerts nobody is told, until when, and why. */
export function registerSilenceRoutes(app: ApiApp, parts: SilenceRouteParts): void {
  registerReading(app, parts);
  registerChanges(app, parts);
}

function registerReading(app: ApiApp, parts: SilenceRouteParts): void {
  const { silences, language, clock } = parts;
  const stateOf = (silence: Silence): SilenceState => language.silenceStateAt(silence, clock.wallMs());
  const view = viewer(parts);
  app.route({
    method: 'GET',
    url: PATH,
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'Silences: those that have not ended, the newest first, then the ended ones, the last first',
      querystring: silencesQuery,
      response: { 200: silencesAnswer },
    },
    handler: async ({ query }, reply) => {
      const { cursor, limit, ...filters } = query;
      const { state } = filters;
      const [wanted = []] = parseSets([filters.matcher], language);
      const cursors = new PageCursors('silences', filters);
      const isShown = (silence: Silence): boolean => {
        const shown = stateOf(silence);
        if (state === 'live') return shown !== 'expired';
        return state === 'all' || state === shown;
      };
      const readBehind = silencesBehind(silences, {
        // What has ended only just still stands among those that have not.
        ended: state === 'expired' || state === 'all',
        fits: (silence) => isShown(silence) && hasMatchers(silence, wanted),
      });
      let end: SilencePlace | null = null;
      return sendPagedList(reply, {
        name: 'silences',
        after: cursor === undefined ? null : parseSilencePlace(cursors.placeOf(cursor)),
        limit,
        async read(after: SilencePlace | null, rows: number) {
          const page = await readBehind(after, rows);
          end = page.next;
          return page;
        },
        view,
        nextCursor: () => (end === null ? null : cursors.at(formatSilencePlace(end))),
      });
    },
  });
  app.route({
    method: 'GET',
    url: `${PATH}/preview`,
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'Which of the alerts that fire a silence with some matchers would be for',
      querystring: silencePreviewQuery,
      response: { 200: silencePreviewAnswer },
    },
    async handler({ query }) {
      const [matchers = []] = parseSets([query.matcher], language);
      const found = await parts.notification.firingOf(matchers);
      const alerts = found
        .slice(0, maxPreviewedAlerts)
        .map(({ alertId, labels, severity }) => ({ id: alertId, labels: { ...labels }, severity }));
      return { firing: found.length, alerts };
    },
  });
  app.route({
    method: 'GET',
    url: `${PATH}/:silence_id`,
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'One silence',
      params: silenceParams,
      response: { 200: silenceView },
    },
    handler: async ({ params }) => view(await silences.get(params.silence_id)),
  });
}

function registerChanges(app: ApiApp, parts: SilenceRouteParts): void {
  const { silences, language, labelsOfAlert, clock } = parts;
  const view = viewer(parts);
  app.route({
    method: 'POST',
    url: PATH,
    config: { access: OPERATORS },
    schema: {
      tags: ['alerts'],
      summary: 'Tell nobody of some alerts for a while: of those that matchers accept, or of one',
      body: newSilenceBody,
      response: { 201: silenceView },
    },
    async handler({ body, principal }, reply) {
      const { alert_id: alertId = null, matcher_sets: sets, matchers = [] } = body;
      const matcherSets =
        alertId === null
          ? parseSets(sets ?? [matchers], language)
          : [matchersOf(await labelsOfAlert(alertId))];
      const nowMs = Math.floor(clock.wallMs());
      const startsAtMs = body.starts_at ?? nowMs;
      const silence = await silences.set({
        id: null,
        matcherSets,
        startsAtMs,
        endsAtMs: body.ends_at ?? startsAtMs + (body.duration_ms ?? 0),
        createdBy: principal.name,
        comment: body.comment,
        annotations: body.annotations ?? {},
        untilResolved: body.until_resolved,
        warnBeforeMs: body.warn_before_ms,
        alertId,
        by: principal.name,
      });
      return reply.code(201).send(view(silence));
    },
  });
  app.route({
    method: 'POST',
    url: `${PATH}/:silence_id/change`,
    config: { access: OPERATORS },
    schema: {
      tags: ['alerts'],
      summary:
        'Change what a silence that has not ended is for, or what it says; the answer is the silence as it stands, with another id where another took its place',
      params: silenceParams,
      body: changeSilenceBody,
      response: { 200: silenceView },
    },
    async handler({ params, body, principal }) {
      const { matcher_sets: sets, comment, until_resolved: untilResolved } = body;
      const wanted = {
        ...(sets && { matcherSets: parseSets(sets, language) }),
        ...(comment !== undefined && { comment }),
        ...(untilResolved !== undefined && { untilResolved }),
      };
      return view(await silences.change(params.silence_id, wanted, principal.name));
    },
  });
  app.route({
    method: 'POST',
    url: `${PATH}/:silence_id/extend`,
    config: { access: OPERATORS },
    schema: {
      tags: ['alerts'],
      summary: 'Move the end of a silence that has not ended, farther or nearer',
      params: silenceParams,
      body: extendSilenceBody,
      response: { 200: silenceView },
    },
    async handler({ params, body, principal }) {
      const endsAtMs = body.ends_at ?? Math.floor(clock.wallMs()) + (body.duration_ms ?? 0);
      return view(await silences.setEnd(params.silence_id, endsAtMs, principal.name));
    },
  });
  app.route({
    method: 'DELETE',
    url: `${PATH}/:silence_id`,
    config: { access: OPERATORS },
    schema: {
      tags: ['alerts'],
      summary: 'End a silence before its time; ending one that has ended changes nothing',
      params: silenceParams,
      response: { 200: silenceView },
    },
    handler: async ({ params, principal }) => view(await silences.expire(params.silence_id, principal.name)),
  });
}

function viewer({ language, clock }: SilenceRouteParts) {
  return (silence: Silence) =>
    viewOfSilence(silence, language.silenceStateAt(silence, clock.wallMs()), language.formatMatcher);
}

/**
 * Matchers of one request, whose regular expressions may have `maxRegexSize` together: to compile more takes seconds.
 * @throws OmoiError `invalid_request`
 */
function parseSets(
  sets: readonly (readonly string[])[],
  { parseMatcher }: SilenceLanguage,
): readonly (readonly Matcher[])[] {
  const regexes = new RegexSum();
  return sets.map((texts) => texts.map((text) => parseOne(text, parseMatcher, regexes)));
}

/** @throws OmoiError `invalid_request` */
function parseOne(text: string, parseMatcher: SilenceLanguage['parseMatcher'], regexes: RegexSum): Matcher {
  try {
    const matcher = parseMatcher(text);
    regexes.add(matcher);
    return matcher;
  } catch (thrown) {
    const message = `${JSON.stringify(text)} is no matcher like name="value": ${messageOf(thrown)}`;
    throw new OmoiError('invalid_request', message);
  }
}

/** That accept the alert, and what has the same labels and others. */
function matchersOf(labels: Labels): readonly MatcherText[] {
  return Object.entries(labels).map(([name, value]) => ({ name, operator: '=', value }));
}
