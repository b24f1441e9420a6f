import { problemOfProxy } from '../receivers/http/proxy-choice.ts';
import { isMapping, itemsOf, type Findings, type Path } from './findings.ts';

/**
 * Alertmanager takes addresses of proxies that Omoi cannot speak to: every message by one would fail for good.
 * @param parts a configuration as it is written
 */
export function warnOfProxies(parts: Readonly<Record<string, unknown>>, findings: Findings): void {
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
