// @simplewebauthn/server as a peer: verifyRegistrationResponse, with its MetadataService for real registrations.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { MetadataService, SettingsService, verifyRegistrationResponse } from '@simplewebauthn/server';

const [path, milliseconds] = process.argv.slice(2);
const { version } = JSON.parse(readFileSync(createRequire(import.meta.url).resolve('@simplewebauthn/server').replace(/(script|esm)\/index\.js$/, 'package.json')));
const { mds, cases } = JSON.parse(readFileSync(path));
const nobodys = cases[0].roots;
const report = { peer: `@simplewebauthn/server ${version}`, verdicts: {}, rates: {} };

async function once(registration) {
  const { verified } = await verifyRegistrationResponse(registration);
  if (!verified) throw new Error('not verified');
}

async function rate(registration) {
  const began = performance.now();
  let times = 0;
  while (performance.now() - began < Number(milliseconds)) {
    for (let ten = 0; ten < 10; ten += 1) await once(registration);
    times += 10;
  }
  return (times * 1000) / (performance.now() - began);
}

async function measure(which) {
  for (const asked of which) {
    // Without roots it takes any chain, so a model without anchors gets one that fits nobody.
    const roots = asked.roots.length ? asked.roots : nobodys;
    const certificates = roots.map((root) => Buffer.from(root, 'base64'));
    for (const identifier of ['packed', 'fido-u2f']) SettingsService.setRootCertificates({ identifier, certificates });
    const registration = {
      response: asked.response,
      expectedChallenge: asked.challenge,
      expectedOrigin: asked.origin,
      expectedRPID: asked.rp_id,
      requireUserVerification: false,
      supportedAlgorithmIDs: [-7, -8, -35, -36, -257],
    };
    try {
      await once(registration);
      report.verdicts[asked.name] = 'accept';
    } catch (error) {
      report.verdicts[asked.name] = `reject: ${error.message}`.slice(0, 200);
      continue;
    }
    if (asked.expected === 'accept') report.rates[asked.name] = await rate(registration);
  }
}

const vectors = cases.filter((asked) => asked.set === 'vector');
const real = cases.filter((asked) => asked.set === 'real');
await measure(vectors);
if (mds) {
  const payload = JSON.parse(Buffer.from(readFileSync(mds, 'utf8').split('.')[1], 'base64url'));
  const statements = payload.entries.map((entry) => entry.metadataStatement).filter((statement) => statement?.aaguid);
  await MetadataService.initialize({ statements, mdsServers: [], verificationMode: 'permissive' });
}
await measure(real);
process.stdout.write(JSON.stringify(report));
