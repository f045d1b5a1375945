// A merchant's server as far as signatures go: it takes tokens, one a line, in base64 so that forged ones may hold any
// byte, and answers with a line of JSON each. It fetches keys from the address in its first argument and keeps them.
import { webcrypto } from "node:crypto";
import { createInterface } from "node:readline";
import { createRemoteJWKSet, jwtVerify } from "jose";

// Node.js 18 has these, but not under the global names by which the library finds them.
globalThis.crypto ??= webcrypto;
globalThis.CryptoKey ??= webcrypto.CryptoKey;

// The library asks for keys again when it meets an unknown one, by default at most twice a minute. By default it waits five
// seconds for them, which a machine may stand still.
const keys = createRemoteJWKSet(new URL(process.argv[2]), { cooldownDuration: 500, timeoutDuration: 60_000 });

for await (const line of createInterface({ input: process.stdin })) {
  const token = Buffer.from(line, "base64").toString("latin1");
  let answer;
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys, { algorithms: ["ES256"] });
    answer = { ok: true, payload, header: protectedHeader };
  } catch (error) {
    answer = { ok: false, code: error.code ?? String(error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
