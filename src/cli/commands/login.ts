import type { Command } from 'commander';

/** `omoi login` and `omoi logout` */
export function defineLogin(program: Command): void {
  program
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
