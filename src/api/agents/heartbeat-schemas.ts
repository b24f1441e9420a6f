import { PROCESS_ACTIVITIES, remarkText } from '#telemetry';
import { z } from 'zod';
import { FLEET_BOUNDS as BOUNDS } from '../tasks/fleet-bounds.ts';
import { generation, name } from './agent-schemas.ts';

const beat = {
  generation,
  sequence: z.number().int().min(0).describe('Grows by one with every beat of a generation.'),
  health: z.enum(['ok', 'degraded']).default('ok'),
  reason: remarkText(500).nullish(),
  in_flight: z.number().int().min(0).max(1_000_000).default(0).describe('Pieces of work that go on.'),
  nonce: z.string().max(200).nullish(),
  process_activity: z
    .enum(PROCESS_ACTIVITIES)
    .nullish()
    .describe(
      'From who beats for another process: what that one and all that it started have done since the last beat.',
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

export const heartbeatsBody = z.strictObject({
  heartbeats: z
    .array(z.strictObject({ agent_id: name, ...beat }))
    .min(1)
    .max(BOUNDS.maxHeartbeatsPerRequest),
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
