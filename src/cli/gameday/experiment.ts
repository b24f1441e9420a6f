import { readTextFile } from '#server';
import { durationText, messageOf, OmoiError, parseStrictDocument, placeIn, recordOf } from '#telemetry';
import { z } from 'zod';
import { actionSchema } from './action-schemas.ts';
import { probeSchema } from './probe-schemas.ts';
import { scalar } from './schema-parts.ts';

const environment = recordOf(z.string(), z.string());

export const stepSchema = z.strictObject({
  name: z.string().describe('What happens, for the timeline.'),
  fault: z
    .boolean()
    .default(false)
    .describe(
      'Whether this is the fault: milliseconds are counted from here, and events before it do not count.',
    ),
  only: z
    .enum(['experiment', 'control'])
    .optional()
    .describe(
      'Only in a run with the watchdog, or only in one with `--control`; in both where it is left out.',
    ),
  do: actionSchema.optional().describe('An action. A step has either this or `observe`.'),
  observe: probeSchema.optional().describe('What has to be seen.'),
  within: durationText
    .prefault('60s')
    .describe(
      'How long it is looked for; an event that is awaited while no server is there is given that time as well, a minute at most.',
    ),
  save: z
    .string()
    .optional()
    .describe('Keeps what was found under this name, for `${name.path}` in later steps.'),
});

export const experimentSchema = z.strictObject({
  title: z.string().describe('What it shows, in a sentence.'),
  description: z.string().describe('What is done to the fleet, and what is expected of it.'),
  configuration: recordOf(z.string(), scalar)
    .prefault({})
    .describe('Names for what stands in several steps: `${pool}`.'),
  server: z
    .strictObject({
      demo: z.boolean().default(true).describe('Whether the run’s own server has the demo’s fleet.'),
      machine: z
        .enum(['shared', 'own'])
        .default('shared')
        .describe(
          '`own`: a machine that can be booted anew (a namespace of processes); then the server is always the run’s own.',
        ),
      webhook: z
        .boolean()
        .default(false)
        .describe(
          'Whether the run has a webhook that its server tells of every alert, each by itself and at once; then the server is always the run’s own.',
        ),
      environment: environment
        .prefault({})
        .describe('Variables that the run’s own server is started with, where none runs.'),
    })
    .prefault({}),
  control: z
    .strictObject({
      environment,
    })
    .optional()
    .describe('What a run with `--control` changes: variables that its server is started with.'),
  method: z
    .array(stepSchema)
    .min(1)
    .describe('The steps, one after the other; the first that fails ends the run.'),
});

export type Experiment = z.output<typeof experimentSchema>;
export type Step = Experiment['method'][number];
export type Action = NonNullable<Step['do']>;
export type Probe = NonNullable<Step['observe']>;

/** @throws OmoiError `gameday_file_invalid` with file, line and column of each mistake */
export function loadExperiment(file: string): Experiment {
  let text: string;
  try {
    text = readTextFile(file);
  } catch (thrown) {
    throw new OmoiError('gameday_file_invalid', `${file}: ${messageOf(thrown)}`);
  }
  const experiment = parseStrictDocument({ name: file, text }, experimentSchema, 'gameday_file_invalid');
  for (const [index, { name, do: action, observe }] of experiment.method.entries()) {
    if ((action === undefined) === (observe === undefined)) {
      throw new OmoiError(
        'gameday_file_invalid',
        `${placeIn({ name: file, text }, ['method', index])}: method.${index} ("${name}") needs either "do" or "observe"`,
      );
    }
  }
  return experiment;
}
