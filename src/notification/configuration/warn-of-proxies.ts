import { type Environment, problemOfProxy, unusableProxies } from '../receivers/http/proxy-choice.ts';
import { isMapping, itemsOf, type Findings, type Path } from './findings.ts';

/**
 * Alertmanager takes addresses of proxies that Omoi cannot speak to: every message by one would fail for good.
 * @param parts a configuration as it is written
 * @param environment where `proxy_from_environment` looks
 */
export function warnOfProxies(
  parts: Readonly<Record<string, unknown>>,
  environment: Environment,
  findings: Findings,
): void {
  const ofEnvironment = unusableProxies(environment);
  const look = (holder: unknown, path: Path): void => {
    if (!isMapping(holder)) return;
    const { proxy_url: written } = holder;
    const problem = typeof written === 'string' && written !== '' ? problemOfProxy(written) : null;
    if (problem !== null) {
      findings.warning(
        [...path, 'proxy_url'],
        `the proxy ${problem}: every message by it fails; name an HTTP proxy`,
      );
    }
    if (isTrue(holder['proxy_from_environment'])) {
      for (const { variable, problem: why } of ofEnvironment) {
        findings.warning(
          [...path, 'proxy_from_environment'],
          `the proxy of the environment variable ${variable} ${why}: every message by it fails; name an HTTP proxy there`,
        );
      }
    }
    look(holder['oauth2'], [...path, 'oauth2']);
  };
  const global = isMapping(parts['global']) ? parts['global'] : {};
  look(global['http_config'], ['global', 'http_config']);
  itemsOf(parts['receivers']).forEach((receiver, index) => {
    if (!isMapping(receiver)) return;
    for (const [key, integrations] of Object.entries(receiver)) {
      if (!key.endsWith('_configs')) continue;
      itemsOf(integrations).forEach((integration, at) => {
        if (!isMapping(integration)) return;
        look(integration['http_config'], ['receivers', index, key, at, 'http_config']);
      });
    }
  });
}

/** As YAML of version 1.1 writes it; scalars are texts here. */
function isTrue(written: unknown): boolean {
  return written === true || (typeof written === 'string' && /^(?:y|yes|true|on)$/i.test(written));
}
