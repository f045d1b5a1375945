// Writes the recorded answers as a program that compiles only if the types of openapi-typescript hold for each of them.
// Beyond what is published in enums and names, nothing is left out: a member that the document does not know is an error.
import { readFileSync, writeFileSync } from 'node:fs'

const exchanges = JSON.parse(readFileSync('gen/exchanges.json', 'utf8'))
for (const dialect of ['gateway', 'yandexpay']) {
  const lines = [`import type { operations } from './${dialect}.js'`]
  exchanges.filter((x) => x.dialect === dialect && x.operation !== '').forEach((x, i) => {
    const type = `operations['${x.operation}']['responses'][${x.status}]['content']['application/json']`
    lines.push(`// ${x.name.replaceAll('\n', ' ')}`, `export const a${i}: ${type} = ${x.body}`)
  })
  writeFileSync(`gen/types/${dialect}-answers.ts`, lines.join('\n') + '\n')
}
