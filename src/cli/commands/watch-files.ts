// --watch: when a machine's file changes, the workers are replaced and load it anew; actors stay.
import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { QuorateConfig } from '../../contract/config.ts';

/** An editor writes a file in several steps; they are one change. */
const QUIET_MS = 100;

/** The files that hold the machines; package specifiers are not watched. */
export function machineFiles(config: QuorateConfig): readonly string[] {
  const urls = Object.values(config.machines).map(({ module }) => String(module));
  return [...new Set(urls.filter((url) => url.startsWith('file:')).map((url) => fileURLToPath(url)))];
}

export interface FileWatch {
  close(): void;
}

/** Watches folders, not files: an editor that renames a new file into place would be lost otherwise. */
export function watchFiles(
  files: readonly string[],
  onChange: (names: readonly string[]) => void,
): FileWatch {
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const report = (): void => {
    const names = [...changed];
    changed.clear();
    onChange(names);
  };
  const namesByFolder = Map.groupBy(files, dirname);
  const watchers: FSWatcher[] = [...namesByFolder].map(([folder, inFolder]) => {
    const names = new Set(inFolder.map((file) => basename(file)));
    return watch(folder, (_event, name) => {
      if (name === null || !names.has(name)) return;
      changed.add(name);
      clearTimeout(timer);
      timer = setTimeout(report, QUIET_MS);
    });
  });
  return {
    close() {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}
