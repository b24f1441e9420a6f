import { describe, expect, it } from 'vitest';
import { VirtualClock } from '#telemetry';
import { emailTo, onlyMailOf, stageMailServers } from './email-stage.test-support.ts';
import { SMTP_DEADLINES } from './smtp-session.ts';

const { mailServer, scriptedServer } = stageMailServers();

const LOOPBACK = [{ address: '127.0.0.1', family: 4 }];
const BLOCKED = {
  outcome: 'failed',
  failure: 'clientError',
  retryable: false,
  reason: expect.stringMatching(/is not called: .*x-omoi\.allowed_addresses/),
};

describe('a mail server', () => {
  it.each([
    '169.254.169.254:25',
    '[fe80::1]:25',
    '[::ffff:169.254.169.254]:587',
    '100.100.100.200:465',
    '0.0.0.0:25',
    // What the machine itself reads as addresses.
    '2852039166:25',
    '0xa9fea9fe:25',
    '0:25',
  ])('at %s is not called', async (smarthost) => {
    expect(await emailTo(25, { settings: { smarthost } })()).toMatchObject(BLOCKED);
  });

  it.each([
    ['that leads to metadata', [{ address: '169.254.169.254', family: 4 }]],
    ['that leads there too', [...LOOPBACK, { address: 'fd00:ec2::254', family: 6 }]],
  ])('of a name %s is not called', async (_, addresses) => {
    const server = await mailServer();
    const settings = { smarthost: `mail.test:${server.port}`, require_tls: false };
    const delivery = await emailTo(server.port, { settings, resolve: async () => addresses })();
    expect(delivery).toMatchObject(BLOCKED);
    expect(delivery).toHaveProperty('reason', expect.stringContaining('mail.test ('));
    expect(server.received).toEqual([]);
  });

  it('is looked up once a mail, and connected to where that was checked', async () => {
    const server = await mailServer();
    const asked: string[] = [];
    const send = emailTo(server.port, {
      settings: { smarthost: `mail.test:${server.port}`, require_tls: false },
      resolve: async (host) => {
        asked.push(host);
        // A name server that gives another answer every time.
        return asked.length === 1 ? LOOPBACK : [{ address: '169.254.169.254', family: 4 }];
      },
    });
    expect(await send()).toMatchObject({ outcome: 'delivered' });
    expect(asked).toEqual(['mail.test']);
    expect(await send()).toMatchObject(BLOCKED);
    expect(asked).toEqual(['mail.test', 'mail.test']);
    onlyMailOf(server);
  });

  it('is called where x-omoi.allowed_addresses allows it', async () => {
    const server = await mailServer();
    const asked = { settings: { smarthost: `0.0.0.0:${server.port}`, require_tls: false } };
    expect(await emailTo(server.port, asked)()).toMatchObject(BLOCKED);
    const allowed = { ...asked, allowedAddresses: ['0.0.0.0'] };
    expect(await emailTo(server.port, allowed)()).toMatchObject({ outcome: 'delivered' });
  });

  it.each([
    ['says nothing to QUIT', null],
    ['answers QUIT with half a line again and again', '221-more to come'],
  ])('that %s is left when its time is over', async (_, answer) => {
    const clock = new VirtualClock();
    const quit = Promise.withResolvers<void>();
    const server = await scriptedServer((said) => {
      if (said === '') return '220 here';
      if (said.startsWith('EHLO')) return '250 here';
      if (said.startsWith('DATA')) return '354 go on';
      if (!said.startsWith('QUIT')) return '250 ok';
      quit.resolve();
      return answer;
    });
    const send = emailTo(server.port, { settings: { require_tls: false }, clock });
    // Nobody waits for it.
    expect(await send()).toMatchObject({ outcome: 'delivered' });
    await quit.promise;
    await clock.advance(SMTP_DEADLINES.quitMs - 1);
    expect(server.openConnections).toBe(1);
    await clock.advance(1);
    await expect.poll(() => server.openConnections, { timeout: 30_000 }).toBe(0);
  });

  it('that answers QUIT leaves no timer behind', async () => {
    let waiting = 0;
    class CountingClock extends VirtualClock {
      override after(...[delayMs, run]: Parameters<VirtualClock['after']>) {
        waiting++;
        const timer = super.after(delayMs, run);
        return {
          cancel: () => {
            waiting--;
            timer.cancel();
          },
        };
      }
    }
    const server = await mailServer();
    const send = emailTo(server.port, { settings: { require_tls: false }, clock: new CountingClock() });
    expect(await send()).toMatchObject({ outcome: 'delivered' });
    expect(waiting).toBe(1);
    await expect.poll(() => waiting, { timeout: 30_000 }).toBe(0);
  });
});
