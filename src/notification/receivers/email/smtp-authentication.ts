import { createHmac } from 'node:crypto';
import { isIP } from 'node:net';
import type { SMTPConnectionCustomAuthContext } from 'nodemailer/lib/smtp-connection';

/** Who logs in; null: not given. */
export interface SmtpLogin {
  readonly username: string;
  /** For whom one acts, in PLAIN; '' for oneself. */
  readonly identity: string;
  /** Of PLAIN and LOGIN. */
  readonly password: string | null;
  /** Of CRAM-MD5. */
  readonly secret: string | null;
}

/** What of the server decides over a login. */
interface Encrypted {
  readonly host: string;
  readonly encryption: 'implicit' | 'starttls' | 'none';
}

/**
 * Logs in by the first of CRAM-MD5, PLAIN and LOGIN that the server offers and the login has the secret of. A server that offers
 * nothing is not logged in to: where it wants one it refuses the mail.
 * @throws Error with the reason
 */
export async function authenticate(
  context: Pick<SMTPConnectionCustomAuthContext, 'authMethods' | 'sendCommand'>,
  login: SmtpLogin,
  server: Encrypted,
): Promise<void> {
  const offered = context.authMethods;
  if (offered.length === 0) return;
  const mechanism = mechanismOf(offered, login);
  if (mechanism === null) throw new Error(whyNone(offered, login));
  const isReadable = server.encryption === 'none' && !isLoopback(server.host);
  if (mechanism === 'PLAIN' && isReadable) {
    throw new Error('PLAIN would send the password unencrypted; set require_tls, or force_implicit_tls');
  }
  const steps = stepsOf(mechanism, login);
  let answer = await context.sendCommand(`AUTH ${steps.initial}`);
  for (const reply of steps.replies) {
    if (answer.status !== CONTINUE) throw new Error('the login was refused');
    answer = await context.sendCommand(base64(reply(answer.text)));
  }
  if (answer.status !== LOGGED_IN) throw new Error('the login was refused');
}

const CONTINUE = 334;
const LOGGED_IN = 235;

type Mechanism = 'CRAM-MD5' | 'PLAIN' | 'LOGIN';

function mechanismOf(offered: readonly string[], { password, secret }: SmtpLogin): Mechanism | null {
  if (secret !== null && offered.includes('CRAM-MD5')) return 'CRAM-MD5';
  if (password === null) return null;
  if (offered.includes('PLAIN')) return 'PLAIN';
  return offered.includes('LOGIN') ? 'LOGIN' : null;
}

function whyNone(offered: readonly string[], { password, secret }: SmtpLogin): string {
  const names = offered.join(', ');
  if (password === null && secret === null) {
    return `there is a username and no password; the server offers ${names}: set auth_password, or auth_secret for CRAM-MD5`;
  }
  const needed =
    password === null ? 'auth_secret serves CRAM-MD5 only' : 'auth_password serves PLAIN and LOGIN only';
  return `the server offers ${names}, and ${needed}`;
}

interface LoginSteps {
  readonly initial: string;
  /** What is said to each `334`, whose text is given as it was sent. */
  readonly replies: readonly ((challenge: string) => string)[];
}

function stepsOf(mechanism: Mechanism, { username, identity, password, secret }: SmtpLogin): LoginSteps {
  switch (mechanism) {
    case 'CRAM-MD5':
      return {
        initial: 'CRAM-MD5',
        replies: [(challenge) => `${username} ${digest(challenge, secret ?? '')}`],
      };
    case 'PLAIN':
      return { initial: `PLAIN ${plainToken({ identity, username, password })}`, replies: [] };
    case 'LOGIN':
      return { initial: 'LOGIN', replies: [() => username, () => password ?? ''] };
  }
}

/** RFC 4616: what PLAIN says, which is as secret as the password in it. */
export function plainToken({ identity, username, password }: Omit<SmtpLogin, 'secret'>): string {
  return base64(`${identity}\0${username}\0${password ?? ''}`);
}

/** RFC 2195 */
function digest(challenge: string, secret: string): string {
  return createHmac('md5', secret).update(Buffer.from(challenge, 'base64')).digest('hex');
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
