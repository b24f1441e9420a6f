import type { Command } from 'commander';
import type { ImportFlags } from '../import/import.ts';

/** `omoi import` */
export function defineImport(program: Command): void {
  program
    .command('import')
    .description(
      'say what becomes of the files of a Prometheus and an Alertmanager, and write an omoi.yaml that names them; exit 1 where something can’t run and nothing was written',
    )
    .argument(
      '<file...>',
      'prometheus.yml, rule files, alertmanager.yml, folders of them: recognized by what they hold',
    )
    .option('-o, --output <file>', 'where to write the configuration; - for standard output', 'omoi.yaml')
    .option('--force', 'replace the file that is there')
    .option('--dry-run', 'write nothing')
    .option('--skip-broken', 'write what is left where something can’t run')
    .option(
      '--exactly-as-prometheus',
      'evaluate the rules at their intervals alone, and resolve their alerts at once',
    )
    .option('--json', 'print the report as JSON')
    .action(async (files: string[], flags: ImportFlags) => {
      const { importFiles } = await import('../import/import.ts');
      process.exitCode = await importFiles(files, flags);
    });
}
