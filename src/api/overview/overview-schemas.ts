import { AGENT_STATUSES, OPEN_REMEDIATION_STATES } from '#telemetry';
import { z } from 'zod';

const count = z.number().int();

export const overviewAnswer = z.object({
  agents: z.object({
    by_status: z
      .record(z.enum(AGENT_STATUSES), count)
      .describe('As `agents_by_status`; of those that have ended only who did so a short while ago.'),
  }),
  alerts: z.object({
    firing: count,
    unacknowledged: count,
    by_severity: z.array(z.object({ severity: z.string(), firing: count, unacknowledged: count })),
  }),
  sample_clock_lead_seconds: z
    .number()
    .describe(
      'How far samples and alerts are dated ahead of the wall clock, after it was set back; 0 where it was not.',
    ),
  host_delay: z
    .object({
      seconds: z.number(),
      usual_heartbeat_ttl_seconds: z.number(),
      heartbeat_ttl_seconds: z.number().describe('At most three times the usual one.'),
    })
    .nullable()
    .describe(
      'How far the host is behind, by the server’s own timers or by half of its agents, which come late together: heartbeat TTLs are longer by it, here the shortest of them. Null while it is not.',
    ),
  remediations: z
    .record(z.enum([...OPEN_REMEDIATION_STATES, 'observed']), count)
    .describe(
      'Those that have not ended. What is planned waits for its turn, or a guard holds it back; `observed` are those of them that a policy only observes, so that nothing will be done.',
    ),
  warnings: z
    .array(
      z.object({
        key: z
          .string()
          .describe(
            'The key of the configuration that it is about, empty where it is of several; `tasks`: of the queue.',
          ),
        message: z.string(),
      }),
    )
    .readonly()
    .describe(
      'What hardly is meant so: no policies, a policy that no rule can trigger, tasks that no living agent claims.',
    ),
});
