// The programs that some tests need: installed where this user may, else named with the command to type.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const PEERS = [
  { package: 'postgresql', present: () => versionedPostgres() },
  { package: 'chromium', present: () => onPath('chromium') },
  { package: 'prometheus', present: () => onPath('promtool') },
  { package: 'prometheus-alertmanager', present: () => onPath('amtool') },
];

function onPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => existsSync(join(directory, program)));
}

function versionedPostgres() {
  const home = '/usr/lib/postgresql';
  return (
    existsSync(home) && readdirSync(home).some((version) => existsSync(join(home, version, 'bin/initdb')))
  );
}

export function installPeers() {
  const missing = PEERS.filter((peer) => !peer.present()).map((peer) => peer.package);
  if (missing.length === 0) return;
  const apt = asRoot();
  if (!apt) {
    process.stdout.write(
      `Not installed: ${missing.join(', ')}. Tests that need them are skipped. To install: ` +
        `sudo apt-get install --no-install-recommends ${missing.join(' ')}\n`,
    );
    return;
  }
  process.stdout.write(`installing ${missing.join(', ')} (apt-get) …\n`);
  // A package's postinst would start a service of its own; the tests start what they need themselves.
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const options = { stdio: ['ignore', 'ignore', 'inherit'], env: environment };
  spawnSync(apt[0], [...apt.slice(1), 'update', '-qq'], options);
  const install = [...apt.slice(1), 'install', '-y', '-qq', '--no-install-recommends', ...missing];
  const result = spawnSync(apt[0], install, options);
  if (result.status !== 0) process.stdout.write(`apt-get could not install ${missing.join(', ')}\n`);
}

/** How apt-get can be called without a question, or null. */
function asRoot() {
  if (!onPath('apt-get')) return null;
  if (process.getuid?.() === 0) return ['apt-get'];
  if (onPath('sudo') && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0) {
    return ['sudo', '-n', 'apt-get'];
  }
  return null;
}
