import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { messageOf, OmoiError } from '#telemetry';
import { checkFiles, loadConfig } from '#server';
import { aside } from '../terminal/aside.ts';
import { note, printJson, printLines } from '../terminal/print.ts';
import { ImportedFiles, STDOUT, type ConfigurationFlags } from './imported-files.ts';
import { ABOUT_ALL_RULES, linesOfReport, reportJson } from './report.ts';

export interface ImportFlags extends ConfigurationFlags {
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly skipBroken?: boolean;
  readonly json?: boolean;
}

/**
 * `omoi import`: says what becomes of a shop's files, and writes an `omoi.yaml` that names them. They themselves are not touched.
 * @returns the exit status: 1 where something can't run and nothing was written
 */
export async function importFiles(names: readonly string[], flags: ImportFlags): Promise<number> {
  const { output, dryRun = false } = flags;
  if (!dryRun && output !== STDOUT && flags.force !== true && existsSync(output))
    throw new OmoiError(
      'invalid_request',
      `${output} is there already: give another name after --output, or --force to replace it`,
    );
  const imported = new ImportedFiles();
  for (const name of names) await imported.read(name);
  const text = imported.configuration(flags);
  const files = imported.finish();
  const isBroken = files.some(({ findings }) => findings.some(({ verdict }) => verdict === 'refused'));
  const writes = !dryRun && (!isBroken || flags.skipBroken === true);
  if (flags.json === true)
    printJson({
      files: reportJson(files),
      about_all_rules: imported.hasRules ? ABOUT_ALL_RULES : [],
      configuration: text,
      written: writes && output !== STDOUT ? output : null,
    });
  else {
    const report = [...linesOfReport(files), ...imported.aboutRules()];
    // The configuration alone is for a pipe.
    if (output === STDOUT && writes) aside(report.join('\n'));
    else printLines(report);
  }
  if (!writes) {
    if (isBroken) note('nothing was written: repair what is REFUSED, or leave it out with --skip-broken');
    return isBroken ? 1 : 0;
  }
  if (output === STDOUT) {
    if (flags.json !== true) process.stdout.write(text);
    return 0;
  }
  replaceFile(output, text);
  if (flags.json !== true) printLines(await nextSteps(output, imported.hasScraping));
  return 0;
}

/** Whole or not at all. @throws OmoiError `invalid_request` where it can't be written there */
function replaceFile(path: string, text: string): void {
  const draft = `${path}.${process.pid}.new`;
  try {
    writeFileSync(draft, text, { flag: 'wx' });
    renameSync(draft, path);
  } catch (thrown) {
    rmSync(draft, { force: true });
    throw new OmoiError('invalid_request', `${path} can't be written: ${messageOf(thrown)}`, {}, thrown);
  }
}

async function nextSteps(output: string, hasScraping: boolean): Promise<readonly string[]> {
  const config = loadConfig({ file: output, environment: {} });
  const findings = await checkFiles(config, { environment: process.env });
  return [
    `written: ${output}`,
    ...findings.map(({ severity, message }) => `  ${severity}  ${message}`),
    '',
    'next:',
    `  omoi check --config ${output}`,
    `  omoi serve --config ${output}`,
    ...(hasScraping
      ? [
          '  omoi tokens create --role ingest prometheus',
          '  and into prometheus.yml, so that Omoi sees what is scraped:',
          '    remote_write:',
          `      - url: http://${config.http.host}:${config.http.port}/prometheus/api/v1/write`,
          '        send_exemplars: true',
          '        send_native_histograms: true',
          '        authorization: { credentials: TOKEN }',
        ]
      : []),
  ];
}
