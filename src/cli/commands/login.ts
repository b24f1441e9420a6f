import type { Command } from 'commander';
import { examples } from './asking.ts';

/** `omoi login` and `omoi logout` */
export function defineLogin(program: Command): void {
  const login = program
    .command('login')
    .description('keep the token for a server of another machine, so that commands without --url ask it')
    .argument('[url]', 'the server (default: $OMOI_URL, then http://127.0.0.1:4600)')
    .option('--list', 'list the servers that you are logged in to')
    .option('--json', 'print who you are there as JSON')
    .action(async (url: string | undefined, flags: { readonly json?: boolean; readonly list?: boolean }) => {
      const { listLogins, login: logIn } = await import('../nouns/login.ts');
      if (flags.list === true) listLogins(flags);
      else await logIn(url, flags);
    });
  examples(login, [
    ['omoi login https://omoi.example.org', 'asks for the token, which is not shown'],
    ['omoi login http://build-1:4600 < token', 'takes it from a file'],
  ]);
  program
    .command('logout')
    .description('forget the token for a server')
    .argument('[url]', 'the server (default: that of the last login)')
    .option('--json', 'print which as JSON')
    .action(async (url: string | undefined, flags: { readonly json?: boolean }) => {
      const { logout } = await import('../nouns/login.ts');
      logout(url, flags);
    });
}
