import { readdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { messageOf, OmoiError } from '#telemetry';
import {
  readConfigurationFile,
  type ConfigurationFiles,
  type NotificationConfiguration,
  type Route,
} from '#notification';
import { readTextFileLater } from '#server';
import type { TreeFlags } from '../commands/routing.ts';
import { readNamedText } from '../named-text.ts';
import { readFrom, serverOf, urlOf } from '../server-client.ts';

/** The files of this machine. */
const FILES: ConfigurationFiles = {
  list: async (folder) => {
    try {
      return await readdir(folder);
    } catch (thrown) {
      if (isMissing(thrown)) return [];
      throw thrown;
    }
  },
  read: (path) => readTextFileLater(path),
};

function isMissing(thrown: unknown): boolean {
  return (
    thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR')
  );
}

/**
 * Reads a configuration, with its templates.
 * @param file a path, or `-` for what is piped in
 * @throws OmoiError `routing_invalid`
 */
export async function readRoutingFile(file: string): Promise<NotificationConfiguration> {
  const isPiped = file === '-';
  const name = isPiped ? 'stdin' : file;
  const text = await readNamedText(file).catch((thrown: unknown) => {
    throw new OmoiError('routing_invalid', `${name}: ${messageOf(thrown)}`);
  });
  const directory = isPiped ? process.cwd() : dirname(resolve(file));
  return readRoutingText({ name, text, directory });
}

/**
 * Reads a configuration whose text is known, with its templates.
 * @throws OmoiError `routing_invalid`
 */
export function readRoutingText(
  source: Parameters<typeof readConfigurationFile>[0],
): Promise<NotificationConfiguration> {
  return readConfigurationFile(source, { files: FILES, environment: process.env });
}

/** Of what Alertmanager's API answers under `/status`: the configuration as Alertmanager's programs can read it. */
const statusAnswer = z.object({ config: z.object({ original: z.string() }) });
/** What it leaves out of routes: what Omoi adds to them. */
const routesAnswer = z.object({
  routes: z.array(
    z.object({
      route_id: z.string(),
      hold_for_remediation_ms: z.number().nullable(),
      escalation: z.string().nullable(),
    }),
  ),
});

/** A file, or what the server has loaded: its secrets are hidden, and its templates lie where it is. */
export async function routingOf(
  flags: TreeFlags,
): Promise<Pick<NotificationConfiguration, 'route' | 'receivers' | 'warnings'>> {
  if (flags.file !== undefined) return readRoutingFile(flags.file);
  const server = serverOf(flags);
  const { config } = statusAnswer.parse(await readFrom(server, '/alertmanager/api/v2/status'));
  const { routes } = routesAnswer.parse(await readFrom(server, '/api/v1/alerts/routing'));
  const { route, receivers, warnings } = await readConfigurationFile(
    { name: `configuration of ${urlOf(server)}`, text: config.original, directory: '/' },
    { files: FILES, templates: 'unread', secrets: 'hidden' },
  );
  const added = new Map(routes.map((one) => [one.route_id, one]));
  return { route: withAdded(route, added), receivers, warnings };
}

function withAdded(
  route: Route,
  added: ReadonlyMap<string, z.output<typeof routesAnswer>['routes'][number]>,
): Route {
  const { hold_for_remediation_ms: holdForRemediationMs = null, escalation = null } =
    added.get(route.id) ?? {};
  return {
    ...route,
    omoi: { ...route.omoi, holdForRemediationMs, escalation },
    routes: route.routes.map((below) => withAdded(below, added)),
  };
}
