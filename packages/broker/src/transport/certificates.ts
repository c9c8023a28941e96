/** The broker's own certificate authority and server certificate, made once and kept in a folder. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareFolder, putFile } from '../data-folder.ts';
import { issueAuthority, issueServer, type Pair, validUntil } from './issue.ts';
import type { ServerCertificate } from './listener.ts';

const FOLDER = 'tls';
const RENEW_BEFORE_MS = 30 * 86_400_000;

export interface Certificates extends ServerCertificate {
  /** What clients are told to trust: NODE_EXTRA_CA_CERTS and the like. */
  readonly caFile: string;
}

export async function keptCertificates(dataFolder: string): Promise<Certificates> {
  const folder = join(dataFolder, FOLDER);
  prepareFolder(folder);
  const authority = await keep(folder, 'ca', issueAuthority);
  const server = await keep(folder, 'server', () => issueServer(authority));
  const named = new Map<string, Promise<Pair>>();
  return {
    ...server,
    caFile: join(folder, 'ca.pem'),
    forName(name) {
      const issued = named.get(name) ?? issueServer(authority, name);
      named.set(name, issued);
      return issued;
    },
  };
}

/** The kept pair while it is valid, else a new one. */
async function keep(folder: string, name: string, issue: () => Promise<Pair>): Promise<Pair> {
  const [certFile, keyFile] = [join(folder, `${name}.pem`), join(folder, `${name}-key.pem`)];
  if (existsSync(certFile) && existsSync(keyFile)) {
    const kept = { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
    if (validUntil(kept.cert) - Date.now() > RENEW_BEFORE_MS) return kept;
  }
  const issued = await issue();
  putFile(keyFile, issued.key);
  putFile(certFile, issued.cert);
  return issued;
}
