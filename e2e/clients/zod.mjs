// Parses every recorded answer by the zod schemas of openapi-zod-client.
import { readFileSync } from 'node:fs'

const exchanges = JSON.parse(readFileSync('gen/exchanges.json', 'utf8'))
let read = 0
let failed = 0
for (const dialect of ['gateway', 'yandexpay']) {
  const { api } = await import(`./gen/zod-js/${dialect}.js`)
  for (const x of exchanges.filter((x) => x.dialect === dialect && x.operation !== '')) {
    const endpoint = api.api.find((e) => e.alias === x.operation)
    const schema = x.status === 200 ? endpoint?.response : endpoint?.errors?.find((e) => e.status === x.status)?.schema
    const result = schema?.safeParse(JSON.parse(x.body))
    read++
    if (!result?.success) {
      failed++
      console.error(`${x.name}: ${x.operation} answered ${x.status}: ${result ? result.error : 'no schema'}`)
    }
  }
}
console.log(`zod read ${read - failed} answers`)
process.exitCode = failed > 0 || read === 0 ? 1 : 0
