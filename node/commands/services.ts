/** `shoal services`: what the room offers; with a name, the instances of one service. */

import type { Instance } from '../../core/index.ts'
import { formatHostPort } from '../address.ts'
import type { ServiceSummary } from '../routes.ts'
import { ask, httpAddress, printAs, readFormat } from './ask.ts'
import { textTable } from './table.ts'
import { formatFlag, httpFlag, type Verb } from './verb.ts'

export const services: Verb = {
  summary: 'list the services of the room, or the instances of one',
  usage: 'services [name] [--format text|json] [--http host:port]',
  flags: { ...formatFlag, ...httpFlag },
  wordsMax: 1,
  async run(flags, shell) {
    readFormat(flags)
    const { address } = httpAddress(flags, shell)
    const [name] = flags.words
    if (name === undefined) {
      const body = await ask<{ services: ServiceSummary[] }>(address, 'GET', '/v1/services', 'services')
      return printAs(flags, shell, body, ({ services }) => servicesText(services))
    }
    const path = `/v1/services/${encodeURIComponent(name)}`
    const body = await ask<{ instances: Instance[] }>(address, 'GET', path, 'instances')
    printAs(flags, shell, body, ({ instances }) => instancesText(instances))
  },
}

export function servicesText(services: readonly ServiceSummary[]): string {
  return textTable(
    ['SERVICE', 'INSTANCES', 'PASSING', 'TAGS'],
    services.map(({ service, instances, passing, tags }) => [service, `${instances}`, `${passing}`, tags.join(',')]),
  )
}

export function instancesText(instances: readonly Instance[]): string {
  return textTable(['NAME', 'ADDRESS', 'HEALTH', 'STATUS', 'WEIGHT', 'AGE', 'TAGS'], instances.map(instanceCells))
}

function instanceCells(instance: Instance): string[] {
  const { address = '', port } = instance
  return [
    instance.name,
    port === undefined ? address : formatHostPort({ host: address, port }),
    instance.health,
    instance.lastKnown ? 'last-known' : instance.status,
    `${instance.weight}`,
    `${(instance.ageMs / 1000).toFixed(1)}s`,
    instance.tags.join(','),
  ]
}
