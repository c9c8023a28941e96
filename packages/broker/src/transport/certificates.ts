// The broker's own certificate authority and server certificate, made once and kept in a folder. The certificate library is
// loaded only when something is to be issued.
import { createPrivateKey, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareFolder, putFile } from '../data-folder.ts';
import type { ServerCertificate } from './listener.ts';

const DAY_MS = 86_400_000;
const AUTHORITY_MS = 3650 * DAY_MS;
/** Some systems trust no server certificate that is valid for longer than 825 days. */
const SERVER_MS = 820 * DAY_MS;
/** Clocks of containers lag. */
const BACKDATED_MS = DAY_MS;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const AUTHORITY_NAME = 'CN=Quorate broker, for development on this machine';

/** Both in PEM. */
interface Pair {
  readonly cert: string;
  readonly key: string;
}

function validUntil(cert: string): number {
  return Date.parse(new X509Certificate(cert).validTo);
}

async function issueAuthority(): Promise<Pair> {
  const x509 = await library();
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: AUTHORITY_NAME,
    keys,
    signingAlgorithm: ALGORITHM,
    ...lifetime(AUTHORITY_MS),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: `${certificate.toString('pem')}\n`, key: await pemOf(keys.privateKey) };
}

/** Issues a certificate for this machine: localhost by name and by both addresses, and the name that a client uses. */
async function issueServer(authority: Pair, name = 'localhost'): Promise<Pair> {
  const x509 = await library();
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const issuer = new x509.X509Certificate(authority.cert);
  const der = createPrivateKey(authority.key).export({ type: 'pkcs8', format: 'der' });
  const certificate = await x509.X509CertificateGenerator.create({
    subject: 'CN=localhost',
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']),
    signingAlgorithm: ALGORITHM,
    ...lifetime(SERVER_MS),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        ...[...new Set(['localhost', name])].map((value) => ({ type: 'dns' as const, value })),
        { type: 'ip', value: '127.0.0.1' },
        { type: 'ip', value: '::1' },
      ]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return { cert: `${certificate.toString('pem')}\n`, key: await pemOf(keys.privateKey) };
}

async function library() {
  // The library needs this polyfill before its first line.
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

function lifetime(ms: number) {
  const now = Date.now();
  return {
    // 16 bytes, the first without its sign bit.
    serialNumber: `01${randomBytes(15).toString('hex')}`,
    notBefore: new Date(now - BACKDATED_MS),
    notAfter: new Date(now - BACKDATED_MS + ms),
  };
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}

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
