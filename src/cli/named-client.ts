import { nearestWord, OmoiError } from '#telemetry';
import { z } from 'zod';
import { clientOf, type Server, type ServerClient } from './server-client.ts';
import { behindLast, readPages } from './read-pages.ts';

interface Kind {
  /** The list of them. */
  readonly path: string;
  /** The key of the list in its answer. */
  readonly list: string;
  readonly id: string;
  /** The parameter by which a page goes on behind an id; null: by `next_cursor` of the answer. */
  readonly behind: 'after' | 'before' | null;
  readonly pageRows: number;
}

const fleet = (noun: string): Kind => ({
  path: `/api/v1/fleet/${noun}s`,
  list: `${noun}s`,
  id: `${noun}_id`,
  behind: 'after',
  pageRows: 1000,
});

const KINDS: Readonly<Record<string, Kind>> = {
  unknown_agent: fleet('agent'),
  unknown_pool: fleet('pool'),
  unknown_task: fleet('task'),
  unknown_alert: { path: '/api/v1/alerts', list: 'alerts', id: 'id', behind: null, pageRows: 1000 },
  unknown_silence: {
    path: '/api/v1/alerts/silences',
    list: 'silences',
    id: 'id',
    behind: null,
    pageRows: 1000,
  },
  unknown_remediation: {
    path: '/api/v1/watchdog/remediations',
    list: 'remediations',
    id: 'id',
    behind: 'before',
    pageRows: 500,
  },
};

/** Of a list that is longer the nearest of the first so many is named. */
const maxLookedAt = 10_000;
/** Of an id that is made by Omoi people type the beginning. */
const MIN_BEGINNING = 4;

/** A client for what a person has named: where there is no such thing, the one that was probably meant is named. */
export function clientForNamed(server: Server): ServerClient {
  return suggesting(clientOf(server));
}

/** @param client of which lists are asked for, too */
export function suggesting(client: ServerClient): ServerClient {
  return {
    async call(method, path, body) {
      try {
        return await client.call(method, path, body);
      } catch (thrown) {
        const near = thrown instanceof OmoiError ? await nearestTo(path, thrown, client) : null;
        if (near === null || !(thrown instanceof OmoiError)) throw thrown;
        const message = `${thrown.message.replace(/\.$/, '')}; did you mean ${near}?`;
        throw new OmoiError(thrown.code, message, { ...thrown.details, nearest: near }, thrown);
      }
    },
  };
}

async function nearestTo(path: string, refusal: OmoiError, client: ServerClient): Promise<string | null> {
  const kind = KINDS[refusal.code];
  if (!kind || refusal.message.includes('did you mean') || !path.startsWith(`${kind.path}/`)) return null;
  const [named = ''] = path.slice(kind.path.length + 1).split(/[/?]/);
  try {
    return nearOf(decodeURIComponent(named), await idsOf(kind, client));
  } catch {
    // The refusal is the answer, whether or not there is more to say.
    return null;
  }
}

function nearOf(named: string, ids: readonly string[]): string | null {
  const begun = named.length < MIN_BEGINNING ? [] : ids.filter((id) => id.startsWith(named));
  return begun.length === 1 ? (begun[0] ?? null) : nearestWord(named, ids);
}

async function idsOf(kind: Kind, client: ServerClient): Promise<readonly string[]> {
  const { path, list, id, behind, pageRows } = kind;
  const answered = z.looseObject({
    [list]: z.array(z.looseObject({ [id]: z.string() })),
    next_cursor: z.string().nullish(),
  });
  const pages = {
    path,
    query: {},
    maxRows: pageRows,
    read(answer: unknown, asked: number) {
      const page = answered.parse(answer);
      const rows = (page[list] as readonly Readonly<Record<string, string>>[]).map((row) => row[id] ?? '');
      if (behind !== null) return { rows, next: behindLast({ rows, asked }, behind, (row) => row) };
      return { rows, next: typeof page.next_cursor === 'string' ? { cursor: page.next_cursor } : null };
    },
  };
  return (await readPages(client, pages, maxLookedAt)).rows;
}
