import { messageOf, OmoiError } from '#telemetry';

export interface AskedAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Opens a listener of the configuration.
 * @param section where its `host` and `port` stand
 * @throws OmoiError `address_unavailable`, which names the key and what to do
 */
export async function listening(
  section: 'http' | 'otlp',
  address: AskedAddress,
  open: (address: AskedAddress) => Promise<string>,
): Promise<string> {
  try {
    return await open(address);
  } catch (thrown) {
    throw new OmoiError('address_unavailable', describe(section, address, thrown), {}, thrown);
  }
}

/** Whether what `listening` threw says that another program has the address. */
export function isTaken(thrown: unknown): boolean {
  return thrown instanceof OmoiError && codeOf(thrown.cause) === 'EADDRINUSE';
}

function codeOf(thrown: unknown): unknown {
  return thrown instanceof Error && 'code' in thrown ? thrown.code : '';
}

function describe(section: 'http' | 'otlp', { host, port }: AskedAddress, thrown: unknown): string {
  const variable = `OMOI_${section.toUpperCase()}`;
  switch (codeOf(thrown)) {
    case 'EADDRINUSE':
      return `${section}.port: another program listens on ${host} port ${port}; stop it, or choose another port, for instance ${variable}_PORT=${anotherPort(port)}`;
    case 'EACCES':
      return `${section}.port: this user may not listen on port ${port}; choose one from 1024 on`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${section}.host: ${host} is no address of this machine; 127.0.0.1 is for this machine alone, 0.0.0.0 for all networks`;
    default:
      return `${section}: ${host} port ${port} can't be listened on: ${messageOf(thrown)}`;
  }
}

const LAST_PORT = 65_535;
const FURTHER = 100;

/** Whether it is free is not known; a round distance is easily remembered. */
function anotherPort(port: number): number {
  return port + FURTHER <= LAST_PORT ? port + FURTHER : port - FURTHER;
}
