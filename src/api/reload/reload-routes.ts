import { z } from 'zod';
import { OPERATORS } from '../access/roles.ts';
import type { ApiApp } from '../http/app.ts';

/** What is in force after a reload. */
export interface Reloaded {
  readonly rules: number;
  /** New and changed rules. */
  readonly changed: number;
  readonly removed: number;
  readonly policies: number;
  /** What is allowed in the files and hardly meant. */
  readonly warnings: readonly string[];
  /** Keys of the configuration that have changed since the start, and count from the next one on. */
  readonly needs_restart: readonly string[];
}

export interface ReloadRouteParts {
  /** @throws OmoiError `config_invalid`, `rule_file_invalid`, `policy_file_invalid`, `database_failed`; what was in force stays so */
  readonly reload: () => Promise<Reloaded>;
}

export const reloadedSchema = z.object({
  rules: z.number().meta({ description: 'how many rules are in force' }),
  changed: z.number().meta({ description: 'those of them that are new, or differ from before' }),
  removed: z.number(),
  policies: z.number().meta({ description: 'how many policies are in force' }),
  warnings: z.array(z.string()),
  needs_restart: z.array(z.string()).meta({
    description:
      'keys of the configuration that have changed since the start, and count from the next one on',
  }),
});

/**
 * Rules, policies and the routing read anew, as SIGHUP has it, and told to who asked. `/-/reload` is where Prometheus’s tools ask. For
 * an operator: what is in the files is theirs who may write them.
 */
export function registerReloadRoutes(app: ApiApp, { reload }: ReloadRouteParts): void {
  for (const url of ['/api/v1/reload', '/-/reload']) {
    app.route({
      method: 'POST',
      url,
      config: { access: OPERATORS },
      schema: {
        tags: ['server'],
        summary:
          'read the files of rules and policies anew, and which of them the configuration names; take all over or none',
        response: { 200: reloadedSchema },
      },
      handler: async () => viewOfReloaded(await reload()),
    });
  }
}

export function viewOfReloaded({
  warnings,
  needs_restart: keys,
  ...counts
}: Reloaded): z.input<typeof reloadedSchema> {
  return { ...counts, warnings: [...warnings], needs_restart: [...keys] };
}
