import type { EndedSilencePlace, Silence } from '#notification';
import { OmoiError } from '#telemetry';
import type { FastifyRequest } from 'fastify';
import { OPERATORS, READERS } from '../access/roles.ts';
import { type RowsBehind, rowsBehind, sendPagedList } from '../http/paged-list.ts';
import { AlertmanagerRefusal, REFUSAL_CODES } from './alertmanager-refusal.ts';
import type { AlertmanagerParts } from './alertmanager-parts.ts';
import {
  silenceAnswer,
  silenceBody,
  silenceIdAnswer,
  silenceParams,
  silencesAnswer,
} from './alertmanager-schemas.ts';
import { type AlertmanagerRoute, sendJson } from './alertmanager-scope.ts';
import { isWanted, readMatchers, silencesQuery } from './query-filters.ts';
import { hasMatchers } from '../silences/matcher-filter.ts';
import { commentOfChange, readPostedSilence, setsOfChange, viewOfSilence } from './silence-json.ts';

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

export function silenceRoutes(parts: AlertmanagerParts): readonly AlertmanagerRoute[] {
  return [listSilences(parts), postSilence(parts), readSilence(parts), deleteSilence(parts)];
}

/** Where a list goes on: at one of those that have not ended, in the order in which the list began, or behind an ended one. */
type Place = { readonly live: number } | { readonly ended: EndedSilencePlace | null };

function listSilences({ silences, language, clock }: AlertmanagerParts): AlertmanagerRoute {
  return {
    method: 'GET',
    path: 'api/v2/silences',
    access: READERS,
    schema: {
      summary: 'Silences, as Alertmanager lists them: active, pending, ended',
      querystring: silencesQuery,
      response: { 200: silencesAnswer },
    },
    handle(request, reply) {
      const query = silencesQuery.parse(request.query);
      const filter = readMatchers(query.filter, language.parseMatcher);
      const wanted = {
        active: isWanted(query.active),
        pending: isWanted(query.pending),
        expired: isWanted(query.expired),
      };
      const live = silences.list();
      const fits = (silence: Silence): boolean =>
        wanted[language.silenceStateAt(silence, clock.wallMs())] && hasMatchers(silence, filter);
      const read = async (after: Place | null, limit: number): Promise<RowsBehind<Silence, Place>> => {
        const from = after ?? { live: 0 };
        if ('live' in from && from.live < live.length) {
          const rows = live.slice(from.live, from.live + limit);
          return { rows: rows.filter(fits), next: { live: from.live + rows.length } };
        }
        if (!wanted.expired) return { rows: [], next: null };
        const place = 'ended' in from ? from.ended : null;
        const ended = rowsBehind(await silences.listEnded(place, limit), limit, placeOf);
        return { rows: ended.rows.filter(fits), next: ended.next && { ended: ended.next } };
      };
      return sendPagedList<Silence, Place>(reply, {
        name: null,
        after: null,
        limit: Number.MAX_SAFE_INTEGER,
        read,
        view: (silence) => viewOfSilence(silence, language.silenceStateAt(silence, clock.wallMs())),
      });
    },
  };
}

function placeOf({ endsAtMs, id }: Silence): EndedSilencePlace {
  return { endedAtMs: endsAtMs, id };
}

function postSilence({ silences, clock }: AlertmanagerParts): AlertmanagerRoute {
  return {
    method: 'POST',
    path: 'api/v2/silences',
    access: OPERATORS,
    schema: {
      summary:
        'Set a silence, or change one by its id: what it silenced before is not changed, a new one takes its place then',
      body: silenceBody,
      response: { 200: silenceIdAnswer },
    },
    async handle({ body, principal }, reply) {
      const posted = readPostedSilence(body, Math.floor(clock.wallMs()));
      try {
        const before = posted.id === null ? null : await silences.get(posted.id);
        const [matchers = []] = posted.matcherSets;
        const matcherSets = before ? setsOfChange(before, matchers) : posted.matcherSets;
        const comment = before ? commentOfChange(before, posted.comment) : posted.comment;
        const { id } = await silences.set({ ...posted, comment, matcherSets, by: principal.name });
        return await sendJson(reply, { silenceID: id });
      } catch (thrown) {
        if (isUnknown(thrown)) throw AlertmanagerRefusal.text(404, 'silence not found');
        if (thrown instanceof OmoiError && REFUSED_AS_BAD.includes(thrown.code)) {
          throw AlertmanagerRefusal.text(400, thrown.message);
        }
        throw thrown;
      }
    },
  };
}

const REFUSED_AS_BAD: readonly string[] = ['invalid_silence', 'too_many_silences'];

function readSilence({ silences, language, clock }: AlertmanagerParts): AlertmanagerRoute {
  return {
    method: 'GET',
    path: 'api/v2/silence/:silence_id',
    access: READERS,
    schema: { summary: 'One silence', params: silenceParams, response: { 200: silenceAnswer } },
    async handle(request, reply) {
      const id = idOf(request);
      try {
        const silence = await silences.get(id);
        return await sendJson(
          reply,
          viewOfSilence(silence, language.silenceStateAt(silence, clock.wallMs())),
        );
      } catch (thrown) {
        if (isUnknown(thrown)) return reply.code(404).send();
        throw thrown;
      }
    },
  };
}

function deleteSilence({ silences }: AlertmanagerParts): AlertmanagerRoute {
  return {
    method: 'DELETE',
    path: 'api/v2/silence/:silence_id',
    access: OPERATORS,
    schema: { summary: 'End a silence; ending one that has ended changes nothing', params: silenceParams },
    async handle(request, reply) {
      const id = idOf(request);
      try {
        await silences.expire(id, request.principal.name);
        return await reply.code(200).send();
      } catch (thrown) {
        if (isUnknown(thrown)) return reply.code(404).send();
        throw thrown;
      }
    },
  };
}

/** @throws AlertmanagerRefusal where it is no UUID */
function idOf({ params }: FastifyRequest): string {
  const { silence_id: id } = silenceParams.parse(params);
  if (UUID.test(id)) return id.toLowerCase();
  const message = `silenceID in path must be of type uuid: ${JSON.stringify(id)}`;
  throw AlertmanagerRefusal.invalid(REFUSAL_CODES.invalidType, message);
}

function isUnknown(thrown: unknown): boolean {
  return thrown instanceof OmoiError && thrown.code === 'unknown_silence';
}
