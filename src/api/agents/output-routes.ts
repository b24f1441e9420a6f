import type { AgentOutput, OutputCursor, ReadGeneration, ReadOutput } from '#fleet';
import { OmoiError } from '#telemetry';
import { z } from 'zod';
import { READERS } from '../access/roles.ts';
import type { ApiApp } from '../http/app.ts';
import { wholeNumber } from '../http/whole-number.ts';
import { FLEET_BOUNDS } from '../tasks/fleet-bounds.ts';
import { agentParams, maxInteger } from './agent-schemas.ts';

export interface OutputRouteParts {
  readonly output: Pick<AgentOutput, 'read'>;
}

/** Of each stream, in one answer. */
const MAX_OUTPUT_BYTES = 256 * 1024;
const MAX_LINES = 5000;

const outputQuery = z.strictObject({
  generation: wholeNumber({ min: 1, max: maxInteger })
    .optional()
    .describe('That one alone; without it the newest, and, with `cursor`, those that follow it.'),
  lines: wholeNumber({ min: 1, max: MAX_LINES })
    .default(200)
    .describe('The last lines of each stream; with `cursor` all that came since.'),
  cursor: z
    .string()
    .max(300)
    .optional()
    .describe('`cursor` of the answer before: only what was put out behind it.'),
  wait_ms: wholeNumber({ min: 0, max: FLEET_BOUNDS.maxWaitMs })
    .default(0)
    .describe('With `cursor`: how long to wait where nothing has been put out since.'),
});

const streamView = z.object({
  text: z.string().describe('As it was put out: control characters are the reader’s to take care of.'),
  skipped: z
    .boolean()
    .describe('Whether something before it is left out: older lines, or more than can be kept or shown.'),
});

export const outputAnswer = z
  .object({
    agent_id: z.string(),
    generation: z.number(),
    kept: z
      .boolean()
      .describe(
        'False where this server has no output of the generation: none has come yet, it is kept elsewhere, or it was given up for newer ones.',
      ),
    stdout: streamView,
    stderr: streamView,
    cursor: z.string(),
  })
  .meta({ id: 'AgentOutput' });

/** `/api/v1/fleet/agents/:agent_id/output`: what an agent puts out, and has put out. */
export function registerOutputRoute(app: ApiApp, { output }: OutputRouteParts): void {
  app.route({
    method: 'GET',
    url: '/api/v1/fleet/agents/:agent_id/output',
    config: { access: READERS },
    schema: {
      tags: ['fleet'],
      summary: 'The end of an agent’s output, and what comes behind it',
      params: agentParams,
      querystring: outputQuery,
      response: { 200: outputAnswer },
    },
    handler: async (request, reply) => {
      const { params, query } = request;
      const cursor = query.cursor === undefined ? null : parseCursor(query.cursor);
      const asked = {
        agentId: params.agent_id,
        generation: query.generation ?? null,
        cursor,
        maxBytes: MAX_OUTPUT_BYTES,
        waitMs: cursor ? query.wait_ms : 0,
      };
      const read = await app.waitingRequests.during({ request, reply }, (signal) =>
        output.read({ ...asked, signal }),
      );
      return viewOutput(asked.agentId, read, cursor ? Infinity : query.lines);
    },
  });
}

type OutputAnswer = z.output<typeof outputAnswer>;

const NOTHING = { text: '', skipped: false };

function viewOutput(agentId: string, { generation, piece, cursor }: ReadOutput, lines: number): OutputAnswer {
  return {
    agent_id: agentId,
    generation,
    kept: piece !== null,
    stdout: piece ? lastLines(piece.stdout, lines) : NOTHING,
    stderr: piece ? lastLines(piece.stderr, lines) : NOTHING,
    cursor: formatCursor(cursor),
  };
}

/** The last line counts whether or not its end has come yet. */
function lastLines({ text, skipped }: OutputAnswer['stdout'], lines: number): OutputAnswer['stdout'] {
  const end = text.endsWith('\n') ? '\n' : '';
  const all = text.slice(0, text.length - end.length).split('\n');
  if (all.length <= lines) return { text, skipped };
  return { text: all.slice(-lines).join('\n') + end, skipped: true };
}

/**
 * `GENERATION:EMPTIED.BYTES:EMPTIED.BYTES`, of the standard output and then of the errors; behind it, each after a `;`, those of the
 * earlier generations that had not ended.
 */
const CURSOR = /^(\d{1,10}):(\d{1,9})\.(\d{1,15}):(\d{1,9})\.(\d{1,15})$/;

function formatCursor({ earlier, ...newest }: OutputCursor): string {
  return [newest, ...earlier]
    .map(({ generation, position: { stdout, stderr } }) => {
      return `${generation}:${stdout.emptied}.${stdout.bytes}:${stderr.emptied}.${stderr.bytes}`;
    })
    .join(';');
}

/** @throws OmoiError `invalid_request` */
function parseCursor(text: string): OutputCursor {
  const [newest, ...earlier] = text.split(';').map(parseGeneration);
  if (!newest) throw noCursor();
  return { ...newest, earlier };
}

function parseGeneration(text: string): ReadGeneration {
  const found = CURSOR.exec(text);
  if (!found) throw noCursor();
  const [generation = 0, outEmptied = 0, outBytes = 0, errEmptied = 0, errBytes = 0] = found
    .slice(1)
    .map(Number);
  return {
    generation,
    position: {
      stdout: { emptied: outEmptied, bytes: outBytes },
      stderr: { emptied: errEmptied, bytes: errBytes },
    },
  };
}

function noCursor(): OmoiError {
  return new OmoiError('invalid_request', 'cursor: must be the `cursor` of an answer before');
}
