import { PROCESS_ACTIVITIES, remarkText, type OmoiError } from '#telemetry';
import { z } from 'zod';
import { refusalOf } from '../http/validate-requests.ts';
import { FLEET_BOUNDS as BOUNDS } from '../tasks/fleet-bounds.ts';
import { generation, maxInteger, name } from './agent-schemas.ts';

const activity = z.enum(PROCESS_ACTIVITIES);
const activityAndUsage = z.strictObject({
  activity,
  cpu_ms: z.number().int().min(0).max(maxInteger).describe('CPU time that they have used in all.'),
  memory_bytes: z.number().int().min(0).max(maxInteger).describe('Memory of theirs that is resident.'),
});

const beat = {
  generation,
  sequence: z.number().int().min(0).describe('Grows by one with every beat of a generation.'),
  health: z.enum(['ok', 'degraded']).default('ok'),
  reason: remarkText(500).nullish(),
  in_flight: z.number().int().min(0).max(1_000_000).default(0).describe('Pieces of work that go on.'),
  nonce: z.string().max(200).nullish(),
  process_activity: z
    .union([activity, activityAndUsage])
    .nullish()
    .describe(
      'From who beats for another process: what that one and all that it started have done since the last beat, and what they use.',
    ),
} as const;

export const heartbeatBody = z.strictObject(beat);

const ack = {
  acknowledged: z.number().describe('The highest sequence number seen; an older beat changed nothing.'),
  generation: z.number(),
  desired: z.enum(['run', 'drain']),
  heartbeat_interval_ms: z.number(),
} as const;

export const heartbeatAnswer = z.object(ack);

const beatOfMany = z.strictObject({ agent_id: name, ...beat });
const speaker = z.object({ agent_id: name });
const { $schema: _dialect, ...beatOfManyJson } = z.toJSONSchema(beatOfMany, { io: 'input' });

/** One of many heartbeats: what it says, or why it alone is refused. */
export type BeatOrRefusal =
  | { readonly beat: z.output<typeof beatOfMany> }
  | { readonly agentId: string; readonly refused: OmoiError };

/**
 * A heartbeat that is wrong in its form costs the other agents of its host nothing. One that doesn't say whose it is
 * could be answered to nobody: then the request is refused.
 */
const beatOrRefusal = z
  .unknown()
  .meta(beatOfManyJson)
  .transform((given, context): BeatOrRefusal => {
    const read = beatOfMany.safeParse(given);
    if (read.success) return { beat: read.data };
    const named = speaker.safeParse(given);
    if (named.success) {
      const refused = refusalOf(read.error.issues, { schema: beatOfMany, part: 'heartbeat' });
      return { agentId: named.data.agent_id, refused };
    }
    for (const { path, message } of named.error.issues) context.addIssue({ code: 'custom', path, message });
    return z.NEVER;
  });

export const heartbeatsBody = z.strictObject({
  heartbeats: z.array(beatOrRefusal).min(1).max(BOUNDS.maxHeartbeatsPerRequest),
});

export const heartbeatsAnswer = z.object({
  heartbeats: z
    .array(
      z.union([
        z.object({ agent_id: z.string(), ...ack }),
        z.object({
          agent_id: z.string(),
          error: z.string().describe('The code that a heartbeat of this agent alone would be answered with.'),
          message: z.string(),
        }),
      ]),
    )
    .describe('One for each beat, in their order.'),
});
