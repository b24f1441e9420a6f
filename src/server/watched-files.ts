import type { ConfigurationFiles } from '#notification';
import type { Config } from './config/schema.ts';
import { ReadFiles, type ReadFilesParts } from './read-files.ts';

/** The files that a routing was read from: those that its `templates` stand for are known to who has read it alone. */
export class RoutingFiles implements ConfigurationFiles {
  readonly #files: ConfigurationFiles;
  #names = new Set<string>();

  constructor(files: ConfigurationFiles) {
    this.#files = files;
  }

  /** What has been read since `forget`. */
  get names(): readonly string[] {
    return [...this.#names];
  }

  /** A routing is about to be read anew. */
  forget(): void {
    this.#names = new Set();
  }

  list(folder: string): Promise<readonly string[]> {
    return this.#files.list(folder);
  }

  read(path: string): Promise<string> {
    this.#names.add(path);
    return this.#files.read(path);
  }
}

/** The files and folders from which a reload would take over what has changed. @param configFile null where there is none */
function reloadedPaths(
  { alerting, watchdog, notification }: Pick<Config, 'alerting' | 'watchdog' | 'notification'>,
  configFile: string | null,
): readonly string[] {
  const { config_file: routing } = notification;
  return [
    ...(configFile === null ? [] : [configFile]),
    ...alerting.rule_files,
    ...watchdog.policy_files,
    ...(routing === undefined ? [] : [routing]),
  ];
}

export interface WatchedFilesParts {
  /** The configuration's own file; null where there is none. */
  readonly configFile: string | null;
  readonly clock: ReadFilesParts['clock'];
  readonly routing: ConfigurationFiles;
}

/** All that a reload reads, and which of it is not as it was read. */
export class WatchedFiles {
  readonly #configFile: string | null;
  readonly #files: ReadFiles;
  /** What routing is to be read with. */
  readonly routing: RoutingFiles;

  constructor({ configFile, clock, routing }: WatchedFilesParts) {
    this.#configFile = configFile;
    this.#files = new ReadFiles({ clock });
    this.routing = new RoutingFiles(routing);
  }

  /** The files that `config` names are about to be read for the first time. */
  begin(config: Config): Promise<void> {
    return this.#files.begin(reloadedPaths(config, this.#configFile));
  }

  /** @throws OmoiError `files_changing`, and what `read` throws */
  readConfig<Content>(read: () => Content): Promise<Content> {
    return this.#files.read(this.#configFile === null ? [] : [this.#configFile], read);
  }

  /** @throws OmoiError `files_changing`, and what `read` throws */
  whileStill<Content>(config: Config, read: () => Promise<Content>): Promise<Content> {
    return this.#files.read([...reloadedPaths(config, null), ...this.routing.names], () => {
      this.routing.forget();
      return read();
    });
  }

  /** As `ReadFiles.changedOf`, of what counts under this configuration. */
  changed(config: Config): Promise<ReadonlyMap<string, string>> {
    return this.#files.changedOf([...reloadedPaths(config, this.#configFile), ...this.routing.names]);
  }
}
