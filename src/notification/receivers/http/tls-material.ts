import { createHash, X509Certificate } from 'node:crypto';
import {
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type SecureVersion,
} from 'node:tls';

import { messageOf } from '#telemetry';

import { type HttpClientSettings, NoAnswer } from './http-client.ts';

export type TlsSettings = HttpClientSettings['tls_config'];

/** What a TLS connection is made with. */
export interface TlsMaterial {
  readonly options: SecureContextOptions & {
    readonly servername?: string;
    readonly rejectUnauthorized: boolean;
  };
  /** Another one whenever a certificate or key has changed. */
  readonly version: string;
}

const VERSIONS: Readonly<Record<string, SecureVersion>> = {
  TLS10: 'TLSv1',
  TLS11: 'TLSv1.1',
  TLS12: 'TLSv1.2',
  TLS13: 'TLSv1.3',
};

function versionOf(name: string | undefined): SecureVersion | undefined {
  if (name === undefined) return undefined;
  const version = VERSIONS[name];
  if (!version) throw new NoAnswer('settings', `tls_config names the version ${name}, which does not exist`);
  return version;
}

/**
 * Certificates and keys of a `tls_config`; those in files are read anew at each call.
 *
 * @throws NoAnswer where a file cannot be read (`connection`: it may be there later) or is no certificate or key (`settings`)
 */
export async function readTlsMaterial(
  settings: TlsSettings,
  readFile: (path: string) => Promise<string>,
): Promise<TlsMaterial> {
  const read = async (text: string | undefined, path: string | undefined): Promise<string | undefined> => {
    if (text || !path) return text || undefined;
    try {
      return await readFile(path);
    } catch (error) {
      throw new NoAnswer('connection', `the TLS file ${path} cannot be read: ${messageOf(error)}`);
    }
  };
  const [ca, cert, key] = await Promise.all([
    read(settings.ca, settings.ca_file),
    read(settings.cert, settings.cert_file),
    read(settings.key, settings.key_file),
  ]);
  const minVersion = versionOf(settings.min_version);
  const maxVersion = versionOf(settings.max_version);
  const context = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(minVersion === undefined ? {} : { minVersion }),
    ...(maxVersion === undefined ? {} : { maxVersion }),
  };
  const hash = createHash('sha256');
  for (const part of [ca, cert, key]) hash.update(`${part?.length ?? '-'}:${part ?? ''}`);
  return {
    options: {
      ...context,
      ...(settings.server_name ? { servername: settings.server_name } : {}),
      rejectUnauthorized: !settings.insecure_skip_verify,
    },
    version: hash.digest('base64'),
  };
}

function assertCertificate(pem: string): X509Certificate {
  return new X509Certificate(pem);
}

/**
 * The material as connections take it: authorities are long, and read once.
 *
 * @throws NoAnswer `settings` where authorities, certificate or key cannot be used
 */
export function secureContextOf({ options }: TlsMaterial): SecureContext {
  try {
    // An authority that is none is taken for no authority otherwise.
    if (options.ca !== undefined) assertCertificate(String(options.ca));
    return createSecureContext(options);
  } catch (error) {
    throw new NoAnswer('settings', `tls_config cannot be used: ${messageOf(error)}`);
  }
}
